"""Agents and their queues.

The rule of this module: who an agent is comes from the store, what state they are in from the
daemon alone; without a daemon no state is told rather than a guessed one.
"""

import re
from collections.abc import Callable
from typing import Any

from dialer.agents import WISHES, AgentProfile
from dialer.callbacks import read_time
from dialer.documents import suggestion
from dialer.errors import InputError, NotFoundError
from dialer.queues import Demand
from gateways.control.live import Live
from gateways.control.paging import MOST_PER_PAGE
from gateways.control.problems import meant
from gateways.control.site import Site, here
from gateways.control.verbs import Door, verb
from gateways.store import Store

MOST_WRAP_UP_S = 3600.0
_ANSWERS = ("accept", "skip")
_AGENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ADDRESS = re.compile(r"sips?:[^\s@]+(@[^\s@]+)?")


class AgentCommands:
    """Verbs about agents and queues. clock: seconds since the epoch."""

    def __init__(
        self, store: Store, site: Site, live: Live | None, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._site = site
        self._live = live
        self._clock = clock

    @verb("agents add")
    def add(
        self,
        agent_id: str,
        name: str = "",
        address: str = "",
        queues: list[str] | None = None,
        wrap_up_s: float | None = None,
    ) -> dict[str, Any]:
        """Add an agent, or change one. queues: [] or None for the first of the settings.

        Raises:
            InputError: the id, the address, a queue or the wrap-up limit makes no sense, or the
                settings have that agent.
        """
        served = tuple(dict.fromkeys(queues or self._site.queue_names[:1]))
        wrap_up_s = self._site.wrap_up_s if wrap_up_s is None else wrap_up_s
        profile = AgentProfile(agent_id, name, address, served, float(wrap_up_s))
        self._check(profile)
        before = self._before(agent_id)
        new = self._store.agents.add(profile)
        if self._live is not None:
            try:
                self._live.agent_added(profile)
            except Exception:
                if before is None:
                    self._store.agents.remove(agent_id)
                else:
                    self._store.agents.add(before)
                raise
        return _profile(profile) | {"new": new}

    @verb("agents list")
    def list_agents(self) -> dict[str, Any]:
        """Every agent, by id; with a daemon also their states: state, reason, for_s, ..."""
        agents = {
            profile.agent_id: _profile(profile) | {"state": None} for profile in self._profiles()
        }
        if self._live is not None:
            for seen in self._live.agents():
                known = agents.get(seen["agent_id"], {})
                agents[seen["agent_id"]] = known | seen
        items = [agents[agent_id] for agent_id in sorted(agents)]
        return {"items": items, "total": len(items)}

    @verb("agents state", Door.DAEMON)
    def ask_state(
        self, agent_id: str, wish: str, reason: str = "", after_s: float = 0.0
    ) -> dict[str, Any]:
        """Ask for an agent's state. wish: one of `dialer.agents.WISHES`. after_s: see `AgentAsked`.

        Raises:
            NotFoundError: there is no such agent.
            InputError: there is no such wish, no such pause code, or it cannot be put off so.
        """
        assert self._live is not None
        if wish not in WISHES:
            mend = suggestion(wish, WISHES)
            raise InputError(f"agent {agent_id!r}", f"nobody can ask for {wish!r}", mend)
        if after_s and (wish != "wrap_up_done" or not 0 < after_s <= MOST_WRAP_UP_S):
            mend = f"give it with wrap_up_done, up to {MOST_WRAP_UP_S:.0f}"
            raise InputError(f"agent {agent_id!r}", f"{wish} in {after_s:g} s cannot be", mend)
        codes = self._site.pause_codes
        if wish == "not_ready" and codes and reason not in codes:
            what = f"there is no pause code {reason!r}" if reason else "a pause needs a code"
            mend = suggestion(reason, codes) if reason else f"give --reason {' or '.join(codes)}"
            raise InputError(f"agent {agent_id!r}", what, mend)
        seen = self._seen(agent_id)
        if wish in ("ready", "wrap_up_done") and not after_s and seen["owes_disposition"]:
            what = "has to say first what came of their call"
            mend = f"use agents dispose {agent_id} with {' or '.join(seen['dispositions'])}"
            raise InputError(f"agent {agent_id!r}", what, mend)
        self._live.agent_asked(agent_id, wish, reason, after_s)
        return self._seen(agent_id)

    @verb("agents preview", Door.DAEMON)
    def preview(self, agent_id: str, answer: str = "", ticket: int = 0) -> dict[str, Any]:
        """The contact that an agent is shown, as `preview`: null where there is none.

        answer: "accept" or "skip" it; `preview` is then what was answered. ticket: of the contact
        that is meant; 0 for whichever is shown now.

        Raises:
            NotFoundError: there is no such agent.
            InputError: there is no such answer, or nothing (or another contact) is shown.
        """
        assert self._live is not None
        where = f"agent {agent_id!r}"
        self._seen(agent_id)
        card = self._live.preview(agent_id)
        if not answer:
            return {"agent_id": agent_id, "answer": "", "preview": card}
        if answer not in _ANSWERS:
            raise InputError(where, f"{answer!r} is no answer", suggestion(answer, _ANSWERS))
        if card is None or ticket not in (0, card["ticket"]):
            what = "is shown no contact" if card is None else f"is not shown {ticket} (any more)"
            raise InputError(where, what, "see agents preview")
        self._live.preview_answered(agent_id, card["ticket"], answer == "accept")
        return {"agent_id": agent_id, "answer": answer, "preview": card}

    @verb("queues")
    def queues(self) -> dict[str, Any]:
        """Every queue: name, mrd, agents; with a daemon also how many are in each state."""
        agents = self.list_agents()["items"]
        items = []
        for queue in self._site.queues:
            serving = [agent for agent in agents if queue["name"] in agent.get("queues", ())]
            states: dict[str, int] = {}
            for agent in serving:
                if agent["state"]:
                    states[agent["state"]] = states.get(agent["state"], 0) + 1
            items.append(
                {
                    "name": queue["name"],
                    "mrd": queue["mrd"],
                    "agents": len(serving),
                    "states": states if self._live is not None else None,
                }
            )
        return {"items": items, "total": len(items)}

    @verb("agents dispose", Door.DAEMON)
    def dispose(
        self,
        agent_id: str,
        disposition: str,
        note: str = "",
        callback_at: str = "",
        personal: bool = False,
    ) -> dict[str, Any]:
        """Say what came of the call that an agent has, or had last.

        callback_at: when the contact is called back, as `dialer.callbacks.read_time` takes it, on
        this machine's clock. personal: by this agent, if they are there by then.

        Raises:
            NotFoundError: there is no such agent.
            InputError: the campaign has no such disposition, the time makes no sense, or there is
                no call to dispose of.
        """
        assert self._live is not None
        self._seen(agent_id)
        at = 0.0
        if callback_at:
            at = read_time(callback_at, self._clock(), here())
        elif personal:
            mend = "give the time, or leave --personal out"
            raise InputError(f"agent {agent_id!r}", "a personal call-back without a time", mend)
        refused = self._live.agent_disposed(agent_id, disposition, note, at, personal)
        if refused:
            raise InputError(f"agent {agent_id!r}", refused, "see agents list --json")
        return {"agent_id": agent_id, "disposition": disposition, "callback_at": at}

    def _seen(self, agent_id: str) -> dict[str, Any]:
        """An agent's row of the daemon."""
        assert self._live is not None
        agents = {agent["agent_id"]: agent for agent in self._live.agents()}
        if agent_id not in agents:
            mend = meant(agent_id, [*agents], "see agents list")
            raise NotFoundError(f"agent {agent_id!r}", "there is none", mend)
        return agents[agent_id]

    def _check(self, profile: AgentProfile) -> None:
        where = f"agent {profile.agent_id!r}"
        if not _AGENT_ID.fullmatch(profile.agent_id):
            mend = "use up to 64 letters, digits, _ . and -"
            raise InputError(where, "is no id for an agent", mend)
        if profile.address and not _ADDRESS.fullmatch(profile.address):
            mend = "write it as sip:amy@10.0.0.5"
            raise InputError(where, f"address {profile.address!r} is no SIP address", mend)
        if any(profile.agent_id == agent.agent_id for agent in self._site.staff):
            raise InputError(where, "stands in the settings, which go first", "change it there")
        for queue in profile.queues:
            if queue not in self._site.queue_names:
                mend = suggestion(queue, self._site.queue_names)
                raise InputError(where, f"there is no queue {queue!r}", mend)
            demand = self._site.demands.get(queue, Demand())
            if lacks := demand.lacking((), {}):
                what = f"queue {queue!r} asks for {lacks}"
                raise InputError(where, what, "add the agent to the settings, with what they have")
        if not 0 <= profile.wrap_up_s <= MOST_WRAP_UP_S:
            what = f"a wrap-up of {profile.wrap_up_s:g} s makes no sense"
            raise InputError(where, what, f"give 0 to {MOST_WRAP_UP_S:g} seconds")

    def _before(self, agent_id: str) -> AgentProfile | None:
        try:
            return self._store.agents.get(agent_id)
        except NotFoundError:
            return None

    def _profiles(self) -> list[AgentProfile]:
        profiles: list[AgentProfile] = []
        while True:
            page = self._store.agents.list(len(profiles), MOST_PER_PAGE)
            profiles += page.items
            if len(profiles) >= page.total or not page.items:
                break
        by_id = {profile.agent_id: profile for profile in (*profiles, *self._site.staff)}
        return list(by_id.values())


def _profile(profile: AgentProfile) -> dict[str, Any]:
    return {
        "agent_id": profile.agent_id,
        "name": profile.name,
        "address": profile.address,
        "queues": list(profile.queues),
        "wrap_up_s": profile.wrap_up_s,
    }
