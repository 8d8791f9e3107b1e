"""formula eval and preview, and what check says of formulas."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dialer.metrics import Metrics
from dialer.series_log import SeriesLog
from gateways.journal import JournalConfig, JournalWriter
from tests.gateways.cli.conftest import CommandLine

Write = Callable[[str, str], str]

BY = "sum by (campaign)"
T_S = 1_700_000_000


@pytest.fixture
def day(write: Write) -> str:
    lines = [
        f'dialer_agents{{campaign="{campaign}",state="{state}"}}'
        f" {agents + second % 2} {T_S + second}"
        for campaign, state, agents in (
            ("spring", "ready", 4),
            ("spring", "wrap_up", 2),
            ("autumn", "ready", 9),
        )
        for second in range(60)
    ]
    return write("day.om", "\n".join([*lines, "# EOF", ""]))


def test_eval_gives_every_series_with_its_value(run: CommandLine, day: str) -> None:
    found = run.data("formula", "eval", f"{BY} (dialer_agents)", "--samples", day)
    assert found["at_s"] == T_S + 59
    assert {row["series"]: row["value"] for row in found["result"]} == {
        '{campaign="spring"}': 8.0,
        '{campaign="autumn"}': 10.0,
    }
    table = run.good("formula", "eval", f"{BY} (dialer_agents)", "--samples", day)
    assert '{campaign="spring"}' in table
    assert "2 values at" in table


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("1 / 0", "scalar", "+Inf"),
        ('"said"', "string", "said"),
        ("dialer_agents[10s]", "matrix", "10 samples"),
        ("nothing", "vector", "0 values"),
    ],
)
def test_eval_shows_every_kind_of_answer(
    run: CommandLine, day: str, text: str, kind: str, shown: str
) -> None:
    assert run.data("formula", "eval", text, "--samples", day)["kind"] == kind
    assert shown in run.good("formula", "eval", text, "--samples", day)


def test_eval_takes_a_time_semantics_and_a_file(run: CommandLine, day: str, write: Write) -> None:
    write("mine.promql", "# how many\ncount_over_time(dialer_agents{campaign='autumn'}[10s])\n")
    for semantics, count in (("3", 10), ("2", 11)):
        found = run.data(
            "formula", "eval", "@mine.promql", "--samples", day,
            "--at", str(T_S + 30), "--semantics", semantics,
        )  # fmt: skip
        assert found["result"][0]["value"] == count
    early = run.data("formula", "eval", "up", "--samples", day, "--at", "2023-11-14T00:00:00+00:00")
    assert early["result"] == []
    given = run("formula", "eval", "-", "--samples", day, "--json", given="sum(dialer_agents)")
    assert '"value": 18' in given.stdout


def test_eval_passes_on_what_prometheus_would_warn_of(run: CommandLine, day: str) -> None:
    found = run("formula", "eval", "quantile(2, dialer_agents)", "--samples", day)
    assert "warning: quantile value should be between 0 and 1, got 2" in found.stderr
    assert "+Inf" in found.stdout


def test_preview_shows_each_part_the_number_and_what_may_go_wrong(
    run: CommandLine, day: str
) -> None:
    text = f'{BY} (dialer_agents{{state="ready"}}) / {BY} (dialer_agents{{state="wrap_up"}})'
    found = run.data("formula", "preview", text, "--samples", day, "--campaign", "spring")
    assert found["value"] == pytest.approx(5 / 3)
    assert found["outcome"] == "used"
    ready, wrap_up = found["parts"]["parts"]
    assert ready["says"] == '{campaign="spring"} 5, {campaign="autumn"} 10'
    assert wrap_up["parts"][0]["text"] == 'dialer_agents{state="wrap_up"}'
    assert [one["rule"] for one in found["findings"]] == [
        "zero_denominator",
        "missing_clamp",
        "cold_start",
    ]
    assert found["mended"].startswith("clamp(")
    shown = run.good("formula", "preview", text, "--samples", day, "--campaign", "autumn")
    assert "├── sum by (campaign)" in shown
    assert "pacing takes: the formula gives nothing" in shown
    assert "mended: clamp(" in shown


def test_preview_needs_no_samples(run: CommandLine) -> None:
    shown = run.good("formula", "preview", "sum(dialer_agent)")
    assert "did you mean 'dialer_agents'?" in shown
    assert "pacing takes" not in shown


def test_what_cannot_be_asked_is_told_in_one_line(run: CommandLine, day: str) -> None:
    refused = run.refused("formula", "eval", "sum(x", "--samples", day)
    assert refused == "formula: character 6: the formula ends, expected `)`"
    assert "no samples are given" in run.refused("formula", "eval", "x")
    assert "'noon' is no time" in run.refused(
        "formula", "eval", "x", "--samples", day, "--at", "noon"
    )
    assert "nan' is no time" in run.refused("formula", "eval", "x", "--samples", day, "--at", "nan")
    assert 'semantics "4"' in run.refused(
        "formula", "eval", "x", "--samples", day, "--semantics", "4"
    )
    many = "dialer_agents * on (campaign) dialer_agents"
    assert "both match" in run.refused("formula", "eval", many, "--samples", day)


def test_check_tells_errors_of_formulas_and_warns_of_the_rest(
    run: CommandLine, write: Write, folder: Path
) -> None:
    good = write("good.promql", f"{BY} (dialer_agents)")
    risky = write("risky.yaml", f"name: risky\nformula: 1 / {BY} (dialer_agents)\n")
    bad = write("bad.promql", "sum by (campaign) (dialer_agent)")
    found = run("check", good, risky)
    assert found.exit_code == 0
    assert f"{good}: good (formula)" in found.stdout
    assert "warning: risky.yaml: zero_denominator" in found.stderr
    assert "bad.promql: unknown_metric" in run.refused("check", bad)
    data = run.data("check", risky)["files"][0]
    assert data["kind"] == "formula"
    assert len(data["warnings"]) == 2


def test_what_a_daemon_has_recorded_is_evaluated(run: CommandLine, folder: Path) -> None:
    metrics = Metrics()
    metrics.open_campaign("spring")
    metrics.members("dialer_agents", campaign="spring").update(dict.fromkeys("abcd", "ready"))
    log, now = SeriesLog(metrics), time.time()
    writer = JournalWriter(JournalConfig(folder / "journal"))
    writer.start()
    for ago in range(70, 0, -1):
        record = log.record(now - ago)
        if record is not None:
            writer.append(record)
    writer.close()
    found = run.data("formula", "eval", f"{BY} (dialer_agents)", "--recorded")
    assert [row["value"] for row in found["result"]] == [4.0]
    preview = ("formula", "preview", f"{BY} (dialer_agents)", "--recorded")
    assert run.data(*preview, "--campaign", "spring")["value"] == 4.0
    told = run.refused("formula", "eval", "up", "--recorded", "--at", "1000000")
    assert "holds no series of that time" in told
