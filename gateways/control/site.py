"""What the settings say about this place, as far as commands need to know.

The rule of this module: commands never see the settings file; the composition root tells them
here what they may rely on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from dialer.agents import AgentProfile
from dialer.caller_ids import CallerIds
from dialer.compliance.preset import Preset
from dialer.contacts import Schema
from dialer.dial_policy import DialPolicy
from dialer.flow.scores import ReadScore, no_scores
from dialer.queues import Demand


def here() -> tzinfo:
    """The time zone of this machine's clock."""
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    return zone


@dataclass(frozen=True)
class Site:
    """One dialer's surroundings.

    schema: the declared contact attributes. policy: which numbers may be dialed. trunk_names: what
    Dial nodes may name. gateways: those available, as {"trunk"}. queues: each with "name" and
    "mrd". presets: a regulation by its name; raises ConfigError. panic_file: while it exists
    nothing is dialed. wrap_up_s: the limit for agents who have none of their own. staff: agents
    of the settings, who go before those of the store. demands: what queues ask of their agents,
    by queue. pause_codes: why an agent may be not ready, () for any reason. kept_up: agents have
    an audio leg that stands all day; False: their phones ring per call. formulas: gives the texts
    of those that ship, by name. scores: reads an answer score that a flow names.
    """

    schema: Schema
    policy: DialPolicy
    trunk_names: tuple[str, ...]
    gateways: frozenset[str]
    queues: tuple[Mapping[str, str], ...]
    presets: Callable[[str], Preset]
    journal_dir: Path
    panic_file: Path
    wrap_up_s: float = 0.0
    staff: tuple[AgentProfile, ...] = ()
    caller_ids: CallerIds = field(default_factory=CallerIds)
    demands: Mapping[str, Demand] = field(default_factory=dict)
    pause_codes: tuple[str, ...] = ()
    kept_up: bool = True
    formulas: Callable[[], Mapping[str, str]] = dict
    scores: ReadScore = no_scores

    @property
    def queue_names(self) -> tuple[str, ...]:
        return tuple(queue["name"] for queue in self.queues)
