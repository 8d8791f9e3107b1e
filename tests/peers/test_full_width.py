"""Two thousand contacts, every oddity of carriers at once, and crashes in the midst of it.

    KILLS=10 CRASHED_CONTACTS=2000 pytest -s tests/peers/test_full_width.py -k crashes

is the long form of the second test.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon import Dialer
from tests.peers import require, wide
from tests.peers.behaviours import DIRECT
from tests.peers.crashes import BYE_WITHIN_S, Restart, byes_after, kill_and_restart
from tests.peers.resources import Held, held_by
from tests.peers.sipp import Carrier

pytestmark = pytest.mark.peer

AGENTS = 50
CONTACTS = int(os.environ.get("CONTACTS", "2000"))
CRASHED_CONTACTS = int(os.environ.get("CRASHED_CONTACTS", "300"))
KILLS = int(os.environ.get("KILLS", "3"))
RTP_PORTS = range(22000, 26000)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Desk phones that pick up by themselves and stay on the line."""
    require("sipp")
    phones = {str(digit): replace(DIRECT, name="phone") for digit in range(10)}
    with Carrier(tmp_path / "phones", phones, host="127.0.0.52") as carrier:
        yield {f"agent{n}": f"sip:agent{n}@{carrier.address}" for n in range(AGENTS)}


def agents_ready(dialer: Dialer) -> bool:
    agents = dialer.verb("agents", "list")["items"]
    return [agent["state"] for agent in agents] == AGENTS * ["ready"]


def held(dialer: Dialer) -> Held:
    return held_by(dialer.pid, RTP_PORTS)


def test_two_thousand_contacts_each_come_to_the_outcome_that_the_carrier_meant(
    tmp_path: Path, desk: dict[str, str]
) -> None:
    plan = wide.mix(talk_s=1.0)
    rows = wide.rows_of(CONTACTS)
    with (
        Carrier(tmp_path / "carrier", plan) as carrier,
        Dialer(tmp_path, wide.settings(tmp_path, carrier.address, desk)) as dialer,
    ):
        wide.publish(dialer, AGENTS, dials_per_s=25)
        dialer.wait_for(lambda: agents_ready(dialer), 60, "the agents")
        before = held(dialer)
        assert before.rtp_ports == AGENTS
        wide.import_list(dialer, rows)
        dialer.wait_for(lambda: wide.settled(tmp_path) == CONTACTS, 240, "every outcome")
        carrier.wait_for_calls(CONTACTS, within_s=30)
        dialer.wait_for(lambda: held(dialer) == before, 60, f"the daemon to hold {before}")
        assert dialer.figure("dialer_trunk_channels_in_use", trunk="carrier") == 0
        for title in ("agents", "machine"):
            assert dialer.figure("dialer_calls_abandoned_total", campaign=title) == 0

        assert wide.outcomes(tmp_path) == {r.number: [wide.expected(r, plan)] for r in rows}
        assert carrier.dialed() == Counter(row.number for row in rows)
        assert carrier.unexpected_messages() == []
        assert carrier.wrong_credentials() == []
        counts: Counter[str] = Counter()
        for (name, result), count in carrier.counts().items():
            assert result not in ("gave_up", "bad_credentials"), (name, result, count)
            counts[name] += count
        assert counts == wide.by_behaviour(rows, plan)
        # An answer that crossed our CANCEL is a live one, and these customers hung up themselves.
        assert wide.not_routed(tmp_path, rows) == []
        hung_up = {call.number for call in carrier.calls() if call.result == "hung_up"}
        crossed = {
            row.number
            for row in rows
            if row.campaign == "agents" and plan[row.number[-2:]].answers_cancel
        }
        assert crossed <= hung_up
        explained = dialer.verb("explain", "contact", min(crossed))["contacts"][0]
        assert explained["attempts"][0]["outcome"] == "customer_answered"


def test_crashes_under_the_whole_mix_lose_no_contact_and_dial_none_twice(
    tmp_path: Path, desk: dict[str, str]
) -> None:
    plan = wide.mix(talk_s=6.0)
    rows = wide.rows_of(CRASHED_CONTACTS)
    numbers = {row.number for row in rows}
    moments = random.Random(20261125)
    restarts: list[Restart] = []
    with Carrier(tmp_path / "carrier", plan) as carrier:
        dialer = Dialer(tmp_path, wide.settings(tmp_path, carrier.address, desk))
        with dialer:
            wide.publish(dialer, AGENTS, dials_per_s=8)
            dialer.wait_for(lambda: agents_ready(dialer), 60, "the agents")
            wide.import_list(dialer, rows)
            for kill in range(1, KILLS + 1):
                share = kill * CRASHED_CONTACTS // (KILLS + 2)
                dialer.wait_for(lambda: wide.settled(tmp_path) >= share, 120, "calls")  # noqa: B023
                restarts.append(kill_and_restart(dialer, moments, at_most_s=3.0))
            dialer.wait_for(lambda: set(wide.outcomes(tmp_path)) >= numbers, 240, "every outcome")
            found = wide.outcomes(tmp_path)
        carrier.stop(within_s=15)
        dialed = carrier.dialed()
        messages = carrier.messages()

    assert {n: c for n, c in dialed.items() if c > 1} == {}, "dialed twice"
    # An INVITE that the wire lost, and whose repeat a crash cut off, had left all the same.
    assert set(dialed) | {lost.number for lost in carrier.lost()} == numbers, "lost"
    interrupted = 0
    for row in rows:
        assert len(found[row.number]) == 1, (row, found[row.number])
        outcome = found[row.number][0]
        interrupted += outcome == "interrupted"
        assert outcome in ("interrupted", wide.expected(row, plan)), row
    assert interrupted > 0
    delays_s = byes_after(messages, restarts)
    print(
        f"{KILLS} kills, {interrupted} attempts interrupted, {len(delays_s)} calls survived one; "
        f"their BYEs came up to {max(delays_s):.1f} s after the restart"
    )
    assert max(delays_s) < BYE_WITHIN_S
