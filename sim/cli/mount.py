"""Where the simulator's verbs are added to the command line."""

import typer

from sim.cli import backtest, benchmark, fit, replay, score, simulate, tune, validate
from sim.cli.lent import Lab


def add_to(app: typer.Typer, lab: Lab) -> None:
    """Add these verbs to the command line."""
    for room in (simulate, backtest, benchmark, tune, fit, score, validate, replay):
        room.add_to(app, lab)
