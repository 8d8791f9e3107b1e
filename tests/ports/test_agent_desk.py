"""The contract of the agent desk: every adapter of the port passes it."""

from collections.abc import Iterator

import pytest

from dialer.events import (
    AgentAccepted,
    AgentAsked,
    AgentDisposed,
    AgentLegDown,
    AgentLegUp,
    AgentNoAnswer,
    PreviewAnswered,
)
from dialer.ports import PreviewCard
from tests.ports.agent_desk_beds import DESKS, DeskBed


@pytest.fixture(params=DESKS)
def bed(request: pytest.FixtureRequest) -> Iterator[DeskBed]:
    bed = DESKS[request.param]()
    yield bed
    bed.close()


def log_in(bed: DeskBed, number: int = 0) -> str:
    agent_id, address = bed.present[number]
    bed.port.log_in(agent_id, address)
    event = bed.events.take()
    assert isinstance(event, AgentLegUp)
    assert event.agent_id == agent_id
    return agent_id


def test_an_agent_who_logs_in_has_a_leg(bed: DeskBed) -> None:
    log_in(bed)
    assert bed.events.rest(bed.quiet_s) == []


def test_an_agent_who_logs_out_has_none(bed: DeskBed) -> None:
    agent_id = log_in(bed)
    bed.port.log_out(agent_id)
    event = bed.events.take_until(AgentLegDown)[-1]
    assert event.agent_id == agent_id


def test_who_logged_out_can_log_in_again(bed: DeskBed) -> None:
    bed.port.log_out(log_in(bed))
    bed.events.take_until(AgentLegDown)
    log_in(bed)


def test_who_is_there_is_told_again(bed: DeskBed) -> None:
    anna, ben = log_in(bed, 0), bed.present[1][0]
    bed.port.retell((anna, ben))
    events = [*bed.events.rest(5 * bed.quiet_s)]
    legs = {e.agent_id: type(e) for e in events if not isinstance(e, AgentAsked)}
    assert legs == {anna: AgentLegUp, ben: AgentLegDown}
    assert {e.wish for e in events if isinstance(e, AgentAsked)} <= {"wrap_up_done"}


def test_an_offer_is_accepted(bed: DeskBed) -> None:
    agent_id = log_in(bed)
    bed.port.offer(agent_id)
    assert isinstance(event := bed.events.take(), AgentAccepted)
    assert event.agent_id == agent_id
    assert bed.events.rest(bed.quiet_s) == [], "one answer to one offer"


def test_an_offer_that_nobody_answers_is_told(bed: DeskBed) -> None:
    if bed.port.kept_up:
        pytest.skip("a leg that stands accepts every offer")
    desk, events, (agent_id, address) = bed.silent()
    desk.log_in(agent_id, address)
    events.take_until(AgentLegUp)
    desk.offer(agent_id)
    assert isinstance(event := events.take(), AgentNoAnswer)
    assert event.agent_id == agent_id


def test_an_offer_that_is_withdrawn_leaves_the_agent_free_for_the_next(bed: DeskBed) -> None:
    agent_id = log_in(bed)
    bed.port.offer(agent_id)
    assert isinstance(bed.events.take(), AgentAccepted)
    bed.port.withdraw(agent_id)
    assert bed.events.rest(bed.quiet_s) == []
    bed.port.offer(agent_id)
    assert isinstance(bed.events.take(), AgentAccepted)


def test_after_a_call_the_agent_says_when_wrap_up_is_over(bed: DeskBed) -> None:
    agent_id = log_in(bed)
    bed.port.offer(agent_id)
    assert isinstance(bed.events.take(), AgentAccepted)
    bed.port.connect(agent_id, 7)
    bed.port.release(agent_id, 7)
    if not bed.says_when_wrapped_up:
        assert bed.events.rest(bed.quiet_s) == []
        return
    event = bed.events.take()
    assert isinstance(event, AgentAsked)
    assert (event.agent_id, event.wish) == (agent_id, "wrap_up_done")


def test_a_preview_is_answered_at_most_once_and_by_its_ticket(bed: DeskBed) -> None:
    agent_id = log_in(bed)
    bed.port.preview(agent_id, PreviewCard(12, "Spring", 1, "+12125550101", {}, 0, 1e12))
    answers = bed.events.rest(5 * bed.quiet_s)
    assert len(answers) <= 1
    for answer in answers:
        assert isinstance(answer, PreviewAnswered)
        assert (answer.agent_id, answer.ticket) == (agent_id, 12)


def test_who_is_asked_says_what_came_of_the_call_before_wrap_up_is_over(bed: DeskBed) -> None:
    agent_id = log_in(bed)
    choices = (("sale", "final"), ("later", "call_back"))
    bed.port.offer(agent_id)
    assert isinstance(bed.events.take(), AgentAccepted)
    bed.port.connect(agent_id, 7)
    bed.port.ask_disposition(agent_id, 7, choices)
    bed.port.release(agent_id, 7)
    last = bed.says_when_wrapped_up
    events = bed.events.take_until(AgentAsked) if last else bed.events.rest(bed.quiet_s)
    said = [event for event in events if isinstance(event, AgentDisposed)]
    assert len(said) <= 1
    for event in said:
        assert event.disposition in dict(choices)
        assert bool(event.callback_at) == (event.disposition == "later")


def test_agents_do_not_touch_each_other(bed: DeskBed) -> None:
    anna, ben = log_in(bed, 0), log_in(bed, 1)
    bed.port.log_out(anna)
    assert bed.events.take_until(AgentLegDown)[-1].agent_id == anna
    bed.port.offer(ben)
    assert bed.events.take().agent_id == ben
