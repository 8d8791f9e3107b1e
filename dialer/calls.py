"""The life of one attempt, as a table.

The rule of this module: whatever the world does, an attempt ends in `settled`, once. `ended` is
reached on the trunk's last event; `settled` when the pool has let go of the call as well.
"""

from dialer.states import StateTable

IN_PROGRESS = (
    "placed",
    "dialing",
    "ringing",
    "cancelling",
    "answered",
    "waiting",
    "bridged",
    "closing",
)
"""Call states that count as in progress, in the order in which a call may go through them."""

UNANSWERED = frozenset({"placed", "dialing", "ringing", "cancelling"})
"""States of a call that nobody has answered yet: those a pacer counts as in flight."""


CALL = StateTable(
    "call",
    "placed",
    [
        ("placed", "dial", "dialing"),
        ("placed", "give_up", "ended"),
        # The trunk is at fault and another one tries: one attempt all the same.
        ("dialing", "fail_over", "dialing"),
        ("cancelling", "fail_over", "dialing"),
        ("dialing", "ringing", "ringing"),
        ("dialing", "answered", "answered"),
        ("ringing", "answered", "answered"),
        # A 200 that crosses our CANCEL is a live answer.
        ("cancelling", "answered", "answered"),
        ("dialing", "cancel", "cancelling"),
        ("ringing", "cancel", "cancelling"),
        ("answered", "route", "waiting"),
        ("waiting", "connect", "bridged"),
        ("waiting", "abandon", "closing"),
        ("answered", "hang_up", "closing"),
        ("waiting", "hang_up", "closing"),
        ("bridged", "hang_up", "closing"),
        ("dialing", "ended", "ended"),
        ("ringing", "ended", "ended"),
        ("cancelling", "ended", "ended"),
        ("answered", "ended", "ended"),
        ("waiting", "ended", "ended"),
        ("bridged", "ended", "ended"),
        ("closing", "ended", "ended"),
        ("ended", "settle", "settled"),
    ],
)
