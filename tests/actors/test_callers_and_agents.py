"""Who gets a caller, and what agents may do meanwhile, as the design has it."""

from collections.abc import Callable

from dialer.events import EndCause
from tests.actors.conftest import Scene
from tests.actors.world import HUNG_UP, flow_text

MakeScene = Callable[..., Scene]

POWER_2 = "{mode: power, ratio: 2}"


def test_a_live_human_claims_an_agent_reserved_by_the_campaign(scene: Scene) -> None:
    scene.add_agents(1, prefix="free")
    scene.add_agents(1, prefix="later")
    scene.team.start(flow_text(target=1))
    scene.settle()
    assert scene.held() == ["free1"], "the longest idle is reserved"
    assert scene.talk(scene.trunk.open[0]) == "free1"


def test_without_a_reserved_agent_a_caller_claims_any_ready_one(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=1, dialing=POWER_2, interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    assert scene.talk(first) == "a1"
    assert scene.talk(second) == "a2"


def test_a_caller_gets_the_longest_idle_even_after_idle_reservations(scene: Scene) -> None:
    scene.add_agents(1)
    scene.advance(1)
    scene.add_agents(1, prefix="b")
    scene.team.start(flow_text(target=1), 1)
    scene.settle()
    scene.team.quiesce("paused", cancel=True)
    scene.trunk.end(scene.trunk.open[0], EndCause("near", 487))
    scene.settle()
    # a1 was reserved and released: still the longest without a caller.
    scene.team.start(flow_text("Two", target=1), 2)
    scene.settle()
    assert scene.held() == ["a1"]


def test_a_caller_does_not_take_an_agent_reserved_by_another_campaign(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text("One", target=1, dialing=POWER_2, interval_s=3600), 1)
    scene.settle()
    first, second = scene.trunk.open
    scene.team.start(flow_text("Two", target=1, interval_s=3600), 2)
    scene.settle()
    scene.talk(first)
    scene.trunk.answer(second)
    scene.advance(3)
    assert second not in scene.trunk.bridged
    assert scene.team.outcomes() == ["abandoned"]


def test_a_caller_who_waits_gets_the_next_agent_who_comes_free(scene: Scene) -> None:
    scene.add_agents(1, wrap_up_s=1)
    scene.team.start(flow_text(target=1, dialing=POWER_2, interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    scene.talk(first)
    scene.trunk.end(first, HUNG_UP)
    scene.settle()
    scene.trunk.answer(second)
    scene.advance(1.5)
    assert scene.trunk.bridged[second] == "a1"


def test_a_caller_for_whom_no_agent_comes_in_time_is_abandoned(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, dialing=POWER_2, interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    scene.talk(first)
    scene.trunk.answer(second)
    scene.advance(1.9)
    assert second in scene.trunk.open
    scene.advance(0.2)
    assert second not in scene.trunk.open
    assert scene.team.outcomes() == ["abandoned"]
    assert scene.team.count("dialer_calls_abandoned_total") == 1


def test_when_a_caller_takes_an_agent_the_other_calls_move_to_other_agents(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=2, interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    # Callers take the longest reserved, whichever call answers.
    assert scene.talk(second) == "a1"
    scene.trunk.end(first)
    scene.settle()
    assert len(scene.trunk.open) == 2, "the call of a1 was moved to a2, who was armed again"


# --- RONA, pauses, legs -----------------------------------------------------------------------


def test_an_agent_whose_phone_rings_per_call_is_offered_at_the_reservation(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    assert scene.desk.offered == ["a1"]
    assert scene.trunk.dialed == [], "nobody is dialed before the agent has answered"
    scene.desk.accept("a1")
    scene.settle()
    assert len(scene.trunk.dialed) == 1


def test_an_agent_who_does_not_answer_is_not_ready_with_that_reason(make_scene: MakeScene) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    scene.desk.no_answer("a1")
    scene.settle()
    row = scene.team.agents()["a1"]
    assert (row["state"], row["reason"]) == ("not_ready", "rona")
    assert scene.reported()["why"] == "rona"
    assert scene.reported()["requested"] == 1, "another will do as well"


def test_no_more_phones_ring_than_agents_are_wanted(make_scene: MakeScene) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    scene.add_agents(3, prefix="late")
    scene.settle()
    assert scene.desk.offered == ["a1"]
    scene.desk.accept("a1")
    scene.advance(10)
    assert scene.team.agent_states() == {"reserved": 1, "ready": 3}


def test_a_phone_that_rings_per_call_gets_no_caller_it_was_not_offered(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(2)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    scene.desk.accept("a1")
    scene.settle()
    scene.desk.leg_down("a1")
    scene.trunk.answer(scene.trunk.open[0])
    scene.advance(3)
    assert scene.trunk.bridged == {}
    assert scene.team.outcomes() == ["abandoned"]


def test_an_agent_who_picks_up_and_hangs_up_again_gets_no_caller(make_scene: MakeScene) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    scene.desk.accept("a1")
    scene.settle()
    scene.desk.no_answer("a1")
    scene.settle()
    row = scene.team.agents()["a1"]
    assert (row["state"], row["reason"]) == ("not_ready", "rona")
    assert scene.held() == []
    scene.trunk.answer(scene.trunk.open[0])
    scene.advance(3)
    assert scene.trunk.bridged == {}


def test_a_reservation_without_a_call_is_withdrawn_from_the_phone(make_scene: MakeScene) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    scene.desk.accept("a1")
    scene.settle()
    (attempt_id,) = scene.trunk.open
    assert scene.desk.withdrawn == []
    scene.team.quiesce("unpublished")
    scene.settle()
    assert scene.desk.withdrawn == ["a2"], "the other's call still rings"
    scene.trunk.end(attempt_id)
    scene.settle()
    assert scene.desk.withdrawn == ["a2", "a1"]
    assert scene.team.agent_states() == {"ready": 2}


def test_an_agent_who_leaves_while_the_phone_rings_is_replaced(make_scene: MakeScene) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(2)
    scene.team.start(flow_text(target=1))
    scene.settle()
    scene.desk.ask("a1", "not_ready", "coffee")
    scene.settle()
    assert scene.desk.offered == ["a1", "a2"]
    scene.desk.accept("a1")  # too late
    scene.desk.accept("a2")
    scene.settle()
    assert scene.team.agents()["a1"]["state"] == "not_ready"
    assert scene.held() == ["a2"]


def test_an_expired_request_leaves_the_phones_that_still_ring(make_scene: MakeScene) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(1)
    scene.team.start(flow_text(target=2, ttl_s=3, interval_s=3600))
    scene.advance(4)
    assert scene.reported()["why"] == "reservation timeout"
    scene.desk.accept("a1")
    scene.settle()
    assert scene.held() == ["a1"]


def test_who_asks_to_pause_gets_it_when_the_reservation_is_over(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    scene.desk.ask("a1", "not_ready", "lunch")
    scene.settle()
    assert scene.team.agent_states() == {"pending_not_ready": 1}
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert scene.team.agent_states() == {"not_ready": 1}
    scene.advance(30)
    assert len(scene.trunk.dialed) == 1


def test_who_asks_to_log_out_in_a_call_gets_it_when_the_call_is_over(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.talk(attempt_id)
    scene.desk.ask("a1", "logout")
    scene.settle()
    assert scene.team.agent_states() == {"pending_logout": 1}
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert scene.team.agent_states() == {"logged_out": 1}


def test_no_call_is_placed_for_an_agent_who_asked_to_pause(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, dialing="{mode: power, ratio: 3}"))
    scene.settle()
    scene.desk.ask("a1", "not_ready", "lunch")
    scene.trunk.end(scene.trunk.open[0])
    scene.advance(11)
    assert len(scene.trunk.dialed) == 3, "no pulse tops up the calls of one who leaves"


def test_a_caller_still_reaches_an_agent_who_asked_to_pause(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.desk.ask("a1", "not_ready", "lunch")
    scene.settle()
    assert scene.talk(attempt_id) == "a1"
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert scene.team.agent_states() == {"not_ready": 1}
    assert scene.team.outcomes() == ["customer_answered"]


def test_who_changes_their_mind_about_the_pause_is_dialed_for_again(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    scene.desk.ask("a1", "not_ready", "lunch")
    scene.settle()
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert scene.held() == ["a1"]
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert len(scene.trunk.open) == 1


def test_who_paused_in_a_former_call_is_armed_like_any_other(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.talk(attempt_id)
    scene.desk.ask("a1", "not_ready", "lunch")
    scene.settle()
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    scene.desk.ask("a1", "ready")
    scene.advance(3600)
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert len(scene.trunk.open) == 1, "dialed again at once"


def test_an_agent_whose_leg_falls_is_logged_out_and_the_calls_move_on(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    first, second = scene.trunk.open
    scene.desk.leg_down("a1")
    scene.settle()
    assert scene.team.agents()["a1"]["state"] == "logged_out"
    assert scene.talk(first) == "a2"
    scene.trunk.end(second)
    scene.settle()
    assert scene.team.agent_states() == {"talking": 1, "logged_out": 1}


def test_a_caller_whose_agent_is_lost_before_the_bridge_is_agent_unavailable(
    scene: Scene,
) -> None:
    scene.trunk.bridges = False
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    scene.trunk.answer(scene.trunk.open[0])
    scene.settle()
    scene.desk.leg_down("a1")
    scene.settle()
    assert scene.team.outcomes() == ["agent_unavailable"]


def test_a_caller_who_hangs_up_before_the_bridge_hung_up_waiting(scene: Scene) -> None:
    scene.trunk.bridges = False
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.trunk.answer(attempt_id)
    scene.settle()
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert scene.team.outcomes() == ["hung_up_waiting"]
    assert scene.team.agent_states() == {"reserved": 1}, "there is nothing to wrap up"
