"""A scenario: the world a campaign is tried in, as a person writes it.

The rule of this module: every number that shapes the simulated world stands in a scenario, with
its unit, and can be seen there; what is left out is as in the base scenario, and an impossible
world is refused by file, line and key. It says what is so; `sim.customers` and `sim.workforce`
make calls and agents of it.
"""

from collections.abc import Iterator
from datetime import datetime
from math import floor
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from dialer.documents import Document, path_text, problems, suggestion
from dialer.documents import Path as Place
from dialer.errors import InputError, ScenarioError
from dialer.flow.hours import TimeOfDay
from sim.distributions import Distribution
from sim.faults import Fault
from sim.propensity import Propensity
from sim.traits import BASE, OUTCOMES, Cpa, Outcomes, Traits, traits_given
from sim.written import Count, Positive, Seconds, Share, Written, Zone, distribution


class Change(Traits):
    """Traits that hold from a time on, or from a penetration of the list on.

    from_s: since the start. from_time: HH:MM on each day, on the clock of the segment's zone.
    from_penetration: once so large a part of the list has been dialed.
    segment: only there; else everywhere.
    """

    from_s: Seconds | None = None
    from_time: TimeOfDay | None = None
    from_penetration: Annotated[float, Field(ge=0, le=100)] | None = None
    segment: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> "Change":
        places = (self.from_s, self.from_time, self.from_penetration)
        if sum(place is not None for place in places) != 1:
            raise ValueError("when?; give one of from_s, from_time and from_penetration")
        if not traits_given(self):
            raise ValueError("nothing changes; give a trait, such as talk_s")
        return self


class Segment(Traits):
    """A part of the list whose calls go their own way. share: of the contacts.

    zone: where its people live; the scenario's own where it is left out.
    """

    name: Annotated[str, Field(min_length=1, max_length=60)]
    share: Share
    zone: Zone | None = None


class ContactList(Written):
    """Who is called.

    size, size_per_agent: contacts on the list; endless where neither is given.
    ends: whether the campaign runs out of contacts there; else `size` only measures penetration.
    live_decay: the live share falls as exp(-live_decay x dials / size).
    numbers: telephone numbers that each contact has.
    propensity: how unlike each other they are; all alike where it is left out.
    """

    size: Count | None = None
    size_per_agent: Positive | None = None
    ends: bool = True
    live_decay: Annotated[float, Field(ge=0, le=100)] = 0.0
    numbers: Annotated[int, Field(ge=1, le=7)] = 1
    propensity: Propensity | None = None

    @model_validator(mode="after")
    def _one_size(self) -> "ContactList":
        if self.size is not None and self.size_per_agent is not None:
            raise ValueError("both size and size_per_agent; give one")
        if self.live_decay and not self.is_sized:
            raise ValueError("live_decay without a size; give size or size_per_agent")
        return self

    @property
    def is_sized(self) -> bool:
        return self.size is not None or self.size_per_agent is not None


class Shift(Written):
    """When agents are to be there. share: of the agents. until_s: None is the end of the day."""

    share: Share
    from_s: Seconds = 0.0
    until_s: Seconds | None = None

    @model_validator(mode="after")
    def _forward(self) -> "Shift":
        if self.until_s is not None and self.until_s <= self.from_s:
            raise ValueError("the shift ends before it starts; raise until_s")
        return self


class Break(Written):
    """A break, taken after the call in hand.

    Agents are dealt into `groups`; those of group g go at at_s + g x stagger_s + spread_s.
    announced: whether the pool hears of it while the agent still talks (`pending_not_ready`).
    """

    at_s: Seconds
    lasts_s: Distribution
    groups: Count = 1
    stagger_s: Seconds = 0.0
    spread_s: Distribution = distribution(0)
    announced: bool = True


class Agents(Written):
    """How agents work, wrap-up apart, which goes with the call.

    log_in_s: how late they log in. kept_up: their audio legs stand all day; else their phones ring
    for each reservation, which allows progressive and preview dialing only. rona: share of such
    rings that nobody answers.
    answer_s: how long a phone that rings per call rings.
    tells_wrap_up: as each wrap-up begins they say how long it will take.
    preview_s: how long they look at a contact before they accept or skip it. preview_skip,
        preview_timeout: shares of previews that they skip, and that they let time out.
    dispositions: weights of what they say of a call, by its name in the campaign; each as likely
        where none is given. callback_after_s: when those whom they promise it are called back.
    callback_personal: share of call-backs that they make themselves.
    """

    log_in_s: Distribution = distribution(0)
    answer_s: Distribution = distribution(1)
    kept_up: bool = True
    rona: Share = 0.0
    tells_wrap_up: bool = False
    preview_s: Distribution = distribution(8)
    preview_skip: Share = 0.05
    preview_timeout: Share = 0.0
    dispositions: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    callback_after_s: Distribution = distribution(3600)
    callback_personal: Share = 0.5
    shifts: tuple[Shift, ...] = ()
    breaks: tuple[Break, ...] = ()

    @model_validator(mode="after")
    def _one_answer(self) -> "Agents":
        if self.preview_skip + self.preview_timeout > 1:
            raise ValueError("preview_skip and preview_timeout sum to more than 1; lower one")
        return self

    @model_validator(mode="after")
    def _everyone_once(self) -> "Agents":
        total = sum(shift.share for shift in self.shifts)
        if self.shifts and abs(total - 1) > 1e-6:
            raise ValueError(f"the shares of the shifts sum to {total:g}; make them 1")
        return self


class TrunkLimits(Written):
    """What the carrier takes: calls at once (the excess is refused) and calls per second."""

    channels: Count | None = None
    channels_per_agent: Positive | None = None
    calls_per_second: Positive | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> "TrunkLimits":
        if self.channels is not None and self.channels_per_agent is not None:
            raise ValueError("both channels and channels_per_agent; give one")
        return self


class Bursts(Written):
    """Answers come in bursts: in each period of `every_s` the live share is multiplied by a
    gamma factor of mean 1 and this cv."""

    every_s: Positive
    cv: Annotated[float, Field(gt=0, le=2)]

    @property
    def told(self) -> str:
        return f"periods of {self.every_s:g} s, cv {self.cv:.3g}"


_ASSUMED_WHOLE = ("segments", "changes", "bursts")
"""Parts that are fitted as a whole or guessed as a whole."""


class Assumption(NamedTuple):
    """One thing a simulation takes for granted, in words, and whether it was fitted to data."""

    name: str
    value: str
    fitted: bool


def _start(given: Any) -> Any:
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            given = None
    if not isinstance(given, datetime) or given.tzinfo is not None:
        raise ValueError("no start; write local day and time without a zone, as 2026-03-02 09:00")
    return given


Start = Annotated[datetime, BeforeValidator(_start, json_schema_input_type=str)]


class Scenario(Written):
    """A world to try campaigns in.

    start: local time in `zone`, when agents begin. hours: how long a day is.
    fitted: names of the parts that come from recorded traffic; the rest is guessed.
    """

    name: str = ""
    about: str = ""
    start: Start = datetime(2026, 3, 2, 9)
    zone: Zone = "America/New_York"
    hours: Annotated[float, Field(gt=0, le=24 * 31)] = 8.0
    calls: Traits = Traits()
    cpa: Cpa = Cpa()
    agents: Agents = Agents()
    contacts: ContactList = ContactList()
    trunk: TrunkLimits = TrunkLimits()
    segments: tuple[Segment, ...] = ()
    changes: tuple[Change, ...] = ()
    bursts: Bursts | None = None
    faults: tuple[Fault, ...] = ()
    fitted: tuple[str, ...] = ()

    @property
    def start_at(self) -> float:
        """When the day begins, in seconds since the epoch."""
        return self.start.replace(tzinfo=ZoneInfo(self.zone)).timestamp()

    @property
    def day_s(self) -> float:
        """How long the day is."""
        return self.hours * 3600

    def channels(self, agents: int) -> int:
        """Calls that the trunk takes at once; 0 is no limit."""
        if self.trunk.channels is not None:
            return self.trunk.channels
        if self.trunk.channels_per_agent is None:
            return 0
        return max(1, floor(self.trunk.channels_per_agent * agents + 1e-9))

    def list_size(self, agents: int) -> int | None:
        """Contacts by which penetration is measured; None on an endless list."""
        per_agent = self.contacts.size_per_agent
        if per_agent is not None:
            return max(1, round(per_agent * agents))
        return self.contacts.size

    def contact_count(self, agents: int) -> int | None:
        """Contacts there are to call; None where they never run out."""
        return self.list_size(agents) if self.contacts.ends else None

    def traits(self) -> dict[str, Any]:
        """Every trait of a call at the start of the day, outside all segments."""
        return with_traits(traits_given(BASE), self.calls)

    def assumptions(self) -> tuple[Assumption, ...]:
        """What a simulation of this takes for granted: its calls, analysis, agents and changes."""
        named = {f"calls.{name}": value for name, value in self.traits().items()}
        for part in ("cpa", "agents", "contacts", "trunk"):
            section = getattr(self, part)
            named |= {
                f"{part}.{name}": getattr(section, name) for name in type(section).model_fields
            }
        named |= {name: getattr(self, name) for name in _ASSUMED_WHOLE}
        return tuple(
            Assumption(name, told, self._is_fitted(name))
            for name, value in named.items()
            if (told := _told(value))
        )

    def _is_fitted(self, name: str) -> bool:
        return any(name == fitted or name.startswith(f"{fitted}.") for fitted in self.fitted)

    def impossibilities(self) -> Iterator[tuple[Place, str, str]]:
        """What parts say against each other: where, what is wrong, and how to mend it."""
        total = sum(segment.share for segment in self.segments)
        if total > 1 + 1e-6:
            yield ("segments",), f"the shares sum to {total:g}", "keep them up to 1"
        names = [segment.name for segment in self.segments]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield ("segments", place, "name"), f"{name!r} twice", "give each its own name"
        for place, change in enumerate(self.changes):
            where: Place = ("changes", place)
            if change.segment and change.segment not in names:
                mend = suggestion(change.segment, names)
                yield (*where, "segment"), f"no such segment: {change.segment!r}", mend
            if change.from_penetration is not None and not self.contacts.is_sized:
                mend = "give contacts a size or a size_per_agent"
                yield (*where, "from_penetration"), "the list has no size", mend
        parts = {"calls", "cpa", "agents", "trunk", *_ASSUMED_WHOLE}
        known = parts | {each.name for each in self.assumptions()}
        for place, name in enumerate(self.fitted):
            if name not in known:
                yield ("fitted", place), f"no such part: {name!r}", suggestion(name, known)


def with_traits(traits: dict[str, Any], given: Traits) -> dict[str, Any]:
    """Traits with those that were given in place of what they were."""
    new = {**traits, **traits_given(given)}
    if given.live is not None:
        new["outcomes"] = new["outcomes"].with_live(given.live)
    new.pop("live", None)
    return new


def load_scenario(text: str | bytes, name: str, folder: Path | None = None) -> Scenario:
    """Read a scenario.

    name: what errors call it, the file's name as it was given.
    folder: where the files that it names are; the working folder where it is left out.

    Raises:
        ScenarioError: the first of `scenario_problems`.
    """
    scenario, found = _read(text, name, folder)
    if scenario is None or found:
        raise found[0]
    return scenario


def scenario_problems(text: str | bytes, name: str, folder: Path | None = None) -> list[InputError]:
    """Everything that is wrong with a scenario, in the order of its lines."""
    return _read(text, name, folder)[1]


def scenario_schema() -> dict[str, Any]:
    """The JSON schema of a scenario's file, for editors."""
    schema = _without_titles(Scenario.model_json_schema(mode="validation"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _without_titles(schema: Any) -> Any:
    """Pydantic's titles only repeat the keys' names in another spelling."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(item)
        for key, item in schema.items()
        if key != "title" or not isinstance(item, str)
    }


def _read(
    text: str | bytes, name: str, folder: Path | None
) -> tuple[Scenario | None, list[InputError]]:
    try:
        document = Document.load(text, name, ScenarioError)
    except ScenarioError as error:
        return None, [error]
    if not isinstance(document.data, dict):
        return None, [ScenarioError(name, "not a mapping", "write it as in docs/simulation.md")]
    data = {"name": Path(name).stem, **document.data}
    try:
        scenario = Scenario.model_validate(data, context={"folder": folder or Path()})
    except ValidationError as error:
        return None, problems(error, document, ScenarioError, Scenario)
    found: list[InputError] = []
    for place, what, mend in scenario.impossibilities():
        where = f"{name}:{document.line_of(place)}"
        found.append(ScenarioError(where, f"{path_text(place)}: {what}", mend))
    return scenario, found


def _told(value: Any) -> str:
    """A part of a scenario in words; nothing for what is not there."""
    law = getattr(value, "law", None)
    if law is not None:
        kind = value.distribution
        return (
            f"{law.mean:g} s"
            if kind == "constant"
            else (f"{kind}, mean {law.mean:.4g} s, cv {law.cv:.3g}")
        )
    if isinstance(value, Outcomes):
        shares = zip(OUTCOMES, value.shares(), strict=True)
        return ", ".join(f"{name} {share:.4g}" for name, share in shares if share)
    if isinstance(value, tuple):
        return f"{len(value)} of them" if value else ""
    if isinstance(value, (Bursts, Propensity)):
        return value.told
    if isinstance(value, dict):
        return ", ".join(f"{name} {weight:.4g}" for name, weight in value.items())
    named = {None: "", True: "yes", False: "no"}  # the flags; 1 and 0 are numbers, not flags
    return named[value] if value is None or isinstance(value, bool) else f"{value:g}"
