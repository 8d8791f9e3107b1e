"""The kinds of value that settings are made of.

The rule of this module: a value is checked where it is written, and its error says what to write
instead. A path that is not absolute starts at the settings file's folder, wherever the daemon was
started.
"""

import os
import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    ValidationInfo,
    model_validator,
)

from dialer.dial_policy import check_allowed_entry, check_country
from dialer.errors import InputError

SIP_PORT = 5060

_T = TypeVar("_T")

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(\d+))?")
_SQLITE = "sqlite:///"


class Address(NamedTuple):
    """A host (name or IP, IPv6 without brackets) and a port, 0 for none."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


class Section(BaseModel):
    """A part of the settings file. A key with nothing after it counts as left out."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_the_empty(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return {} if data is None else data


def _address(value: Any) -> Any:
    if isinstance(value, (Address, tuple)):
        return value
    if not isinstance(value, str):
        raise ValueError("not an address; write it as HOST or HOST:PORT")
    if match := _BRACKETED.fullmatch(value):
        host, port = match.groups()
    else:
        host, _, port = value.partition(":")
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"{value!r} is not an address; write it as HOST or HOST:PORT, an IPv6 host in []"
            )
        if _ and not port:
            raise ValueError(f"{value!r} ends with a colon; write it as HOST:PORT")
    if port and not (port.isdecimal() and 1 <= int(port) <= 65535):
        raise ValueError(f"{port!r} is not a port; write one from 1 to 65535")
    return Address(host, int(port) if port else 0)


def _with_port(address: Address) -> Address:
    return address._replace(port=address.port or SIP_PORT)


def _from_the_file(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    # Not resolve(): a symbolic link in the path is the operator's, and may change its target.
    return Path(os.path.normpath((folder / path.expanduser()).absolute()))


def _not_empty(value: Any) -> Any:
    if value == "":
        raise ValueError("empty; give a path, or leave the key out")
    return value


def _store_url(url: str, info: ValidationInfo) -> str:
    if url.startswith(_SQLITE):
        path = url.removeprefix(_SQLITE)
        if not path or path == ":memory:":
            raise ValueError("a store in memory forgets its attempts; name a file")
        return _SQLITE + str(_from_the_file(Path(path), info))
    if url.startswith(("postgresql://", "postgresql+")):
        return url
    raise ValueError("not a store; write sqlite:///FILE or postgresql://...")


def _checked(check: Callable[[str], str]) -> AfterValidator:
    """One rule in one place: what the dialer would refuse, the settings refuse."""

    def validate(value: str) -> str:
        try:
            return check(value)
        except InputError as error:
            raise ValueError(f"{error.what}; {error.mend}") from None

    return AfterValidator(validate)


def _ip(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise ValueError(f"{value!r} is no IP address; write it in digits") from None
    return value


def _secret(value: Any) -> Any:
    # Pydantic's own message would show what was given.
    if not isinstance(value, (str, SecretStr)):
        raise ValueError("not text; put it in quotes")
    return value


def _some(values: tuple[_T, ...]) -> tuple[_T, ...]:
    # Not min_length: a list whose only item is wrong would be told to be empty as well.
    if not values:
        raise ValueError("empty; give one at least")
    return values


def _tidy(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable():
        raise ValueError("not a name; give text without spaces around it")
    return value


SipRemote = Annotated[Address, BeforeValidator(_address)]
"""HOST or HOST:PORT; the port is 0 where none is given."""

SipAddress = Annotated[Address, BeforeValidator(_address), AfterValidator(_with_port)]
"""HOST or HOST:PORT; the port is 5060 where none is given."""

FilePath = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(_from_the_file)]
"""A path, made absolute."""

StoreUrl = Annotated[str, AfterValidator(_store_url)]
Region = Annotated[str, _checked(check_country)]
Allowed = Annotated[str, _checked(check_allowed_entry)]
Ip = Annotated[str, AfterValidator(_ip)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Name = Annotated[str, AfterValidator(_tidy)]
Several = Annotated[tuple[_T, ...], AfterValidator(_some)]
"""One or more."""
