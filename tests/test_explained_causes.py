"""`explain campaign` names the first cause, asked of one daemon while its causes are mended."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.daemon import Dialer
from tests.test_daemon import FLOW, LIST, SETTINGS, SIMULATED, write


@pytest.fixture
def dialer(tmp_path: Path) -> Iterator[Dialer]:
    """A daemon whose agents are all away."""
    text = SETTINGS.format(folder=tmp_path, trunk=SIMULATED, more="").replace(
        "agents: 3", "agents: 0"
    )
    with Dialer(tmp_path, text) as running:
        yield running


def _cause(dialer: Dialer) -> str:
    cause: str = dialer.verb("explain", "campaign", "Spring")["cause"]
    return cause


def _becomes(dialer: Dialer, cause: str) -> Callable[[], bool]:
    return lambda: _cause(dialer) == cause


def test_each_cause_is_named_until_it_is_mended(dialer: Dialer) -> None:
    dialer.verb("campaign", "create", write(dialer.folder, "flow.yaml", FLOW))
    assert _cause(dialer) == "status"

    dialer.verb("campaign", "publish", "Spring")
    dialer.wait_for(_becomes(dialer, "contacts"), 10, "that contacts are missing")

    dialer.verb("contacts", "import", write(dialer.folder, "list.csv", LIST))
    dialer.wait_for(_becomes(dialer, "agents"), 10, "that agents are missing")

    dialer.verb("stop", "--panic")
    assert _cause(dialer) == "panic"
    dialer.verb("stop", "--lift")

    other_day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    closed = FLOW.replace("interval_s: 0.5,", f"interval_s: 0.5, days: [{other_day}],")
    dialer.verb("campaign", "edit", "Spring", "--flow", write(dialer.folder, "c.yaml", closed))
    assert _cause(dialer) == "window"
    assert dialer.verb("status")["alarms"] == []
