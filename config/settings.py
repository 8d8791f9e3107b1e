"""The schema of a daemon's settings file.

The rule of this module: every setting has a default that is safe, a unit in its name, and a
description from which docs/configuration.md is made; a key that is not here is refused. What is
left out of the file never dials a stranger: `live` is false and the allow-list is empty.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from config.fields import (
    SIP_PORT,
    Address,
    Allowed,
    FilePath,
    Ip,
    Name,
    Region,
    Section,
    Several,
    SipAddress,
    StoreUrl,
)
from config.trunks import Callbacks, OwnedNumber, SipTrunk, Trunk
from dialer import outcomes
from dialer.caller_ids import CallerId, CallerIds
from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.dial_policy import DialPolicy
from dialer.documents import suggestion
from dialer.queues import Demand

DATA_DIR = Path("var")

_SIP_URI = r"^(sips?:[^\s@]+(@[^\s@]+)?)?$"
_ALL_ADDRESSES = Address("0.0.0.0", SIP_PORT)


class SimulatedDesk(Section):
    """Agents who are not there: they answer and wrap up as `simulation` says."""

    kind: Literal["simulated"] = Field("simulated", description="agents who are not there")
    kept_up: bool = Field(
        True, description="false: their phones ring per call, for progressive and preview only"
    )
    wrap_up_s: float = Field(30.0, ge=0, le=3600, description="limit of wrap-up; 0 for none")


class SipDesk(Section):
    """Agents on SIP phones."""

    kind: Literal["sip"] = Field(description="agents on SIP phones")
    bind: SipAddress = Field(_ALL_ADDRESSES, description="where we listen; trunks may share it")
    advertised_host: str = Field("", description="our address as the phones see it")
    kept_up: bool = Field(
        True,
        description="true: a leg stands from login on; false: phones ring per call, for "
        "progressive and preview only",
    )
    answer_timeout_s: float = Field(
        20.0, ge=1, le=120, description="how long a phone may ring: at login, or per call"
    )
    wrap_up_s: float = Field(30.0, ge=0, le=3600, description="limit of wrap-up; 0 for none")


Desk = Annotated[SimulatedDesk | SipDesk, Field(discriminator="kind")]


class Queue(Section):
    """Agents serve it, flows seize from it; if it asks for something, only who has it serves."""

    name: Name = Field(description="how flows call it")
    mrd: str = Field("voice", min_length=1, description="the media routing domain")
    languages: tuple[str, ...] = Field((), description="its agents speak all of these")
    skills: dict[str, int] = Field({}, description="the least level of each, by skill")
    inbound_floor: int = Field(
        0, ge=0, le=1000, description="ready agents whom outbound calls do not take"
    )

    @property
    def demand(self) -> Demand:
        """What it asks of its agents."""
        return Demand(self.languages, self.skills)


class Agent(Section):
    """An agent that is there from the start; others are added by `run.py agents add`."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="how commands call them")
    name: str = Field("", description="for people")
    address: str = Field("", pattern=_SIP_URI, description="their phone, as sip:amy@10.0.0.5")
    queues: Several[str] = Field(("default",), description="queues they serve")
    languages: tuple[str, ...] = Field((), description="languages they speak, as en, es")
    skills: dict[str, int] = Field({}, description="the level of each, by skill")
    wrap_up_s: float | None = Field(
        None, ge=0, le=3600, description="their own limit of wrap-up, else the desk's"
    )


class Media(Section):
    """The audio relay between customers and agents' SIP phones."""

    bind_host: Ip = Field("0.0.0.0", description="the IP address where audio arrives")
    advertised_host: Ip | None = Field(
        None, description="where far ends send audio; needed if bind_host is 0.0.0.0"
    )
    first_port: int = Field(20000, ge=1024, le=65534, description="first RTP port, even")
    last_port: int = Field(29998, ge=1024, le=65534, description="last RTP port, even")
    prompts_dir: FilePath = Field(Path("prompts"), description="WAV files that flows play")

    @model_validator(mode="after")
    def _ports_make_pairs(self) -> "Media":
        if self.first_port % 2 or self.last_port % 2:
            raise ValueError("an odd RTP port; first_port and last_port are even (RFC 3550)")
        if self.last_port <= self.first_port:
            raise ValueError("last_port does not lie after first_port; raise it")
        return self


class Metrics(Section):
    """The HTTP address of /metrics, /healthz and /readyz."""

    host: str = Field("127.0.0.1", min_length=1, description="where to listen; it has no login")
    port: int = Field(9464, ge=0, le=65535, description="0 takes a free port")


class Formulas(Section):
    """Where pacing formulas are evaluated."""

    prometheus_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="a Prometheus server that evaluates them, as http://10.0.0.9:9090; empty means "
        "the daemon itself, over its own series, which also stands in for the server",
    )
    timeout_s: float = Field(0.5, gt=0, le=1.5, description="of a query to the server")
    max_age_s: float = Field(
        30.0, gt=0, le=600, description="older samples of the server do not count"
    )
    reuse_s: float = Field(
        0.5, ge=0, le=60, description="how long its answer serves all campaigns of a formula"
    )
    username: str = Field("", description="where the server asks for one")
    password: SecretStr | None = Field(None, description="of that user")
    bearer_token: SecretStr | None = Field(None, description="where the server asks for one")


class Journal(Section):
    """The ledger that `explain`, `replay` and `backtest` read."""

    dir: FilePath = Field(DATA_DIR / "journal", description="its folder, else in data_dir")
    segment_mb: float = Field(64.0, gt=0, le=4096, description="size of one file")
    keep_mb: float = Field(4096.0, gt=0, description="size of all; the oldest go first")
    keep_days: float = Field(90.0, gt=0, description="age of the oldest")
    series: bool = Field(True, description="keep the series that backtest reads, too")


class Log(Section):
    """What the daemon tells on its standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="from here up")
    format: Literal["console", "json"] = Field("console", description="for people or machines")
    log_numbers: bool = Field(False, description="true shows telephone numbers in full")


class Simulation(Section):
    """The simulated carrier, its customers, and the simulated agents. Means in seconds."""

    seed: int = Field(1, ge=0, description="of every random choice")
    agents: int = Field(10, ge=0, le=1000, description="agents who log in at the start")
    outcomes: dict[str, float] = Field(
        {
            "customer_answered": 0.35,
            "no_user_response": 0.40,
            "user_busy": 0.12,
            "answering_machine": 0.05,
            "invalid_number": 0.05,
            "congestion": 0.03,
        },
        description="what calls come to, as weights by outcome",
    )
    setup_s: float = Field(1.0, ge=0, le=60, description="from dialing to ringing")
    ring_s: float = Field(8.0, gt=0, le=300, description="from ringing to the answer")
    talk_s: float = Field(40.0, gt=0, le=7200, description="of a conversation")
    wrap_up_s: float = Field(10.0, ge=0, le=3600, description="of an agent's wrap-up")
    patience_s: float = Field(10.0, gt=0, le=300, description="until a waiting customer hangs up")

    @field_validator("outcomes")
    @classmethod
    def _weights_of_known_outcomes(cls, weights: dict[str, float]) -> dict[str, float]:
        for name, weight in weights.items():
            if name not in outcomes.OUTCOMES:
                raise ValueError(
                    f"there is no outcome {name!r}; {suggestion(name, outcomes.NAMES)}"
                )
            if not 0 <= weight < float("inf"):
                raise ValueError(f"the weight of {name} is {weight}; give 0 or more")
        if not sum(weights.values()) > 0:
            raise ValueError("no outcome has a weight; give one at least")
        return weights


class Settings(Section):
    """A daemon's settings, complete and with absolute paths."""

    data_dir: FilePath = Field(DATA_DIR, description="where the daemon keeps what it writes")
    store_url: StoreUrl = Field(
        f"sqlite:///{DATA_DIR}/foredial.db", description="sqlite:///FILE, else in data_dir"
    )
    control_socket: FilePath = Field(
        DATA_DIR / "control.sock", description="how commands reach the daemon, else in data_dir"
    )
    panic_file: FilePath = Field(
        DATA_DIR / "panic", description="while it exists nothing is dialed, else in data_dir"
    )
    scores_dir: FilePath = Field(
        DATA_DIR / "scores", description="answer scores that flows name, else in data_dir"
    )
    live: bool = Field(False, description="false dials only numbers of the allow-list")
    allow_list: tuple[Allowed, ...] = Field((), description="E.164 numbers, or prefixes with *")
    countries: Several[Region] = Field(("US",), description="countries that may be called")
    default_region: Region | None = Field(
        None, description="of numbers without a country code, else the first of countries"
    )
    attributes: Several[AttributeSpec] = Field(
        (AttributeSpec(name="phone", type=AttributeType.PHONE, required=True, key=True),),
        description="what a contact has",
    )
    trunks: tuple[Trunk, ...] = Field((), description="carriers, tried in this order")
    caller_ids: tuple[OwnedNumber, ...] = Field((), description="numbers of ours")
    callbacks: Callbacks = Field(
        default_factory=Callbacks, description="calls that come in to our numbers"
    )
    desk: Desk = Field(default_factory=SimulatedDesk, description="how agents are reached")
    queues: Several[Queue] = Field((Queue(name="default"),), description="queues that agents serve")
    agents: tuple[Agent, ...] = Field((), description="agents who are there from the start")
    pause_codes: tuple[str, ...] = Field(
        (), description="why an agent may be not ready; none given allows any reason"
    )
    media: Media = Field(default_factory=Media, description="the audio relay")
    metrics: Metrics = Field(default_factory=Metrics, description="metrics and health over HTTP")
    journal: Journal = Field(default_factory=Journal, description="the ledger")
    formulas: Formulas = Field(
        default_factory=Formulas, description="where pacing formulas are evaluated"
    )
    log: Log = Field(default_factory=Log, description="what the daemon tells")
    simulation: Simulation = Field(
        default_factory=Simulation, description="the simulated carrier and agents"
    )

    @model_validator(mode="before")
    @classmethod
    def _place_what_is_left_out(cls, data: Any) -> Any:
        """What the file does not place itself goes into its data_dir, or beside the file."""
        if not isinstance(data, dict):
            return data
        held = data.get("data_dir") or str(DATA_DIR)
        journal = data.get("journal") or {}
        if not (isinstance(held, str) and isinstance(journal, dict)):
            return data
        # `media` must pass through validation even if left out: it holds a path.
        return {
            "media": {},
            "store_url": f"sqlite:///{held}/foredial.db",
            "control_socket": f"{held}/control.sock",
            "panic_file": f"{held}/panic",
            "scores_dir": f"{held}/scores",
            **{key: value for key, value in data.items() if value is not None},
            "journal": {"dir": f"{held}/journal", **journal},
        }

    @field_validator("attributes")
    @classmethod
    def _someone_can_be_called(cls, specs: tuple[AttributeSpec, ...]) -> tuple[AttributeSpec, ...]:
        if not any(spec.type is AttributeType.PHONE for spec in specs):
            raise ValueError("no attribute is a phone; declare one with type: phone")
        return specs

    @field_validator("trunks")
    @classmethod
    def _trunk_names_differ(cls, trunks: tuple[Trunk, ...]) -> tuple[Trunk, ...]:
        _all_differ("trunk", (trunk.name for trunk in trunks))
        return trunks

    @field_validator("caller_ids")
    @classmethod
    def _caller_ids_differ(cls, numbers: tuple[OwnedNumber, ...]) -> tuple[OwnedNumber, ...]:
        _all_differ("caller_id", (number.number for number in numbers))
        _all_differ("caller_id", (number.name for number in numbers))
        return numbers

    @field_validator("queues")
    @classmethod
    def _queue_names_differ(cls, queues: tuple[Queue, ...]) -> tuple[Queue, ...]:
        _all_differ("queue", (queue.name for queue in queues))
        return queues

    @field_validator("agents")
    @classmethod
    def _agent_ids_differ(cls, agents: tuple[Agent, ...]) -> tuple[Agent, ...]:
        _all_differ("agent", (agent.id for agent in agents))
        return agents

    @property
    def caller_id_inventory(self) -> CallerIds:
        """All numbers that callees may see; a trunk's own `caller_id` is one of them.

        In a rehearsal, and through a simulated carrier, a call may leave without one.
        """
        own = {t.name: t.caller_id for t in self.trunks if isinstance(t, SipTrunk) and t.caller_id}
        numbers = [CallerId(**dict(number)) for number in self.caller_ids]
        listed = {number.number for number in numbers}
        for trunk, number in own.items():
            if number not in listed:
                numbers.append(CallerId(number, trunk, trunks=(trunk,)))
        plain = {t.name for t in self.trunks if not (self.live and isinstance(t, SipTrunk))}
        return CallerIds(numbers, own, frozenset(plain))

    @property
    def region(self) -> str:
        """The country of numbers written without one."""
        return self.default_region or self.countries[0]

    @property
    def dial_policy(self) -> DialPolicy:
        """Which numbers may be dialed at all."""
        return DialPolicy(self.live, frozenset(self.allow_list), frozenset(self.countries))

    @property
    def contact_schema(self) -> Schema:
        """The declared attributes, ready to read values with.

        Raises:
            ContactError: they do not agree; the loader has seen to it that they do.
        """
        return Schema(self.attributes, self.region)


def _all_differ(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"there are two {what}s {name!r}; rename one")
        seen.add(name)
