"""SIPp as the calling side: places a list of calls and says how each ended.

The rule of this module: it stands in for our trunk where a peer is tested by itself, so it does
what a proper caller does (credentials on request, CANCEL when it rings too long, BYE when the
talk is over) and logs `number|end` per call: a status, "cancelled", "hung_up" or "completed".
"""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tests.peers.sipp import Sipp, free_port

_EMPTY = "Content-Length: 0\n\n"
_REFUSALS = (403, 404, 480, 486, 488, 500, 503, 603)


def place_calls(
    folder: Path,
    address: str,
    numbers: Sequence[str],
    *,
    host: str = "127.0.0.21",
    name: str = "caller",
    ring_s: float = 1.5,
    talk_s: float = 0.2,
    audio: str = "",
    media_host: str = "",
    media_port: int = 0,
    password: str = "s3cret",
    within_s: float = 12.0,
) -> tuple[list[tuple[str, str]], Sipp]:
    """Call each number once at `address`; returns (number, end) of each, and the ended SIPp.

    audio: a pcap to play during the talk. media_host, media_port: where the SDP wants the
    callee's audio (default: SIPp's own port, which nobody listens to).
    """
    injected = folder / f"{name}.csv"
    folder.mkdir(parents=True, exist_ok=True)
    injected.write_text("SEQUENTIAL\n" + "".join(f"{n};\n" for n in numbers), encoding="ascii")
    more = (
        *(address, "-inf", str(injected), "-m", str(len(numbers)), "-r", "50"),
        *("-au", "dialer", "-ap", password, "-max_invite_retrans", "4"),
    )
    text = _scenario(ring_s, talk_s, audio, media_host or host, str(media_port or "[media_port]"))
    sipp = Sipp(folder, name, (host, free_port(host)), text, more)
    try:
        sipp.process.wait(within_s)
    finally:
        sipp.kill()
    ends = [tuple(line.split("|")[:2]) for line in sipp.log_lines()]
    return [(number, end) for number, end in ends], sipp


def _scenario(ring_s: float, talk_s: float, audio: str, media_host: str, media_port: str) -> str:
    sdp = (
        "v=0\no=caller 1 1 IN IP4 [local_ip]\ns=-\n"
        f"c=IN IP4 {media_host}\nt=0 0\nm=audio {media_port} RTP/AVP 8 101\n"
        "a=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=ptime:20\na=sendrecv\n"
    )
    ring_ms = round(ring_s * 1000)
    talk = f'timeout="{round(talk_s * 1000)}" ontimeout="bye"'
    play = f"<nop><action><exec play_pcap_audio={quoteattr(audio)}/></action></nop>"
    return "\n".join(
        [
            '<?xml version="1.0" encoding="ISO-8859-1"?>',
            '<scenario name="caller">',
            _invite(1, "", sdp),
            *_responses(1, ring_ms, may_challenge=True),
            '<label id="challenged"/>',
            _in_transaction("ACK", 1),
            _invite(2, "[authentication]\n", sdp),
            *_responses(2, ring_ms, may_challenge=False),
            '<label id="answered"/>',
            _in_dialog("ACK", "[$cseq]"),
            *([play] if audio else []),
            '<label id="talk"/>',
            f'<recv request="INVITE" optional="true" next="changed" {talk}/>',
            f'<recv response="200" optional="true" next="second" {talk}/>',
            f'<recv request="BYE" {talk}/>',
            _ok(),
            _log("hung_up"),
            '<label id="changed"/>',
            _ok(sdp),
            '<recv request="ACK" next="talk"/>',
            # Another phone of a fork answered: take it and hang it up (RFC 3261 13.2.2.4).
            '<label id="second"/>',
            _in_dialog("ACK", "[$cseq]", "[last_To:]"),
            _in_dialog("BYE", "8", "[last_To:]"),
            '<recv response="200" next="talk"/>',
            '<label id="bye"/>',
            _in_dialog("BYE", "9"),
            '<recv response="200"/>',
            _log("completed"),
            *_endings(1),
            *_endings(2),
            '<label id="end"/>',
            '<timewait milliseconds="100"/>',
            "</scenario>",
            "",
        ]
    )


def _responses(cseq: int, ring_ms: int, *, may_challenge: bool) -> list[str]:
    ring = f'timeout="{ring_ms}" ontimeout="cancel{cseq}"'
    challenges = (401, 407) if may_challenge else ()
    return [
        *(f'<recv response="{status}" optional="true" {ring}/>' for status in (100, 180, 183)),
        *(
            f'<recv response="{status}" auth="true" optional="true" next="challenged" {ring}/>'
            for status in challenges
        ),
        *(
            f'<recv response="{status}" optional="true" next="refused{cseq}.{status}" {ring}/>'
            for status in _REFUSALS
        ),
        f'<recv response="200" rrs="true" next="answered" {ring}><action>{_KEEP}</action></recv>',
    ]


def _endings(cseq: int) -> list[str]:
    lines = [
        f'<label id="cancel{cseq}"/>',
        _in_transaction("CANCEL", cseq),
        # Of the CANCEL; or of the INVITE, when the answer crossed it: then the call is live.
        f'<recv response="200" rrs="true"><action>{_KEEP}{_IS_ANSWER}</action></recv>',
        f'<nop next="crossed{cseq}" test="live"/>',
        f'<recv response="200" rrs="true" optional="true" next="answered"><action>{_KEEP}'
        "</action></recv>",
        '<recv response="487"/>',
        _in_transaction("ACK", cseq),
        _log("cancelled"),
        f'<label id="crossed{cseq}"/>',
        _in_dialog("ACK", "[$cseq]"),
        '<recv response="200" next="talk"/>',
    ]
    for status in _REFUSALS:
        lines.append(f'<label id="refused{cseq}.{status}"/>')
        lines += [_in_transaction("ACK", cseq), _log(str(status))]
    return lines


def _invite(cseq: int, credentials: str, sdp: str) -> str:
    more = (
        "Contact: <sip:caller@[local_ip]:[local_port]>\n"
        f"{credentials}Content-Type: application/sdp\nContent-Length: [len]\n\n{sdp}"
    )
    return _request(_URI, f"INVITE {cseq}", _branch(cseq), _TO, more, retransmit=True)


def _in_transaction(method: str, cseq: int) -> str:
    """The ACK of a refusal and the CANCEL share the INVITE's branch (RFC 3261 17.1.1.3, 9.1)."""
    to = "[last_To:]" if method == "ACK" else _TO
    retransmit = method == "CANCEL"
    return _request(_URI, f"{method} {cseq}", _branch(cseq), to, retransmit=retransmit)


def _in_dialog(method: str, cseq: str, to: str = "To:[$to]") -> str:
    retransmit = method == "BYE"
    return _request("[next_url]", f"{method} {cseq}", "[branch]", to, retransmit=retransmit)


def _branch(cseq: int) -> str:
    return f"z9hG4bK-[pid]-[call_number]-{cseq}"


def _request(
    uri: str,
    method_and_cseq: str,
    branch: str,
    to: str,
    more: str = _EMPTY,
    *,
    retransmit: bool = False,
) -> str:
    method, _, cseq = method_and_cseq.partition(" ")
    timer = ' retrans="500"' if retransmit else ""
    return (
        f"<send{timer}><![CDATA[\n{method} {uri} SIP/2.0\n"
        f"Via: SIP/2.0/UDP [local_ip]:[local_port];branch={branch}\n"
        "From: <sip:dialer@[local_ip]>;tag=[pid]c[call_number]\n"
        f"{to}\nCall-ID: [call_id]\nCSeq: {cseq} {method}\nMax-Forwards: 70\n{more}]]></send>"
    )


def _ok(sdp: str = "") -> str:
    body = (
        f"Contact: <sip:caller@[local_ip]:[local_port]>\n"
        f"Content-Type: application/sdp\nContent-Length: [len]\n\n{sdp}"
    )
    return (
        "<send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n"
        f"[last_Call-ID:]\n[last_CSeq:]\n{body if sdp else _EMPTY}]]></send>"
    )


def _log(end: str) -> str:
    return f'<nop next="end"><action><log message="[field0]|{end}"/></action></nop>'


_URI = "sip:[field0]@[remote_ip]:[remote_port]"
_TO = f"To: <{_URI}>"
_KEEP = (
    '<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>'
    '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>'
)
_IS_ANSWER = '<ereg regexp="INVITE" search_in="hdr" header="CSeq:" assign_to="live"/>'
