"""One formula, one answer: in the simulator, in the daemon, and on a real Prometheus.

A campaign with each shipped formula is simulated; its recorded series are put into a Prometheus and
into a store, and at the same moments all three must give the number by which the campaign paced.
"""

from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from config.formulas_shipped import shipped_formulas
from dialer.formula_port import Evaluate, Evaluated
from dialer.journal import Pulse, Sampled
from dialer.promql import SeriesStore, compile_formula, semantics_of
from dialer.series_log import read_series
from gateways.prometheus.source import PrometheusConfig, PrometheusSource
from sim.collected import Collected
from sim.replication import run_replication
from sim.world import INSTANCE
from tests.gateways.prometheus.test_source import Own
from tests.peers import promql_samples, require
from tests.peers.prometheus import Prometheus
from tests.sim.library import LIBRARY

pytestmark = pytest.mark.peer

FORMULAS = shipped_formulas()
MOMENTS = 40
TOLERANCE = 1e-12


@pytest.fixture(autouse=True)
def _there() -> None:
    require("prometheus", "promtool")


def version(folder: Path) -> str:
    with Prometheus(folder, "127.0.0.1:9") as server:
        return server.version()


@pytest.fixture(scope="module")
def semantics(tmp_path_factory: pytest.TempPathFactory) -> str:
    require("prometheus")
    return semantics_of(version(tmp_path_factory.mktemp("version")))


def samples(store: SeriesStore) -> promql_samples.Samples:
    found: Any = {
        series.labels: list(zip(series.stamps_ms, series.values, strict=True)) for series in store
    }
    return found  # type: ignore[no-any-return]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("name", FORMULAS)
def test_all_three_give_the_number_by_which_the_campaign_paced(
    name: str, semantics: str, tmp_path: Path
) -> None:
    text = FORMULAS[name].formula
    case = LIBRARY.case("base", f"formula:{name}", agents=10, hours=0.6)
    pulses, sampled = Collected(Pulse), Collected(Sampled)
    plan = replace(case.plan(), series=True, semantics=semantics)
    run_replication(plan, case.day, 5, [pulses, sampled])
    title = case.flow.title
    # A pulse falls on a whole second, after that second's sample.
    paced = {
        int(p.at): dict(p.inputs)["formula"] for p in pulses.records if "formula" in dict(p.inputs)
    }
    paced = {at: paced[at] for at in sorted(paced) if at < case.day.start_at + 0.6 * 3600}
    moments = list(paced)[:: max(1, len(paced) // MOMENTS)]
    assert len(moments) >= MOMENTS / 2

    store = read_series(sampled.records, INSTANCE)
    formula = compile_formula(text, semantics)
    clock, told = Clock(), SimpleQueue[Evaluated]()

    class Inbox:
        def tell(self, message: Evaluated, /) -> None:
            told.put(message)

    with Prometheus(tmp_path, recorded=promql_samples.open_metrics(samples(store))) as server:
        config = PrometheusConfig(server.url, timeout_s=10.0, max_age_s=5.0)
        source = PrometheusSource(config, Own(), clock)
        source.start()
        for number, at in enumerate(moments):
            clock.now = float(at)
            source.evaluate(Evaluate(number, title, text, float(at)), Inbox())
            theirs = told.get(timeout=30)
            ours = formula.number(store, at, title)
            assert theirs.source == "prometheus", theirs
            assert theirs.sampled_at == at
            assert theirs.value == pytest.approx(paced[at], rel=TOLERANCE, abs=1e-15)
            assert ours.value == pytest.approx(paced[at], rel=TOLERANCE, abs=1e-15)
        source.stop()
    assert len({paced[at] for at in moments}) > 1, "a number that never changes proves little"
