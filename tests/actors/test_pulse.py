"""One pulse, sentence by sentence as the design has it."""

from collections.abc import Callable

from dialer.events import EndCause
from tests.actors.conftest import Scene
from tests.actors.world import HUNG_UP, NO_CHANNEL, flow_text

MakeScene = Callable[..., Scene]

POWER_2 = "{mode: power, ratio: 2}"


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


def test_whoever_is_taken_is_replaced_before_the_next_pulse(scene: Scene) -> None:
    scene.add_agents(2)
    scene.team.start(flow_text(target=1, interval_s=3600))
    scene.settle()
    scene.trunk.answer(scene.trunk.open[0])
    scene.settle()
    assert scene.team.agent_states() == {"talking": 1, "reserved": 1}
    assert len(scene.trunk.dialed) == 2


def test_a_request_that_gets_agents_again_and_again_does_not_time_out(scene: Scene) -> None:
    scene.add_agents(1)
    scene.desk.ask("a1", "not_ready", "break")
    scene.team.start(flow_text(target=5, interval_s=3600, ttl_s=30))
    for number in range(3):
        scene.advance(20)
        scene.add_agents(1, prefix=f"late{number}")
    assert scene.reported()["requested"] == 2
    scene.advance(31)
    assert scene.reported()["why"] == "reservation timeout"
    assert scene.reported()["requested"] == 0


def test_a_request_that_is_over_is_made_anew_though_the_pulse_finds_nothing_else_changed(
    scene: Scene,
) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=2, interval_s=5, ttl_s=7))
    scene.advance(4)
    scene.trunk.end(scene.trunk.open[0])  # the agent is armed again, and a quota filled
    scene.advance(4)
    assert scene.reported()["requested"] == 0
    scene.trunk.end(scene.trunk.open[0])
    scene.advance(3)
    assert scene.reported()["requested"] == 1


def test_a_pulse_that_finds_nothing_changed_is_counted_and_not_recorded(scene: Scene) -> None:
    scene.add_agents(1)
    scene.team.start(flow_text(target=1, interval_s=1))
    scene.advance(10)
    recorded = scene.team.ledger.pulses()
    assert [p.reason for p in recorded][-1] == "released contacts"
    scene.trunk.end(scene.trunk.open[0])
    scene.settle()
    assert len(scene.team.ledger.pulses()) == len(recorded) + 1
    assert scene.team.ledger.pulses()[-1].unchanged == 10
    assert scene.team.count("dialer_pulses_total", result="fired") == 11


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
    scene.talk(scene.trunk.open[0])
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
    inputs = dict(released[0].inputs)
    assert (inputs["reserved"], inputs["requested"], inputs["in_flight"]) == (1.0, 1.0, 0.0)
    assert released[0].reason == "released contacts"
    assert all(p.reason for p in scene.team.ledger.pulses())


def test_attempts_that_do_not_count_are_capped_by_a_rest_and_not_by_number(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(contacts=1)
    scene.add_agents(1)
    again = "outcomes: [congestion], next: {"
    text = flow_text(target=1, interval_s=1).replace("max_attempts: 3", "max_attempts: 2")
    text = text.replace("outcomes: [user_busy, no_user_response],\n     next: {", again)
    text = text.replace('"true": later', '"true": dial').split("  - {id: later")[0]
    scene.team.start(text)
    congested = EndCause("far", 503, 34, "Service Unavailable")
    for _ in range(3):  # more than max_attempts
        scene.settle()
        scene.trunk.end(scene.trunk.open[0], congested)
        scene.advance(4.9)
        assert scene.trunk.open == []
        scene.advance(1.1)
    assert len(scene.trunk.dialed) == 4
