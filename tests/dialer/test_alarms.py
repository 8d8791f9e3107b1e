"""When an alarm is raised, and when it is cleared."""

import pytest

from dialer.alarms import (
    AlarmRule,
    AnswerHistory,
    CampaignFacts,
    Latch,
    abandonment,
    campaign_troubles,
    wilson,
)

CALM = CampaignFacts("Spring", True, True, 2, 5, False, "", "", 0, 0, 0.03)


def test_a_campaign_that_dials_has_no_trouble() -> None:
    assert campaign_troubles(CALM) == {}


@pytest.mark.parametrize(
    ("changes", "alarm", "words"),
    [
        ({"dialing": False}, "no_dials_while_agents_idle", "2 agents idle, 5 contacts due"),
        ({"dialing": False, "due": 0, "finished": True}, "list_exhausted", "import contacts"),
        ({"store_trouble": "disk full"}, "store_trouble", "disk full; look at the database"),
        (
            {"answered": 1000, "abandoned": 24},
            "abandonment_budget",
            "24 of 1000 answered calls abandoned, 80% of the budget of 3.0%",
        ),
    ],
)
def test_each_trouble_is_told_where_what_and_how_to_mend(
    changes: dict[str, object], alarm: str, words: str
) -> None:
    troubles = campaign_troubles(CALM._replace(**changes))  # type: ignore[arg-type]

    assert list(troubles) == [alarm]
    assert troubles[alarm].startswith("campaign 'Spring': ")
    assert words in troubles[alarm]


@pytest.mark.parametrize(
    "changes",
    [
        {"dialing": False, "open": False},
        {"dialing": False, "idle": 0},
        {"dialing": False, "due": 0},
        {"answered": 99, "abandoned": 99},
        {"answered": 1000, "abandoned": 23},
        {"answered": 1000, "abandoned": 500, "target": 1.0},
    ],
)
def test_what_is_no_trouble_alarms_nobody(changes: dict[str, object]) -> None:
    assert campaign_troubles(CALM._replace(**changes)) == {}  # type: ignore[arg-type]


def test_few_answers_say_nothing_of_abandonment() -> None:
    assert abandonment(CALM._replace(answered=99)) == "not enough data: 99 of 100 answers"


def test_wilson_gives_the_interval_of_the_textbook() -> None:
    assert wilson(10, 100, 1.96) == pytest.approx((0.05523, 0.17437), abs=1e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def _after(recent_answers: int, recent_seizures: int) -> str:
    history = AnswerHistory("trunk carrier")
    for minute in range(61):
        assert history.trouble(minute * 60.0, minute * 10.0, minute * 3.0) == ""
    now = 60 * 60.0
    for step in range(1, 16):
        told = history.trouble(
            now + step * 60.0,
            600 + recent_seizures * step / 15,
            180 + recent_answers * step / 15,
        )
    return told


def test_an_answer_rate_that_drops_is_told_with_both_shares() -> None:
    assert _after(5, 150).startswith("trunk carrier: 3% of calls are answered, 30% before; make")


def test_neither_chance_nor_few_calls_count_as_a_drop() -> None:
    assert _after(38, 150) == ""
    assert _after(0, 40) == ""


def test_an_alarm_comes_after_it_lasted_and_goes_after_it_stayed_away() -> None:
    latch = Latch("trunk", "carrier", "trunk_down", AlarmRule("critical", 5.0, 10.0))
    seen = [
        *[(0, "down"), (4, "down"), (5, "down"), (6, ""), (10, "down"), (11, ""), (20, "")],
        *[(21, ""), (22, "down"), (23, "")],
    ]
    told = [(at, latch.on) for at, trouble in seen if latch.look(float(at), trouble)]

    assert told == [(5, True), (21, False)]
    assert latch.state == "calm"


def test_an_alarm_dates_from_the_first_sight_of_its_trouble() -> None:
    latch = Latch("trunk", "carrier", "trunk_down", AlarmRule("critical", 5.0, 10.0))
    latch.look(100.0, "down")
    latch.look(107.0, "down: no answer")

    assert latch.alarm.since == 100.0
    assert latch.alarm.text == "down: no answer"


def test_a_rule_without_delay_raises_at_once() -> None:
    latch = Latch("daemon", "", "actor_restarts", AlarmRule("warning", 0.0, 300.0))
    assert latch.look(1.0, "an actor was restarted")
