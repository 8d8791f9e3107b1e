"""A daemon that paces by a formula, with a Prometheus that is not there."""

from pathlib import Path

from tests.daemon import Dialer
from tests.peers.sipp import free_port
from tests.test_daemon import FLOW, SETTINGS, SIMULATED, write

CONTACTS = "customer_id,phone\n" + "".join(f"C{n},+1202555{n:04}\n" for n in range(100, 400))
SHADOWED = FLOW.replace(
    "type: init,", "type: init, dialing: {mode: predictive, formula: compliance_guard},"
).replace("next: {contact: dial}}", "shadow: tapered, next: {contact: dial}}")


def test_formulas_pace_are_told_and_can_be_tried_on_what_was_recorded(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    more = f"formulas: {{prometheus_url: '{nobody}'}}"
    settings = SETTINGS.format(folder=tmp_path, trunk=SIMULATED, more=more)
    with Dialer(tmp_path, settings) as dialer:
        dialer.verb("contacts", "import", write(tmp_path, "list.csv", CONTACTS))
        made = dialer.verb("campaign", "create", write(tmp_path, "flow.yaml", SHADOWED))
        assert "predictive for 3 agents" in " ".join(made["warnings"])
        dialer.verb("campaign", "publish", "Spring")

        def evaluated(source: str, result: str) -> float:
            name = "dialer_pacing_evaluations_total"
            return dialer.figure(name, campaign="Spring", source=source, result=result) or 0.0

        Dialer.wait_for(lambda: evaluated("in_process", "used") > 5, 30, "evaluations")
        assert evaluated("prometheus", "failed") > 0
        assert dialer.figure("dialer_call_attempts_total", campaign="Spring")

        chain = dialer.verb("explain", "campaign", "Spring")["chain"]
        (link,) = [link for link in chain if link["link"] == "formula"]
        assert link["ok"]
        assert "the formula gives 1" in link["says"]
        assert "own series stood in" in link["says"]
        pulses = dialer.verb("explain", "pulse", "--campaign", "Spring", "--last", "20")["pulses"]
        assert any("shadow" in str(pulse["inputs"]) for pulse in pulses)

        preview = ("formula", "preview", "compliance_guard", "--recorded", "--campaign", "Spring")
        assert dialer.verb(*preview)["value"] == 1.0
        tried = dialer.verb("backtest", "vector(2)", "--journal", str(tmp_path / "var/journal"))
        assert tried["moments"] > 0
        assert tried["results"] == {"used": tried["moments"]}
