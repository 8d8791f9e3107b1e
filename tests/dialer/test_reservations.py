"""Reservations: calls in flight are kept at the sum of the quotas, and no fraction is lost."""

from itertools import pairwise
from math import ceil, floor, fsum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dialer.pacing.reservations import Reservations
from dialer.pacing.spread import Spread

RATIOS = st.floats(1.0, 20.0).map(lambda ratio: round(ratio, 3))


def dial(book: Reservations, agent_id: str, ratio: float, first: int) -> list[int]:
    """Arm an agent and place what it comes to: the tickets."""
    tickets = list(range(first, first + book.arm(agent_id, ratio)))
    for ticket in tickets:
        book.placed(ticket)
    return tickets


def test_progressive_places_one_call_per_agent() -> None:
    book = Reservations()
    assert dial(book, "a", 1.0, 1) == [1]
    assert dial(book, "b", 1.0, 2) == [2]
    assert (book.in_flight, book.quota) == (2, 2)


def test_the_last_call_without_a_human_arms_the_agent_again() -> None:
    book = Reservations()
    first, second = dial(book, "a", 2.0, 1)
    assert book.ended(first) == ""
    assert book.ended(second) == "a"
    assert book.idle() == ("a",)


def test_an_answer_arms_nobody_until_the_agent_is_taken() -> None:
    book = Reservations()
    (first,) = dial(book, "a", 1.0, 1)
    book.answered(first)
    book.lost("a")
    assert len(book) == 0
    assert book.in_flight == 0


def test_calls_of_an_agent_who_was_taken_move_to_others_with_room() -> None:
    book = Reservations()
    first, second = dial(book, "a", 2.0, 1)
    (third,) = dial(book, "b", 1.0, 3)
    book.ended(third)
    book.answered(first)
    book.lost("a")
    assert book.idle() == (), "the second call of a is now placed on b"
    assert book.ended(second) == "b"


def test_a_call_without_room_waits_for_the_next_reservation() -> None:
    book = Reservations()
    first, second = dial(book, "a", 2.0, 1)
    book.answered(first)
    book.lost("a")
    assert book.in_flight == 1
    assert book.arm("b", 1.0) == 0, "b takes over the call that is in flight already"
    assert book.ended(second) == "b"


def test_a_call_without_room_is_not_made_up_for() -> None:
    """Planted and seen to fail: only calls that have a place count as in flight."""
    book = Reservations()
    first, second = dial(book, "a", 2.0, 1)
    (third,) = dial(book, "b", 1.0, 3)
    book.answered(first)
    book.lost("a")
    assert book.is_in_flight(second)
    book.ended(third)
    assert book.top_up() == 0, "the agent who has room now may get the call that had none"


def test_who_winds_down_keeps_calls_and_gets_no_more() -> None:
    book = Reservations()
    first, second, _ = dial(book, "a", 3.0, 1)
    book.wind_down("a")
    book.ended(first)
    assert book.top_up() == 0
    book.ended(second)
    assert book.idle() == ()


def test_who_is_held_has_nothing_in_flight_until_armed() -> None:
    book = Reservations()
    book.hold("a")
    assert book.idle() == ("a",)
    assert book.top_up() == 0
    assert book.arm("a", 2.0) == 2


@given(st.lists(RATIOS, min_size=1, max_size=300))
def test_over_many_armings_the_dials_are_within_one_of_the_sum_of_ratios(
    ratios: list[float],
) -> None:
    book = Reservations()
    dials = 0
    for number, ratio in enumerate(ratios):
        tickets = dial(book, "a", ratio, number * 100)
        dials += len(tickets)
        for ticket in tickets:
            book.ended(ticket)
        assert abs(dials - fsum(ratios[: number + 1])) < 1 + 1e-6


@given(st.lists(st.floats(0.01, 3.0), min_size=1, max_size=300))
def test_over_many_pulses_the_dials_are_within_one_of_the_sum_of_ratios(
    ratios: list[float],
) -> None:
    book = Reservations()
    dials = sum(book.per_pulse(ratio) for ratio in ratios)
    assert abs(dials - fsum(ratios)) < 1 + 1e-6


@pytest.mark.parametrize("ratio", [0.1, 0.2, 0.3, 0.7])
def test_tenths_lose_no_call_to_rounding(ratio: float) -> None:
    book = Reservations()
    assert sum(book.per_pulse(ratio) for _ in range(1000)) == round(1000 * ratio)


class Floor(RuleBasedStateMachine):
    """Agents come, are armed, taken and let go; calls end and are answered, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Reservations()
        self.ticket = 0
        self.live: list[int] = []

    def _place(self, dials: int) -> None:
        """Place what the book asked for: it never asks for a call that no agent has room for.

        The roomiest agent gets each, of several the one who was reserved first.
        """
        without_room = self._without_room()
        for _ in range(dials):
            self.ticket += 1
            self.live.append(self.ticket)
            rooms = {agent: held.room for agent, held in self.book.held.items()}
            roomiest = max(rooms, key=rooms.__getitem__, default="")
            expected = roomiest if rooms.get(roomiest, 0) > 0 else ""
            assert self.book.placed(self.ticket) == expected
        assert self._without_room() <= without_room

    def _without_room(self) -> int:
        book = self.book
        return sum(max(0, -held.room) for held in book.held.values()) + len(book.unplaced)

    @rule(agent=st.sampled_from("abcde"))
    def hold(self, agent: str) -> None:
        if agent not in self.book:
            self.book.hold(agent)

    @rule(ratio=RATIOS)
    def arm_idle(self, ratio: float) -> None:
        self._place(sum(self.book.arm(agent, ratio) for agent in self.book.idle()))

    @rule(ratio=st.floats(0.0, 20.0))
    def follow(self, ratio: float) -> None:
        """Planted and seen to fail: agents who leave get more calls; only raising."""
        wanted = ratio * self.book.staying
        low, high = floor(wanted), ceil(wanted)
        leaving = {a for a, held in self.book.held.items() if held.leaving}
        quota_before = self._quotas()
        self.book.follow(low, high)
        assert self.book.quota <= max(high, 0)
        assert self.book.quota >= low or leaving == set(self.book.agents)
        quotas = self._quotas()
        assert all(quotas[agent] <= quota_before[agent] for agent in leaving)
        raised = [a for a, quota in quotas.items() if quota > quota_before.get(a, quota)]
        has_room = any(self.book.held[agent].room > 0 for agent in raised)
        assert not (self.book.unplaced and has_room), "who gets more takes what has no agent"

    def _quotas(self) -> dict[str, int]:
        return {agent: held.quota for agent, held in self.book.held.items()}

    @rule()
    def top_up(self) -> None:
        before = self.book.in_flight
        self._place(self.book.top_up())
        assert self.book.in_flight == max(before, self.book.quota)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def end(self, data: Any) -> None:
        ticket = data.draw(st.sampled_from(self.live))
        self.live.remove(ticket)
        idle = self.book.ended(ticket)
        assert idle == "" or idle in self.book.idle()
        assert self.book.ended(ticket) == "", "a ticket ends once"

    @precondition(lambda self: self.live and len(self.book))
    @rule(data=st.data())
    def answer(self, data: Any) -> None:
        ticket = data.draw(st.sampled_from(self.live))
        self.live.remove(ticket)
        self.book.answered(ticket)
        self._lose(self.book.agents[0])

    @precondition(lambda self: len(self.book))
    @rule(data=st.data())
    def lose(self, data: Any) -> None:
        self._lose(data.draw(st.sampled_from(self.book.agents)))

    @precondition(lambda self: len(self.book))
    @rule(data=st.data())
    def wind_down(self, data: Any) -> None:
        self.book.wind_down(data.draw(st.sampled_from(self.book.agents)))

    def _lose(self, agent: str) -> None:
        self.book.lost(agent)

    @invariant()
    def every_live_call_is_in_flight_once(self) -> None:
        assert self.book.in_flight == len(self.live)

    @invariant()
    def the_book_agrees_with_itself(self) -> None:
        book = self.book
        held = book.held.values()
        assert book.quota == sum(one.quota for one in held)
        assert {t: one for one in held for t in one.tickets} == book._placed_on
        assert all(one.room == one.quota - len(one.tickets) for one in held)
        assert not set(book._placed_on) & set(book.unplaced)
        assert set(book._open) == {one for one in held if one.room > 0}
        assert set(book.idle_agents) == {one for one in held if not one.tickets}
        assert book.idle() == tuple(one.agent_id for one in held if not one.tickets)


Floor.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestFloor = Floor.TestCase


# --- the spread -------------------------------------------------------------------------------


@given(
    st.floats(0.5, 50.0),
    st.lists(st.floats(0.0, 2.0), min_size=1, max_size=50),
)
def test_no_two_dials_are_closer_than_a_slot(rate: float, gaps: list[float]) -> None:
    spread = Spread(rate)
    now, placed = 0.0, []
    for gap in gaps:
        now += gap
        placed.append(now + spread.next_slot(now))
    slots = [later - earlier for earlier, later in pairwise(placed)]
    assert all(slot >= 1 / rate - 1e-9 for slot in slots)


def test_without_a_limit_nothing_waits() -> None:
    spread = Spread(0)
    assert [spread.next_slot(1.0) for _ in range(5)] == [0.0] * 5
