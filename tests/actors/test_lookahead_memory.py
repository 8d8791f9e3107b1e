"""What a look-ahead campaign has learned outlives its actor, the daemon and the night."""

import logging
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from actors.campaign_cells import CampaignCells
from actors.lookahead_board import LookaheadBoard
from actors.lookahead_memory import KEEP_EVERY_S, LookaheadMemory
from dialer.flow.graph import load_flow
from dialer.flow.nodes import Lookahead
from dialer.metrics import Metrics
from dialer.pacing.pacer import CALL_SPAN_S, Decision
from dialer.ports import ContactNext, Recalled, Settlement
from sim.memory_store import MemoryStore
from tests.actors.endless import endless_team
from tests.actors.manual import ManualRuntime
from tests.actors.test_look_ahead import TEXT, moved, over, same
from tests.actors.world import PRESET

FLOW = load_flow(TEXT, "lookahead.yaml")
HOUR_S = 3600.0
NOON = 1_767_711_600.0


class Replies:
    def __init__(self) -> None:
        self.answers: list[Recalled] = []

    def tell(self, message: Any, /) -> None:
        self.answers.append(message)


def made(store: MemoryStore, now: float, *, calls_ring: bool = False) -> LookaheadBoard:
    """A campaign's board that has read what the store has of it."""
    replies = Replies()
    memory = LookaheadMemory(7, store, replies, now)
    dialing = FLOW.init.dialing
    assert isinstance(dialing, Lookahead)
    cells = CampaignCells(Metrics(), "c", PRESET)
    board = LookaheadBoard(dialing, FLOW, PRESET, cells, now, memory, calls_ring=calls_ring)
    for answer in replies.answers:
        board.recalled(answer, now)
    return board


def staffed(board: LookaheadBoard, at: float) -> LookaheadBoard:
    for number in range(10):
        board.agents_moved(moved(at, f"a{number}", "", "ready"), same)
    return board


def worked(board: LookaheadBoard, at: float) -> None:
    """An hour in which four of forty calls are answered, and one of these meets nobody."""
    for minute in range(60):
        now = at + 60 * minute
        tickets = range(1 + 40 * minute, 41 + 40 * minute)
        board.placed(tickets, now)
        for ticket in tickets:
            if ticket % 10:
                board.moved(ticket, "closing", now + 25)
                continue
            board.moved(ticket, "waiting", now + 8)
            board.moved(ticket, "bridged" if ticket % 40 else "closing", now + 9)
        for ticket in tickets:
            outcome = "no_user_response" if ticket % 10 else "customer_answered"
            answered_at = 0.0 if ticket % 10 else now + 8
            outcome = outcome if ticket % 40 else "abandoned"
            board.settled(ticket, over(outcome, answered_at), now + 26)
        board.decide(now + 30)


def an_hour_later() -> tuple[MemoryStore, Decision]:
    """A store that has what was learned in an hour, and what is decided after it."""
    store = MemoryStore({})
    board = staffed(made(store, NOON), NOON)
    worked(board, NOON)
    return store, board.decide(NOON + HOUR_S)


def test_a_campaign_restarted_in_mid_day_keeps_its_debt_and_what_it_knows_of_its_list() -> None:
    store, before = an_hour_later()
    cold = staffed(made(MemoryStore({}), NOON + HOUR_S), NOON + HOUR_S).decide(NOON + HOUR_S + 1)
    after = staffed(made(store, NOON + HOUR_S), NOON + HOUR_S).decide(NOON + HOUR_S + 1)
    assert before.figures["debt"] > 50
    assert after.figures["debt"] == pytest.approx(before.figures["debt"])
    assert after.figures["kappa"] == pytest.approx(before.figures["kappa"], rel=0.01)
    assert after.figures["kappa"] < 0.1 * cold.figures["kappa"]


def test_hazards_are_known_again() -> None:
    store, _ = an_hour_later()

    def answers(board: LookaheadBoard) -> float:
        now = NOON + HOUR_S
        staffed(board, now).placed(range(9001, 9021), now)
        return board.decide(now + 1).figures["expected_answers"]

    assert answers(made(MemoryStore({}), NOON + HOUR_S)) > 4, "forty per cent, as before any call"
    assert answers(made(store, NOON + HOUR_S)) < 2.5, "ten per cent, as it was"


def test_an_abandoned_call_is_written_down_at_once() -> None:
    store = MemoryStore({})
    board = staffed(made(store, NOON), NOON)
    board.placed([1], NOON)
    board.moved(1, "waiting", NOON + 8)
    board.moved(1, "closing", NOON + 10)
    board.settled(1, over("abandoned", NOON + 8), NOON + 11)
    after = staffed(made(store, NOON + 12), NOON + 12).decide(NOON + 13)
    assert after.figures["debt"] > 0.9


def test_calls_of_the_former_self_are_counted_once_and_have_their_time_to_ring_out() -> None:
    store = MemoryStore({})
    board = staffed(made(store, NOON), NOON)
    board.placed([1, 2], NOON)
    board.moved(1, "waiting", NOON + 8)
    board.decide(NOON + KEEP_EVERY_S)
    now = NOON + KEEP_EVERY_S + 1
    anew = staffed(made(store, now, calls_ring=True), now)
    waits = anew.pace(now + CALL_SPAN_S - 1, (), pulse=True, seized=False)
    assert (waits.dials, waits.reason) == (
        0,
        "calls of before the campaign was made anew may ring",
    )
    done = ContactNext("done")
    for answered_at, outcome in ((NOON + 8, "customer_answered"), (now + 2, "abandoned")):
        anew.settled(
            0, Settlement(1, 1, 1, outcome, done, NOON, NOON, answered_at, 0.0, now + 4), now + 4
        )
    debt = anew.decide(now + CALL_SPAN_S + 1).figures["debt"]
    assert debt == pytest.approx(1 - 2 * 0.0285)
    assert anew.pace(now + CALL_SPAN_S + 2, (), pulse=True, seized=False).dials


def test_the_next_morning_begins_a_new_budget_with_a_tenth_of_what_was_counted() -> None:
    store, _ = an_hour_later()
    morning = NOON + 22 * HOUR_S
    board = staffed(made(store, morning), morning)
    first = board.decide(morning)
    assert first.figures["debt"] == 0
    evening = counted(store)
    board.decide(morning + KEEP_EVERY_S + 1)
    assert evening > 30
    assert counted(store) == pytest.approx(0.1 * evening)


def counted(store: MemoryStore) -> float:
    """Answers that the store knows of, as they count now."""
    learned = msgpack.unpackb(store_document(store))
    return float(sum(learned["pacer"]["calls"]["answered"][0]))


def store_document(store: MemoryStore) -> bytes:
    replies = Replies()
    store.recall(1, 7, replies)
    return replies.answers[0].document


def _older(learned: dict[str, Any]) -> None:
    learned["form"] = 0


def _newer(learned: dict[str, Any]) -> None:
    learned["form"] = 2


def _torn(learned: dict[str, Any]) -> None:
    del learned["pacer"]["talk"]


def _wrong_shape(learned: dict[str, Any]) -> None:
    learned["pacer"]["calls"]["at_risk"] = [[1.0, 2.0]]


def _nonsense(learned: dict[str, Any]) -> None:
    learned["pacer"]["calls"]["at_risk"][0][3] = float("nan")


def _of_the_future(learned: dict[str, Any]) -> None:
    learned["counts"][0] += 86400.0


@pytest.mark.parametrize("spoil", [_older, _newer, _torn, _wrong_shape, _nonsense, _of_the_future])
def test_a_document_that_is_no_use_is_a_cold_start_and_a_line_in_the_log(
    spoil: Callable[[dict[str, Any]], None], caplog: pytest.LogCaptureFixture
) -> None:
    store, _ = an_hour_later()
    learned = msgpack.unpackb(store_document(store))
    spoil(learned)
    store.remember(7, msgpack.packb(learned))
    assert_cold(store, caplog)


def test_bytes_that_are_no_document_are_a_cold_start(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore({})
    store.remember(7, b"\xc1 not msgpack")
    assert_cold(store, caplog)


def assert_cold(store: MemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    now = NOON + HOUR_S
    with caplog.at_level(logging.WARNING):
        decision = staffed(made(store, now), now).decide(now + 1)
    assert decision.figures["debt"] == 0
    assert decision.dials
    (line,) = caplog.messages
    assert line.startswith("campaign 7 starts cold: ")


def test_a_pause_is_no_time_in_which_a_debt_stood() -> None:
    def after(pause_s: float) -> float:
        board = staffed(made(MemoryStore({}), NOON), NOON)
        worked(board, NOON)
        return board.decide(NOON + HOUR_S + pause_s).figures["kappa"]

    assert after(2 * HOUR_S) == pytest.approx(after(1.0), rel=0.3)


@pytest.mark.parametrize("how", ["made anew after a crash", "with the daemon"])
def test_the_campaign_itself_goes_on_with_what_it_knew(how: str) -> None:
    runtime = ManualRuntime(seed=1)
    team = endless_team(runtime, 10)
    runtime.settle()
    campaign = team.start(TEXT)
    runtime.advance(0.5 * HOUR_S)
    before = dict(team.ledger.pulses()[-1].inputs)
    until = runtime.now()
    if how == "with the daemon":
        team.dismiss(1)
        runtime.advance(30)
        team.start(TEXT)
    else:
        campaign.tell("nothing that it handles")
    runtime.advance(90)
    since = [pulse for pulse in team.ledger.pulses() if pulse.at > until and pulse.dials]
    assert since, "it dials again"
    after = dict(since[-1].inputs)
    assert before["debt"] > 3
    assert after["debt"] == pytest.approx(before["debt"], abs=1.5)
