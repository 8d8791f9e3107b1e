"""A matrix of scenarios, pacers and agents, each cell simulated over many days.

The rule of this module: every cell meets the same people, day by day (common random numbers), so
pacers are compared by their differences on the same days; and what has been simulated once is not
simulated again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from joblib import Parallel, cpu_count, delayed, parallel_config

from dialer.errors import InputError
from sim.days import series_case
from sim.experiment import Case, Progress, Summary
from sim.library import Library
from sim.replication import Replication
from sim.shelf import Shelf
from sim.statistics import LEVEL, Estimate, paired, paired_ratio

USUAL_LIMIT = 0.03
"""Of a preset that names none."""
_CLUSTER_ANSWERS_S = 10


@dataclass(frozen=True)
class Matrix:
    """What is to be simulated. pacers: the first one is what the others are compared with."""

    scenarios: tuple[str, ...]
    pacers: tuple[str, ...]
    agents: tuple[int, ...]
    hours: float | None = None
    replications: int = 5
    seed: int = 1
    settings: tuple[str, ...] = ()

    def cases(self, library: Library) -> list["CellCase"]:
        """A case for each cell.

        Raises:
            InputError: something is not there or cannot be, or stands twice.
        """
        for what, names in (("scenario", self.scenarios), ("pacers", self.pacers)):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise InputError(f"--{what}", f"{twice[0]} twice", "give each once")
        return [
            CellCase(
                scenario,
                library.case(
                    scenario, pacer, agents=agents, hours=self.hours, settings=self.settings
                ),
            )
            for scenario in self.scenarios
            for agents in self.agents
            for pacer in self.pacers
        ]


class CellCase(NamedTuple):
    """A cell to run. scenario: as it was asked for."""

    scenario: str
    case: Case


@dataclass(frozen=True)
class Cell:
    """What a cell came to. limit: the share of abandoned answers that a day may have."""

    scenario: str
    case: Case
    summary: Summary
    limit: float

    @property
    def pacer(self) -> str:
        return self.case.pacer

    @property
    def agents(self) -> int:
        return self.case.agents

    @property
    def daily_abandonment(self) -> list[float]:
        return [each.figures.abandonment for each in self.summary.replications]

    @property
    def days_over_limit(self) -> float:
        """Share of days whose abandonment exceeded the limit."""
        daily = self.daily_abandonment
        return sum(share > self.limit for share in daily) / len(daily)

    def row(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "scenario": self.scenario,
            "pacer": self.pacer,
            "agents": self.agents,
            **self.summary.document(),
            "limit": self.limit,
            "days_over_limit": self.days_over_limit,
        }


class Difference(NamedTuple):
    """A pacer less the first one, on the same days."""

    scenario: str
    agents: int
    pacer: str
    baseline: str
    occupancy: Estimate
    abandonment: Estimate

    def row(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            **self._asdict(),
            "occupancy": dict(self.occupancy._asdict()),
            "abandonment": dict(self.abandonment._asdict()),
        }


@dataclass(frozen=True)
class Comparison:
    """All cells, and how they differ."""

    matrix: Matrix
    cells: list[Cell]

    def differences(self) -> Iterator[Difference]:
        """Each pacer against the first, by scenario and number of agents."""
        for group in self.groups():
            first = group[0]
            for cell in group[1:]:
                yield _difference(cell, first)

    def groups(self) -> list[list[Cell]]:
        """Cells that differ in nothing but their pacer, in the order asked for."""
        size = len(self.matrix.pacers)
        return [self.cells[at : at + size] for at in range(0, len(self.cells), size)]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        matrix = self.matrix
        return {
            "rows": [cell.row() for cell in self.cells],
            "differences": [difference.row() for difference in self.differences()],
            "hours": matrix.hours,
            "replications": matrix.replications,
            "seed": matrix.seed,
            "settings": list(matrix.settings),
        }


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of those that no other beats: points are (cost, gain), less and more are better."""
    order = sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1]))
    best, kept = float("-inf"), []
    for place in order:
        if points[place][1] > best:
            best = points[place][1]
            kept.append(place)
    return kept


def run_matrix(
    matrix: Matrix,
    library: Library,
    shelf: Shelf | None = None,
    workers: int = 0,
    told: Progress | None = None,
    cluster: str = "",
) -> Comparison:
    """Simulate what is not yet on the shelf, and compare.

    workers: processes, 0 for one a core. cluster: address of a Dask scheduler that runs them
    instead; its workers need this code.

    Raises:
        InputError: of `Matrix.cases`, or there is no cluster.
    """
    asked = matrix.cases(library)
    seeds = range(matrix.seed, matrix.seed + matrix.replications)
    found: dict[tuple[int, int], Replication] = {}
    missing: list[tuple[int, int]] = []
    # Day by day over all cells, so that an interrupted study has whole days of each.
    for seed in seeds:
        for place, (_, case) in enumerate(asked):
            kept = shelf.get(case, seed) if shelf is not None else None
            if kept is None:
                missing.append((place, seed))
            else:
                found[place, seed] = kept
    total = len(asked) * len(seeds)
    if told is not None:
        told(len(found), total)
    for place, replication in _run(asked, missing, workers, cluster):
        found[place, replication.seed] = replication
        if shelf is not None:
            shelf.put(asked[place].case, replication)
        if told is not None:
            told(len(found), total)
    cells = []
    for place, (scenario, case) in enumerate(asked):
        law = case.preset.abandonment
        summary = Summary([found[place, seed] for seed in seeds], LEVEL)
        cells.append(Cell(scenario, case, summary, law.target if law else USUAL_LIMIT))
    return Comparison(matrix, cells)


def _run(
    asked: Sequence[CellCase], jobs: Sequence[tuple[int, int]], workers: int, cluster: str
) -> Iterator[tuple[int, Replication]]:
    """Each day as it is done, in no order."""
    workers = min(workers or cpu_count(), len(jobs))
    if workers <= 1 and not cluster:
        for place, seed in jobs:
            yield place, series_case(asked[place].case, seed)
        return
    with on_cluster(cluster):
        parallel = Parallel(
            n_jobs=-1 if cluster else workers, return_as="generator_unordered", batch_size=1
        )
        yield from parallel(delayed(_job)(place, asked[place].case, seed) for place, seed in jobs)


def _job(place: int, case: Case, seed: int) -> tuple[int, Replication]:
    return place, series_case(case, seed)


@contextmanager
def on_cluster(address: str) -> Iterator[None]:
    """joblib on a Dask cluster; on this machine where no address is given.

    Raises:
        InputError: no cluster answers there, or Dask is not installed.
    """
    if not address:
        yield
        return
    where = f"--dask {address}"
    try:
        from distributed import Client
    except ImportError:
        raise InputError(where, "Dask is not installed", "pip install '.[cluster]'") from None
    try:
        client: Any = Client(address, timeout=_CLUSTER_ANSWERS_S)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        what = f"no cluster answers: {error}".splitlines()[0]
        raise InputError(where, what, "give its scheduler's address: tcp://HOST:8786") from None
    with client, parallel_config(backend="dask"):
        yield


def words(text: str, where: str) -> tuple[str, ...]:
    """A list as a person types it, parted by commas.

    Raises:
        InputError: nothing is in it.
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise InputError(where, "nothing is named", "give one, or several parted by commas")
    return found


def numbers(text: str, where: str) -> tuple[int, ...]:
    """Whole numbers of agents, parted by commas.

    Raises:
        InputError: one is none, or stands twice.
    """
    found = words(text, where)
    for part in found:
        if not part.isdecimal() or not 1 <= int(part) <= 5000:
            raise InputError(where, f"{part!r} is no number of agents", "give 1 to 5000")
    whole = tuple(int(part) for part in found)
    if len(set(whole)) < len(whole):
        raise InputError(where, "a number stands twice", "give each once")
    return whole


def _difference(cell: Cell, first: Cell) -> Difference:
    ours, theirs = ([each.figures for each in one.summary.replications] for one in (cell, first))
    level = cell.summary.level
    occupancy = paired(
        [each.occupancy for each in ours], [each.occupancy for each in theirs], level
    )
    counts = [
        ([each.abandoned for each in days], [max(each.answered, 1e-9) for each in days])
        for days in (ours, theirs)
    ]
    abandonment = paired_ratio(counts[0], counts[1], level)
    return Difference(cell.scenario, cell.agents, cell.pacer, first.pacer, occupancy, abandonment)
