"""The simulator's part of the command line: simulate, validate, replay.

The rule of this package: a verb reads what a person asked for and shows what came of it; what is
computed stands in the modules above, where studies use it, too.
"""

from sim.cli.lent import Lab
from sim.cli.mount import add_to

__all__ = ["Lab", "add_to"]
