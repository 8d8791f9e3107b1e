"""The shipped scenarios and campaigns, for the tests of what is tried in them."""

from config.formulas_shipped import shipped_formulas
from config.presets import preset_named
from gateways.cli.files import read_text
from sim.library import Library
from tests.sim.world_plans import CONFIG

LIBRARY = Library(
    CONFIG / "scenarios", CONFIG / "campaigns", preset_named, read_text, shipped_formulas()
)
