"""A preset is data: what ships is what the law says, and a campaign's numbers are checked too."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialer.compliance.preset import (
    CallingHours,
    EvaluationWindow,
    Preset,
    StartPoint,
    WindowKind,
    load_preset,
)
from dialer.errors import ConfigError

FOLDER = Path(__file__).parents[2] / "config" / "regulations"
DAY_S = 86_400


def us_ftc() -> Preset:
    return load_preset((FOLDER / "us_ftc.yaml").read_bytes(), "us_ftc.yaml")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_preset_that_ships_can_be_read_and_is_called_as_its_file(path: Path) -> None:
    preset = load_preset(path.read_bytes(), path.name)
    assert preset.name == path.stem
    assert preset.source


def test_us_ftc_has_the_numbers_of_16_cfr_310_4() -> None:
    preset = us_ftc()
    abandonment = preset.abandonment
    assert abandonment is not None
    assert abandonment.target == 0.03
    assert abandonment.window == EvaluationWindow(kind=WindowKind.SUCCESSIVE, days=30)
    assert abandonment.threshold_s == 2.0
    assert abandonment.starts_at is StartPoint.GREETING_END
    assert abandonment.message_required
    assert preset.ring_minimum_s == 15.0
    assert preset.calling_hours == (CallingHours(start=time(8), end=time(21)),)


def test_every_number_can_be_overridden_and_the_rest_stays() -> None:
    preset = us_ftc()
    changed = preset.overridden(
        {
            "abandonment": {"target": 0.01, "window": {"kind": "rolling", "days": 7}},
            "ring_minimum_s": 20,
            "calling_hours": [{"days": ["sat"], "from": "10:00", "to": "24:00"}],
        }
    )
    assert changed.abandonment is not None
    assert changed.abandonment.target == 0.01
    assert changed.abandonment.window.kind is WindowKind.ROLLING
    assert changed.abandonment.threshold_s == 2.0
    assert changed.ring_minimum_s == 20.0
    assert changed.calling_hours[0].days == ("sat",)
    assert preset == us_ftc()
    assert preset.overridden({}) == preset
    assert changed.overridden({"ring_minimum_s": 15}).calling_hours == changed.calling_hours


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"abandonment": {"target": 0.5}}, "abandonment.target: .* not 0.5"),
        ({"abandonment": {"taget": 0.02}}, "abandonment.taget: .* did you mean 'target'"),
        ({"abandonment": {"window": {"kind": "rolling", "days": 0}}}, "needs days"),
        ({"abandonment": {"window": {"kind": "calendar_day"}}}, "no days; remove them"),
        ({"abandonment": {"starts_at": "verdict"}}, "abandonment.starts_at"),
        ({"ring_minimum_s": -1}, "ring_minimum_s"),
        ({"calling_hours": []}, "calling_hours"),
        ({"calling_hours": [{"from": "09:00", "to": "08:00"}]}, "end after they start"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=rf"^campaign 'x': .*{told}"):
        us_ftc().overridden(changes, "campaign 'x'")


def test_a_wrong_preset_is_told_by_file_and_line() -> None:
    text = (FOLDER / "us_ftc.yaml").read_text().replace("ring_minimum_s", "ring_minimun_s")
    line = text[: text.index("ring_minimun_s")].count("\n") + 1
    with pytest.raises(ConfigError, match=rf"^us\.yaml:{line}: .* did you mean 'ring_minimum_s'"):
        load_preset(text, "us.yaml")


def test_a_law_without_an_abandonment_share_can_be_written() -> None:
    text = (
        "name: germany_bnetza\ntitle: t\nsource: s\n"
        "calling_hours:\n- {days: [mon, sat], from: '08:00', to: '20:00'}\n"
    )
    preset = load_preset(text, "x.yaml")
    assert preset.abandonment is None
    assert [preset.calling_hours[0].on(weekday) for weekday in range(7)] == [
        True,
        *[False] * 4,
        True,
        False,
    ]


def test_where_each_kind_of_window_begins() -> None:
    zone = ZoneInfo("America/Toronto")
    started = datetime(2025, 1, 10, tzinfo=UTC).timestamp()
    at = started + 65.5 * DAY_S
    successive = EvaluationWindow(kind=WindowKind.SUCCESSIVE, days=30)
    assert successive.start(at, started, zone) == started + 60 * DAY_S
    assert successive.start(started + 29 * DAY_S, started, zone) == started
    rolling = EvaluationWindow(kind=WindowKind.ROLLING, days=30)
    assert rolling.start(at, started, zone) == at - 30 * DAY_S
    month = EvaluationWindow(kind=WindowKind.CALENDAR_MONTH)
    assert month.start(at, started, zone) == datetime(2025, 3, 1, tzinfo=zone).timestamp()
    day = EvaluationWindow(kind=WindowKind.CALENDAR_DAY)
    assert day.start(at, started, zone) == datetime(2025, 3, 16, tzinfo=zone).timestamp()
