"""One daemon a database.

The rule of this module: whoever dials from a database owns it. Recovery lets go of every contact
that is held, which would be wrong while another daemon dials them. The lock is the operating
system's: it falls with the process, however that ends. Command lines do not take it.
"""

import fcntl
import os
from pathlib import Path

from dialer.errors import StoreError


class Ownership:
    """An exclusive lock on a file beside the database.

    Raises:
        StoreError: another process owns the database, or the lock file cannot be written.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".owner")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise StoreError(
                f"process {holder or '?'} already dials from {database}; stop it first"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process own the database."""
        os.close(self._descriptor)
