"""The simulator foretells what the daemon then does, in real time: a short version of
benchmarks/agreement.py."""

from pathlib import Path

import pytest

from benchmarks.agreement import Campaign, compare

pytestmark = pytest.mark.peer
"""The daemon itself is the peer, and its clock is the wall's."""


def test_what_the_daemon_does_lies_in_the_simulators_prediction(tmp_path: Path) -> None:
    campaign = Campaign(seconds=120.0, talk_s=20.0, wrap_up_s=5.0)
    lines = {line.figure: line for line in compare(campaign, tmp_path, replications=30)}
    assert {name: line for name, line in lines.items() if not line.ok} == {}
    # Or an interval as wide as the world would hold anything.
    calls, occupancy = lines["calls"], lines["occupancy"]
    assert calls.lower > 0.5 * calls.upper > 50
    assert 0 < occupancy.lower < occupancy.upper < 1
