"""The nodes of a flow and their settings.

The rule of this module: one class a node, and its schema is the only one: the loader, the
console's forms and docs/flow.md are all made from it. A node's `gives` names its out ports and
the kind of token that leaves each; `takes` says which kinds may enter.
"""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dialer.flow.hours import Days, TimeOfDay, TimeWindow
from dialer.outcomes import NAMES as OUTCOME_NAMES


class Kind(StrEnum):
    """What travels along an edge."""

    PULSE = "pulse"
    CONTACT = "contact"
    CALL = "call"


class NodeBase(BaseModel):
    """What every node has: an id that is unique in its flow, and where its ports lead."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    takes: ClassVar[frozenset[Kind]] = frozenset()
    gives: ClassVar[dict[str, Kind]] = {}
    needs: ClassVar[frozenset[str]] = frozenset()
    """Gateways without which a flow with this node cannot be published."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="unique in the flow")
    next: dict[str, str] = Field(default_factory=dict, description="out port -> node id")

    def ports(self) -> dict[str, Kind]:
        """The out ports and the kind of token that leaves each."""
        return self.gives

    def gateways(self) -> frozenset[str]:
        """Gateways that this node, as it is set, cannot do without."""
        return self.needs


class Start(NodeBase):
    """The heartbeat: fires a pulse every interval inside its windows."""

    gives = {"pulse": Kind.PULSE}

    type: Literal["start"]
    interval_s: float = Field(10.0, ge=0.1, le=3600, description="seconds between pulses")
    days: Days = Field(default=(), description="days of the week; none means every day")
    windows: tuple[TimeWindow, ...] = Field(default=(), description="none means all day")


class CheckUndeliveredContacts(NodeBase):
    """Is an eligible contact due?"""

    takes = frozenset({Kind.PULSE})
    gives = {"true": Kind.PULSE, "false": Kind.PULSE}

    type: Literal["check_undelivered_contacts"]


class SeizeAgent(NodeBase):
    """Strives for a number of reserved agents."""

    takes = frozenset({Kind.PULSE})
    gives = {"pulse": Kind.PULSE}

    type: Literal["seize_agent"]
    queue: str = "default"
    mrd: str = "voice"
    request_ttl_s: float = Field(
        30.0, gt=0, le=3600, description="how long a request waits for the next agent, in seconds"
    )
    target: int | str = Field(10, description="how many agents, or a formula: PromQL or a name")

    @field_validator("target")
    @classmethod
    def _target_is_sane(cls, target: int | str) -> int | str:
        if isinstance(target, int) and not 1 <= target <= 10_000:
            raise ValueError("a fixed target is a number of agents from 1 to 10000")
        return target

    def gateways(self) -> frozenset[str]:
        return frozenset({"formula"}) if isinstance(self.target, str) else frozenset()


class CheckSeizeAgentEvent(NodeBase):
    """Passes on each outcome of a reservation request as it happens."""

    takes = frozenset({Kind.PULSE})
    gives = {
        "agent_reserved": Kind.PULSE,
        "reservation_timeout": Kind.PULSE,
        "rona": Kind.PULSE,
        "no_agent_available": Kind.PULSE,
    }

    type: Literal["check_seize_agent_event"]


class Progressive(BaseModel):
    """One call in flight per reserved agent."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: Literal["progressive"] = "progressive"


class Power(BaseModel):
    """A fixed number of calls in flight per reserved agent; fractions carry over."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: Literal["power"]
    ratio: float = Field(ge=1.0, le=100.0)


class Predictive(BaseModel):
    """A formula (PromQL, or the name of one that ships): calls in flight per reserved agent, or
    calls in progress to reach."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: Literal["predictive"]
    formula: str = Field(min_length=1, max_length=4096)
    per: Literal["reserved_agent", "absolute"] = "reserved_agent"


class Lookahead(BaseModel):
    """As many calls as keep abandonment under a target, over all free agents: no Seize node."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: Literal["lookahead"]
    target: float = Field(
        0.03, gt=0, le=0.1, description="abandoned over answered; the preset's, where stricter"
    )
    give_up_long_rings: bool = Field(
        False,
        description="cancel calls that rang as long as the preset wants while an answer would "
        "meet no agent; they come to `given_up`",
    )
    score: str = Field(
        "",
        max_length=200,
        description="the file of an answer score, in the settings' folder of scores; empty means "
        "that contacts are dialed in the list's own order",
    )


BaselinePacer = Literal[
    "hitrate", "guard", "soonfree", "vicidial", "vicidial_average", "vicidial_tapered"
]


class Baseline(BaseModel):
    """A pacer of the trade to compare with, over all free agents: no Seize node. It does not keep
    the law by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: Literal["baseline"]
    pacer: BaselinePacer
    number: float | None = Field(
        None, ge=0, description="its limit, probability or highest level (docs/pacing.md)"
    )


class Preview(BaseModel):
    """An agent sees the contact first and accepts, skips or lets it time out."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    mode: Literal["preview"]
    accept_timeout_s: float = Field(
        60.0, gt=0, le=3600, description="how long the agent may look at the contact"
    )
    on_timeout: Literal["not_ready", "ready"] = Field(
        "not_ready", description="what becomes of an agent who lets it time out"
    )


Dialing = Annotated[
    Progressive | Power | Predictive | Lookahead | Baseline | Preview, Field(discriminator="mode")
]

_DIALING_GATEWAY = {"predictive": "formula"}


class Init(NodeBase):
    """The gatekeeper: releases contacts into execution."""

    takes = frozenset({Kind.PULSE})
    gives = {"contact": Kind.CONTACT}

    type: Literal["init"]
    filter: str = Field("", description="a saved contact filter; empty means all contacts")
    order: Literal["fifo", "lifo"] = "fifo"
    retry_share: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of contacts that are due again, while there are new ones too; "
        "none means that they all go first",
    )
    dialing: Dialing = Progressive()
    shadow: str = Field(
        "",
        max_length=4096,
        description="a formula that is evaluated beside the dialing and dials nothing",
    )

    @field_validator("order", mode="before")
    @classmethod
    def _lefo_is_lifo(cls, order: object) -> object:
        order = order.lower() if isinstance(order, str) else order
        return "lifo" if order == "lefo" else order

    def ports(self) -> dict[str, Kind]:
        skipped = {"skipped": Kind.CONTACT} if self.dialing.mode == "preview" else {}
        return self.gives | skipped

    def gateways(self) -> frozenset[str]:
        gateway = _DIALING_GATEWAY.get(self.dialing.mode)
        shadow = {"formula"} if self.shadow else set()
        return frozenset({gateway} if gateway else ()) | shadow


class Dial(NodeBase):
    """Places the call."""

    takes = frozenset({Kind.CONTACT})
    gives = {"live_call": Kind.CALL, "delivery": Kind.CONTACT}
    needs = frozenset({"trunk"})

    type: Literal["dial"]
    channel: str = Field(description="the trunk")
    failover: tuple[str, ...] = Field(
        (), description="trunks that try next, in order, where the one before is at fault"
    )
    identifier: str = Field("phone", description="the phone attribute to dial")
    index: Annotated[int, Field(ge=0, le=9)] | Literal["next"] = Field(
        0, description="which of its numbers; next: the first that was not tried yet"
    )
    campaign_type: Literal["agent", "ivr"] = "agent"
    caller_id: str = Field(
        "", description="a number of ours, its name, or a pool; empty means the trunk's own"
    )
    ring_timeout_s: float = Field(30.0, ge=5, le=120, description="ringing ends after it")
    max_attempts: int | None = Field(None, ge=1, le=100, description="per contact and campaign")

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """All its trunks, in the order in which they are tried."""
        return tuple(dict.fromkeys((self.channel, *self.failover)))


class CallDecision(NodeBase):
    """Is it a human, or a machine?"""

    takes = frozenset({Kind.CALL})
    gives = {"true": Kind.CALL, "false": Kind.CALL}

    type: Literal["call_decision"]
    decision: Literal["human", "answering_machine"] = "human"


class RouteToAgent(NodeBase):
    """Gives the caller to an agent, or abandons the call when none comes in time."""

    takes = frozenset({Kind.CALL})
    gives = {"completed": Kind.CONTACT, "abandoned": Kind.CONTACT}

    type: Literal["route_to_agent"]
    queue: str = "default"
    patience_s: float = Field(2.0, ge=0, le=60, description="how long a caller is kept waiting")
    abandon_message: str = Field("", description="a prompt played when no agent came")


class Play(NodeBase):
    """Plays a prompt and, if digits are given, listens for one (IVR)."""

    takes = frozenset({Kind.CALL})
    needs = frozenset({"ivr"})

    type: Literal["play"]
    prompt: str
    digits: tuple[str, ...] = ()
    timeout_s: float = Field(5.0, gt=0, le=60)

    @field_validator("digits", mode="before")
    @classmethod
    def _digits_are_keys(cls, digits: object) -> object:
        if isinstance(digits, (list, tuple)):
            digits = tuple(str(digit) for digit in digits)
            wrong = [digit for digit in digits if digit not in tuple("0123456789*#")]
            if wrong:
                raise ValueError(f"{wrong[0]!r} is no key of a telephone")
        return digits

    def ports(self) -> dict[str, Kind]:
        return dict.fromkeys([*self.digits, "done"], Kind.CALL)


class EndCall(NodeBase):
    """Ends the live call."""

    takes = frozenset({Kind.CALL})
    gives = {"contact": Kind.CONTACT}

    type: Literal["end_call"]


class PostAttemptDecision(NodeBase):
    """Did the attempt come to one of these outcomes?"""

    takes = frozenset({Kind.CONTACT})
    gives = {"true": Kind.CONTACT, "false": Kind.CONTACT}

    type: Literal["post_attempt_decision"]
    outcomes: tuple[str, ...] = Field(min_length=1)
    max_attempts: int | None = Field(
        None, ge=1, le=100, description="false once the contact has had so many attempts"
    )

    @field_validator("outcomes")
    @classmethod
    def _outcomes_exist(cls, outcomes: tuple[str, ...]) -> tuple[str, ...]:
        for outcome in outcomes:
            if outcome not in OUTCOME_NAMES:
                raise ValueError(f"no outcome {outcome!r}; there are {', '.join(OUTCOME_NAMES)}")
        return outcomes


class PlainMessage(NodeBase):
    """Sends an SMS or WhatsApp text; a live call is ended first."""

    takes = frozenset({Kind.CONTACT, Kind.CALL})
    gives = {"contact": Kind.CONTACT, "delivery": Kind.CONTACT}
    needs = frozenset({"messaging"})

    type: Literal["plain_message"]
    channel: str
    identifier: str = "phone"
    text: str = Field(min_length=1, max_length=4096)


class Wait(NodeBase):
    """Lets the contact wait; it comes due again and Init releases it, retries first."""

    takes = frozenset({Kind.CONTACT})
    gives = {"contact": Kind.CONTACT}

    type: Literal["wait"]
    delay_s: float | None = Field(None, ge=0, le=90 * 86400)
    until: TimeOfDay | None = Field(
        None,
        description="the next time it is this time of day on the contact's own clock: of its "
        "`time_zone`, else of its number; the campaign's where neither is known",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Wait":
        if (self.delay_s is None) == (self.until is None):
            raise ValueError("give either delay_s or until, not both and not neither")
        return self


Node = Annotated[
    Start
    | CheckUndeliveredContacts
    | SeizeAgent
    | CheckSeizeAgentEvent
    | Init
    | Dial
    | CallDecision
    | RouteToAgent
    | Play
    | EndCall
    | PostAttemptDecision
    | PlainMessage
    | Wait,
    Field(discriminator="type"),
]

NODE_TYPES: tuple[type[NodeBase], ...] = (
    Start,
    CheckUndeliveredContacts,
    SeizeAgent,
    CheckSeizeAgentEvent,
    Init,
    Dial,
    CallDecision,
    RouteToAgent,
    Play,
    EndCall,
    PostAttemptDecision,
    PlainMessage,
    Wait,
)
