"""Simulated days that are kept, so that a study goes on where it was interrupted.

The rule of this module: a day is kept under all that it depends on (its case, its seed, the code
and the libraries that made it), so what is found here is what a new run would give; a file that is
torn or of another form counts as not there.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import actors
import dialer
import sim
from sim.experiment import Case
from sim.figures import Figures
from sim.recording import case_text
from sim.replication import Replication
from sim.series import Slice

_ROOMS = (dialer, actors, sim)


def code_digest() -> str:
    """Of everything that a simulated day is computed by."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        folder = Path(str(room.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{room.__name__}/{path.relative_to(folder)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def case_digest(case: Case, made_by: Mapping[str, str]) -> str:
    """Of a case and of what runs it. made_by: versions and digests, by name."""
    told = {"case": case_text(case), "made_by": dict(made_by)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


class Shelf:
    """A folder of simulated days. made_by: what they are computed by. blind: finds none."""

    def __init__(self, folder: Path, made_by: Mapping[str, str], blind: bool = False) -> None:
        self._blind = blind
        self._folder = folder
        self._made_by = {**made_by, "code": code_digest()}
        self._digests: dict[int, str] = {}
        self._cases: list[Case] = []

    def get(self, case: Case, seed: int) -> Replication | None:
        """The day of this seed, if it is kept."""
        if self._blind:
            return None
        try:
            return _read(json.loads(self._path(case, seed).read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def put(self, case: Case, replication: Replication) -> None:
        """Keep a day; a reader never meets half of it."""
        path = self._path(case, replication.seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}.tmp")
        half.write_text(json.dumps(asdict(replication)), "utf-8")
        half.replace(path)

    def _path(self, case: Case, seed: int) -> Path:
        digest = self._digests.get(id(case))
        if digest is None:
            digest = self._digests[id(case)] = case_digest(case, self._made_by)
            self._cases.append(case)  # or its id could be given to another
        return self._folder / digest[:32] / f"{seed}.json"


def _read(data: dict[str, Any]) -> Replication:
    data["figures"] = Figures(**data["figures"])
    data["told"] = tuple(data["told"])
    data["series"] = tuple(Slice(*each) for each in data["series"])
    return Replication(**data)
