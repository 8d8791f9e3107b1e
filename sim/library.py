"""What an experiment is put together from: scenarios, campaigns and presets, by name or by path.

The rule of this module: it knows no folder and opens no file of its own accord; it is given them.
What a person sets on the command line is written into the text before it is read, so that it is
checked as if it had stood in the file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dialer.compliance.preset import Preset
from dialer.documents import Document, suggestion
from dialer.documents import Path as Place
from dialer.errors import FlowError, InputError, ScenarioError
from dialer.flow.formulas import formula_faults, with_texts
from dialer.flow.graph import Flow, check_compliance, load_flow, refuse_missing_gateways
from dialer.flow.scores import ReadScore, no_scores, with_score
from dialer.formulas import ShippedFormula
from sim.experiment import Case
from sim.pacers import parse_pacer
from sim.replication import adapted
from sim.scenario import Scenario, load_scenario
from sim.traits import BASE, Outcomes

GATEWAYS = frozenset({"trunk", "formula"})
"""What the simulated world offers to the nodes of a flow."""

RINGING_MODES = ("progressive", "preview")
"""Dialing for which an agent's phone may ring for each reservation."""

OF_CAMPAIGN = "campaign."
"""A setting that begins with this is one of the flow: campaign.NODE.setting."""

PULSE_S = 1.0
"""How often a pacer that is named, not drawn, looks."""

_SET = "--set"


class Setting(NamedTuple):
    """One thing set on the command line. place: the keys that lead to it."""

    place: Place
    value: object


@dataclass(frozen=True)
class Library:
    """Where things are found.

    scenarios, campaigns: the shipped ones. preset_named: a preset by its name. read_text: a
    file's text and what errors call it; it raises InputError. formulas: those that ship, by name.
    """

    scenarios: Path
    campaigns: Path
    preset_named: Callable[[str], Preset]
    read_text: Callable[[Path], tuple[str, str]]
    formulas: Mapping[str, ShippedFormula] = field(default_factory=dict)
    read_score: ReadScore = no_scores

    def case(
        self,
        scenario: str,
        pacer: str = "progressive",
        campaign: Path | None = None,
        *,
        agents: int = 20,
        hours: float | None = None,
        jitter_s: float = 0.0,
        settings: Sequence[str] = (),
    ) -> Case:
        """A case to run.

        scenario: a name or a path. campaign: a flow's file, simulated as it is; without one it is
        the pacer's blueprint, which seizes all agents and pulses each second. hours: else the
        scenario's. settings: KEY=VALUE, of the scenario, or of the flow as campaign.NODE.setting.

        Raises:
            InputError: something is not there, or cannot be.
        """
        of_flow = [text for text in settings if text.startswith(OF_CAMPAIGN)]
        of_world = [text for text in settings if not text.startswith(OF_CAMPAIGN)]
        world = self.scenario(scenario, of_world)
        if campaign is not None:
            text, name = self.read_text(campaign)
            return self.case_of(world, text, name, agents, hours, jitter_s, of_flow)
        chosen = parse_pacer(pacer, self.formulas)
        text, name = self.read_text(self.campaigns / f"{chosen.blueprint}.yaml")
        drawn = _flow(text, name, of_flow)
        target = agents if chosen.target is None else chosen.target
        flow = adapted(drawn, pulse_s=PULSE_S, target=target, dialing=chosen.dialing)
        return self._case(world, flow, name, chosen.name, agents, hours, jitter_s)

    def case_of(
        self,
        world: Scenario,
        flow_text: str,
        name: str,
        agents: int,
        hours: float | None = None,
        jitter_s: float = 0.0,
        settings: Sequence[str] = (),
    ) -> Case:
        """A case of a flow's text. name: what errors call it. settings: those of the flow."""
        flow = _flow(flow_text, name, settings)
        return self._case(world, flow, name, flow.title, agents, hours, jitter_s)

    def scenario(self, given: str, settings: Sequence[str] = ()) -> Scenario:
        """A scenario by name or path.

        Raises:
            ScenarioError: there is none, or it describes no world that can be.
        """
        path = self._path_of(given)
        text, name = self.read_text(path)
        world = load_scenario(text, name, path.parent)
        if not settings:
            return world
        document = Document.load(text, name, ScenarioError)
        for setting in map(parse_setting, settings):
            _set_in_scenario(document, setting)
        return load_scenario(document.dump(), f"{name} with {_SET}", path.parent)

    def campaign(self, given: Path) -> Path:
        """A campaign's file, by its path or by the name of a blueprint that ships."""
        shipped = self.campaigns / f"{given}.yaml"
        return shipped if not given.exists() and shipped.exists() else given

    def _path_of(self, given: str) -> Path:
        path = Path(given)
        shipped = {found.stem: found for found in sorted(self.scenarios.glob("*.yaml"))}
        if path.exists() and not path.is_dir():
            return path
        if given in shipped:
            return shipped[given]
        mend = suggestion(given, shipped)
        raise ScenarioError(f"scenario {given!r}", "neither a file nor one that ships", mend)

    def _case(
        self,
        world: Scenario,
        flow: Flow,
        name: str,
        pacer: str,
        agents: int,
        hours: float | None,
        jitter_s: float,
    ) -> Case:
        texts = {formula.name: formula.formula for formula in self.formulas.values()}
        flow = with_texts(flow, texts)
        for node_id, what, mend in formula_faults(flow.definition):
            raise FlowError(f"{name}: node {node_id}", what, mend)
        refuse_missing_gateways(flow, GATEWAYS)
        mode = flow.init.dialing.mode
        if not world.agents.kept_up and mode not in RINGING_MODES:
            what = f"{mode} dialing with phones that ring per call in {world.name}"
            raise InputError(name, what, f"set agents.kept_up, or use {' or '.join(RINGING_MODES)}")
        choice = flow.definition.compliance
        preset = self.preset_named(choice.preset).overridden(choice.overrides, name)
        for node_id, what, mend in check_compliance(flow, preset):
            raise FlowError(f"{name}: node {node_id}" if node_id else name, what, mend)
        score = with_score(flow, self.read_score, name).score
        return Case(world, flow.definition, preset, pacer, agents, hours, jitter_s, score=score)


def _flow(text: str, name: str, settings: Sequence[str]) -> Flow:
    if not settings:
        return load_flow(text, name)
    document = Document.load(text, name, FlowError)
    for setting in map(parse_setting, settings):
        _set_in_flow(document, setting)
    return load_flow(document.dump(), f"{name} with {_SET}")


def parse_setting(text: str) -> Setting:
    """KEY=VALUE, the key dotted and the value in YAML.

    Raises:
        InputError: it is not that.
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise InputError(f"{_SET} {text}", "no setting", "write KEY=VALUE: calls.talk_s.mean=90")
    place = tuple(int(part) if part.isdecimal() else part for part in parts)
    return Setting(place, Document.load(f"value: {value}", f"{_SET} {key}").data["value"])


def _set_in_scenario(document: Document, setting: Setting) -> None:
    """Set it, with what holds it as in the base scenario where the file does not say."""
    base = Scenario(calls=BASE).model_dump(mode="json", exclude_unset=True)
    _hold(document, setting.place, base, ScenarioError)
    *parents, last = setting.place
    holder = document.data
    for part in parents:
        holder = holder[part]
    if last == "live" and "outcomes" in holder and isinstance(setting.value, (int, float)):
        # A share of its own beside the whole mix would be one too many: it is put into the mix.
        mix = Outcomes.model_validate(holder["outcomes"])
        if 0 <= setting.value <= 1:
            shares = mix.with_live(setting.value).model_dump()
            document.set((*parents, "outcomes"), shares)
            return
    document.set(setting.place, setting.value)


def _hold(document: Document, place: Place, base: object, error_type: type[InputError]) -> None:
    """Make sure that every part of a path but the last is there to be written into."""
    holder = document.data
    for depth, part in enumerate(place[:-1], start=1):
        base = base.get(part) if isinstance(base, dict) else None
        there = _within(holder, part)
        if there is None and isinstance(holder, dict) and isinstance(place[depth], str):
            document.set(place[:depth], base if isinstance(base, dict) else {})
            there = _within(holder, part)
        if not isinstance(there, (dict, list)):
            whole = ".".join(str(part) for part in place[:depth])
            raise error_type(_named(place), f"{whole} holds nothing", f"set {whole} as a whole")
        holder = there
    if isinstance(holder, list) and _within(holder, place[-1]) is None:
        raise error_type(_named(place), "the list is not that long", "count from 0")


def _named(place: Place) -> str:
    return f"{_SET} {'.'.join(str(part) for part in place)}"


def _within(holder: object, part: str | int) -> object:
    if isinstance(holder, dict):
        return holder.get(part)
    if isinstance(holder, list) and isinstance(part, int) and part < len(holder):
        return holder[part]
    return None


def _set_in_flow(document: Document, setting: Setting) -> None:
    """Set something of the flow itself, or of the node whose id comes first."""
    set_in_flow(document, setting.place[1:], setting.value)


def set_in_flow(document: Document, place: Place, value: object) -> None:
    """Set something in a flow's document. place: of `place_in_flow`, as a person says it.

    Raises:
        FlowError: there is no such place.
    """
    place = place_in_flow(document, place)
    _hold(document, place, {}, FlowError)
    document.set(place, value)


def place_in_flow(document: Document, place: Place) -> Place:
    """Where something stands that a person calls by the id of its node: dial.ring_timeout_s.

    Raises:
        FlowError: there is no such node.
    """
    nodes = document.data.get("nodes", []) if isinstance(document.data, dict) else []
    ids = [node.get("id") for node in nodes if isinstance(node, dict)]
    if len(place) > 1 and place[0] in ids:
        return ("nodes", ids.index(place[0]), *place[1:])
    if len(place) > 1 and place[0] not in ("compliance", "nodes"):
        mend = suggestion(str(place[0]), _words(ids))
        raise FlowError(f"{_SET} {OF_CAMPAIGN}{place[0]}", "no such node", mend)
    return place


def _words(ids: Iterable[object]) -> list[str]:
    return [found for found in ids if isinstance(found, str)]
