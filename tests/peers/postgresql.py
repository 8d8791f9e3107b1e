"""A real PostgreSQL server of a test's own.

The rule of this module: its own data folder, port and socket; nothing of the machine's is touched,
and it ends with the test.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from tests.peers import lacking
from tests.peers.sipp import free_port

_OWNER = "postgres"
"""The server refuses to run as root; Debian's package brings this user."""


def binary(name: str) -> str:
    """Where one of its programs is; Debian keeps them out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = shutil.which(name) or (str(found[-1]) if found else "")
    if not path:
        lacking(f"{name} is not installed (Debian's postgresql: tests/peers/install.sh)")
    return path


class PostgreSQL:
    """A server on loopback, with one user and an empty database.

    with PostgreSQL() as server:
        connect(server.url)
    """

    def __init__(self) -> None:
        self._initdb, self._pg_ctl = binary("initdb"), binary("pg_ctl")
        self._user = _OWNER if os.geteuid() == 0 else None
        # The test's own folder lies below one that only its owner may enter.
        self._folder = Path(tempfile.mkdtemp(prefix="foredial-postgresql-"))
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self._port = free_port("127.0.0.1")
        self.url = f"postgresql://{_OWNER}@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> Self:
        data = str(self._folder / "data")
        self._run(self._initdb, "-D", data, "-U", _OWNER, "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-p {self._port} -h 127.0.0.1 -k {self._folder} -F"
        log = str(self._folder / "log")
        self._run(self._pg_ctl, "-D", data, "-w", "-t", "60", "-l", log, "-o", options, "start")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._run(self._pg_ctl, "-D", str(self._folder / "data"), "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *command: str) -> None:
        # Its output goes to a file: the server would hold a pipe open for ever.
        told = self._folder / "told"
        with told.open("w") as out:
            done = subprocess.run(
                command, user=self._user, stdout=out, stderr=out, cwd="/", timeout=120, check=False
            )
        assert done.returncode == 0, told.read_text()
