"""The simulator against the daemon itself: what it foretells of a campaign, and what then happens.

    python -m benchmarks.agreement [--seconds 600] [--agents 20] [--replications 100]
    python -m benchmarks.agreement --lookahead --seconds 1200

A daemon on real threads, in real time, with its simulated carrier and agents, dials from a cold
start for so long; its ledger is measured by the same rule as a simulated one. The simulator
foretells the same time of the same campaign, and for each figure the interval in which one more
such day falls with 99 % (all three together). Exit code 3 where one does not.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from joblib import Parallel, delayed

from config.composition.simulated import carrier_model
from config.loader import load_settings
from config.presets import preset_named
from config.trunks import SimulatedTrunk
from dialer.flow.graph import load_flow
from dialer.journal import CampaignMoved, Record
from gateways.journal.reader import read_journal
from sim.figures import Figures, FiguresJournal
from sim.model import DeskModel
from sim.replication import Day, run_replication
from sim.statistics import each_level, prediction
from sim.world import WorldPlan
from tests.daemon import Dialer

LEVEL = 0.99
LIMIT_S = 2.0
FIGURES = ("calls", "answers", "occupancy")

_SETTINGS = """
data_dir: {folder}/var
live: false
allow_list: ["+1202*"]
attributes:
  - {{name: customer_id, type: text, key: true}}
  - {{name: phone, type: phone, required: true}}
trunks: [{{name: simulated, kind: simulated, max_channels: 500, calls_per_second: 100}}]
metrics: {{port: 0}}
log: {{level: warning, format: json}}
simulation:
  agents: {agents}
  outcomes: {{customer_answered: 0.25, answering_machine: 0.3, no_user_response: 0.35,
    user_busy: 0.1}}
  setup_s: 2
  ring_s: 10
  talk_s: {talk_s}
  wrap_up_s: {wrap_up_s}
desk: {{kind: simulated, wrap_up_s: 600}}
"""

_HEAD = """
title: Agreement
compliance:
  overrides: {{calling_hours: [{{from: "00:00", to: "24:00"}}]}}
nodes:
  - {{id: start, type: start, interval_s: 1, next: {{pulse: due}}}}
"""

_POWER = """
  - {{id: due, type: check_undelivered_contacts, next: {{"true": seize}}}}
  - {{id: seize, type: seize_agent, target: {agents}, next: {{pulse: seized}}}}
  - {{id: seized, type: check_seize_agent_event, next: {{agent_reserved: init}}}}
  - {{id: init, type: init, dialing: {{mode: power, ratio: {ratio}}}, next: {{contact: dial}}}}
"""

_LOOKAHEAD = """
  - {{id: due, type: check_undelivered_contacts, next: {{"true": init}}}}
  - {{id: init, type: init, dialing: {{mode: lookahead, target: 0.03}}, next: {{contact: dial}}}}
"""

_CALL = """
  - {{id: dial, type: dial, channel: simulated, ring_timeout_s: 30, next: {{live_call: human}}}}
  - {{id: human, type: call_decision, next: {{"true": route, "false": bye}}}}
  - {{id: route, type: route_to_agent}}
  - {{id: bye, type: end_call}}
"""


@dataclass(frozen=True)
class Campaign:
    """What is dialed, and for how long from a cold start."""

    seconds: float = 600.0
    agents: int = 20
    ratio: float = 2.0
    talk_s: float = 120.0
    wrap_up_s: float = 30.0
    lookahead: bool = False

    def settings(self, folder: Path) -> str:
        return _SETTINGS.format(folder=folder, **asdict(self))

    def flow(self) -> str:
        pacing = _LOOKAHEAD if self.lookahead else _POWER
        return (_HEAD + pacing + _CALL).format(**asdict(self))


@dataclass(frozen=True)
class Line:
    """One figure: what was foretold, and what happened."""

    figure: str
    lower: float
    upper: float
    seen: float

    @property
    def ok(self) -> bool:
        return self.lower <= self.seen <= self.upper


def live(campaign: Campaign, folder: Path) -> Figures:
    """What the daemon came to, by its ledger."""
    dialer = Dialer(folder, campaign.settings(folder))
    # Twenty for each agent and minute are more than can be dialed.
    count = int(campaign.agents * 2 * (campaign.seconds / 6 + 20))
    rows = (f"C{n},+1202{2000000 + n}\n" for n in range(count))
    (folder / "list.csv").write_text("customer_id,phone\n" + "".join(rows))
    (folder / "flow.yaml").write_text(campaign.flow())
    dialer.verb("contacts", "import", str(folder / "list.csv"))
    dialer.verb("campaign", "create", str(folder / "flow.yaml"))
    dialer.verb("campaign", "publish", "Agreement")
    with dialer:
        time.sleep(campaign.seconds + 5)
    records = list(read_journal(folder / "var" / "journal"))
    since = _published_at(records)
    journal = FiguresJournal(since, since + campaign.seconds, LIMIT_S)
    journal.extend(records)
    return journal.close(since + campaign.seconds)


def _published_at(records: list[Record]) -> float:
    moves = (each for each in records if isinstance(each, CampaignMoved))
    return next(move.at for move in moves if move.status == "published")


def foretold(campaign: Campaign, folder: Path, replications: int) -> list[Figures]:
    """What the simulator makes of the same time."""
    path = folder / "simulated.yaml"
    path.write_text(campaign.settings(folder))
    settings = load_settings(path)
    (trunk,) = settings.trunks
    assert isinstance(trunk, SimulatedTrunk)
    plan = WorldPlan(
        load_flow(campaign.flow(), "flow.yaml"),
        preset_named("us_ftc"),
        campaign.agents,
        callees=carrier_model(settings, trunk),
        habits=DeskModel(wrap_up_mean_s=campaign.wrap_up_s),
        calls_per_second=trunk.calls_per_second,
    )
    day = Day(campaign.seconds / 3600)
    runs = Parallel(n_jobs=-1)(
        delayed(run_replication)(plan, day, seed) for seed in range(1, replications + 1)
    )
    return [run.figures for run in runs]


def compare(campaign: Campaign, folder: Path, replications: int) -> Iterator[Line]:
    """Each figure against its prediction."""
    simulated = foretold(campaign, folder, replications)
    seen = _figures(live(campaign, folder))
    level = each_level(LEVEL, len(FIGURES))
    for figure in FIGURES:
        interval = prediction([_figures(each)[figure] for each in simulated], level)
        yield Line(figure, interval.lower, interval.upper, seen[figure])


def _figures(figures: Figures) -> dict[str, float]:
    return {
        "calls": figures.dialed,
        "answers": figures.answered,
        "occupancy": figures.occupancy,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--replications", type=int, default=100)
    parser.add_argument("--lookahead", action="store_true", help="not power 2, but look-ahead")
    given = parser.parse_args()
    campaign = Campaign(given.seconds, given.agents, lookahead=given.lookahead)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for line in compare(campaign, Path(folder), given.replications):
            good &= line.ok
            verdict = "inside" if line.ok else "OUTSIDE"
            print(
                f"{line.figure:10} {line.seen:9.4g} live, {verdict} the {LEVEL:.0%} prediction"
                f" {line.lower:.4g} to {line.upper:.4g}"
            )
    return 0 if good else 3


if __name__ == "__main__":
    sys.exit(main())
