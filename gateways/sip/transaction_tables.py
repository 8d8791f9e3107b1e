"""SIP transactions as data: RFC 3261 section 17 with RFC 6026.

Two rules. What a transaction does is a row of its table: in a state, on an event, do these
actions and go to a state. When it does it is a row of TIMERS: which timers run in a state, and
for how long. `transactions` only looks rows up; the diagrams are drawn from them.
"""

from typing import NamedTuple

from dialer.states import StateTable

T1_S = 0.5
T2_S = 4.0
T4_S = 5.0
TIMEOUT_S = 64 * T1_S


class Row(NamedTuple):
    """In `state`, on `event`: do the actions, go to `target`."""

    state: str
    event: str
    target: str
    actions: tuple[str, ...] = ()


class Timer(NamedTuple):
    """delay_s: until it first fires. growth: "" once, "double" for ever, "cap" up to T2."""

    name: str
    delay_s: float
    growth: str = ""


# Actions: send (the request or the response again), ack (a refusal), tell (the owner).
_INVITE_CLIENT = (
    Row("calling", "timer_a", "calling", ("send",)),
    Row("calling", "1xx", "proceeding", ("tell",)),
    Row("calling", "2xx", "accepted", ("tell",)),
    Row("calling", "refusal", "completed", ("ack", "tell")),
    Row("calling", "timer_b", "terminated", ("tell_timeout",)),
    Row("calling", "transport_error", "terminated", ("tell_failed",)),
    Row("calling", "give_up", "terminated"),
    Row("proceeding", "1xx", "proceeding", ("tell",)),
    Row("proceeding", "2xx", "accepted", ("tell",)),
    Row("proceeding", "refusal", "completed", ("ack", "tell")),
    # The RFC leaves an INVITE that rings for ever to its caller, who cancels and gives up.
    Row("proceeding", "give_up", "terminated"),
    Row("completed", "refusal", "completed", ("ack",)),
    Row("completed", "timer_d", "terminated"),
    # Not in the RFC's figure: an ACK that cannot be delivered changes nothing for the owner.
    Row("completed", "transport_error", "terminated"),
    # RFC 6026: forked and repeated answers still find their way to the owner, who ACKs them.
    Row("accepted", "2xx", "accepted", ("tell",)),
    Row("accepted", "timer_m", "terminated"),
)
_CLIENT = (
    Row("trying", "timer_e", "trying", ("send",)),
    Row("trying", "1xx", "proceeding", ("tell",)),
    Row("trying", "final", "completed", ("tell",)),
    Row("trying", "timer_f", "terminated", ("tell_timeout",)),
    Row("trying", "transport_error", "terminated", ("tell_failed",)),
    Row("trying", "give_up", "terminated"),
    Row("proceeding", "timer_e", "proceeding", ("send",)),
    Row("proceeding", "1xx", "proceeding", ("tell",)),
    Row("proceeding", "final", "completed", ("tell",)),
    Row("proceeding", "timer_f", "terminated", ("tell_timeout",)),
    Row("proceeding", "transport_error", "terminated", ("tell_failed",)),
    Row("proceeding", "give_up", "terminated"),
    Row("completed", "timer_k", "terminated"),
)
_INVITE_SERVER = (
    Row("proceeding", "request", "proceeding", ("send",)),
    Row("proceeding", "send_1xx", "proceeding", ("send",)),
    Row("proceeding", "send_2xx", "accepted", ("send",)),
    Row("proceeding", "send_refusal", "completed", ("send",)),
    Row("proceeding", "transport_error", "terminated"),
    Row("completed", "request", "completed", ("send",)),
    Row("completed", "timer_g", "completed", ("send",)),
    Row("completed", "ack", "confirmed"),
    Row("completed", "timer_h", "terminated"),
    Row("completed", "transport_error", "terminated"),
    Row("confirmed", "timer_i", "terminated"),
    # RFC 3261 section 13.3.1.4 has the owner repeat a 200 until it is ACKed; here it is a timer.
    Row("accepted", "request", "accepted"),
    Row("accepted", "timer_g", "accepted", ("send",)),
    Row("accepted", "ack", "answered"),
    Row("accepted", "timer_l", "terminated", ("tell_timeout",)),
    Row("answered", "timer_l", "terminated"),
)
_SERVER = (
    Row("trying", "send_1xx", "proceeding", ("send",)),
    Row("trying", "send_final", "completed", ("send",)),
    Row("proceeding", "request", "proceeding", ("send",)),
    Row("proceeding", "send_1xx", "proceeding", ("send",)),
    Row("proceeding", "send_final", "completed", ("send",)),
    Row("proceeding", "transport_error", "terminated"),
    Row("completed", "request", "completed", ("send",)),
    Row("completed", "timer_j", "terminated"),
    Row("completed", "transport_error", "terminated"),
)

TABLES = {
    "INVITE client": ("calling", _INVITE_CLIENT),
    "client": ("trying", _CLIENT),
    "INVITE server": ("proceeding", _INVITE_SERVER),
    "server": ("trying", _SERVER),
}
"""The four kinds of RFC 3261 section 17: their first state and their rows."""

STATE_TABLES = {
    kind: StateTable(f"SIP {kind} transaction", first, [row[:3] for row in rows])
    for kind, (first, rows) in TABLES.items()
}
"""The same as state tables, for tests and diagrams."""

TIMERS: dict[tuple[str, str], tuple[Timer, ...]] = {
    ("INVITE client", "calling"): (Timer("timer_a", T1_S, "double"), Timer("timer_b", TIMEOUT_S)),
    ("INVITE client", "completed"): (Timer("timer_d", 32.0),),
    ("INVITE client", "accepted"): (Timer("timer_m", TIMEOUT_S),),
    ("client", "trying"): (Timer("timer_e", T1_S, "cap"), Timer("timer_f", TIMEOUT_S)),
    ("client", "proceeding"): (Timer("timer_e", T2_S, "cap"), Timer("timer_f", TIMEOUT_S)),
    ("client", "completed"): (Timer("timer_k", T4_S),),
    ("INVITE server", "completed"): (Timer("timer_g", T1_S, "cap"), Timer("timer_h", TIMEOUT_S)),
    ("INVITE server", "confirmed"): (Timer("timer_i", T4_S),),
    ("INVITE server", "accepted"): (Timer("timer_g", T1_S, "cap"), Timer("timer_l", TIMEOUT_S)),
    ("INVITE server", "answered"): (Timer("timer_l", TIMEOUT_S),),
    ("server", "completed"): (Timer("timer_j", TIMEOUT_S),),
}
"""The timers that run in a state. One that runs in the next state too keeps running."""

UNRELIABLE_ONLY = frozenset({"timer_a", "timer_e", "timer_g"})
WAITS_FOR_STRAYS = frozenset({"timer_d", "timer_i", "timer_j", "timer_k"})
"""Over a reliable transport the first set never runs and the second takes no time."""

ROWS = {kind: {(row.state, row.event): row for row in rows} for kind, (_, rows) in TABLES.items()}
"""Each kind's rows by state and event."""
