"""What people may ask of a running daemon, through its control socket and console.

The rule of this module: it is asked by threads that are no actors, changes nothing but through
the director, and answers in plain data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from actors.alarm_watch import AlarmWatch
from actors.director import CampaignPlan, Director
from actors.live import LiveRuntime
from actors.trial_call import trial_call
from dialer.agents import AgentProfile
from dialer.dial_policy import DialPolicy
from dialer.errors import NotFoundError, NumberError
from dialer.events import AgentDisposed
from dialer.metrics import Metrics
from dialer.ports import Trunk

PANIC = "panic stop"


@dataclass(frozen=True, slots=True)
class TrunkFacts:
    """A trunk as it is set up."""

    name: str
    kind: str
    channels: int
    calls_per_second: float


class Operations:
    """Implements `gateways.control.live.Live`.

    plan_of: what a campaign needs to run, by its id. panic_file: while it exists nothing is
    dialed, not even after a restart.
    """

    def __init__(
        self,
        runtime: LiveRuntime,
        director: Director,
        metrics: Metrics,
        *,
        plan_of: Callable[[int], CampaignPlan],
        policy: DialPolicy,
        trunks: Mapping[str, Trunk],
        trunk_facts: tuple[TrunkFacts, ...],
        panic_file: Path,
        about: Mapping[str, Any],
    ) -> None:
        self._runtime = runtime
        self._director = director
        self._metrics = metrics
        self._plan_of = plan_of
        self._policy = policy
        self._trunks = trunks
        self._trunk_facts = trunk_facts
        self._panic_file = panic_file
        self._about = about
        self.alarms = AlarmWatch(
            metrics,
            runtime.now,
            running=director.running,
            report=director.campaign,
            trunk_state=director.trunk_state,
        )

    def started(self, campaign_id: int) -> None:
        self._director.start(self._plan_of(campaign_id))

    def paused(self, campaign_id: int, final: bool) -> None:
        if final:
            self._director.end(campaign_id)
        else:
            self._director.pause(campaign_id, "unpublished")

    def campaign(self, campaign_id: int) -> dict[str, Any]:
        report = self._director.campaign(campaign_id)
        if not report:
            return {}
        return {**report, "alarms": self.alarms.of_campaign(report["title"])}

    def panic(self, on: bool) -> dict[str, Any]:
        if on:
            self._panic_file.touch()
        else:
            self._panic_file.unlink(missing_ok=True)
        self._director.panic(PANIC if on else "")
        return {"panic": on, "calls_in_progress": self._director.calls_in_progress()}

    def watch_panic_file(self, _turn: int) -> None:
        """A panic stop by hand: a file that comes or goes counts as the command."""
        exists = self._panic_file.exists()
        if exists != (self._director.panicking == PANIC):
            self._director.panic(PANIC if exists else "")

    def agent_added(self, profile: AgentProfile) -> None:
        self._director.add_agent(profile)

    def agent_asked(self, agent_id: str, wish: str, reason: str, after_s: float) -> None:
        self._director.agent_asked(agent_id, wish, reason, after_s)

    def preview(self, agent_id: str) -> dict[str, Any] | None:
        card = self._director.preview(agent_id)
        return asdict(card) if card is not None else None

    def preview_answered(self, agent_id: str, ticket: int, accepted: bool) -> None:
        self._director.preview_answered(agent_id, ticket, accepted)

    def agent_disposed(
        self, agent_id: str, disposition: str, note: str, callback_at: float, personal: bool
    ) -> str:
        now = self._runtime.now()
        said = AgentDisposed(agent_id, now, disposition, note, callback_at, personal)
        return self._director.agent_disposed(said)

    def agents(self) -> list[dict[str, Any]]:
        return self._director.agents()

    def trunks(self) -> list[dict[str, Any]]:
        return [self._trunk(facts) for facts in self._trunk_facts]

    def _trunk(self, facts: TrunkFacts) -> dict[str, Any]:
        up, reason = self._director.trunk_state(facts.name)
        in_use = self._metrics.gauge("dialer_trunk_channels_in_use", trunk=facts.name)
        return {
            "name": facts.name,
            "kind": facts.kind,
            "up": up,
            "reason": reason,
            "channels": facts.channels,
            "channels_in_use": int(in_use.value),
            "calls_per_second": facts.calls_per_second,
        }

    def test_call(self, trunk: str, number: str, ring_timeout_s: float) -> dict[str, Any]:
        if trunk not in self._trunks:
            there = ", ".join(self._trunks) or "none"
            raise NotFoundError(f"trunk {trunk!r}", "there is none", f"there are: {there}")
        refusal = self._policy.refusal(number)
        if refusal:
            mend = "see live, allow_list and countries in the settings"
            raise NumberError(number, f"is not dialed ({refusal})", mend)
        return trial_call(self._trunks[trunk], number, ring_timeout_s)

    def status(self) -> dict[str, Any]:
        return {
            **self._about,
            "panic": self._director.panicking,
            "campaigns": self._director.running(),
            "calls_in_progress": self._director.calls_in_progress(),
            "actors": self._director.health(),
            "dead_letters": dict(self._runtime.dead_letters),
            "alarms": self.alarms.on(),
        }
