"""Lists of contacts: what may be asked about them.

The rule of this module: a list is known by its name; what is said of it counts for every campaign,
from its next claim on.
"""

from typing import Any

from gateways.control.verbs import verb
from gateways.store import Store, as_json


class ListCommands:
    """Verbs about the lists that contacts belong to."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @verb("contacts lists")
    def lists(self) -> dict[str, Any]:
        """Every list, the oldest first: name, weight, paused, contacts."""
        found = self._store.lists.all()
        return {"items": as_json(found), "total": len(found)}

    @verb("contacts list-weight")
    def weight(self, name: str, weight: int) -> dict[str, Any]:
        """How many contacts a list gives for one of a list of weight 1.

        Raises:
            NotFoundError: there is no such list.
            ContactError: it is no weight.
        """
        return as_json(self._store.lists.weight(name, weight))  # type: ignore[no-any-return]

    @verb("contacts list-pause")
    def pause(self, name: str) -> dict[str, Any]:
        """Dial none of its contacts, in no campaign; calls that are under way go on.

        Raises:
            NotFoundError: there is no such list.
        """
        return as_json(self._store.lists.pause(name, True))  # type: ignore[no-any-return]

    @verb("contacts list-resume")
    def resume(self, name: str) -> dict[str, Any]:
        """Dial its contacts again.

        Raises:
            NotFoundError: there is no such list.
        """
        return as_json(self._store.lists.pause(name, False))  # type: ignore[no-any-return]
