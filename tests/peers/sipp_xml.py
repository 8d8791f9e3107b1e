"""Pieces of a SIPp scenario: the messages a callee sends, and what it notes.

The rule of this module: text in, text out. SIPp answers from the last message it received only,
so whatever a later answer must repeat from the INVITE is captured there into variables.
"""

from xml.sax.saxutils import quoteattr

_REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    503: "Service Unavailable",
    603: "Decline",
}
_WAY = "(Record-Route|Via):[^[:cntrl:]]*"
TAG = ";tag=[pid]n[call_number]"
CHALLENGE_TAG = f"{TAG}c"
SECOND_PHONE_TAG = f"{TAG}b"


def answer(
    status: int,
    method: str = "INVITE",
    *,
    tag: str = TAG,
    headers: tuple[str, ...] = (),
    sdp: str = "",
    retransmit: bool = False,
) -> str:
    """A response to the INVITE that made the call, or to its CANCEL, whatever came last."""
    head = (
        f"SIP/2.0 {status} {_REASONS[status]}",
        "[$way]",
        "From:[$from]",
        f"To:[$to]{tag}",
        "[last_Call-ID:]",
        f"CSeq: [$cseq] {method}",
        *headers,
    )
    return send(head, sdp, retransmit=retransmit)


def reply(
    status: int,
    *,
    tag: str = "",
    headers: tuple[str, ...] = (),
    sdp: str = "",
    retransmit: bool = False,
) -> str:
    """A response to the last request."""
    head = (
        f"SIP/2.0 {status} {_REASONS[status]}",
        "[last_Via:]",
        "[last_From:]",
        f"[last_To:]{tag}",
        "[last_Call-ID:]",
        "[last_CSeq:]",
        *headers,
    )
    return send(head, sdp, retransmit=retransmit)


def send(head: tuple[str, ...], sdp: str, *, retransmit: bool) -> str:
    """SIPp turns line ends into CRLF and fills in the body's length."""
    body = ("Content-Type: application/sdp", "Content-Length: [len]", "", sdp)
    lines = (*head, *body) if sdp else (*head, "Content-Length: 0", "", "")
    timer = ' retrans="500"' if retransmit else ""
    return f"<send{timer}><![CDATA[\n" + "\n".join(lines) + "]]></send>"


def ereg(pattern: str, variables: str, where: str) -> str:
    return f'<ereg regexp={quoteattr(pattern)} {where} assign_to="{variables}"/>'


def label(name: str) -> str:
    return f'<label id="{name}"/>'


def log(result: str, behaviour: str = "[$behaviour]") -> str:
    message = f"{behaviour}|{result}|[$number]|[call_id]"
    return f'<nop next="end"><action><log message="{message}"/></action></nop>'


CAPTURE = (
    # Through a proxy there are several, and its Record-Route stands right before them.
    ereg(f"{_WAY}([[:cntrl:]]+{_WAY})*", "way", 'search_in="msg"'),
    ereg(".*", "to", 'search_in="hdr" header="To:"'),
    ereg(".*", "from", 'search_in="hdr" header="From:"'),
    ereg("[0-9]+", "cseq", 'search_in="hdr" header="CSeq:"'),
)
