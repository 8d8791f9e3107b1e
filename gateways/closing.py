"""What is closed at the end of a `with` block.

The rule of this module: `close` is called however the block ends, and an error in the block stays
an error.
"""

from types import TracebackType
from typing import Self


class Closing:
    """A thing with a `close`, usable in a `with` block."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()
