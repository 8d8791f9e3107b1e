"""When a call-back is promised for."""

from zoneinfo import ZoneInfo

import pytest

from dialer.callbacks import read_time
from dialer.errors import InputError

NEW_YORK = ZoneInfo("America/New_York")
NOW = 1_750_172_400.0  # 2025-06-17 11:00 in New York
HOUR = 3600.0


@pytest.mark.parametrize(
    ("text", "after_s"),
    [
        ("+90m", 1.5 * HOUR),
        ("+2h", 2 * HOUR),
        ("+1d", 24 * HOUR),
        ("15:30", 4.5 * HOUR),
        ("10:00", 23 * HOUR),
        ("2025-06-17 12:00", HOUR),
        ("2025-06-17T12:00:30", HOUR + 30),
        ("2025-06-17 18:00+02:00", HOUR),
    ],
)
def test_a_time_is_read(text: str, after_s: float) -> None:
    assert read_time(text, NOW, NEW_YORK) == NOW + after_s


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("soon", "is no time"),
        ("", "is no time"),
        ("25:00", "is no time"),
        ("2025-06-17 10:59", "has passed"),
        ("+0m", "has passed"),
        ("+400d", "more than a year away"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        read_time(text, NOW, NEW_YORK)
