"""People are called in the hours that the law allows where they live, clocks that jump included."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialer.journal import CallMoved
from sim.experiment import Case, run_case
from sim.replication import run_replication
from sim.world import anybody
from tests.sim.library import LIBRARY
from tests.sim.world_plans import CONFIG, records_of

POWER = CONFIG / "campaigns" / "power.yaml"
NO_WINDOW = ("campaign.start.windows=[]", "campaign.start.days=[]")
NEW_YORK = ZoneInfo("America/New_York")


def case(*settings: str, hours: float = 1.0, agents: int = 4, campaign: Path | None = None) -> Case:
    return LIBRARY.case(
        "base",
        "power:2",
        campaign,
        agents=agents,
        hours=hours,
        settings=(*settings, *NO_WINDOW),
        jitter_s=0.01,
    )


def dials(given: Case) -> list[tuple[int, datetime]]:
    """Who is dialed when, by contact and on New York's clock."""
    records = records_of(given.plan(), given.day.start_at, given.day.hours * 3600)
    return [
        (record.contact_id, datetime.fromtimestamp(record.at, NEW_YORK))
        for record in records
        if isinstance(record, CallMoved) and record.state == "dialing"
    ]


@pytest.mark.parametrize(
    ("start", "closed_h"),
    [
        ("2026-03-02 20:30", 11),
        ("2026-03-07 20:30", 10),  # an hour of that night does not come
        ("2026-10-31 20:30", 12),  # and one of this comes twice
    ],
)
def test_nobody_is_called_from_nine_to_eight_whatever_the_clocks_do(
    start: str, closed_h: int
) -> None:
    moments = [at for _, at in dials(case(f"start={start}", hours=14.0))]
    evening = [at for at in moments if at.hour == 20]
    morning = [at for at in moments if at.hour < 20]
    assert len(evening) + len(morning) == len(moments)
    assert evening
    assert min(morning).hour == 8
    silent_s = min(morning).timestamp() - max(evening).timestamp()
    assert silent_s == pytest.approx(closed_h * 3600, abs=120)


def test_a_call_that_waits_for_its_slot_does_not_leave_once_the_hour_has_come() -> None:
    # Sixty dials a minute, one a second: those decided just before nine wait past it.
    given = case(
        "start=2026-03-02 20:50",
        "trunk.calls_per_second=1",
        "campaign.start.interval_s=60",
        "campaign.seize.target=60",
        "campaign.init.dialing.ratio=3",
        campaign=POWER,
        agents=60,
        hours=0.5,
    )
    found = run_case(given, 1)
    assert found.calls > 300
    assert found.violations["dial_outside_hours"] == 0
    assert found.violations["contact_lost"] == 0


def test_people_in_the_west_sleep_three_hours_longer() -> None:
    west = "segments=[{name: west, share: 0.5, zone: America/Los_Angeles}]"
    found = dials(case("start=2026-03-02 09:00", west, hours=4.0, agents=6))
    early = {contact for contact, at in found if at.hour < 11}
    # Who was put off comes first when their hour has come, for they have waited longest.
    put_off = [contact for contact, at in found if at.hour == 11 and contact not in early]
    assert len(early) > 100
    assert len([contact for contact in put_off if contact < max(early)]) > 50


def test_a_dialer_that_asks_no_rule_is_found_out() -> None:
    given = case("start=2026-03-02 20:45", hours=0.5)
    plan = replace(given.plan(), may_dial=anybody)
    found = run_replication(plan, given.day, 1)
    assert found.violations["dial_outside_hours"] > 5
    assert any("in America/New_York" in line for line in found.told)


def test_windows_of_the_flow_hold_on_its_own_clock() -> None:
    given = LIBRARY.case(
        "base",
        "power:2",
        agents=4,
        hours=2.0,
        settings=[
            "start=2026-03-02 11:00",
            'campaign.start.windows=[{from: "12:00", to: "12:30"}]',
        ],
    )
    moments = [at for _, at in dials(given)]
    assert moments
    assert {at.hour for at in moments} == {12}
    assert max(at.minute for at in moments) < 30
