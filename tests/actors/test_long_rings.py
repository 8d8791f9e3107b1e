"""Calls that are given up: never before the law's time, and never to the contact's loss."""

import pytest

from actors.call_board import CallBoard
from dialer import journal
from tests.actors.manual import ManualRuntime
from tests.actors.test_look_ahead import TEXT
from tests.actors.world import BUSY, PRESET, ScriptedTrunk, Team, people

LEAST_S = PRESET.ring_minimum_s
FLOW = TEXT.replace("channel: simulated", "channel: trunk").replace("decision: human", "")
GIVES_UP = FLOW.replace("target: 0.03}", "target: 0.03, give_up_long_rings: true}")


class Floor:
    """Ten agents whom an answered call takes; the calls that are left over ring."""

    def __init__(self, text: str = GIVES_UP, heard_after_s: float = 4.0) -> None:
        runtime = self.runtime = ManualRuntime(seed=1)
        self.team = Team(runtime, people(500))
        trunk = self.trunk = ScriptedTrunk(runtime)
        self.team.trunks["trunk"] = trunk
        self.team.add_agents(10)
        runtime.settle()
        self.team.start(text)
        runtime.advance(1.5)
        first = trunk.open
        assert len(first) > 10
        runtime.advance(heard_after_s)
        self.rang_at = runtime.now()
        for attempt_id in first:
            trunk.ring(attempt_id)
        for attempt_id in first[:10]:
            trunk.answer(attempt_id)
        runtime.settle()
        assert self.team.agent_states()["talking"] == 10
        self.left = first[10:]

    def advance_to(self, rang_s: float) -> None:
        """Let time pass until the calls that are left have rung for so long."""
        self.runtime.advance(self.rang_at + rang_s - self.runtime.now())

    def given_up(self) -> list[int]:
        return [attempt for attempt in self.left if attempt in self.trunk.cancelled]


def test_a_call_is_given_up_once_it_rang_as_long_as_the_law_wants_and_not_before() -> None:
    floor = Floor()
    floor.advance_to(LEAST_S - 0.1)
    assert floor.given_up() == [], "more than the law's time since the dial, less since the ring"
    floor.advance_to(LEAST_S + 1.1)
    assert floor.given_up() == floor.left
    pulse = next(p for p in floor.team.ledger.pulses() if "given_up" in dict(p.inputs))
    assert dict(pulse.inputs)["given_up"] == len(floor.left)


def test_calls_ring_on_where_the_campaign_does_not_want_them_given_up() -> None:
    floor = Floor(FLOW)
    floor.advance_to(LEAST_S + 5)
    assert floor.given_up() == []


def test_a_call_keeps_the_law_whoever_misjudges_how_long_it_rang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[int] = []
    give_up = CallBoard.give_up

    def tells(board: CallBoard, tickets: tuple[int, ...]) -> None:
        told.extend(tickets)
        give_up(board, tickets)

    monkeypatch.setattr(CallBoard, "give_up", tells)
    monkeypatch.setattr("actors.long_rings.LongRings.long", lambda self, now: list(self._since))
    floor = Floor()
    floor.advance_to(LEAST_S - 0.1)
    assert told, "the pacer was led astray"
    assert floor.given_up() == []


def test_the_answer_that_crosses_is_a_live_call_and_meets_an_agent() -> None:
    floor = Floor()
    floor.advance_to(LEAST_S + 1.1)
    crossing, *others = floor.given_up()
    floor.trunk.end(next(iter(floor.trunk.bridged)))
    floor.runtime.settle()
    floor.team.desk_port.ask("a1", "wrap_up_done")  # type: ignore[attr-defined]
    floor.runtime.settle()
    assert floor.team.agent_states()["ready"] == 1
    floor.trunk.answer(crossing)
    floor.runtime.settle()
    assert crossing in floor.trunk.bridged
    for attempt_id in others:
        floor.trunk.end(attempt_id, BUSY)
    floor.trunk.end(crossing)
    floor.runtime.settle()
    settled = {s.attempt_id: s.outcome for s in floor.team.store.settlements}
    assert settled[crossing] == "customer_answered"
    assert {settled[attempt_id] for attempt_id in others} == {"given_up"}


@pytest.mark.parametrize(
    ("text", "state", "due_in_s"),
    [
        (GIVES_UP, "waiting", 1800.0),
        (GIVES_UP.replace("given_up, ", ""), "waiting", 300.0),
        (GIVES_UP.replace("max_attempts: 3", "max_attempts: 1"), "done", 0.0),
    ],
)
def test_its_contact_is_due_again_and_the_attempt_counts(
    text: str, state: str, due_in_s: float
) -> None:
    floor = Floor(text)
    floor.advance_to(LEAST_S + 1.1)
    first = floor.given_up()[0]
    floor.trunk.end(first, BUSY)
    floor.runtime.settle()
    (settled,) = (s for s in floor.team.store.settlements if s.attempt_id == first)
    assert settled.outcome == "given_up"
    assert settled.next.state == state
    if due_in_s:
        assert settled.next.due_at == pytest.approx(settled.ended_at + due_in_s)
    steps = [
        record.state
        for record in floor.team.ledger.records
        if isinstance(record, journal.CallMoved) and record.attempt_id == first
    ]
    assert steps[-3:] == ["ringing", "cancelling", "settled"]
