"""The simulator as this repository has it: its scenarios, campaigns, formulas and versions."""

import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from config.composition import VERSION
from config.composition.place import place_of
from config.composition.scores import score_reader
from config.formulas_shipped import shipped_formulas
from config.loader import load_settings
from config.presets import preset_named
from dialer.promql import SeriesStore
from dialer.score.past import Attempt
from gateways.cli.files import read_text
from gateways.cli.host import Proof, ProofOptions, Told
from gateways.cli.verb import verb
from gateways.journal.reader import read_journal
from sim.cli.lent import Lab
from sim.library import Library
from sim.trial import proof

CONFIG = Path(__file__).resolve().parent.parent
LIBRARY = Library(
    CONFIG / "scenarios",
    CONFIG / "campaigns",
    preset_named,
    read_text,
    shipped_formulas(),
    score_reader(Path()),
)


def lab() -> Lab:
    """What the simulator's verbs are lent."""
    return Lab(verb, LIBRARY, versions(), read_journal, read_range, stored_attempts)


def read_range(url: str, start_s: float, end_s: float) -> SeriesStore:
    """What a Prometheus server has recorded between two times."""
    from gateways.prometheus import recorded  # few studies ask a server

    return recorded.read_range(url, start_s, end_s)


def stored_attempts(config: Path) -> list[Attempt]:
    """What `score` learns from, where it is given no file."""
    with place_of(load_settings(config)).open_store() as store:
        return store.attempts.for_scores()


def versions() -> dict[str, str]:
    """Of what the course of a simulation depends on."""
    libraries = ("numpy", "pykka", "simpy")
    return {
        "foredial": VERSION,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in libraries},
    }


def prove(flow: str, name: str, options: ProofOptions, told: Told) -> Proof:
    """Simulate a flow and hold it against its limits."""
    result = proof(LIBRARY, flow, name, **asdict(options)).run(told)
    words = tuple(str(verdict) for verdict in result.verdicts)
    return Proof(result.good, words, result.document())
