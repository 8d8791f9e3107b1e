"""What one campaign knows of its contacts, in memory.

The rule of this module: it only keeps; what becomes of a contact is decided by `sim.memory_store`.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

import msgspec

from dialer.list_turns import ListTurns
from dialer.ports import AttributeValue, Callback, ClaimedContact
from sim.contact_lists import ContactLists


class Standing(msgspec.Struct, gc=False):
    """Where a contact stands. tried: the number of each attempt that counted."""

    state: str = ""
    resume_node: str = ""
    tried: tuple[str, ...] = ()


class InCampaign:
    """What one campaign knows of its contacts.

    fresh: those that it may not have touched yet, oldest first. touched: where the others stand;
    whoever is asked for is touched.
    hot: leads that have not been dialed yet, and when each is due. callbacks, callback_due: the
    call-backs that are owed, and when each is due.
    """

    def __init__(self, contact_ids: Iterable[int]) -> None:
        self.fresh: deque[int] = deque(contact_ids)
        self.waiting: list[tuple[float, int]] = []
        self.hot: dict[int, float] = {}
        self.callbacks: dict[int, Callback] = {}
        self.callback_due: dict[int, float] = {}
        self.touched: defaultdict[int, Standing] = defaultdict(Standing)
        self.turns_of_due = ListTurns()
        self.turns_of_fresh = ListTurns()

    def next_due_at(self, lists: ContactLists) -> float:
        """When the next is due who waits on a list that runs, call-backs included; 0 for none."""
        if lists.paused:
            waiting = [*self.waiting, *((at, c) for c, at in self.callback_due.items())]
            return min((at for at, c in waiting if not lists.pauses(c)), default=0.0)
        if self.callback_due:
            first = [self.waiting[0][0]] if self.waiting else []
            return min([*first, *self.callback_due.values()])
        return self.waiting[0][0] if self.waiting else 0.0

    def claim_new(
        self, contact_ids: Iterable[int], contacts: Mapping[int, Mapping[str, AttributeValue]]
    ) -> list[ClaimedContact]:
        """Have it hold contacts that it has never touched. contacts: the attributes of each."""
        claimed: list[ClaimedContact] = []
        touched = self.touched
        for contact_id in contact_ids:
            touched[contact_id] = Standing("claimed")
            claimed.append(ClaimedContact(contact_id, contacts[contact_id]))
        return claimed

    def waits(self, contact_id: int, state: str, due_at: float) -> None:
        """When it is due again, if it waits for anything in this state."""
        if contact_id in self.hot:
            self.hot[contact_id] = due_at
        elif contact_id in self.callbacks:
            self.callback_due[contact_id] = due_at
        elif state == "waiting":
            heapq.heappush(self.waiting, (due_at, contact_id))

    def owe(self, contact_id: int, callback: Callback) -> None:
        """The contact waits for its call-back, and for nothing else."""
        self.forget(contact_id)
        self.touched[contact_id].state = "waiting"
        self.callbacks[contact_id] = callback
        self.callback_due[contact_id] = callback.at

    def made_good(self, contact_id: int) -> None:
        """No call-back is owed any more."""
        self.callbacks.pop(contact_id, None)
        self.callback_due.pop(contact_id, None)

    def forget(self, contact_id: int) -> None:
        """The contact waits for nothing of what it waited for."""
        self.made_good(contact_id)
        self.hot.pop(contact_id, None)
        if contact_id in self.touched and self.touched[contact_id].state == "waiting":
            self.waiting = [entry for entry in self.waiting if entry[1] != contact_id]
            heapq.heapify(self.waiting)
        if contact_id in self.fresh:
            self.fresh.remove(contact_id)
