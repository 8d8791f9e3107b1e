"""Agents, as they are known between two days of work.

The rule of this module: it keeps who an agent is (`dialer.agents.AgentProfile`), never what state
they are in: that is the pool's alone.
"""

from typing import Any

import sqlalchemy as sa

from dialer.agents import AgentProfile
from dialer.errors import NotFoundError
from gateways.store.database import Database
from gateways.store.records import Page
from gateways.store.tables import agents


class Agents:
    """The agents of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, profile: AgentProfile) -> bool:
        """Add an agent, or put this profile in place of the old one; True when it is new.

        Raises:
            StoreError: the database did not do its part.
        """
        values = {
            "name": profile.name,
            "address": profile.address,
            "queues": list(profile.queues),
            "wrap_up_s": profile.wrap_up_s,
        }
        mine = agents.c.agent_id == profile.agent_id

        def work(connection: sa.Connection) -> bool:
            if connection.execute(sa.update(agents).where(mine).values(values)).rowcount:
                return False
            connection.execute(sa.insert(agents).values(agent_id=profile.agent_id, **values))
            return True

        return self._database.write(work)

    def get(self, agent_id: str) -> AgentProfile:
        """An agent.

        Raises:
            NotFoundError: there is none with that id.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(agents).where(agents.c.agent_id == agent_id)
            ).one_or_none()
        if row is None:
            raise _no_such(agent_id)
        return _profile(row)

    def list(self, offset: int = 0, limit: int = 50) -> Page[AgentProfile]:
        """Agents by id."""
        with self._database.reading() as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(agents)) or 0
            rows = connection.execute(
                sa.select(agents).order_by(agents.c.agent_id).offset(offset).limit(limit)
            ).all()
        return Page(tuple(_profile(row) for row in rows), total, offset)

    def remove(self, agent_id: str) -> None:
        """Remove an agent; their attempts stay.

        Raises:
            NotFoundError: there is none with that id.
        """

        def work(connection: sa.Connection) -> None:
            mine = agents.c.agent_id == agent_id
            if not connection.execute(sa.delete(agents).where(mine)).rowcount:
                raise _no_such(agent_id)

        self._database.write(work, alone=True)


def _profile(row: Any) -> AgentProfile:
    return AgentProfile(row.agent_id, row.name, row.address, tuple(row.queues), row.wrap_up_s)


def _no_such(agent_id: str) -> NotFoundError:
    return NotFoundError(f"agent {agent_id!r}", "there is none", "see agents list")
