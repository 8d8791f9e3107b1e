"""Prometheus' own tool judges our metrics and alert rules, and the rules say what they should."""

import re
import subprocess
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from dialer.metric_catalogue import CATALOGUE
from dialer.metrics import Metrics
from gateways.prometheus import registry_of
from tests.peers import require

pytestmark = pytest.mark.peer

RULES = Path(__file__).resolve().parents[2] / "config" / "prometheus" / "foredial.rules.yaml"
SCENARIO = Path(__file__).with_name("foredial_rules_test.yaml")


def _promtool(*arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(
        ["promtool", *arguments], input=given, capture_output=True, timeout=60, check=False
    )
    told = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, told
    return told


@pytest.fixture(autouse=True)
def _there() -> None:
    require("prometheus", "promtool")


def test_the_rules_are_right_and_know_only_metrics_that_exist() -> None:
    assert "16 rules found" in _promtool("check", "rules", str(RULES))
    named = set(re.findall(r"(?<!:)\bdialer_\w+", RULES.read_text("utf-8")))
    assert named <= {metric.name for metric in CATALOGUE}


def test_the_rules_fire_on_what_they_are_for() -> None:
    _promtool("test", "rules", str(SCENARIO))


def test_the_metrics_page_is_clean() -> None:
    metrics = Metrics()
    metrics.open_campaign("Spring")
    metrics.open_trunk("carrier")
    metrics.open_caller_id("main")
    metrics.open_actor("agent_pool")
    assert _promtool("check", "metrics", given=generate_latest(registry_of(metrics))) == ""
