"""What the tests of commands and command line stand on: a site, a flow, a pretended daemon."""

from pathlib import Path
from typing import Any

from dialer.agents import AgentProfile
from dialer.caller_ids import CallerId, CallerIds
from dialer.compliance.preset import Preset, load_preset
from dialer.contacts import AttributeSpec, AttributeType, Schema
from dialer.dial_policy import DialPolicy
from dialer.errors import ConfigError, ControlError
from gateways.control.site import Site

NOW = 1_750_172_400.0  # 2025-06-17 11:00 in New York, a Tuesday

SCHEMA = Schema(
    [
        AttributeSpec(name="account", key=True),
        AttributeSpec(name="city"),
        AttributeSpec(name="balance", type=AttributeType.DECIMAL),
        AttributeSpec(name="phone", type=AttributeType.PHONE, required=True),
    ],
    "US",
)

FLOW = """\
title: Spring offer
description: A flow that dials.
time_zone: America/New_York
nodes:
  - {id: start, type: start, interval_s: 1, next: {pulse: seize}}
  - {id: seize, type: seize_agent, next: {pulse: init}}
  - {id: init, type: init, next: {contact: dial}}
  - id: dial
    type: dial
    channel: carrier
    next: {live_call: route}
  - {id: route, type: route_to_agent}
"""

CSV = """\
Account,City,Balance,Phone
a-1,Boston,10.50,212-555-0101
a-2,Albany,200,212-555-0102
a-3,Boston,300,212-555-0103
"""

_PRESETS = Path(__file__).parents[3] / "config" / "regulations"


def preset(name: str) -> Preset:
    """A preset that ships."""
    path = _PRESETS / f"{name}.yaml"
    if not path.exists():
        raise ConfigError("preset", f"there is no preset {name!r}", "there are us_ftc")
    return load_preset(path.read_bytes(), path.name)


def make_site(folder: Path) -> Site:
    return Site(
        schema=SCHEMA,
        policy=DialPolicy(allow_list=frozenset({"+1212555*"}), countries=frozenset({"US"})),
        trunk_names=("carrier",),
        gateways=frozenset({"trunk"}),
        queues=({"name": "default", "mrd": "voice"}, {"name": "sales", "mrd": "voice"}),
        presets=preset,
        journal_dir=folder / "journal",
        panic_file=folder / "panic",
        wrap_up_s=30.0,
        caller_ids=CallerIds([CallerId("+12125550100", "ny", pool="sales")]),
    )


class FakeLive:
    """A daemon that notes what it was told. fails: raises from whatever would change it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.fails = False
        self.reports: dict[int, dict[str, Any]] = {}
        self.states = {"amy": "ready"}
        self.cards: dict[str, dict[str, Any]] = {}
        self.owing: set[str] = set()
        self.up = True
        self.channels_in_use = 0

    def _note(self, *what: Any) -> None:
        if self.fails:
            raise ControlError("the actors do not answer")
        self.told.append(what)

    def started(self, campaign_id: int) -> None:
        self._note("started", campaign_id)

    def paused(self, campaign_id: int, final: bool) -> None:
        self._note("paused", campaign_id, final)

    def panic(self, on: bool) -> dict[str, Any]:
        self._note("panic", on)
        return {"panic": on}

    def agent_added(self, profile: AgentProfile) -> None:
        self._note("agent_added", profile)
        self.states[profile.agent_id] = "logged_out"

    def agent_asked(self, agent_id: str, wish: str, reason: str, after_s: float) -> None:
        self._note("agent_asked", agent_id, wish, reason, *([after_s] if after_s else []))
        self.states[agent_id] = wish

    def preview(self, agent_id: str) -> dict[str, Any] | None:
        return self.cards.get(agent_id)

    def preview_answered(self, agent_id: str, ticket: int, accepted: bool) -> None:
        self._note("preview_answered", agent_id, ticket, accepted)
        self.cards.pop(agent_id, None)

    def agent_disposed(
        self, agent_id: str, disposition: str, note: str, callback_at: float, personal: bool
    ) -> str:
        if disposition not in ("sale", "call_back"):
            return f"there is no disposition {disposition!r}; there are sale, call_back"
        self._note("agent_disposed", agent_id, disposition, note, callback_at, personal)
        return ""

    def agents(self) -> list[dict[str, Any]]:
        return [
            {
                "agent_id": agent_id,
                "name": agent_id.title(),
                "state": state,
                "reason": "",
                "for_s": 12.0,
                "queues": ["default"],
                "campaign_id": 0,
                "attempt_id": 0,
                "preview": agent_id in self.cards,
                "owes_disposition": agent_id in self.owing,
                "dispositions": {"sale": "final", "call_back": "call_back"},
            }
            for agent_id, state in self.states.items()
        ]

    def campaign(self, campaign_id: int) -> dict[str, Any]:
        return self.reports[campaign_id]

    def trunks(self) -> list[dict[str, Any]]:
        return [
            {
                "name": "carrier",
                "kind": "sip",
                "up": self.up,
                "reason": "" if self.up else "no answer to OPTIONS",
                "channels": 10,
                "channels_in_use": self.channels_in_use,
                "calls_per_second": 1.0,
            }
        ]

    def test_call(self, trunk: str, number: str, ring_timeout_s: float) -> dict[str, Any]:
        self._note("test_call", trunk, number, ring_timeout_s)
        return {
            "outcome": "customer_answered",
            "sip_status": 200,
            "text": "OK",
            "post_dial_delay_s": 1.5,
        }

    def status(self) -> dict[str, Any]:
        return {
            "version": "0.1.0",
            "started_at": NOW - 60,
            "panic": False,
            "live": False,
            "campaigns": len(self.reports),
            "actors": {},
            "dead_letters": {},
        }


def report(**changes: Any) -> dict[str, Any]:
    """A published campaign's report in which nothing is wrong."""
    feeder = {
        "claimed_ahead": 5,
        "exhausted": False,
        "next_due_at": 0.0,
        "skipped": {},
        "trouble": "",
    } | changes.pop("feeder", {})
    return {
        "campaign_id": 1,
        "title": "Spring offer",
        "version": 1,
        "quiet": "",
        "calls_in_progress": 1,
        "in_flight": 1,
        "reserved": 1,
        "requested": 0,
        "agents": {"ready": 1, "reserved": 1},
        "trunks_down": {},
        "why": "released contacts",
        "why_at": NOW,
        "feeder": feeder,
        **changes,
    }
