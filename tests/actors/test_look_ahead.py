"""Look-ahead in a campaign: what it knows of its floor is true, and its agents are busy."""

from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.agent_messages import AgentMove, AgentsMoved
from actors.campaign_cells import CampaignCells
from actors.lookahead_board import LookaheadBoard
from dialer import journal
from dialer.flow.graph import Flow, load_flow
from dialer.flow.nodes import Lookahead
from dialer.metrics import Metrics
from dialer.ports import ContactNext, Settlement
from gateways.control.explain_record import pulse_words
from tests.actors.endless import endless_team
from tests.actors.manual import ManualRuntime
from tests.actors.world import PRESET

BLUEPRINT = Path(__file__).parents[2] / "config" / "campaigns" / "lookahead.yaml"
TEXT = BLUEPRINT.read_text()
HOUR_S = 3600.0


def board(text: str = TEXT) -> tuple[LookaheadBoard, Flow]:
    flow = load_flow(text, "lookahead.yaml")
    assert isinstance(flow.init.dialing, Lookahead)
    cells = CampaignCells(Metrics(), "c", PRESET)
    return LookaheadBoard(flow.init.dialing, flow, PRESET, cells, 0.0), flow


def moved(at: float, agent_id: str, before: str, after: str, attempt_id: int = 0) -> AgentsMoved:
    return AgentsMoved(at, (AgentMove(agent_id, before, after, 1, attempt_id),))


def over(outcome: str, answered_at: float = 0.0, bridged_at: float = 0.0) -> Settlement:
    done = ContactNext("done")
    return Settlement(1, 1, 1, outcome, done, 1.0, 2.0, answered_at, bridged_at, 9.0)


def same(attempt_id: int) -> int:
    """In these tests an attempt and its ticket have one number."""
    return attempt_id


def expected_free(known: LookaheadBoard, now: float) -> float:
    return known.decide(now).figures["spare"]


@pytest.mark.parametrize("pool_first", [True, False])
def test_a_caller_whom_an_agent_took_waits_no_more_whoever_tells_it_first(pool_first: bool) -> None:
    known, _ = board()
    for agent_id in "ab":
        known.agents_moved(moved(0.0, agent_id, "", "ready"), same)
    known.placed([1], 0.0)
    assert expected_free(known, 1.0) == 2
    told = [
        lambda: known.agents_moved(moved(9.0, "a", "ready", "talking", 1), same),
        lambda: known.moved(1, "waiting", 9.0),
    ]
    for tell in told if pool_first else reversed(told):
        tell()
    known.moved(1, "bridged", 9.1)
    assert expected_free(known, 10.0) == 1
    known.settled(1, over("customer_answered", 9.0, 9.1), 50.0)
    known.agents_moved(moved(50.0, "a", "talking", "wrap_up"), same)
    known.agents_moved(moved(60.0, "a", "wrap_up", "ready"), same)
    assert expected_free(known, 61.0) == 2


def test_abandoned_and_late_calls_are_debt_and_those_in_time_are_not() -> None:
    known, _ = board()
    known.agents_moved(moved(0.0, "a", "", "ready"), same)

    def debt() -> float:
        return known.decide(20.0).figures["debt"]

    known.placed([1, 2, 3], 0.0)
    for ticket in (1, 2, 3):
        known.moved(ticket, "waiting", 9.0)
    known.moved(1, "closing", 11.0)
    known.settled(1, over("abandoned", 9.0), 11.5)
    one = debt()
    known.moved(2, "bridged", 12.0)
    known.settled(2, over("customer_answered", 9.0, 12.0), 15.0)
    two = debt()
    known.moved(3, "bridged", 10.0)
    known.settled(3, over("customer_answered", 9.0, 10.0), 16.0)
    assert two == pytest.approx(one + 1)
    assert debt() == pytest.approx(two)


def test_agents_who_asked_to_leave_do_not_count_as_coming_free() -> None:
    def dials(wish: str) -> int:
        known, _ = board()
        for n in range(20):
            known.agents_moved(moved(0.0, f"a{n}", "", "wrap_up"), same)
            if wish:
                known.agents_moved(moved(1.0, f"a{n}", "wrap_up", wish), same)
        known.agents_moved(moved(1.0, "b", "", "ready"), same)
        return known.decide(60.0).dials

    assert dials("not_ready") < dials("")


_STEPS = ("waiting", "bridged", "closing", "ended", "settle", "not_placed")


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from(_STEPS)), max_size=60))
@settings(deadline=None)
def test_whatever_calls_tell_the_floor_is_empty_when_all_are_over(
    steps: list[tuple[int, str]],
) -> None:
    known, _ = board()
    known.agents_moved(moved(0.0, "a", "", "ready"), same)
    known.placed(range(1, 7), 0.0)
    at = 0.0
    for ticket, step in [*steps, *((ticket, "settle") for ticket in range(1, 7))]:
        at += 0.3
        if step == "settle":
            known.settled(ticket, over("customer_answered"), at)
        elif step == "not_placed":
            known.not_placed(ticket, at)
        else:
            known.moved(ticket, step, at)
        assert all(isfinite(value) for value in known.decide(at).figures.values())
    figures = known.decide(at + 1).figures
    assert figures["spare"] == 1, "nobody waits"
    assert figures["expected_answers"] == 0, "nothing is in flight"


def test_a_new_version_keeps_what_was_learned_and_the_stricter_target_holds() -> None:
    known, flow = board(TEXT.replace("target: 0.03", "target: 0.1"))
    known.agents_moved(moved(0.0, "a", "", "ready"), same)
    known.placed(range(1, 101), 0.0)
    for ticket in range(1, 101):
        known.moved(ticket, "closing", 5.0)
    known.decide(21.0)
    before = known.decide(42.0)
    assert known.follow(flow)
    assert known.decide(43.0).dials == before.dials
    assert known.decide(44.0).figures["kappa"] < 0.1, "the law's three per cent, not ten"


def test_a_campaign_that_looks_ahead_has_busy_agents_and_says_why() -> None:
    runtime = ManualRuntime(seed=1)
    team = endless_team(runtime, 20)
    runtime.settle()
    team.start(TEXT)
    runtime.advance(HOUR_S)
    assert runtime.crashes == []
    assert len(team.metrics.members("dialer_agents", campaign="Lookahead")) == 20
    talks = [
        record
        for record in team.ledger.records
        if isinstance(record, journal.AgentMoved) and record.to_state == "talking"
    ]
    # Progressive dialing comes to 20 x 15.6 calls in this hour, perfect knowledge to 20 x 24.
    assert len(talks) > 20 * 18.5
    dialed = [pulse for pulse in team.ledger.pulses() if pulse.dials]
    saw = dict(dialed[-1].inputs)
    assert {"expected_answers", "expected_free", "risk", "kappa", "debt"} <= set(saw)
    assert saw["risk"] <= saw["kappa"]
    words = pulse_words(dialed[-1])
    for name in ("expected answers", "expected free", "spare", "risk", "kappa", "debt"):
        assert f"{name} " in words
