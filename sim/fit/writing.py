"""A fitted scenario as a file.

The rule of this module: it writes nothing that `load_scenario` would refuse, and a reader sees
where each number came from.
"""

from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from sim.fit.fitting import Fit
from sim.scenario import Scenario, load_scenario

_FLAT = frozenset({"outcomes", "bursts", "fitted"})
_WIDTH = 98


def scenario_text(fit: Fit, about: str, source: str) -> str:
    """The file's text."""
    data = CommentedMap({"about": about})
    for name, value in fit.written.items():
        data[name] = _shaped(name, value)
    data.yaml_set_start_comment(
        "yaml-language-server: $schema=scenario.schema.json\n"
        f"Fitted to {source}: {fit.calls} calls on {len(fit.days.days)} days.\n"
        "`fitted` lists what comes from there; all else is as in base.yaml, that is, guessed."
    )
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump(data, text)
    return text.getvalue()


def checked(text: str, name: str) -> Scenario:
    """The scenario that a text means.

    Raises:
        ScenarioError: it means none, which is a bug of the fitting.
    """
    return load_scenario(text, name)


def _shaped(name: str, value: Any) -> Any:
    """Laws and short lists on one line, the rest below each other."""
    if isinstance(value, dict):
        shaped = CommentedMap({key: _shaped(key, each) for key, each in value.items()})
        if name in _FLAT or ("distribution" in value and "parts" not in value):
            shaped.fa.set_flow_style()
        return shaped
    if isinstance(value, (list, tuple)):
        items = CommentedSeq([_shaped("", each) for each in value])
        if name in ("values", "weights", *_FLAT):
            items.fa.set_flow_style()
        return items
    return value
