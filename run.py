#!/usr/bin/env python3
"""The composition root: the command line, and what it asks for.

The rule of this module: it decides nothing, and enters a room only when what is there is wanted,
for most commands need few of them. What is built of the settings stands in `config/composition`.
"""

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import typer

import sim.cli
from gateways.cli.app import build_app
from gateways.cli.host import CheckProblem, DemoOptions, Place, Proof, ProofOptions, Told
from gateways.cli.late import LateVerb


class Here:
    """Implements `gateways.cli.host.Host`."""

    def site(self, config: Path) -> Place:
        from config.composition.place import place_of
        from config.loader import load_settings

        return place_of(load_settings(config))

    def check(self, config: Path) -> Sequence[CheckProblem]:
        from config.loader import settings_problems

        return settings_problems(config)

    def scenario_problems(self, text: str, file: Path) -> Sequence[CheckProblem]:
        from sim.scenario import scenario_problems

        return scenario_problems(text, str(file), file.parent)

    def prove(self, flow: str, name: str, options: ProofOptions, told: Told) -> Proof:
        from config.composition.laboratory import prove

        return prove(flow, name, options, told)

    def serve(self, config: Path, ready_file: Path | None) -> None:
        from config.loader import load_settings

        settings = load_settings(config)  # what is wrong with them is told at once

        from config.composition.serving import serve

        serve(settings, ready_file)

    def demo(self, options: DemoOptions) -> None:
        from config.composition.serving import demo

        demo(options)


def add_of_simulator(name: str, app: typer.Typer) -> None:
    """Add one of the simulator's verbs to an app."""
    from config.composition.laboratory import lab

    import_module(f"sim.cli.{name}").add_to(app, lab())


def command_line() -> typer.Typer:
    """Every verb there is."""
    simulated = [
        LateVerb(name, line, partial(add_of_simulator, name))
        for name, line in sim.cli.VERBS.items()
    ]
    return build_app(Here(), simulated)


if __name__ == "__main__":
    command_line()()
