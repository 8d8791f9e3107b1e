"""What is learned of calls and agents: censoring is exact, and residual times are residual."""

import msgpack
import numpy as np
import pytest

from dialer.pacing.cohorts import Cohort, Countdown
from dialer.pacing.floor import Floor
from dialer.pacing.hazards import CallHazards, PhaseHazard, talk_hazard, wrap_up_hazard
from dialer.pacing.pacer import ANSWERED, CALL_SPAN_S, ENDED, OTHERWISE, TALK_SPAN_S

LIVE = 0.25


def dialed(calls: int, seconds: int, seed: int = 1) -> Cohort:
    """Calls dialed evenly over the time, some of which are still ringing at its end.

    A quarter are answered 5 to 14 s after the dial, the others end at 27 s.
    """
    rng = np.random.default_rng(seed)
    cohort = Cohort(CALL_SPAN_S, (ANSWERED, OTHERWISE))
    ends: list[tuple[int, int, str]] = []
    for second in range(seconds):
        if second:
            cohort.tick()
        due = [end for end in ends if end[0] == second]
        ends = [end for end in ends if end[0] != second]
        for _, entered, event in due:
            cohort.leave(entered, event)
        for _ in range(calls):
            entered = cohort.enter()
            if rng.random() < LIVE:
                ends.append((second + int(rng.integers(5, 15)), entered, ANSWERED))
            else:
                ends.append((second + 27, entered, OTHERWISE))
    return cohort


def test_calls_still_ringing_do_not_bias_the_answer_rate() -> None:
    # After 40 s, most of the calls that will not be answered are still ringing: a ratio of answers
    # to ended calls would be far too high.
    cohort = dialed(calls=200, seconds=40)
    answers = cohort.happened[ANSWERED].sum()
    naive = answers / (answers + cohort.happened[OTHERWISE].sum())
    hazards = CallHazards()
    hazards.learn(cohort)
    assert naive > 0.4
    assert hazards.answer_rate() == pytest.approx(LIVE, abs=0.02)


def test_a_call_that_rang_in_vain_is_less_and_less_likely_to_be_answered() -> None:
    hazards = CallHazards()
    hazards.learn(dialed(calls=100, seconds=200))
    table = hazards.answered_within()[0]
    assert table.shape[0] == CALL_SPAN_S
    assert table[0, 20] == pytest.approx(LIVE, abs=0.02)
    assert table[10, 20] == pytest.approx(0.5 * LIVE / (0.5 * LIVE + 1 - LIVE), abs=0.02)
    assert table[20, 7] < 0.02


def test_before_any_call_many_are_expected_to_be_answered() -> None:
    assert CallHazards().answer_rate() == pytest.approx(0.40, abs=0.01)


def test_classes_of_scores_are_corrected_by_what_came_of_them() -> None:
    hazards = CallHazards(class_rates=(0.1, 0.9))
    cohort = Cohort(CALL_SPAN_S, (ANSWERED, OTHERWISE), classes=2)
    entered = [cohort.enter(1, of_class=1) for _ in range(1000)]
    for i, second in enumerate(entered):
        cohort.leave(second, ANSWERED if i % 5 == 0 else OTHERWISE, of_class=1)
    hazards.learn(cohort)
    low, high = hazards.rates()
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.2, abs=0.04), "an overconfident score is found out"


def constant_phases(length_s: int, agents: int, rounds: int) -> Cohort:
    """Phases that all last equally long, one after the other."""
    cohort = Cohort(TALK_SPAN_S, (ENDED,))
    for _ in range(rounds):
        entered = [cohort.enter() for _ in range(agents)]
        for _ in range(length_s):
            cohort.tick()
        for second in entered:
            cohort.leave(second, ENDED)
    return cohort


def test_the_residual_time_is_counted_from_now_not_from_the_start() -> None:
    talk = talk_hazard()
    talk.learn(constant_phases(length_s=100, agents=50, rounds=40))
    over = talk.done_within(20)
    assert over[60, 10] < 0.02, "though one sixth of the talk's length is left to come"
    assert over[95, 20] > 0.9
    assert over[0, 20] < 0.02


def test_two_phases_one_after_the_other() -> None:
    # Exponential phases: P(both over) has a closed form.
    mean_s, next_mean_s, within_s = 30.0, 12.0, 25
    talk = PhaseHazard(np.array([0.0]), TALK_SPAN_S, 1e6, mean_s)
    next_stays = np.exp(-np.arange(within_s + 1) / next_mean_s)
    both = talk.then_done_within(1 - next_stays)[0, within_s]
    a, b = 1 / mean_s, 1 / next_mean_s
    exact = 1 - (b * np.exp(-a * within_s) - a * np.exp(-b * within_s)) / (b - a)
    assert both == pytest.approx(exact, abs=0.02)


def test_old_counts_fade_as_new_ones_come() -> None:
    hazards = CallHazards()
    first = dialed(calls=20, seconds=200)
    hazards.learn(first, memory=500)
    cohort = Cohort(CALL_SPAN_S, (ANSWERED, OTHERWISE))
    fresh = CallHazards()
    fresh.restore(hazards.state())
    for _ in range(20):
        entered = [cohort.enter() for _ in range(200)]
        for second in entered:
            cohort.leave(second, OTHERWISE)
        fresh.learn(cohort, memory=500)
    assert hazards.answer_rate() > 0.2
    assert fresh.answer_rate() < 0.03


def test_what_was_learned_survives_being_written_down() -> None:
    wrap_up = wrap_up_hazard()
    cohort = Cohort(180, (ENDED,))
    for _ in range(50):
        second = cohort.enter()
        for _ in range(7):
            cohort.tick()
        cohort.leave(second, ENDED)
    wrap_up.learn(cohort)
    again = wrap_up_hazard()
    again.restore(msgpack.unpackb(msgpack.packb(wrap_up.state())))
    assert again.hazard == pytest.approx(wrap_up.hazard)


def test_a_countdown_knows_when_who_is_done() -> None:
    countdown = Countdown(60)
    countdown.put("a", 2.4)
    countdown.put("b", 10)
    assert [int(countdown.left[s]) for s in (3, 10)] == [1, 1]
    for _ in range(5):
        countdown.tick()
    assert countdown.left[0] == 1, "a is late, and still expected at any moment"
    assert countdown.left[5] == 1
    assert countdown.remove("a")
    assert not countdown.remove("a")
    assert len(countdown) == 1


def test_a_member_leaves_from_the_age_that_it_has() -> None:
    cohort = Cohort(4, (ENDED,))
    early = cohort.enter(2)
    cohort.tick()
    late = cohort.enter()
    for _ in range(9):
        cohort.tick()
    cohort.leave(early, ENDED)
    cohort.leave(late)
    assert cohort.present.tolist() == [[0, 0, 0, 1]]
    assert cohort.happened[ENDED].tolist() == [[0, 0, 0, 1]]
    assert cohort.size == 1
    assert cohort.at_risk[0, 0] == 3


def test_the_law_of_wrap_ups_is_learned_from_those_whose_end_was_known() -> None:
    floor = Floor(0.0, 28_800.0)
    for agent in range(40):
        floor.ready, floor.waiting = 1, 1
        floor.talk_ended_with_known_wrap_up(0.0, floor.connected(), agent, 12.0)
    wrap_up = wrap_up_hazard()
    before = wrap_up.done_within()[0, 15]
    wrap_up.learn(floor.wrap_ups)
    assert wrap_up.done_within()[0, 15] > 0.8 > before
    assert floor.wrap_ups.size == 0, "nobody is counted twice"


def test_a_known_end_counts_from_when_it_was_told_not_from_the_last_second() -> None:
    floor = Floor(0.0, 28_800.0)
    floor.ready, floor.waiting = 1, 1
    floor.talk_ended_with_known_wrap_up(0.9, floor.connected(), "Ada", 3.0)
    floor.advance(3.0)
    assert floor.known_wrap_ups.left[0] == 0, "the end is at 3.9 s"
    floor.advance(4.0)
    assert floor.known_wrap_ups.left[0] == 1


def test_calls_that_were_told_apart_otherwise_are_learned_anew() -> None:
    rates = (0.1, 0.3, 0.6)
    for ours, theirs in (((), rates), (rates, ()), (rates, rates[:2])):
        taught = CallHazards(class_rates=theirs)
        calls = Cohort(CALL_SPAN_S, (ANSWERED, OTHERWISE), max(1, len(theirs)))
        for _ in range(300):
            calls.leave(calls.enter(), ANSWERED)
        taught.learn(calls)
        fresh, restored = CallHazards(class_rates=ours), CallHazards(class_rates=ours)
        restored.restore(taught.state())
        np.testing.assert_array_equal(restored.answered_within(), fresh.answered_within())
        again = CallHazards(class_rates=theirs)
        again.restore(taught.state())
        np.testing.assert_array_equal(again.answered_within(), taught.answered_within())
