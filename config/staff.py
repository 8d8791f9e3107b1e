"""Who the agents are at the start of a daemon.

The rule of this module: what the settings say of an agent goes before what the store has, and
only agents of the settings (and simulated ones) are logged in without being asked.
"""

from collections.abc import Iterable
from typing import NamedTuple

from config.settings import Agent, Settings, SipDesk
from dialer.agents import AgentProfile


class Staff(NamedTuple):
    """profiles: everyone. present: ids of those who log in at once."""

    profiles: tuple[AgentProfile, ...]
    present: tuple[str, ...]


def queues_of(agent: Agent, settings: Settings) -> tuple[str, ...]:
    """Their own queues, and those that ask for what they have."""
    asking = [
        queue.name
        for queue in settings.queues
        if queue.demand and not queue.demand.lacking(agent.languages, agent.skills)
    ]
    return tuple(dict.fromkeys([*agent.queues, *asking]))


def staff_of(settings: Settings, stored: Iterable[AgentProfile]) -> Staff:
    """The agents of the settings, of the store, and the simulated ones."""
    limit_s = settings.desk.wrap_up_s
    profiles = {profile.agent_id: profile for profile in stored}
    present = [agent.id for agent in settings.agents]
    for agent in settings.agents:
        wrap_up_s = limit_s if agent.wrap_up_s is None else agent.wrap_up_s
        queues = queues_of(agent, settings)
        profiles[agent.id] = AgentProfile(agent.id, agent.name, agent.address, queues, wrap_up_s)
    if not isinstance(settings.desk, SipDesk):
        # They have whatever a queue asks for, so that a demo needs no skills.
        queues = tuple(queue.name for queue in settings.queues)
        for number in range(1, settings.simulation.agents + 1):
            agent_id = f"sim-{number:02d}"
            profiles[agent_id] = AgentProfile(agent_id, f"Simulated {number}", queues=queues)
            present.append(agent_id)
    return Staff(tuple(profiles.values()), tuple(present))
