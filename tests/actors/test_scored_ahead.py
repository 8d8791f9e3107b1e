"""Contacts with an answer score wait in a buffer; what goes first stays first, and none is lost."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from actors.agent_messages import AgentMove, AgentsMoved
from actors.campaign_cells import CampaignCells
from actors.lookahead_board import LookaheadBoard
from actors.messages import AttemptsReady, NeedContacts, ReadyAttempt
from actors.scored_ahead import ScoredAhead
from dialer.caller_ids import Caller
from dialer.flow.graph import Flow, load_flow
from dialer.flow.nodes import Lookahead
from dialer.metrics import Metrics
from dialer.ports import (
    Callback,
    ClaimedContact,
    ContactNext,
    ContactsClaimed,
    Settlement,
)
from dialer.score.past import Past
from sim.memory_store import MemoryStore
from tests.actors.test_look_ahead import TEXT
from tests.actors.world import PRESET
from tests.ports.contact_store_beds import Replies
from tests.score_models import MODEL

FLOW = Flow(load_flow(TEXT, "lookahead.yaml").definition, MODEL)
NOBODY = Past(6, 0, "user_busy", 1.0)
SOMETIMES = Past(6, 2, "user_busy", 1.0)
OFTEN = Past(6, 5, "customer_answered", 1.0)


def contact(contact_id: int, past: Past, **more: object) -> ClaimedContact:
    numbers = {"phone": (f"+1212555{contact_id:04d}",)}
    return ClaimedContact(contact_id, numbers, past=past, **more)  # type: ignore[arg-type]


def holding(*contacts: ClaimedContact) -> ScoredAhead:
    ahead = ScoredAhead(1, MemoryStore({}), 20, FLOW, MODEL)
    ahead.claim(FLOW, 0, 0.0, 7, Replies())
    ahead.claimed(ContactsClaimed(7, contacts))
    return ahead


def test_the_likeliest_or_the_unlikeliest_goes_next_as_is_wanted() -> None:
    pasts = [SOMETIMES, OFTEN, NOBODY, SOMETIMES]
    ahead = holding(*(contact(n, past) for n, past in enumerate(pasts)))
    assert ahead.classes(0.0) == (0, 1, 1, 3)
    assert ahead.take(0.0, True).contact_id == 1
    assert ahead.take(0.0, False).contact_id == 2
    picked = ahead.picked(1)
    assert picked is not None
    assert picked.best
    assert picked.score > 0.45
    assert ahead.picked(1) is None, "it is told once"
    assert ahead.held == 2


def test_hot_leads_and_call_backs_go_before_the_best() -> None:
    ahead = holding(
        *(contact(n, OFTEN) for n in range(60)),
        contact(70, NOBODY, hot=True),
    )
    assert ahead.take(0.0, True).contact_id < 60
    # As the look for hot leads brings them: before all that wait, though the buffer is full.
    ahead.put_first((contact(71, NOBODY, callback=Callback(1.0)),))
    assert ahead.take(0.0, True).contact_id == 71
    assert ahead.picked(71) is not None, "they are scored like all"


def test_more_are_claimed_before_the_buffer_runs_low() -> None:
    ahead = holding(*(contact(n, OFTEN) for n in range(70)))
    while ahead.held > ahead.low:
        ahead.take(0.0, True)
    assert len(ahead.classes(0.0)) == 50


@given(st.integers(0, 120), st.lists(st.booleans(), max_size=40))
def test_whatever_was_taken_all_others_are_let_go(held: int, picks: list[bool]) -> None:
    pasts = (NOBODY, SOMETIMES, OFTEN)
    ahead = holding(*(contact(n, pasts[n % 3], hot=n % 17 == 0) for n in range(held)))
    taken = [ahead.take(0.0, best).contact_id for best in picks[: ahead.held]]
    left = [each.contact_id for each in ahead.let_go()]
    assert sorted(taken + left) == list(range(held))
    assert ahead.held == 0


def test_a_part_of_a_need_keeps_its_picks() -> None:
    need = NeedContacts(1, (4, 5, 6), picks=(True, False, True))
    assert need.only((6, 5)).picks == (True, False)
    assert NeedContacts(1, (4, 5)).only((5,)).picks == ()


def ready(ticket: int, score: float) -> ReadyAttempt:
    caller = Caller("", "", ("t",))
    number = "+12125550100"
    return ReadyAttempt(ticket, ticket, "dial", number, contact(1, OFTEN), caller, "", score)


def over(ticket: int, outcome: str) -> Settlement:
    done = ContactNext("done")
    return Settlement(ticket, 1, 1, outcome, done, 1.0, 2.0, 0.0, 0.0, 9.0)


def board(metrics: Metrics) -> LookaheadBoard:
    dialing = FLOW.init.dialing
    assert isinstance(dialing, Lookahead)
    cells = CampaignCells(metrics, "c", PRESET)
    known = LookaheadBoard(dialing, FLOW, PRESET, cells, 0.0)
    moves = tuple(AgentMove(f"a{n}", "", "ready", 1, 0) for n in range(6))
    known.agents_moved(AgentsMoved(0.0, moves), lambda attempt_id: attempt_id)
    return known


def test_before_it_is_told_whom_it_may_pick_a_campaign_expects_the_likeliest() -> None:
    known = board(Metrics())
    careful = known.pace(1.0, (), pulse=True, seized=False)
    assert careful.picks == ()
    known.ready(AttemptsReady(1, (), (), "", FLOW, True, (0,) * 50), 1.0)
    bold = known.pace(2.0, (), pulse=True, seized=False)
    assert len(bold.picks) == bold.dials > careful.dials
    saw = dict(bold.inputs)
    assert saw["likeliest_wanted"] == sum(bold.picks)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_what_was_foretold_and_what_came_of_it_are_counted_and_the_floor_is_empty_again(
    calls: list[tuple[float, bool]],
) -> None:
    metrics = Metrics()
    known = board(metrics)
    tickets = count(1)
    answered = 0
    foretold = 0.0
    for score, answers in calls:
        ticket = next(tickets)
        known.placed([ticket], 1.0)
        known.ready(AttemptsReady(1, (ready(ticket, score),), (), "", FLOW, True, ()), 1.5)
        known.moved(ticket, "closing", 3.0)
        known.settled(ticket, over(ticket, "customer_answered" if answers else "user_busy"), 4.0)
        answered += answers
        foretold += score
    scored = metrics.counters("dialer_scored_calls_total", campaign="c")
    assert scored["answered"].value == answered
    assert scored["not_answered"].value == len(calls) - answered
    expected = metrics.counter("dialer_scored_calls_expected_answers_total", campaign="c")
    assert abs(expected.value - foretold) < 1e-9
    assert known.decide(5.0).figures["expected_answers"] == 0
