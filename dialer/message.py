"""What messages, events and records are made of.

The rule of this module: what is told is typed, cannot be changed, and encodes as a msgpack array
of its fields in order. Fifty of them come into being for every call, so they are msgspec's
structs, which cost a fifth of a named tuple.
"""

from typing import Any, Self, dataclass_transform

import msgspec


@dataclass_transform(frozen_default=True)
class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A class of it declares fields and defaults as a dataclass does.

    The garbage collector does not look into messages, so one must never, by whatever it carries,
    come to hold itself.
    """

    def _replace(self, **changes: Any) -> Self:
        """A copy with these fields changed (the name is that of named tuples)."""
        return msgspec.structs.replace(self, **changes)
