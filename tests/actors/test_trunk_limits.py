"""A trunk over all campaigns: full, too fast, at fault, and the one that takes over."""

from collections.abc import Callable

from actors.caller_book import CallerBook
from actors.messages import Report
from dialer.caller_ids import CallerId, CallerIds
from dialer.events import EndCause, TrunkChanged
from dialer.trunks.line import CHANNELS_FULL, LineLimits
from tests.actors.conftest import Scene
from tests.actors.world import BUSY, HUNG_UP, ScriptedTrunk, flow_text

MakeScene = Callable[..., Scene]

FORBIDDEN = EndCause("far", 403, 0, "Forbidden")
DOWN = EndCause("far", 503, 0, "Service Unavailable")
POWER_5 = "{mode: power, ratio: 5}"


def two_trunks(scene: Scene) -> tuple[str, ScriptedTrunk]:
    """A flow that fails over, and its second trunk."""
    second = ScriptedTrunk(scene.runtime, "second")
    scene.team.trunks["second"] = second
    flow = flow_text(target=1).replace("channel: trunk,", "channel: trunk, failover: [second],")
    return flow, second


def quality(scene: Scene, what: str, trunk: str = "trunk") -> float:
    return scene.team.metrics.counter(f"dialer_trunk_{what}_total", trunk=trunk).value


# --- channels and calls per second ------------------------------------------------------------


def test_a_full_trunk_burns_no_attempt_and_the_ledger_says_why(scene: Scene) -> None:
    scene.team.lines.set_limits("trunk", LineLimits(3))
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, dialing=POWER_5))
    scene.advance(60)
    assert len(scene.trunk.dialed) == 3
    assert scene.store.settlements == []
    clamped = [p for p in scene.team.ledger.pulses() if p.clamps == ("trunk_channels",)]
    assert {p.reason for p in clamped} == {CHANNELS_FULL}
    assert sum(p.dials for p in scene.team.ledger.pulses()) == 3
    scene.trunk.end(scene.trunk.open[0])
    scene.advance(5)
    assert len(scene.trunk.open) == 3
    assert len(scene.trunk.dialed) == 4


def test_two_campaigns_share_the_channels_of_a_trunk(scene: Scene) -> None:
    scene.team.lines.set_limits("trunk", LineLimits(4))
    for campaign_id, queue in ((1, "red"), (2, "blue")):
        scene.add_agents(3, queue=queue, prefix=queue)
        scene.team.start(flow_text(queue, target=3, queue=queue), campaign_id)
    for _ in range(40):
        scene.advance(1)
        assert len(scene.trunk.open) <= 4
        if len(scene.trunk.dialed) < 90:
            for attempt_id in scene.trunk.open:
                scene.trunk.end(attempt_id)
    assert len(scene.trunk.open) == 4
    assert "never_dialed" not in scene.team.outcomes()


def test_two_campaigns_share_the_calls_per_second_of_a_trunk(scene: Scene) -> None:
    scene.team.lines.set_limits("trunk", LineLimits(0, 4.0))
    for campaign_id, queue in ((1, "red"), (2, "blue")):
        scene.add_agents(4, queue=queue, prefix=queue)
        scene.team.start(flow_text(queue, target=4, queue=queue), campaign_id)
    at = []
    for _ in range(20):
        at.append(len(scene.trunk.dialed))
        scene.advance(0.125)
    assert at[1:18:2] == [1, 2, 3, 4, 5, 6, 7, 8, 8], "one each quarter of a second, no burst"


def test_no_more_is_released_than_leaves_until_the_next_pulse(scene: Scene) -> None:
    scene.team.lines.set_limits("trunk", LineLimits(0, 1.0))
    scene.add_agents(4)
    scene.team.start(flow_text(target=4, dialing=POWER_5))
    scene.settle()
    first = [p for p in scene.team.ledger.pulses() if p.dials]
    assert [p.dials for p in first] == [6]
    assert first[0].clamps == ("calls_per_second",)
    scene.advance(60)
    assert len(scene.trunk.dialed) == 20


def test_a_campaign_that_is_taken_down_leaves_its_promises_to_others(scene: Scene) -> None:
    scene.team.lines.set_limits("trunk", LineLimits(4, 1.0))
    scene.add_agents(4)
    scene.team.start(flow_text(target=4))
    scene.advance(0.5)
    assert len(scene.trunk.dialed) == 1
    scene.team.quiesce("unpublished")
    scene.settle()
    assert scene.team.lines.room(("trunk",), scene.runtime.now(), 60.0).dials == 3


# --- the breaker ------------------------------------------------------------------------------


def test_403_opens_the_breaker_contacts_stay_due_and_one_call_finds_out(scene: Scene) -> None:
    scene.add_agents(3)
    scene.team.start(flow_text(target=3))
    scene.settle()
    for attempt_id in scene.trunk.open:
        scene.trunk.end(attempt_id, FORBIDDEN)
    scene.advance(10)
    assert len(scene.trunk.dialed) == 3
    why = "trunk trunk is down: breaker: the carrier answers 403 Forbidden"
    assert scene.reported()["why"] == why
    assert scene.team.agent_states() == {"ready": 3}
    refused = scene.store.settlements[:3]
    assert {s.outcome for s in refused} == {"invalid_gateway"}
    assert {s.next.state for s in refused} == {"waiting"}, "nobody is lost to a trunk's fault"
    gauge = scene.team.metrics.gauge("dialer_trunk_breaker", trunk="trunk", state="open")
    assert gauge.value == 1
    scene.advance(10)
    assert len(scene.trunk.open) == 1, "half open: one call tries it out"
    assert gauge.value == 0
    scene.advance(20)
    assert len(scene.trunk.open) == 1
    scene.trunk.ring(scene.trunk.open[0])
    scene.advance(6)
    assert len(scene.trunk.open) == 3


def test_a_breaker_that_opens_takes_back_what_waits_for_its_slot(scene: Scene) -> None:
    scene.team.lines.set_limits("trunk", LineLimits(0, 1.0))
    scene.add_agents(5)
    scene.team.start(flow_text(target=5))
    scene.settle()
    scene.trunk.end(scene.trunk.open[0], EndCause("far", 402, 0, "Payment Required"))
    scene.advance(10)
    assert len(scene.trunk.dialed) == 1
    # One call was on its way to its slot for each of the others.
    assert scene.team.outcomes() == ["invalid_gateway"] + ["never_dialed"] * 4


def test_news_of_the_carrier_and_of_the_breaker_make_one_state(scene: Scene) -> None:
    told: list[TrunkChanged] = []
    lines = scene.team.lines
    scene.team.start(flow_text())
    lines._news = told.append
    lines.tell(TrunkChanged("trunk", 1.0, False, "no answer to OPTIONS"))
    lines.take(("trunk",), 1)
    assert lines.take(("trunk",), 1)[1] == "trunk trunk is down: no answer to OPTIONS"
    lines.tell(TrunkChanged("trunk", 2.0, True))
    assert [(c.up, c.reason) for c in told] == [(False, "no answer to OPTIONS"), (True, "")]


# --- failover ---------------------------------------------------------------------------------


def test_a_trunk_at_fault_hands_the_same_attempt_to_the_next(scene: Scene) -> None:
    flow, second = two_trunks(scene)
    scene.add_agents(1)
    scene.team.start(flow)
    scene.settle()
    (attempt_id,) = scene.trunk.open
    scene.trunk.end(attempt_id, DOWN)
    scene.settle()
    assert second.open == [attempt_id]
    assert scene.store.settlements == []
    second.answer(attempt_id)
    scene.settle()
    assert second.bridged == {attempt_id: "a1"}
    second.end(attempt_id, HUNG_UP)
    scene.settle()
    (settlement,) = scene.store.settlements
    assert (settlement.outcome, settlement.trunk) == ("customer_answered", "second")
    assert [quality(scene, "seizures", name) for name in ("trunk", "second")] == [1, 1]
    assert [quality(scene, "answers", name) for name in ("trunk", "second")] == [0, 1]


def test_a_callee_who_was_reached_is_not_dialed_by_the_next_trunk(scene: Scene) -> None:
    flow, second = two_trunks(scene)
    scene.add_agents(1)
    scene.team.start(flow)
    for status in (404, 486, 603):
        scene.settle()
        scene.trunk.end(scene.trunk.open[0], EndCause("far", status))
    scene.settle()
    scene.trunk.ring(scene.trunk.open[0])
    scene.settle()
    scene.trunk.end(scene.trunk.open[0], DOWN)
    scene.settle()
    assert second.dialed == []


def test_silence_fails_over_after_the_ring_timeout_and_not_after_a_panic(scene: Scene) -> None:
    flow, second = two_trunks(scene)
    silence = EndCause("trunk", 408, 0, "no answer to INVITE in 32 s")
    scene.add_agents(1)
    scene.team.start(flow)
    scene.advance(26)
    assert scene.trunk.cancelled == [scene.trunk.open[0]]
    scene.trunk.end(scene.trunk.open[0], silence)
    scene.settle()
    assert len(second.open) == 1
    second.ring(second.open[0])
    scene.advance(24)
    assert second.cancelled == [], "the callee of the second trunk gets all of its rings"
    scene.advance(2)
    assert len(second.cancelled) == 1
    second.end(second.open[0], EndCause("near", 487))
    scene.settle()
    assert scene.team.outcomes() == ["no_user_response"]
    scene.team.quiesce("panic stop", cancel=True)
    scene.settle()
    scene.trunk.end(scene.trunk.open[0], silence)
    scene.settle()
    assert second.open == []


def test_the_last_trunks_word_is_the_outcome(scene: Scene) -> None:
    flow, second = two_trunks(scene)
    scene.add_agents(1)
    scene.team.start(flow)
    scene.settle()
    (attempt_id,) = scene.trunk.open
    scene.trunk.end(attempt_id, DOWN)
    scene.settle()
    second.end(attempt_id, BUSY)
    scene.settle()
    assert scene.team.outcomes() == ["user_busy"]
    assert len(scene.trunk.dialed) == 2, "the next contact"


def test_a_full_trunk_overflows_to_the_next(scene: Scene) -> None:
    flow, second = two_trunks(scene)
    scene.team.lines.set_limits("trunk", LineLimits(1))
    scene.add_agents(3)
    scene.team.start(flow.replace("target: 1", "target: 3"))
    scene.advance(6)
    assert (len(scene.trunk.open), len(second.open)) == (1, 2)


def test_a_trunk_that_is_down_is_passed_over(scene: Scene) -> None:
    flow, second = two_trunks(scene)
    scene.add_agents(1)
    scene.team.start(flow)
    scene.team.lines.tell(TrunkChanged("trunk", scene.runtime.now(), False, "no answer"))
    scene.advance(6)
    assert scene.trunk.dialed == []
    assert len(second.open) == 1


# --- caller IDs -------------------------------------------------------------------------------


def with_numbers(scene: Scene, *numbers: CallerId) -> None:
    scene.team.callers = CallerBook(CallerIds(numbers))


def test_the_chosen_number_is_shown_committed_and_counted_by_its_name(scene: Scene) -> None:
    with_numbers(scene, CallerId("+12125550100", "ny", pool="sales"))
    scene.add_agents(1)
    flow = flow_text(target=1).replace("channel: trunk,", "channel: trunk, caller_id: sales,")
    scene.team.start(flow)
    scene.settle()
    assert scene.trunk.dialed[0].caller_id == "+12125550100"
    (attempt_id,) = scene.trunk.open
    scene.trunk.ring(attempt_id)
    scene.talk(attempt_id)
    scene.advance(3)
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    metrics = scene.team.metrics
    for what in ("answers", "effective_calls", "short_calls"):
        name = f"dialer_caller_id_{what}_total"
        assert metrics.counter(name, caller_id="ny").value == 1, what
    delay = metrics.histogram("dialer_caller_id_post_dial_delay_seconds", caller_id="ny")
    assert delay.count == 1


def test_a_number_at_its_cap_rests_and_its_contacts_wait_for_the_next_day(scene: Scene) -> None:
    with_numbers(scene, CallerId("+12125550100", "ny", daily_cap=2))
    scene.add_agents(5)
    scene.team.start(flow_text(target=5))
    scene.advance(60)
    assert len(scene.trunk.dialed) == 2
    reasons = scene.team.feeders[1].ask(Report(), 5)["skipped"]
    assert "every caller ID has reached its daily cap" in reasons


def test_a_number_that_is_not_ours_is_never_shown(scene: Scene) -> None:
    with_numbers(scene, CallerId("+12125550100", "ny"))
    scene.add_agents(1)
    flow = flow_text(target=1).replace("channel: trunk,", 'channel: trunk, caller_id: "+1555",')
    scene.team.start(flow)
    scene.advance(10)
    assert scene.trunk.dialed == []


# --- what carriers judge a caller by ----------------------------------------------------------


def test_ratios_of_a_trunk_can_be_made_from_what_is_counted(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    for cause in (BUSY, EndCause("far", 404), DOWN):
        scene.settle()
        scene.trunk.end(scene.trunk.open[0], cause)
        scene.advance(5)
    rings = scene.trunk.open[0]
    scene.advance(1)
    scene.trunk.ring(rings)
    scene.advance(30)
    scene.trunk.end(rings, EndCause("near", 487))
    scene.settle()
    scene.talk(scene.trunk.open[0])
    scene.advance(7)
    scene.trunk.end(scene.trunk.open[0], HUNG_UP)
    scene.settle()
    counted = {w: quality(scene, w) for w in ("seizures", "answers", "effective_calls")}
    assert counted == {"seizures": 5, "answers": 1, "effective_calls": 3}
    assert quality(scene, "short_calls") == 0
    delay = scene.team.metrics.histogram("dialer_trunk_post_dial_delay_seconds", trunk="trunk")
    assert delay.count == 2
