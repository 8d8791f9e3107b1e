"""The lists that contacts belong to, in memory.

The rule of this module: it knows which list a contact is on, what each weighs and which are
paused; whose turn it is among them stands in `dialer.list_turns`.
"""

from collections.abc import Mapping

_DEFAULT_LIST = 1


class ContactLists:
    """Lists by their ids; whoever was put on none is on the first.

    weights: of all lists. paused: those that have no turns.
    """

    def __init__(self) -> None:
        self.weights = {_DEFAULT_LIST: 1}
        self.paused: set[int] = set()
        self._list_of: dict[int, int] = {}

    def set(self, list_id: int, weight: int, paused: bool) -> None:
        """Make a list, weight it, pause it or resume it."""
        self.weights[list_id] = weight
        (self.paused.add if paused else self.paused.discard)(list_id)

    def put(self, contact_id: int, list_id: int) -> None:
        """The contact is on this list from now on, and on no other."""
        self._list_of[contact_id] = list_id

    def of(self, contact_id: int) -> int:
        """The contact's list."""
        return self._list_of.get(contact_id, _DEFAULT_LIST)

    def pauses(self, contact_id: int) -> bool:
        """Whether the contact's list is paused."""
        return bool(self.paused) and self.of(contact_id) in self.paused

    def running(self) -> Mapping[int, int]:
        """The weights of those that have turns, as of now: not to be kept."""
        if not self.paused:
            return self.weights
        return {n: weight for n, weight in self.weights.items() if n not in self.paused}
