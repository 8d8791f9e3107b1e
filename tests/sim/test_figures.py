"""Figures and promises, read from ledgers written by hand."""

from collections.abc import Iterable
from typing import Any

import pytest

from dialer.journal import AgentMoved, CallMoved
from sim.figures import FiguresJournal
from sim.invariants import InvariantsJournal
from tests.sim.world_plans import FLOW

TUESDAY_AT_TEN = 1_767_711_600.0


def agent(*moves: tuple[float, str], agent_id: str = "a1") -> list[AgentMoved]:
    """An agent who goes through these states, each from a time on."""
    states = ["logged_out", *(state for _, state in moves)]
    return [
        AgentMoved(agent_id, at, before, after)
        for (at, after), before in zip(moves, states, strict=False)
    ]


def call(attempt_id: int, *steps: tuple[float, str, str], contact: int = 0) -> list[CallMoved]:
    contact = contact or attempt_id
    return [CallMoved(attempt_id, contact, 1, at, state, detail) for at, state, detail in steps]


def in_order(*records: Iterable[Any]) -> list[Any]:
    return sorted((r for each in records for r in each), key=lambda record: record.at)


def answered(attempt_id: int, at: float, agent_id: str, until: float) -> list[CallMoved]:
    return call(
        attempt_id,
        (at - 10, "dialing", ""),
        (at, "answered", ""),
        (at + 0.5, "bridged", agent_id),
        (until, "settled", "customer_answered"),
    )


def abandoned(attempt_id: int, at: float) -> list[CallMoved]:
    steps = (at - 10, "dialing", ""), (at, "answered", ""), (at + 2, "settled", "abandoned")
    return call(attempt_id, *steps)


def test_occupancy_is_talk_and_wrap_up_over_time_logged_in_and_not_on_a_break() -> None:
    journal = FiguresJournal()
    moves = (0, "not_ready"), (0, "ready"), (10, "reserved"), (40, "talking"), (100, "wrap_up")
    journal.extend(agent(*moves, (120, "ready"), (130, "not_ready"), (170, "ready")))
    figures = journal.close(200.0)
    assert (figures.talk_s, figures.wrap_up_s) == (60.0, 20.0)
    assert (figures.logged_in_s, figures.at_work_s) == (200.0, 160.0)
    assert figures.occupancy == 80 / 160
    assert figures.agent_wait_s == [40.0]


def test_an_agent_who_asks_to_leave_in_a_call_still_works() -> None:
    journal = FiguresJournal()
    journal.extend(agent((0, "ready"), (10, "talking"), (20, "pending_not_ready")))
    journal.extend([AgentMoved("a1", 50.0, "pending_not_ready", "not_ready")])
    journal.extend(agent((0, "ready"), (5, "reserved"), (20, "pending_logout"), agent_id="a2"))
    journal.extend([AgentMoved("a2", 30.0, "pending_logout", "pending_logout")])
    figures = journal.close(60.0)
    assert figures.talk_s == 40.0 + 30.0
    assert figures.agent_wait_s == [10.0, 30.0]


def test_only_the_window_counts() -> None:
    journal = FiguresJournal(since=100.0, until=200.0)
    journal.extend(agent((0, "ready"), (50, "talking"), (150, "wrap_up"), (250, "ready")))
    journal.extend(in_order(*(abandoned(n, 60.0 * n) for n in range(1, 6))))
    figures = journal.close(300.0)
    assert (figures.talk_s, figures.wrap_up_s, figures.logged_in_s) == (50.0, 50.0, 100.0)
    assert (figures.answered, figures.abandoned) == (2, 2), "those settled at 122 and 182"


def test_abandonment_is_of_those_whom_a_person_answered() -> None:
    journal = FiguresJournal(abandoned_after_s=2.0)
    journal.extend(in_order(answered(1, 20.0, "a1", 60.0), abandoned(2, 30.0)))
    journal.extend(call(3, (5, "dialing", ""), (30, "settled", "answering_machine")))
    journal.extend(call(4, (5, "dialing", ""), (30, "settled", "hung_up_waiting")))
    late = call(5, (1, "answered", ""), (3.5, "bridged", "a2"), (9, "settled", "customer_answered"))
    journal.extend(late)
    figures = journal.close(100.0)
    assert (figures.answered, figures.abandoned) == (4, 2), "one was met later than the law allows"
    assert figures.abandonment == 0.5
    assert figures.answer_to_agent_s == [0.5, 2.5]
    assert figures.dialed == 4


# --- promises ---------------------------------------------------------------------------------


def broken_by(*records: Iterable[Any], until: float = TUESDAY_AT_TEN + 3600) -> dict[str, int]:
    journal = InvariantsJournal(FLOW)
    journal.extend(in_order(*records))
    return {name: count for name, count in journal.close(until).items() if count}


NOW = TUESDAY_AT_TEN


def test_a_ledger_without_fault_breaks_no_promise() -> None:
    working = agent((NOW, "ready"), (NOW + 20, "talking"), (NOW + 60, "wrap_up"))
    assert broken_by(working, answered(1, NOW + 20, "a1", NOW + 60), abandoned(2, NOW + 9)) == {}


@pytest.mark.parametrize(
    ("promise", "records"),
    [
        (
            "agent_booked_twice",
            [answered(1, NOW + 20, "a1", NOW + 60), answered(2, NOW + 30, "a1", NOW + 80)],
        ),
        ("agent_without_call", [agent((NOW, "ready"), (NOW + 20, "talking"))]),
        (
            "agent_without_call",
            [
                agent((NOW, "ready"), (NOW + 20, "talking"), (NOW + 99, "wrap_up")),
                answered(1, NOW + 20, "a1", NOW + 60),
                agent((NOW + 70, "ready"), agent_id="a2"),
            ],
        ),
        (
            "contact_in_two_calls",
            [
                call(1, (NOW, "dialing", ""), (NOW + 30, "settled", "abandoned"), contact=7),
                call(2, (NOW + 9, "dialing", ""), (NOW + 40, "settled", "abandoned"), contact=7),
            ],
        ),
        ("attempt_settled_once", [abandoned(1, NOW + 9), abandoned(1, NOW + 9)[-1:]]),
        ("attempt_unsettled", [abandoned(1, NOW + 9)[:2]]),
        ("dial_outside_windows", [abandoned(1, NOW - 4 * 3600)]),
        (
            "attempt_cap",
            [
                call(n, (NOW + n, "dialing", ""), (NOW + n, "settled", "user_busy"), contact=7)
                for n in range(4)
            ],
        ),
        ("agent_state_broken", [agent((NOW, "ready")), agent((NOW + 9, "not_ready"))]),
    ],
)
def test_each_broken_promise_is_noticed_once(promise: str, records: list[Any]) -> None:
    assert broken_by(*records) == {promise: 1}
