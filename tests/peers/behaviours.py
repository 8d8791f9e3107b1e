"""What a carrier can do with a call: data from which the SIPp scenario is written.

The rule of this module: one constant per behaviour that a test talks about, with a name that is
also its name in SIPp's log.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """A provisional response, `after_s` seconds after what came before it."""

    status: int
    after_s: float = 0.0
    sdp: bool = False


@dataclass(frozen=True)
class Behaviour:
    """One way to treat a call, told in the order in which it happens.

    challenge: 401 or 407 before anything else. final: the final status, `final_after_s` after
    the last progress; 0 rings until CANCEL. q850: cause in a Reason header of a refusal
    (RFC 3326). retry_after_s: sent with a refusal when set. answers_cancel: the 200 leaves as the
    CANCEL comes. forks: a second phone answers too; it waits for its ACK and its BYE.
    reinvite_after_s: the carrier sends a re-INVITE so long after the ACK. hang_up_after_s: the
    carrier sends BYE (0: waits for ours). audio: a pcap of RTP, played when the call is answered.
    lose: messages whose first transmission never arrives: a method, or the status of a response
    to an INVITE.
    """

    name: str
    final: int = 200
    final_after_s: float = 0.0
    challenge: int = 0
    progress: tuple[Progress, ...] = ()
    q850: int = 0
    retry_after_s: int = 0
    answers_cancel: bool = False
    forks: bool = False
    reinvite_after_s: float = 0.0
    hang_up_after_s: float = 0.0
    audio: str = ""
    lose: tuple[str, ...] = ()

    @property
    def answers(self) -> bool:
        """Whether a call can come to be talked on."""
        return 200 <= self.final < 300 or self.answers_cancel


RINGS = (Progress(100), Progress(180, after_s=0.05))

DIRECT = Behaviour("direct")
RING_THEN_ANSWER = Behaviour("ring_then_answer", progress=RINGS, final_after_s=0.3)
BUSY = Behaviour("busy", progress=RINGS[:1], final=486, q850=17)
NOT_FOUND = Behaviour("not_found", final=404, q850=1)
NO_ANSWER = Behaviour("no_answer", progress=RINGS, final=0)
CHALLENGE_401 = Behaviour("challenge_401", challenge=401, progress=RINGS, final_after_s=0.1)
CHALLENGE_407 = Behaviour("challenge_407", challenge=407, progress=RINGS, final_after_s=0.1)
LOST_INVITE = Behaviour("lost_invite", lose=("INVITE",), progress=RINGS, final_after_s=0.1)

FAR_HANG_UP = Behaviour("far_hang_up", progress=RINGS, final_after_s=0.1, hang_up_after_s=0.5)
LOST_OK = Behaviour("lost_ok", lose=("200",), progress=RINGS, final_after_s=0.1)
LOST_ACK = Behaviour("lost_ack", lose=("ACK",), final_after_s=0.1)
LOST_BYE = Behaviour("lost_bye", lose=("BYE",), final_after_s=0.1)
UNAVAILABLE = Behaviour("unavailable", progress=RINGS, final=480, final_after_s=0.1, q850=19)
NOT_ACCEPTABLE = Behaviour("not_acceptable", final=488)
OVERLOADED = Behaviour("overloaded", final=503, q850=34, retry_after_s=2)
DECLINED = Behaviour("declined", final=603)
EARLY_MEDIA = Behaviour(
    "early_media", progress=(Progress(183, sdp=True), Progress(180, 0.1)), final_after_s=0.2
)
BARE_PROGRESS = Behaviour("bare_progress", progress=(Progress(183),), final_after_s=0.2)
CROSSED_CANCEL = Behaviour("crossed_cancel", progress=RINGS, final=0, answers_cancel=True)
FORKED = Behaviour("forked", progress=RINGS, forks=True, final_after_s=0.1)
RE_INVITE = Behaviour("re_invite", progress=RINGS, final_after_s=0.1, reinvite_after_s=0.2)

BASIC: Mapping[str, Behaviour] = {
    "0": DIRECT,
    "1": RING_THEN_ANSWER,
    "2": BUSY,
    "3": NOT_FOUND,
    "4": NO_ANSWER,
    "5": CHALLENGE_401,
    "6": CHALLENGE_407,
    "7": LOST_INVITE,
    "8": FAR_HANG_UP,
    "9": DIRECT,
}
"""A carrier for whole campaigns: the last digit of the number decides."""

ODDITIES: Mapping[str, Behaviour] = {
    "00": LOST_OK,
    "01": LOST_ACK,
    "02": LOST_BYE,
    "03": UNAVAILABLE,
    "04": NOT_ACCEPTABLE,
    "05": OVERLOADED,
    "06": DECLINED,
    "07": EARLY_MEDIA,
    "08": BARE_PROGRESS,
    "09": CROSSED_CANCEL,
    "10": FORKED,
    "11": RE_INVITE,
}
"""What carriers do besides: the last two digits decide."""
