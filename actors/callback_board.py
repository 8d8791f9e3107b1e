"""A campaign's call-backs that certain agents are to make.

The rule of this module: the agent is asked for by name, is kept for this contact alone from the
dial on, and is free for others again once nothing waits for them.
"""

from collections.abc import Iterable

from actors.agent_messages import BindAgent, SeizeNamed
from actors.messages import NeedCallback
from actors.tickets import Tickets
from dialer.pacing.reservations import Reservations
from dialer.ports import Sink


class CallbackBoard:
    """Which contacts wait for which agents.

    book: the campaign's reservations. is_busy: there is anything to do about call-backs.
    """

    def __init__(self, campaign_id: int, book: Reservations, *, pool: Sink, feeder: Sink) -> None:
        self._campaign_id = campaign_id
        self._book = book
        self._pool = pool
        self._feeder = feeder
        self._waiting: dict[str, dict[int, None]] = {}
        self._bound: set[str] = set()
        self._asked = False
        self.is_busy = False

    def __len__(self) -> int:
        return sum(len(contacts) for contacts in self._waiting.values())

    def waits(self, agent_id: str, contact_id: int) -> None:
        self._waiting.setdefault(agent_id, {})[contact_id] = None
        self._look()

    def gone(self, agent_id: str, contact_id: int) -> None:
        """It waits for its agent no more."""
        waiting = self._waiting.get(agent_id, {})
        waiting.pop(contact_id, None)
        if not waiting:
            self._waiting.pop(agent_id, None)
        self._look()

    def strive(self) -> None:
        """Ask for the agents who are not held yet; at every pulse, since one may have gone."""
        missing = tuple(agent_id for agent_id in self._waiting if agent_id not in self._book)
        if missing or self._asked:
            self._asked = bool(missing)
            self._pool.tell(SeizeNamed(self._campaign_id, missing))
            self._look()

    def stand_down(self) -> None:
        """Nothing may be dialed now: ask for nobody."""
        if self._asked:
            self._asked = False
            self._pool.tell(SeizeNamed(self._campaign_id, ()))
            self._look()

    def clear(self) -> None:
        """The feeder keeps no contact for anybody any more."""
        self._waiting.clear()
        self.stand_down()
        self._look()

    def dial(self, idle: Iterable[str], tickets: Tickets) -> int:
        """Dial for those of the idle agents for whom somebody waits; how many that is."""
        dialed = 0
        for agent_id in idle:
            waiting = self._waiting.get(agent_id)
            if waiting:
                ticket = tickets.prepare_one()
                dialed += 1
                contact_id = next(iter(waiting))
                self.gone(agent_id, contact_id)
                self._book.bind(ticket, agent_id)
                self._bind(agent_id, bound=True)
                self._feeder.tell(NeedCallback(ticket, contact_id, agent_id))
            elif agent_id in self._bound:
                self._bind(agent_id, bound=False)
        return dialed

    def _bind(self, agent_id: str, *, bound: bool) -> None:
        if bound:
            self._bound.add(agent_id)
        else:
            self._bound.discard(agent_id)
        self._pool.tell(BindAgent(self._campaign_id, agent_id, bound))
        self._look()

    def _look(self) -> None:
        self.is_busy = bool(self._waiting or self._bound or self._asked)
