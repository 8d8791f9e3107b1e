"""What it costs to start the command line: CPU time of verbs that do next to nothing.

    python -m benchmarks.cli_start [--times N]

Each verb is run N times in turn with the others, and the least counts. `python -c pass` and the
import of typer with rich are what no change here can save.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = "data_dir: {folder}\ntrunks: [{{name: simulated, kind: simulated}}]\n"
CONTACTS = "phone\n+12125550123\n"


def commands(folder: Path) -> dict[str, Sequence[str]]:
    """What is started, by its name."""
    settings, contacts = folder / "foredial.yaml", folder / "contacts.csv"
    settings.write_text(SETTINGS.format(folder=folder))
    contacts.write_text(CONTACTS)
    run = ("run.py", "--config", str(settings))
    return {
        "python -c pass": ("-c", "pass"),
        "import typer and rich": ("-c", "import typer, typer.rich_utils"),
        "--help": ("run.py", "--help"),
        "campaign --help": ("run.py", "campaign", "--help"),
        "check SETTINGS": (*run, "check", str(settings)),
        "check FLOW": (*run, "check", "config/campaigns/progressive.yaml"),
        "campaign list": (*run, "campaign", "list"),
        "contacts import": (*run, "contacts", "import", str(contacts)),
        "simulate --help": ("run.py", "simulate", "--help"),
    }


@contextmanager
def a_daemon(folder: Path) -> Iterator[None]:
    """One that runs while it is measured how verbs ask it."""
    ready = folder / "ready"
    words = ("run.py", "--config", str(folder / "foredial.yaml"), "serve", "--ready-file")
    log = (folder / "serve.log").open("wb")
    with log, subprocess.Popen([sys.executable, *words, str(ready)], cwd=ROOT, stderr=log) as run:
        while not ready.exists():
            if run.poll() is not None:
                sys.exit((folder / "serve.log").read_text())
        try:
            yield
        finally:
            run.terminate()


def cpu_s(words: Sequence[str]) -> float:
    """The CPU time of one run. Exits where it fails."""
    with subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, spent = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(words)}: {told.decode()}")
    return spent.ru_utime + spent.ru_stime


def least(wanted: dict[str, Sequence[str]], times: int) -> dict[str, float]:
    """The least CPU time of each, in seconds."""
    runs = [{name: cpu_s(words) for name, words in wanted.items()} for _ in range(times)]
    return {name: min(run[name] for run in runs) for name in wanted}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        wanted = commands(folder)
        found = least(wanted, times)
        with a_daemon(folder):
            name = "campaign list"
            found[f"{name}, with a daemon"] = least({name: wanted[name]}, times)[name]
    for name, spent_s in found.items():
        print(f"{name:32}{spent_s:7.2f} CPU s")


if __name__ == "__main__":
    main()
