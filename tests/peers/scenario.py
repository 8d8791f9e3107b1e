"""Writes the SIPp scenario of a carrier that treats each dialed number as planned.

The rule of this module: one SIPp process plays every behaviour at once. The end of the dialed
number chooses the branch, and a call that ends as its branch means it to leaves one line in
SIPp's action log: `behaviour|result|number|call id`. A call without a line did not end well.

SIPp gives a call up on whatever it does not wait for, and a caller may crash and come back to
end its calls: each wait below takes every message that a proper callee would take there. Of
several waits in a row SIPp heeds the time limit of the first.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from tests.peers.behaviours import Behaviour
from tests.peers.sipp_xml import (
    CAPTURE,
    CHALLENGE_TAG,
    SECOND_PHONE_TAG,
    TAG,
    answer,
    ereg,
    label,
    log,
    reply,
    send,
)

RESULTS = ("completed", "hung_up", "refused", "cancelled", "gave_up", "bad_credentials")
"""completed: they sent BYE; hung_up: the carrier did; gave_up: nothing more came from them."""

REALM = "carrier.test"
NONCE = "5f2c9ae1c04b7d36"

_GIVE_UP_MS = 20_000
_RING_LIMIT_MS = 180_000
_TALK_LIMIT_MS = 600_000
_LINGER_MS = 700
"""How long an ended call still answers retransmissions: the first comes after 500 ms (T1)."""


@dataclass(frozen=True)
class Plan:
    """Which behaviour a dialed number meets: the longest matching end of the number decides.

    by_ending: the last digits of a number -> behaviour. contact: host:port that callers use.
    media_port: SIPp's expression for the RTP port in the SDP (default: a port for each call).
    """

    by_ending: Mapping[str, Behaviour]
    contact: str
    media_port: str = "[auto_media_port]"
    username: str = "dialer"
    password: str = "s3cret"

    def behaviour(self, number: str) -> Behaviour | None:
        """What this number meets; None: an unplanned 404."""
        for ending in self._longest_first():
            if number.endswith(ending):
                return self.by_ending[ending]
        return None

    def behaviours(self) -> tuple[Behaviour, ...]:
        """Each behaviour once, in the order of the plan."""
        return tuple(dict.fromkeys(self.by_ending.values()))

    def _longest_first(self) -> list[str]:
        return sorted(self.by_ending, key=lambda ending: (-len(ending), ending))

    def scenario(self) -> str:
        """The text of the scenario file.

        Raises ValueError when two different behaviours share a name.
        """
        behaviours = self.behaviours()
        names = [behaviour.name for behaviour in behaviours]
        if len(set(names)) != len(names):
            raise ValueError(f"two behaviours share a name: {sorted(names)}")
        # Endings of one length that lead to one branch share a test: SIPp reads 64 KB of scenario.
        groups: dict[tuple[int, str], list[str]] = {}
        for ending in self._longest_first():
            groups.setdefault((len(ending), self.by_ending[ending].name), []).append(ending)
        choose = [
            ereg(f"^INVITE sip:[^@]*({'|'.join(endings)})@", f"ends{position}", 'search_in="msg"')
            for position, endings in enumerate(groups.values())
        ]
        jumps = [
            f'<nop next="{name}" test="ends{position}"/>'
            for position, (_, name) in enumerate(groups)
        ]
        lines = [
            '<?xml version="1.0" encoding="ISO-8859-1"?>',
            '<scenario name="carrier">',
            '<recv request="OPTIONS" optional="true" next="ping"/>',
            '<recv request="INVITE" rrs="true"><action>',
            ereg("^INVITE sip:([^@;]*)@", "line,number", 'search_in="msg"'),
            *CAPTURE,
            *choose,
            "</action></recv>",
            *jumps,
            answer(404, retransmit=True),
            '<recv request="ACK"/>',
            log("refused", "unplanned"),
        ]
        for behaviour in behaviours:
            lines += self._branch(behaviour)
        talks = {_talk_of(behaviour): behaviour for behaviour in behaviours if behaviour.answers}
        for behaviour in talks.values():
            lines += self._talk(behaviour)
        lines += [
            label("ping"),
            reply(200, tag=TAG),
            label("end"),
            f'<timewait milliseconds="{_LINGER_MS}"/>',
            # SIPp takes a variable that is written and never read for a slip of the pen.
            '<Reference variables="line"/>',
            "</scenario>",
            "",
        ]
        return "\n".join(lines)

    def _branch(self, behaviour: Behaviour) -> list[str]:
        name = behaviour.name
        talk = _talk_of(behaviour)
        note = f'<assignstr assign_to="behaviour" value="{name}"/>'
        lines = [label(name), f"<nop><action>{note}</action></nop>"]
        if behaviour.challenge:
            lines += self._challenge(behaviour)
        for position, progress in enumerate(behaviour.progress):
            lines += _ring(name, f"{name}.progress{position}", progress.after_s)
            lines.append(self._provisional(progress.status, sdp=progress.sdp))
        if behaviour.final == 0:
            lines.append(
                f'<recv request="CANCEL" timeout="{_RING_LIMIT_MS}" ontimeout="{name}.gave_up"'
                f' next="{name}.cancelled"/>'
            )
        else:
            lines += _ring(name, f"{name}.final", behaviour.final_after_s)
        if behaviour.final >= 300:
            lines += _refuse(behaviour)
        elif behaviour.final:
            lines += [self._ok(), *_until_ack(f"{talk}.too_late", f"{talk}.bye")]
        lines += self._second_phone(behaviour) if behaviour.forks else []
        lines += [f'<nop next="{talk}.live"/>'] if 200 <= behaviour.final < 300 else []
        lines += [label(f"{name}.cancelled")]
        if behaviour.answers_cancel:
            # SIPp takes nothing between two messages that it sends, and nobody acknowledges the
            # first of these.
            lines += [answer(200, "CANCEL"), self._ok()]
            lines += _until_ack(f"{talk}.too_late", f"{talk}.bye")
            lines += [f'<nop next="{talk}.live"/>']
        else:
            lines += [answer(200, "CANCEL"), answer(487, retransmit=True)]
            lines += [*_until_ack(f"{name}.cancelled"), log("cancelled")]
        return [
            *lines,
            label(f"{name}.dropped"),
            answer(481, "CANCEL"),
            label(f"{name}.gave_up"),
            log("gave_up"),
        ]

    def _challenge(self, behaviour: Behaviour) -> list[str]:
        """The INVITE must come again with credentials. SIPp checks those of a 401 itself; it
        looks for no Proxy-Authorization, so those of a 407 are checked from its message trace.
        """
        name = behaviour.name
        if behaviour.challenge == 401:
            challenge = "WWW-Authenticate"
            check = (
                f'<verifyauth assign_to="authorized" username="{self.username}"'
                f' password="{self.password}"/>'
            )
        else:
            challenge = "Proxy-Authenticate"
            where = 'search_in="hdr" header="Proxy-Authorization:"'
            check = ereg(f'nonce="{NONCE}"', "authorized", where)
        limit = f'timeout="{_GIVE_UP_MS}" ontimeout="{name}.gave_up"'
        header = f'{challenge}: Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5, qop="auth"'
        return [
            answer(behaviour.challenge, tag=CHALLENGE_TAG, headers=(header,), retransmit=True),
            *_until_ack(f"{name}.dropped"),
            f'<recv request="CANCEL" optional="true" next="{name}.dropped" {limit}/>',
            f'<recv request="INVITE" rrs="true" {limit}><action>',
            *CAPTURE,
            check,
            "</action></recv>",
            f'<nop next="{name}.authorized" test="authorized"/>',
            answer(403, retransmit=True),
            '<recv request="ACK"/>',
            log("bad_credentials"),
            label(f"{name}.authorized"),
        ]

    def _provisional(self, status: int, *, sdp: bool) -> str:
        if status == 100:
            return answer(100, tag="")
        return answer(status, headers=(self._contact(),), sdp=self._sdp() if sdp else "")

    def _ok(self, tag: str = TAG) -> str:
        return answer(200, tag=tag, headers=(self._contact(),), sdp=self._sdp(), retransmit=True)

    def _contact(self) -> str:
        return f"Contact: <sip:carrier@{self.contact}>"

    def _sdp(self) -> str:
        return (
            "v=0\n"
            "o=carrier 1 [$cseq] IN IP4 [media_ip]\n"
            "s=-\n"
            "c=IN IP4 [media_ip]\n"
            "t=0 0\n"
            f"m=audio {self.media_port} RTP/AVP 8 101\n"
            "a=rtpmap:8 PCMA/8000\n"
            "a=rtpmap:101 telephone-event/8000\n"
            "a=fmtp:101 0-15\n"
            "a=ptime:20\n"
            "a=sendrecv\n"
        )

    def _second_phone(self, behaviour: Behaviour) -> list[str]:
        """Another branch of the fork answers too (RFC 3261 section 13.2.2.4). The caller may have
        hung up on the first before it hears of the second, or may be about to."""
        name = behaviour.name
        answer_too = self._ok(SECOND_PHONE_TAG)
        acknowledge_and_leave = ['<recv request="ACK"/>', '<recv request="BYE"/>', reply(200)]
        return [
            f'<recv request="BYE" timeout="50" ontimeout="{name}.second" next="{name}.alone"/>',
            label(f"{name}.second"),
            answer_too,
            f'<recv request="BYE" optional="true" next="{name}.first_gone"/>',
            *acknowledge_and_leave,
            f'<nop next="{_talk_of(behaviour)}.live"/>',
            label(f"{name}.alone"),
            reply(200),
            # SIPp takes no message at a nop, so the two ways do not join here.
            answer_too,
            *acknowledge_and_leave,
            log("completed"),
            label(f"{name}.first_gone"),
            reply(200),
            *acknowledge_and_leave,
            log("completed"),
        ]

    def _talk(self, behaviour: Behaviour) -> list[str]:
        """From the ACK to the end: either side may hang up, both may at once. Behaviours that
        talk alike share it."""
        name = _talk_of(behaviour)
        limit_ms = round(behaviour.hang_up_after_s * 1000) or _TALK_LIMIT_MS
        limit = f'timeout="{limit_ms}" ontimeout="{name}.far_bye"'
        again = f'timeout="500" ontimeout="{name}.again"'
        lines = [label(f"{name}.live")]
        if behaviour.audio:
            play = f"play_pcap_audio={quoteattr(behaviour.audio)}"
            lines.append(f"<nop><action><exec {play}/></action></nop>")
        if behaviour.reinvite_after_s:
            wait = f'timeout="{round(behaviour.reinvite_after_s * 1000)}"'
            lines += [
                f'<recv request="BYE" {wait} ontimeout="{name}.re_invite" next="{name}.bye"/>',
                label(f"{name}.re_invite"),
                self._request("INVITE", 1, sdp=self._sdp()),
                '<recv response="100" optional="true"/>',
                '<recv response="200"/>',
                self._request("ACK", 1),
            ]
        return [
            *lines,
            label(f"{name}.talk"),
            f'<recv request="INVITE" optional="true" next="{name}.changed" {limit}><action>',
            *CAPTURE,
            "</action></recv>",
            f'<recv request="OPTIONS" optional="true" next="{name}.pinged" {limit}/>',
            f'<recv request="BYE" {limit}/>',
            label(f"{name}.bye"),
            reply(200),
            log("completed"),
            label(f"{name}.changed"),
            reply(200, headers=(self._contact(),), sdp=self._sdp(), retransmit=True),
            f'<recv request="ACK" next="{name}.talk"/>',
            label(f"{name}.pinged"),
            reply(200),
            f'<nop next="{name}.talk"/>',
            label(f"{name}.far_bye"),
            self._request("BYE", 2),
            f'<recv request="BYE" optional="true" next="{name}.crossed"/>',
            '<recv response="200"/>',
            log("hung_up"),
            label(f"{name}.crossed"),
            reply(200),
            '<recv response="481" optional="true" next="end"/>',
            '<recv response="200"/>',
            log("hung_up"),
            label(f"{name}.too_late"),
            answer(200, "CANCEL"),
            f'<recv request="BYE" optional="true" next="{name}.bye" {again}/>',
            f'<recv request="ACK" next="{name}.live" {again}/>',
            # SIPp repeats only what it sent last, which was not the answer.
            label(f"{name}.again"),
            self._ok(),
            *_until_ack(f"{name}.too_late", f"{name}.bye"),
            f'<nop next="{name}.live"/>',
        ]

    def _request(self, method: str, cseq: int, sdp: str = "") -> str:
        """A request of the carrier's own in the dialog of the INVITE."""
        head = (
            f"{method} [next_url] SIP/2.0",
            f"Via: SIP/2.0/UDP {self.contact};branch=[branch]",
            "[routes]",
            f"From:[$to]{TAG}",
            "To:[$from]",
            "[last_Call-ID:]",
            f"CSeq: {cseq} {method}",
            "Max-Forwards: 70",
            self._contact(),
        )
        return send(head, sdp, retransmit=method != "ACK")


def _ring(behaviour: str, until: str, after_s: float) -> list[str]:
    """Lets time pass in which a CANCEL may come."""
    if not after_s:
        return []
    return [
        f'<recv request="CANCEL" timeout="{round(after_s * 1000)}" ontimeout="{until}"'
        f' next="{behaviour}.cancelled"/>',
        label(until),
    ]


def _refuse(behaviour: Behaviour) -> list[str]:
    name = behaviour.name
    headers = []
    if behaviour.q850:
        headers.append(f'Reason: Q.850;cause={behaviour.q850};text="as planned"')
    if behaviour.retry_after_s:
        headers.append(f"Retry-After: {behaviour.retry_after_s}")
    refusal = answer(behaviour.final, headers=tuple(headers), retransmit=True)
    return [
        label(f"{name}.refuse"),
        refusal,
        *_until_ack(f"{name}.refused_already"),
        log("refused"),
        label(f"{name}.refused_already"),
        answer(200, "CANCEL"),
        f'<nop next="{name}.refuse"/>',
    ]


def _until_ack(on_cancel: str, on_bye: str = "") -> list[str]:
    """Waits for the ACK of a final response, which a CANCEL may have crossed (RFC 3261 section
    9.2) and which a caller that crashed forgets before its BYE."""
    lines = [f'<recv request="CANCEL" optional="true" next="{on_cancel}"/>']
    if on_bye:
        lines.append(f'<recv request="BYE" optional="true" next="{on_bye}"/>')
    return [*lines, '<recv request="ACK"/>']


def _talk_of(behaviour: Behaviour) -> str:
    """The name of the talk that a behaviour leads to."""
    times = (behaviour.hang_up_after_s, behaviour.reinvite_after_s)
    played = zlib.crc32(behaviour.audio.encode())
    return "talk" + "_".join(f"{round(time_s * 1000)}" for time_s in times) + f"_{played}"
