"""What a pulse should have released, from what it wrote down: the decisions of a day, made again.

The rule of this module: a record alone says whether its decision was right; nothing is taken from
the state that the dialer was in, and nothing from the code that decided.

A release arms agents, each for `value` calls with the fraction carried over; calls in flight that
no agent had room for count first. At a pulse of the Start node calls that are missing from the sum
of the quotas are made good. What the trunks do not take is cut.
"""

from math import floor
from typing import NamedTuple

from dialer.journal import Pulse

_EPSILON = 1e-9  # as in dialer.pacing.reservations


def decided_from(
    seen: tuple[tuple[str, float], ...],
    arming: int,
    quota: int,
    carried: float,
    unplaced: int,
    missing: int,
) -> tuple[tuple[str, float], ...]:
    """What a release was made from, as its record has it; what is 0 is left out.

    seen: what it starts from. arming: agents to arm. quota: calls in flight that are strived for,
    from now on. carried: the fraction left over from before. unplaced: calls in flight that no
    agent had room for. missing: calls missing from the quota, where they are made good. Where the
    trunks have cut it, `room` comes after these: what they take.
    """
    more: tuple[tuple[str, float], ...] = ("to_arm", float(arming)), ("quota", float(quota))
    if carried:
        more += (("carried", carried),)
    if unplaced:
        more += (("unplaced", float(unplaced)),)
    if missing:
        more += (("at_pulse", 1.0),)
    return seen + more


class Redecision(NamedTuple):
    """A recorded decision and what it should have been."""

    pulse: Pulse
    dials: int

    @property
    def agrees(self) -> bool:
        return self.dials == self.pulse.dials


def redecide(pulse: Pulse) -> Redecision | None:
    """The decision made again; None where the record does not hold all that it was made from.

    A pulse that released nothing for another reason than its pacing (an obstacle, an empty list)
    must have dialed nobody.
    """
    seen = dict(pulse.inputs)
    if "to_arm" not in seen:
        return None if pulse.dials else Redecision(pulse, 0)
    armed = floor(seen.get("carried", 0.0) + seen["to_arm"] * pulse.value + _EPSILON)
    dials = max(0, armed - int(seen.get("unplaced", 0.0)))
    if seen.get("at_pulse"):
        dials = max(dials, int(seen["quota"] - seen["in_flight"]))
    if "room" in seen:
        dials = min(dials, int(seen["room"]))
    return Redecision(pulse, dials)
