"""A regulation preset: the numbers of a law as data, which a campaign may override.

The rule of this module: no number of a law stands in code. Presets are texts of
`config/regulations`; what they leave out does not exist in that law, and what a campaign overrides
goes through the same checks.
"""

from collections.abc import Mapping
from datetime import datetime, time, tzinfo
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dialer.documents import Document, problems
from dialer.errors import ConfigError
from dialer.flow.hours import DAY_NAMES, Days, TimeOfDay

_SECONDS_A_DAY = 86_400.0

_USUAL_RING_MINIMUM_S = 15.0
"""Where a law names no least time of ringing: that of those that do."""


class StartPoint(StrEnum):
    """Where the seconds until a call counts as abandoned begin.

    The end of a greeting is known only after the fact; while a start point is unknown, the answer
    stands for it.
    """

    ANSWER = "answer"
    SPEECH = "speech"
    GREETING_END = "greeting_end"


class WindowKind(StrEnum):
    """Over which time abandonment is counted.

    successive: periods of `days`, the first from the campaign's start. rolling: the last `days`.
    calendar_day and calendar_month: in the campaign's zone.
    """

    SUCCESSIVE = "successive"
    ROLLING = "rolling"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_MONTH = "calendar_month"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class EvaluationWindow(_Part):
    """The time over which the share of abandoned calls is taken."""

    kind: WindowKind
    days: float = Field(0.0, ge=0, le=366, description="length; calendar windows have none")

    @model_validator(mode="after")
    def _days_fit_the_kind(self) -> "EvaluationWindow":
        calendar = self.kind in {WindowKind.CALENDAR_DAY, WindowKind.CALENDAR_MONTH}
        if calendar and self.days:
            raise ValueError(f"a {self.kind} has no days; remove them")
        if not calendar and not self.days:
            raise ValueError(f"a {self.kind} window needs days; add them")
        return self

    def start(self, at: float, campaign_started_at: float, zone: tzinfo) -> float:
        """When the window that holds `at` began; all in seconds since the epoch."""
        if self.kind is WindowKind.ROLLING:
            return at - self.days * _SECONDS_A_DAY
        if self.kind is WindowKind.SUCCESSIVE:
            length_s = self.days * _SECONDS_A_DAY
            return at - (at - campaign_started_at) % length_s
        day = datetime.fromtimestamp(at, zone).date()
        if self.kind is WindowKind.CALENDAR_MONTH:
            day = day.replace(day=1)
        return datetime.combine(day, time(), zone).timestamp()


class Abandonment(_Part):
    """When an answered call counts as abandoned, and how many may be."""

    target: float = Field(gt=0, le=0.1, description="largest share of calls a person answered")
    window: EvaluationWindow
    threshold_s: float = Field(gt=0, le=10, description="an agent later than this is abandonment")
    starts_at: StartPoint
    message_required: bool = Field(description="an abandoned callee must hear who called")


class CallingHours(_Part):
    """When people may be called, on their own clocks; 24:00 is the end of a day."""

    days: Days = Field(default=(), description="none means every day")
    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> "CallingHours":
        if self.end <= self.start:
            raise ValueError("hours end after they start; split those over midnight in two")
        return self

    @property
    def ends(self) -> tuple[time, time]:
        """When they open and when they close."""
        return self.start, self.end

    def on(self, weekday: int) -> bool:
        """Whether these hours are of a weekday (0 is Monday)."""
        return not self.days or DAY_NAMES[weekday] in self.days


class Preset(_Part):
    """One regulation.

    abandonment: None where the law names no share. calling_hours: several may be open the same
    day; a day in none of them is closed, and none at all would close every day, so there is one.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str
    source: str = Field(description="where the law stands")
    abandonment: Abandonment | None = None
    ring_minimum_s: float = Field(0.0, ge=0, le=120, description="no unanswered ring is shorter")
    calling_hours: tuple[CallingHours, ...] = Field(min_length=1)

    @property
    def least_ring_s(self) -> float:
        """How long a call must have rung before a pacer may give it up."""
        return self.ring_minimum_s or _USUAL_RING_MINIMUM_S

    def overridden(self, changes: Mapping[str, Any], where: str = "compliance") -> "Preset":
        """The preset with a campaign's own numbers, nested as in the preset.

        Raises:
            ConfigError: a number that the preset does not have or that makes no sense; the
                message begins with `where`.
        """
        if not changes:
            return self
        data = _merged(self.model_dump(exclude_unset=True, by_alias=True), changes)
        return _validated(Document.of(data, where))


def load_preset(text: str | bytes, name: str) -> Preset:
    """Read a preset from YAML; `name` is what errors call the file.

    Raises:
        ConfigError: the first of what is wrong with it, by file and line.
    """
    return _validated(Document.load(text, name, ConfigError))


def _validated(document: Document) -> Preset:
    try:
        return Preset.model_validate(document.data)
    except ValidationError as error:
        raise problems(error, document, ConfigError, Preset)[0] from None


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, change in changes.items():
        held = merged.get(key)
        if isinstance(held, Mapping) and isinstance(change, Mapping):
            merged[key] = _merged(held, change)
        else:
            merged[key] = change
    return merged
