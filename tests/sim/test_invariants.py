"""Each promise is broken by its own mischief, is told in words, and a decent day breaks none."""

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dialer.journal import AgentMoved, CallMoved
from sim.invariants import PROMISES, InvariantsJournal
from tests.sim.world_plans import FLOW, PRESET

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 2, 12, tzinfo=NEW_YORK).timestamp()
Records = list[CallMoved | AgentMoved]


def call(attempt: int = 1, contact: int = 1, at: float = NOON, agent: str = "a") -> Records:
    """A call that meets an agent, with all that belongs to it."""

    def moved(after_s: float, state: str, detail: str = "") -> CallMoved:
        return CallMoved(attempt, contact, 1, at + after_s, state, detail)

    return [
        AgentMoved(agent, at, "ready", "reserved"),
        moved(0, "dialing"),
        moved(2, "ringing"),
        moved(9, "answered"),
        AgentMoved(agent, at + 9, "reserved", "talking"),
        moved(9, "bridged", agent),
        moved(60, "settled", "customer_answered"),
        AgentMoved(agent, at + 60, "talking", "wrap_up"),
        AgentMoved(agent, at + 80, "wrap_up", "ready"),
    ]


def without(records: Records, unwanted: Callable[[CallMoved | AgentMoved], bool]) -> Records:
    return [record for record in records if not unwanted(record)]


def is_settled(record: CallMoved | AgentMoved) -> bool:
    return isinstance(record, CallMoved) and record.state == "settled"


def is_bridged(record: CallMoved | AgentMoved) -> bool:
    return isinstance(record, CallMoved) and record.state == "bridged"


def broken(records: Sequence[CallMoved | AgentMoved], zone: str = "America/New_York") -> set[str]:
    known = {"time_zone": zone}
    watch = InvariantsJournal(FLOW, PRESET.calling_hours, lambda contact: known)
    # In pieces: it must not matter where one reading ends.
    for record in records:
        watch.extend((record,))
    whole = InvariantsJournal(FLOW, PRESET.calling_hours, lambda contact: known)
    whole.extend(records)
    end = max(record.at for record in records) + 100
    assert watch.close(end) == whole.close(end)
    found = {name for name, count in watch.violations.items() if count}
    assert {line.split(" ")[0] for line in watch.told} == found
    return found


def test_a_decent_day_breaks_no_promise() -> None:
    assert broken([*call(), *call(2, 2, NOON + 100), *call(3, 1, NOON + 200)]) == set()


MISCHIEF: dict[str, Records] = {
    "agent_booked_twice": [
        *call()[:6],
        CallMoved(2, 2, 1, NOON + 1, "dialing"),
        CallMoved(2, 2, 1, NOON + 10, "bridged", "a"),
        CallMoved(2, 2, 1, NOON + 20, "settled", "customer_answered"),
        *call()[6:],
    ],
    "agent_without_call": without(call(), is_bridged),
    "contact_in_two_calls": [
        *call()[:3],
        CallMoved(2, 1, 1, NOON + 3, "dialing"),
        CallMoved(2, 1, 1, NOON + 4, "settled", "user_busy"),
        *call()[3:],
    ],
    "attempt_settled_once": [*call(), CallMoved(1, 1, 1, NOON + 90, "settled", "abandoned")],
    "attempt_unsettled": [CallMoved(1, 1, 1, NOON, "dialing")],
    "dial_outside_windows": call(at=NOON - 86_400),  # a Sunday
    "attempt_cap": [
        record for attempt in range(1, 5) for record in call(attempt, 1, NOON + 100 * attempt)
    ],
    "agent_state_broken": [
        AgentMoved("a", NOON - 9, "not_ready", "ready"),
        *call()[1:],
    ],
}


@pytest.mark.parametrize("promise", MISCHIEF)
def test_each_mischief_breaks_its_own_promise(promise: str) -> None:
    assert promise in broken(MISCHIEF[promise])


def test_a_callee_is_called_by_their_own_clock() -> None:
    early = call(at=datetime(2026, 3, 2, 9, tzinfo=NEW_YORK).timestamp())
    assert broken(early) == set()
    assert broken(early, "America/Los_Angeles") == {"dial_outside_hours"}
    assert broken(early, "") == set()


def test_every_promise_has_its_mischief() -> None:
    assert {*MISCHIEF, "dial_outside_hours"} == set(PROMISES)
