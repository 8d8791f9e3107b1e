"""pyVoIP's message layer, and the proof that it is the one we know.

The rule of this module: pyVoIP is imported here and nowhere else, and only its message classes
are. Its phone, its calls, its RTP, and its client's `invite`, `gen_ack`, `parse_message` and
`register` are never used (docs/sip.md says what is wrong with each).
"""

import importlib
import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from dialer.errors import TrunkError

PYVOIP_VERSION = "1.6.8"

with warnings.catch_warnings():
    # Its RTP module imports audioop, which Python deprecates; we use none of its audio.
    warnings.simplefilter("ignore")
    # The VoIP package has to come first: SIP and VoIP import each other.
    importlib.import_module("pyVoIP.VoIP")
    _package: Any = importlib.import_module("pyVoIP")
    _sip: Any = importlib.import_module("pyVoIP.SIP")

SIPClient: Any = _sip.SIPClient
SIPMessage: Any = _sip.SIPMessage
SIPMessageType: Any = _sip.SIPMessageType
SIPStatus: Any = _sip.SIPStatus

EXPECTED_SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "SIPMessage.__init__": ("self", "data"),
    "SIPMessage.parse": ("self", "data"),
    "SIPMessage.parse_header": ("self", "header", "data"),
    "SIPClient.__init__": (
        "self",
        "server",
        "port",
        "username",
        "password",
        "phone",
        "myIP",
        "myPort",
        "callCallback",
        "fatalCallback",
    ),
    "SIPClient.gen_tag": ("self",),
    "SIPClient.gen_call_id": ("self",),
    "SIPClient._gen_response_via_header": ("self", "request"),
    "SIPClient.gen_ok": ("self", "request"),
    "SIPClient.gen_invite": (
        "self",
        "number",
        "sess_id",
        "ms",
        "sendtype",
        "branch",
        "call_id",
    ),
}
"""The methods that we override or call, and the parameters that we rely on."""


def check_pyvoip(
    version: str | None = None, expected: Mapping[str, tuple[str, ...]] | None = None
) -> None:
    """Raise TrunkError unless the installed pyVoIP is the one that this gateway is written for."""
    found = version if version is not None else _package.__version__
    if found != PYVOIP_VERSION:
        raise TrunkError(
            f"pyVoIP {found} is installed and the SIP gateway needs {PYVOIP_VERSION}; "
            f"install pyVoIP=={PYVOIP_VERSION}"
        )
    for name, parameters in (EXPECTED_SIGNATURES if expected is None else expected).items():
        class_name, _, method_name = name.partition(".")
        method = getattr(getattr(_sip, class_name, None), method_name, None)
        if method is None:
            raise TrunkError(f"pyVoIP has no {name}; reinstall pyVoIP=={PYVOIP_VERSION}")
        signature = tuple(inspect.signature(method).parameters)
        if signature != parameters:
            raise TrunkError(
                f"pyVoIP's {name} takes {signature} and not {parameters}; "
                f"reinstall pyVoIP=={PYVOIP_VERSION}"
            )
