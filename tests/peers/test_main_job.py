"""The main job on real peers: a list, a carrier, phones, and the daemon between them."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon import Dialer
from tests.peers import audio, require
from tests.peers.address import PeerAddress
from tests.peers.baresip import Phone
from tests.peers.behaviours import (
    BUSY,
    CHALLENGE_401,
    CHALLENGE_407,
    DIRECT,
    LOST_INVITE,
    NO_ANSWER,
    NOT_FOUND,
    RING_THEN_ANSWER,
    Behaviour,
)
from tests.peers.crashes import BYE_WITHIN_S, Restart, byes_after, kill_and_restart
from tests.peers.prometheus import Prometheus
from tests.peers.sipp import Carrier
from tests.peers.site import Width, sip_settings

pytestmark = pytest.mark.peer

AGENTS = 10
PHONES = {str(digit): replace(DIRECT, name="phone") for digit in range(10)}


def answering(talk_s: float) -> dict[str, Behaviour]:
    """By last digit; those who answer hang up after a while, as customers do."""
    return {
        "0": replace(DIRECT, hang_up_after_s=talk_s),
        "1": replace(RING_THEN_ANSWER, hang_up_after_s=talk_s),
        "2": BUSY,
        "3": NOT_FOUND,
        "4": NO_ANSWER,
        "5": replace(CHALLENGE_401, hang_up_after_s=talk_s),
        "6": replace(CHALLENGE_407, hang_up_after_s=talk_s),
        "7": replace(LOST_INVITE, hang_up_after_s=talk_s),
        "8": replace(DIRECT, hang_up_after_s=talk_s),
        "9": replace(RING_THEN_ANSWER, hang_up_after_s=talk_s),
    }


OUTCOME_BY_DIGIT = {
    **dict.fromkeys("0156789", "customer_answered"),
    "2": "user_busy",
    "3": "invalid_number",
    "4": "no_user_response",
}


def settings(folder: Path, carrier: str, agents: dict[str, str], host: str = "127.0.0.1") -> str:
    """A daemon on loopback, with a trunk to `carrier` and SIP phones."""
    return sip_settings(folder, carrier, agents, Width(100, 50, range(21000, 22000, 2)), host=host)


FLOW = """
title: Main job
compliance:
  preset: us_ftc
  overrides:
    ring_minimum_s: 3
    calling_hours: [{from: "00:00", to: "24:00"}]
nodes:
  - {id: start, type: start, interval_s: 1, next: {pulse: due}}
  - {id: due, type: check_undelivered_contacts, next: {"true": seize}}
  - {id: seize, type: seize_agent, target: 10, request_ttl_s: 30, next: {pulse: seized}}
  - {id: seized, type: check_seize_agent_event, next: {agent_reserved: init}}
  - {id: init, type: init, dialing: {mode: progressive}, next: {contact: dial}}
  - {id: dial, type: dial, channel: carrier, ring_timeout_s: 5, next: {live_call: human}}
  - {id: human, type: call_decision, next: {"true": route, "false": bye}}
  - {id: route, type: route_to_agent}
  - {id: bye, type: end_call}
"""


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Carrier]:
    """Ten desk phones that pick up by themselves and stay on the line."""
    require("sipp")
    with Carrier(tmp_path / "phones", PHONES, host="127.0.0.51") as carrier:
        yield carrier


def desk_of(phones: Carrier) -> dict[str, str]:
    return {f"agent{n}": f"sip:agent{n}@{phones.address}" for n in range(AGENTS)}


def load(dialer: Dialer, numbers: list[str]) -> int:
    """Import the numbers, create the campaign, publish it; its id."""
    rows = [f"C{i},{number}" for i, number in enumerate(numbers, 1)]
    (dialer.folder / "list.csv").write_text("customer_id,phone\n" + "\n".join(rows) + "\n")
    (dialer.folder / "flow.yaml").write_text(FLOW)
    assert dialer.verb("contacts", "import", str(dialer.folder / "list.csv"))["added"] == len(rows)
    campaign = dialer.verb("campaign", "create", str(dialer.folder / "flow.yaml"))
    campaign_id = int(campaign["campaign_id"])
    dialer.verb("campaign", "publish", str(campaign_id))
    return campaign_id


def outcomes(dialer: Dialer) -> dict[str, list[str]]:
    """Number -> outcomes of its settled attempts, from the database itself."""
    found: dict[str, list[str]] = {}
    path = dialer.folder / "var" / "foredial.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        query = "select number, outcome from attempts where settled_at is not null"
        for number, outcome in database.execute(query):
            found.setdefault(number, []).append(outcome)
    return found


def numbers_of(count: int) -> list[str]:
    return [f"+1202555{n:04d}" for n in range(100, 100 + count)]


def test_two_hundred_contacts_each_come_to_one_outcome(tmp_path: Path, phones: Carrier) -> None:
    require("prometheus")
    numbers = numbers_of(200)
    with (
        Carrier(tmp_path / "carrier", answering(0.5)) as carrier,
        Dialer(tmp_path, settings(tmp_path, carrier.address, desk_of(phones))) as dialer,
    ):
        campaign_id = load(dialer, numbers)
        target = dialer.metrics_url().removeprefix("http://")
        with Prometheus(tmp_path / "prometheus", target) as prometheus:
            dialer.wait_for(lambda: len(outcomes(dialer)) == 200, 120, "200 outcomes")
            attempts = 'dialer_call_attempts_total{campaign="Main job"}'
            assert prometheus.wait_for(f"{attempts} == 200") == 200
        found = outcomes(dialer)
        assert found == {n: [OUTCOME_BY_DIGIT[n[-1]]] for n in numbers}
        for outcome, count in Counter(OUTCOME_BY_DIGIT[n[-1]] for n in numbers).items():
            labels = {"campaign": "Main job", "result": outcome}
            assert dialer.figure("dialer_call_results_total", **labels) == count
        assert dialer.figure("dialer_calls_abandoned_total", campaign="Main job") == 0
        explained = dialer.verb("explain", "contact", numbers[0])["contacts"][0]
        assert explained["attempts"][0]["outcome"] == OUTCOME_BY_DIGIT[numbers[0][-1]]
        assert dialer.verb("campaign", "list")["items"][0]["campaign_id"] == campaign_id
        carrier.wait_for_calls(200, within_s=10)
        assert carrier.dialed() == Counter(numbers)
        assert carrier.unexpected_messages() == []
        assert carrier.wrong_credentials() == []
        by_name = Counter(carrier.plan.behaviour(n).name for n in numbers)  # type: ignore[union-attr]
        assert Counter({name: n for (name, _), n in carrier.counts().items()}) == by_name
    assert phones.unexpected_messages() == []


def test_a_crash_loses_no_contact_and_dials_none_twice(tmp_path: Path, phones: Carrier) -> None:
    numbers = numbers_of(120)
    moments = random.Random(20261124)
    restarts: list[Restart] = []
    with Carrier(tmp_path / "carrier", answering(6)) as carrier:
        dialer = Dialer(tmp_path, settings(tmp_path, carrier.address, desk_of(phones)))
        with dialer:
            load(dialer, numbers)
            for _ in range(3):
                before = len(carrier.dialed())
                dialer.wait_for(lambda: len(carrier.dialed()) > before + 5, 30, "calls")  # noqa: B023
                restarts.append(kill_and_restart(dialer, moments, at_most_s=4.0))
            dialer.wait_for(lambda: set(outcomes(dialer)) >= set(numbers), 240, "every outcome")
            found = outcomes(dialer)
        carrier.stop(within_s=15)
        dialed = carrier.dialed()
        messages = carrier.messages()

    assert {n: c for n, c in dialed.items() if c > 1} == {}, "dialed twice"
    # An INVITE that the wire lost, and whose repeat a crash cut off, had left all the same.
    left = set(dialed) | {lost.number for lost in carrier.lost()}
    assert left == set(numbers), "lost"
    for number, results in found.items():
        settled = [r for r in results if r != "never_dialed"]
        assert len(settled) == 1, (number, results)
        assert settled[0] in ("interrupted", OUTCOME_BY_DIGIT[number[-1]])
    assert "interrupted" in {r for results in found.values() for r in results}
    assert max(byes_after(messages, restarts)) < BYE_WITHIN_S


def test_a_minute_of_talk_is_heard_at_both_ends(tmp_path: Path) -> None:
    """Longer than the 32 s after which a wrong ACK would lose the call."""
    require("baresip")
    number = "+12025550123"
    customer_says = audio.speech(50, seed=1)
    agent_says = audio.speech(110, seed=2)  # alike nowhere, or a window could be found twice
    with (
        PeerAddress() as own,
        Phone(tmp_path / "customer", number, says=customer_says) as customer,
        Phone(tmp_path / "agent", "agent1", says=agent_says) as agent,
        Dialer(
            tmp_path, settings(tmp_path, customer.address, {"agent1": agent.uri}, own.ip)
        ) as dialer,
    ):
        agent.wait_for("CALL_ESTABLISHED", within_s=15)
        load(dialer, [number])
        customer.wait_for("CALL_ESTABLISHED", within_s=20)
        began = time.monotonic()
        while time.monotonic() - began < 60:
            time.sleep(5)
            assert "CALL_CLOSED" not in customer.events()
            assert "CALL_CLOSED" not in agent.events()
        dialer.verb("agents", "state", "agent1", "hang_up")
        customer.wait_for("CALL_CLOSED", within_s=10)
        found = dialer.wait_for(lambda: outcomes(dialer), 10, "the outcome")
        assert found == {number: ["customer_answered"]}
        assert "CALL_CLOSED" not in agent.events(), "the agent's leg stays up"
        dialer.stop()
    assert audio.share_heard(agent.heard(), customer_says) > 0.95
    # The agent has been talking since log-in; the customer hears it from the bridge on.
    middle = customer.heard()[5 * audio.RATE_HZ : 45 * audio.RATE_HZ]
    assert audio.share_heard(agent.said(), middle) > 0.95
