"""Days that were simulated, so that a run can go on where it stopped and be pooled with others.

The rule of this module: one line a day, appended as it is done; a day counts only for the code it
was made by, which its line names by a digest.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from benchmarks.pacing_lab.case import Case
from benchmarks.pacing_lab.day import DayFigures

_ROOT = Path(__file__).resolve().parents[2]
_LAB = ("case", "day", "scored_list", "world")
_NOT_OF_A_DAY = {"redecide", "reservations", "spread"}  # what only campaigns use


def code_digest() -> str:
    """Of the pacers and of what makes a day."""
    digest = sha256()
    pacers = sorted((_ROOT / "dialer/pacing").glob("*.py"))
    for path in (*pacers, *(_ROOT / f"benchmarks/pacing_lab/{name}.py" for name in _LAB)):
        if path.stem not in _NOT_OF_A_DAY:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Ledger:
    """A file of days. any_code: take days of other code, too (to pool what a comment changed)."""

    def __init__(self, path: Path, *, any_code: bool = False) -> None:
        self._path = path
        self._code = code_digest()
        self._any_code = any_code

    def days(self) -> Iterator[tuple[Case, int, DayFigures]]:
        """Each day that counts: its case, its seed, its figures; of a seed the last one."""
        if not self._path.exists():
            return
        found: dict[tuple[Case, int], DayFigures] = {}
        for line in self._path.read_text().splitlines():
            row = json.loads(line)
            if self._any_code or row["code"] == self._code:
                found[Case(*row["case"]), row["seed"]] = DayFigures(*row["figures"])
        for (case, seed), figures in found.items():
            yield case, seed, figures

    def add(self, case: Case, seed: int, figures: DayFigures) -> None:
        row = {"code": self._code, "case": case, "seed": seed, "figures": figures}
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")
