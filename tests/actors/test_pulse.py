"""One pulse, sentence by sentence as the design has it."""

from collections.abc import Callable
from typing import Any

import pytest

from actors.messages import TrunkNews
from dialer.events import EndCause
from dialer.flow.graph import load_flow
from tests.actors.conftest import Scene
from tests.actors.world import BUSY, HUNG_UP, NO_CHANNEL, flow_text

MakeScene = Callable[..., Scene]

POWER_2 = "{mode: power, ratio: 2}"


def held(scene: Scene) -> list[str]:
    return [a for a, row in scene.team.agents().items() if row["state"] == "reserved"]


def talk(scene: Scene, attempt_id: int) -> str:
    """Answer a call; the agent who got it."""
    scene.trunk.answer(attempt_id)
    scene.settle()
    return scene.trunk.bridged[attempt_id]


# --- Start, Check Undelivered -----------------------------------------------------------------


def test_start_fires_every_interval(scene: Scene) -> None:
    scene.team.start(flow_text(interval_s=5))
    scene.advance(20)
    assert scene.team.count("dialer_pulses_total", result="fired") == 5  # 0, 5, 10, 15, 20


def test_start_does_not_fire_outside_its_windows_and_says_so(scene: Scene) -> None:
    scene.add_agents(2)
    windows = ', windows: [{from: "11:00", to: "12:00"}]'
    scene.team.start(flow_text(start=windows))
    scene.advance(60)
    assert scene.trunk.dialed == []
    assert scene.reported()["why"] == "outside the time windows of the Start node"
    assert scene.team.count("dialer_pulses_total", result="outside_window") == 13
    scene.advance(3600)  # it was ten o'clock
    assert len(scene.trunk.dialed) == 2


def test_an_agent_who_comes_free_after_the_window_is_not_dialed_for(scene: Scene) -> None:
    windows = ', windows: [{from: "09:00", to: "10:01"}]'
    scene.team.start(flow_text(start=windows, ttl_s=120))
    scene.advance(59)
    assert scene.reported()["requested"] == 0  # nobody is there to ask for
    scene.add_agents(1)
    scene.desk.ask("a1", "not_ready", "lunch")
    scene.advance(0.5)
    scene.advance(4)  # the window has closed meanwhile
    scene.desk.ask("a1", "ready")
    scene.advance(30)
    assert scene.trunk.dialed == []
    assert scene.team.agent_states() == {"ready": 1}


def test_a_request_that_outlives_the_window_does_not_dial(scene: Scene) -> None:
    scene.add_agents(1)
    scene.desk.ask("a1", "not_ready", "lunch")
    windows = ', windows: [{from: "09:00", to: "10:01"}]'
    scene.team.start(flow_text(start=windows, interval_s=50, ttl_s=120))
    scene.advance(55)
    assert scene.reported()["requested"] == 2
    scene.advance(10)
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert scene.trunk.dialed == []


def test_dials_left_over_at_the_end_of_the_window_are_never_dialed(scene: Scene) -> None:
    scene.add_agents(4)
    windows = ', windows: [{from: "09:00", to: "10:01"}]'
    scene.advance(59)
    scene.team.start(flow_text(target=4, start=windows), calls_per_second=1)
    scene.advance(10)
    assert len(scene.trunk.dialed) == 1
    assert scene.team.outcomes() == ["never_dialed"] * 3
    assert set(scene.team.agent_states()) == {"reserved", "ready"}


def test_a_pulse_while_the_last_is_still_evaluating_is_skipped_and_counted(scene: Scene) -> None:
    scene.store.claim = lambda request, reply_to: None  # type: ignore[method-assign]
    scene.team.start(flow_text(interval_s=5))
    scene.advance(14)
    assert scene.team.count("dialer_pulses_total", result="fired") == 1
    assert scene.team.count("dialer_pulses_total", result="skipped") == 2


def test_nothing_due_lets_idle_reservations_go(make_scene: MakeScene) -> None:
    scene = make_scene(contacts=1)
    scene.add_agents(2)
    scene.team.start(flow_text())
    scene.settle()
    assert len(scene.trunk.dialed) == 1
    scene.advance(5)
    # One contact, so one agent is kept for its call and the other is free for others.
    assert sorted(scene.team.agent_states().items()) == [("ready", 1), ("reserved", 1)]
    scene.trunk.end(scene.trunk.open[0])
    scene.advance(10)
    assert scene.team.agent_states() == {"ready": 2}
    assert scene.reported()["why"] == "no contact is due"


# --- Seize Agent ------------------------------------------------------------------------------


def test_seize_asks_for_target_minus_held(scene: Scene) -> None:
    scene.add_agents(5)
    scene.team.start(flow_text(target=3))
    scene.advance(30)
    assert scene.team.agent_states() == {"reserved": 3, "ready": 2}
    assert scene.reported()["requested"] == 0


def test_seize_does_not_ask_twice_for_whom_it_has_asked(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=3, ttl_s=60))
    scene.advance(30)
    assert scene.reported()["requested"] == 2
    scene.add_agents(5, prefix="late")
    scene.advance(30)
    assert scene.team.agent_states() == {"reserved": 3, "ready": 3}


def test_the_pool_reserves_within_the_ttl(scene: Scene) -> None:
    scene.add_agents(1)
    scene.desk.ask("a1", "not_ready", "break")
    scene.team.start(flow_text(interval_s=60, ttl_s=30))
    scene.advance(20)
    assert scene.trunk.dialed == []
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert len(scene.trunk.dialed) == 1, "reserved and dialed between two pulses"


def test_the_ttl_ends_a_request(scene: Scene) -> None:
    scene.add_agents(1)
    scene.desk.ask("a1", "not_ready", "break")
    scene.team.start(flow_text(interval_s=60, ttl_s=30))
    scene.advance(31)
    assert scene.reported()["requested"] == 0
    assert scene.reported()["why"] == "reservation timeout"
    scene.desk.ask("a1", "ready")
    scene.settle()
    assert scene.team.agent_states() == {"ready": 1}


def test_the_ttl_does_not_end_a_reservation(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(ttl_s=10))
    scene.settle()
    scene.trunk.ring(scene.trunk.open[0])
    scene.advance(24)
    assert scene.team.agent_states() == {"reserved": 1}


def test_nobody_logged_in_is_no_agent_available(scene: Scene) -> None:
    scene.team.start(flow_text())
    scene.settle()
    assert scene.reported()["why"] == "no agent available"
    assert scene.reported()["requested"] == 0


def test_two_campaigns_never_hold_the_same_agent(scene: Scene) -> None:
    scene.add_agents(3)
    scene.team.start(flow_text("One", target=2), 1)
    scene.team.start(flow_text("Two", target=2), 2)
    scene.advance(10)
    assert scene.reported(1)["reserved"] + scene.reported(2)["reserved"] == 3
    holders = [row["campaign_id"] for row in scene.team.agents().values()]
    assert sorted(holders) == [1, 1, 2]


# --- how long a reservation lasts -------------------------------------------------------------


def test_a_reservation_lasts_while_an_attempt_placed_on_it_is_unsettled(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(dialing=POWER_2))
    scene.settle()
    first, second = scene.trunk.open
    scene.trunk.end(first)
    scene.settle()
    assert scene.team.agent_states() == {"reserved": 1}
    assert scene.trunk.open == [second], "not armed again while a call still rings"


def test_when_the_last_has_ended_without_a_human_init_dials_again_at_once(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(interval_s=3600, dialing=POWER_2))
    scene.settle()
    for attempt_id in scene.trunk.open:
        scene.trunk.end(attempt_id)
    scene.settle()
    assert len(scene.trunk.dialed) == 4
    assert len(scene.trunk.open) == 2


def test_after_a_fault_of_the_trunk_the_next_pulse_dials_and_not_before(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(interval_s=5))
    scene.settle()
    scene.trunk.end(scene.trunk.open[0], NO_CHANNEL)
    scene.advance(4.9)
    assert len(scene.trunk.dialed) == 1
    scene.advance(0.1)
    assert len(scene.trunk.dialed) == 2


def test_a_contact_whose_call_the_trunk_could_not_place_stays_due(make_scene: MakeScene) -> None:
    scene = make_scene(contacts=1)
    scene.add_agents(1)
    scene.team.start(flow_text(interval_s=5))
    scene.settle()
    for _ in range(4):  # more than max_attempts: it never left, so it does not count
        scene.trunk.end(scene.trunk.open[0], NO_CHANNEL)
        scene.advance(10)
    talk(scene, scene.trunk.open[0])
    scene.trunk.end(scene.trunk.open[0], HUNG_UP)
    scene.settle()
    assert scene.team.outcomes() == ["invalid_gateway"] * 4 + ["customer_answered"]


# --- Init -------------------------------------------------------------------------------------


def test_progressive_keeps_one_call_in_flight_per_reserved_agent(scene: Scene) -> None:
    scene.add_agents(3)
    scene.team.start(flow_text(target=3))
    for _ in range(20):
        scene.advance(1)
        assert len(scene.trunk.open) == 3
        scene.trunk.end(scene.trunk.open[0])


def test_power_carries_fractions_over(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(interval_s=3600, dialing="{mode: power, ratio: 1.5}"))
    placed = []
    for _ in range(6):
        scene.settle()
        placed.append(len(scene.trunk.open))
        for attempt_id in scene.trunk.open:
            scene.trunk.end(attempt_id)
    assert placed == [1, 2, 1, 2, 1, 2]


def test_a_pulse_tops_up_to_the_quota(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(interval_s=5, dialing="{mode: power, ratio: 3}"))
    scene.settle()
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert len(scene.trunk.open) == 2
    scene.advance(5)
    assert len(scene.trunk.open) == 3


def test_the_dials_of_one_pulse_are_spread_evenly(scene: Scene) -> None:
    scene.add_agents(10)
    scene.team.start(flow_text(target=10), calls_per_second=4)
    at = []
    for _ in range(25):
        at.append(len(scene.trunk.dialed))
        scene.advance(0.125)
    assert at[0] == 0
    assert at[1:20:2] == list(range(1, 11)), "one each quarter of a second"


def test_every_pulse_records_its_inputs_and_why(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=2))
    scene.advance(6)
    released = [p for p in scene.team.ledger.pulses() if p.dials]
    assert [p.dials for p in released] == [1]
    assert dict(released[0].inputs) == {"reserved": 1.0, "requested": 1.0, "in_flight": 0.0}
    assert released[0].reason == "released contacts"
    assert all(p.reason for p in scene.team.ledger.pulses())


# --- who gets the caller ----------------------------------------------------------------------


def test_a_live_human_claims_an_agent_reserved_by_the_campaign(scene: Scene) -> None:
    scene.add_agents(1, prefix="free")
    scene.add_agents(1, prefix="later")
    scene.team.start(flow_text(target=1))
    scene.settle()
    assert held(scene) == ["free1"], "the longest idle is reserved"
    assert talk(scene, scene.trunk.open[0]) == "free1"


def test_without_a_reserved_agent_a_caller_claims_any_ready_one(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=1, dialing=POWER_2, interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    assert talk(scene, first) == "a1"
    assert talk(scene, second) == "a2"


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
    assert held(scene) == ["a1"]


def test_a_caller_does_not_take_an_agent_reserved_by_another_campaign(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text("One", target=1, dialing=POWER_2, interval_s=3600), 1)
    scene.settle()
    first, second = scene.trunk.open
    scene.team.start(flow_text("Two", target=1, interval_s=3600), 2)
    scene.settle()
    talk(scene, first)
    scene.trunk.answer(second)
    scene.advance(3)
    assert second not in scene.trunk.bridged
    assert scene.team.outcomes() == ["abandoned"]


def test_a_caller_who_waits_gets_the_next_agent_who_comes_free(scene: Scene) -> None:
    scene.add_agents(1, wrap_up_s=1)
    scene.team.start(flow_text(target=1, dialing=POWER_2, interval_s=3600))
    scene.settle()
    first, second = scene.trunk.open
    talk(scene, first)
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
    talk(scene, first)
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
    assert talk(scene, second) == "a1"
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
    assert scene.reported()["requested"] == 0


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
    assert held(scene) == ["a2"]


def test_an_expired_request_counts_the_phones_that_still_ring(make_scene: MakeScene) -> None:
    scene = make_scene(kept_up=False)
    scene.add_agents(1)
    scene.team.start(flow_text(target=2, ttl_s=3, interval_s=3600))
    scene.advance(4)
    assert scene.reported()["requested"] == 1
    scene.desk.accept("a1")
    scene.settle()
    assert scene.reported()["requested"] == 0
    assert held(scene) == ["a1"]


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
    talk(scene, attempt_id)
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
    assert talk(scene, attempt_id) == "a1"
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
    assert held(scene) == ["a1"]
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert len(scene.trunk.open) == 1


def test_who_paused_in_a_former_call_is_armed_like_any_other(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    talk(scene, attempt_id)
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
    assert talk(scene, first) == "a2"
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
    assert scene.team.agent_states() == {"ready": 1}, "there is nothing to wrap up"


# --- from outside -----------------------------------------------------------------------------


def test_a_trunk_that_is_down_leaves_contacts_due_and_says_why(scene: Scene) -> None:
    scene.add_agents(2)
    campaign = scene.team.start(
        flow_text(), briefing=lambda: (TrunkNews("trunk", False, "no answer to OPTIONS"),)
    )
    scene.advance(30)
    assert scene.trunk.dialed == []
    assert scene.store.settlements == []
    assert scene.reported()["why"] == "trunk trunk is down: no answer to OPTIONS"
    assert scene.team.agent_states() == {"ready": 2}
    campaign.tell(TrunkNews("trunk", True, ""))
    scene.advance(5)
    assert len(scene.trunk.dialed) == 2


def test_unpublishing_settles_what_waits_for_its_slot_as_never_dialed(scene: Scene) -> None:
    scene.add_agents(5)
    scene.team.start(flow_text(target=5), calls_per_second=1)
    scene.advance(1.5)
    assert len(scene.trunk.dialed) == 2
    scene.team.quiesce("unpublished")
    scene.advance(60)
    assert len(scene.trunk.dialed) == 2
    assert scene.team.outcomes() == ["never_dialed"] * 3
    assert scene.team.agent_states() == {"ready": 3, "reserved": 2}
    scene.team.change_flow(flow_text(target=5), 2)
    scene.advance(6)
    assert len({r.number for r in scene.trunk.dialed}) == len(scene.trunk.dialed) > 2
    assert {r.number for r in scene.trunk.dialed} == {
        f"+1212555{n:04d}" for n in range(1, len(scene.trunk.dialed) + 1)
    }, "those that were never dialed were due again"


def test_unpublishing_lets_live_calls_finish(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    live, rings = scene.trunk.open
    talk(scene, live)
    scene.team.quiesce("unpublished")
    scene.advance(10)
    assert scene.trunk.open == [live, rings]
    assert talk(scene, rings) == "a2", "what rings may still be answered"
    for attempt_id in (live, rings):
        scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert scene.team.outcomes() == ["customer_answered"] * 2
    assert scene.reported()["calls_in_progress"] == 0


def test_panic_cancels_ringing_calls_and_lets_live_ones_finish(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    live, rings = scene.trunk.open
    talk(scene, live)
    scene.team.quiesce("panic", cancel=True)
    scene.settle()
    assert scene.trunk.cancelled == [rings]
    scene.trunk.end(rings, EndCause("near", 487))
    scene.advance(60)
    assert scene.team.outcomes() == ["cancelled"]
    assert scene.trunk.open == [live]
    assert len(scene.trunk.dialed) == 2


def test_an_answer_that_crosses_the_cancel_is_a_live_call(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.team.quiesce("panic", cancel=True)
    scene.settle()
    assert talk(scene, attempt_id) == "a1"
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert scene.team.outcomes() == ["customer_answered"]


def test_attempts_committed_while_the_stop_was_on_its_way_are_never_dialed(scene: Scene) -> None:
    replies: list[Any] = []
    commit = scene.store.commit_attempts
    scene.store.commit_attempts = (  # type: ignore[method-assign]
        lambda *arguments: replies.append(arguments)
    )
    scene.add_agents(2)
    scene.team.start(flow_text(target=2))
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.settle()
    assert scene.reported()["calls_in_progress"] > 0, "not done before the store has answered"
    for arguments in replies:
        commit(*arguments)
    scene.settle()
    assert scene.trunk.dialed == []
    assert scene.team.outcomes() == ["never_dialed"] * 2
    assert scene.team.agent_states() == {"ready": 2}
    assert scene.reported()["calls_in_progress"] == 0


def test_a_stop_gives_back_contacts_that_were_claimed_ahead(make_scene: MakeScene) -> None:
    scene = make_scene(contacts=50)
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.advance(1)
    states = list(scene.store.states(1).values())
    assert states.count("claimed") == 0
    assert states.count("in_flight") == 1, "the one whose phone rings"


def test_contacts_claimed_while_the_stop_was_on_its_way_are_given_back(scene: Scene) -> None:
    replies: list[Any] = []
    claim = scene.store.claim
    scene.store.claim = lambda *arguments: replies.append(arguments)  # type: ignore[method-assign]
    scene.team.start(flow_text())
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.settle()
    for arguments in replies:
        claim(*arguments)
    scene.settle()
    assert set(scene.store.states(1).values()) <= {"due", "waiting"}


def test_a_request_ends_with_the_stop(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=3, ttl_s=600))
    scene.settle()
    scene.team.quiesce("unpublished")
    scene.settle()
    before = len(scene.team.ledger.records)
    scene.add_agents(2, prefix="late")
    scene.settle()
    moves = [r for r in scene.team.ledger.records[before:] if "reserved" in r]
    assert moves == []


def test_calls_under_way_finish_on_the_old_version(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=1))
    scene.settle()
    old = scene.trunk.open[0]
    text = flow_text(target=1).replace("outcomes: [user_busy", "outcomes: [fax")
    scene.team.change_flow(text, 2)
    scene.advance(5)
    scene.trunk.end(old, BUSY)
    scene.advance(5)
    new = scene.trunk.open[-1]
    scene.trunk.end(new, BUSY)
    scene.settle()
    nexts = [s.next.state for s in scene.store.settlements]
    assert nexts == ["waiting", "done"], "the old version tries busy numbers again, the new not"


def test_an_attempt_committed_for_the_old_version_keeps_its_nodes(scene: Scene) -> None:
    replies: list[Any] = []
    commit = scene.store.commit_attempts
    scene.store.commit_attempts = (  # type: ignore[method-assign]
        lambda *arguments: replies.append(arguments)
    )
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    renamed = flow_text(target=1).replace("id: dial,", "id: ring,").replace(": dial}", ": ring}")
    load_flow(renamed, "renamed.yaml")
    scene.team.change_flow(renamed, 2)
    scene.settle()
    commit(*replies[0])
    scene.settle()
    assert len(scene.trunk.dialed) == 1
    scene.trunk.end(scene.trunk.open[0], BUSY)
    scene.settle()
    assert scene.store.settlements[0].next.resume_node == "dial"


def test_a_new_version_that_seizes_from_another_queue_hears_of_its_agents(scene: Scene) -> None:
    scene.add_agents(1)
    scene.add_agents(1, queue="other", prefix="b")
    scene.team.start(flow_text(target=1))
    scene.settle()
    first = scene.trunk.open[0]
    scene.team.change_flow(flow_text(target=2, queue="other"), 2)
    scene.advance(5)
    assert len(scene.trunk.open) == 2
    assert talk(scene, scene.trunk.open[1]) == "b1"
    assert talk(scene, first) == "a1", "the old call's agent was not taken from it"


def test_a_late_assignment_to_a_call_that_ended_gives_the_agent_back(scene: Scene) -> None:
    """The pool assigns, the caller hangs up, and the two cross."""
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.trunk.answer(attempt_id)
    scene.trunk.end(attempt_id, HUNG_UP)
    scene.settle()
    assert attempt_id not in scene.trunk.bridged
    assert scene.team.outcomes() == ["hung_up_waiting"]
    assert scene.desk.released == [("a1", attempt_id)]
    assert scene.team.agent_states() == {"ready": 1}
    histogram = scene.team.metrics.histogram(
        "dialer_agent_wrapup_duration_seconds", campaign="Test"
    )
    assert histogram.count == 0


def test_a_ring_timeout_on_its_way_when_the_first_ring_is_heard_does_not_cut_it_short(
    scene: Scene,
) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1))
    scene.settle()
    attempt_id = scene.trunk.open[0]
    scene.advance(24.999)
    scene.trunk.ring(attempt_id)
    scene.advance(20)
    assert scene.trunk.cancelled == []
    scene.advance(10)
    assert scene.trunk.cancelled == [attempt_id]


@pytest.mark.parametrize("ported", ["agent_reserved: undelivered_too", "agent_reserved: init"])
def test_agents_are_dialed_for_whatever_stands_between_them_and_init(
    scene: Scene, ported: str
) -> None:
    text = flow_text(target=1).replace("agent_reserved: init", ported)
    if "too" in ported:
        text += (
            '  - {id: undelivered_too, type: check_undelivered_contacts, next: {"true": init}}\n'
        )
    scene.add_agents(1)
    scene.team.start(text)
    scene.settle()
    assert len(scene.trunk.dialed) == 1
