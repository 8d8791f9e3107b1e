"""A list on which a carrier does all that carriers do, and what a dialer must make of it.

The rule of this module: what a call must come to is written here as data, apart from any dialer,
and what it did come to is read from the carrier's books and from the database itself.

Two campaigns share the list and the trunk: `agents` bridges whoever answers to an agent, and
`machine` needs no agent and ends each answered call at once.
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.daemon import Dialer
from tests.peers.behaviours import (
    BARE_PROGRESS,
    BUSY,
    CHALLENGE_401,
    CHALLENGE_407,
    CROSSED_CANCEL,
    DECLINED,
    DIRECT,
    EARLY_MEDIA,
    FORKED,
    LOST_ACK,
    LOST_BYE,
    LOST_INVITE,
    LOST_OK,
    NO_ANSWER,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    OVERLOADED,
    RE_INVITE,
    RING_THEN_ANSWER,
    UNAVAILABLE,
    Behaviour,
)
from tests.peers.site import Width, sip_settings

SHARES: tuple[tuple[int, Behaviour, str], ...] = (
    (9, DIRECT, ""),
    (10, RING_THEN_ANSWER, ""),
    (6, EARLY_MEDIA, ""),
    (6, BARE_PROGRESS, ""),
    (8, BUSY, "user_busy"),
    (5, DECLINED, "rejected"),
    (6, NOT_FOUND, "invalid_number"),
    (5, UNAVAILABLE, "no_user_response"),
    # Without Retry-After, which would have the trunk rest and the test wait.
    (4, replace(OVERLOADED, retry_after_s=0), "congestion"),
    (3, NOT_ACCEPTABLE, "invalid_gateway"),
    (8, NO_ANSWER, "no_user_response"),
    (5, CHALLENGE_401, ""),
    (5, CHALLENGE_407, ""),
    (5, LOST_INVITE, ""),
    (4, LOST_OK, ""),
    (1, LOST_ACK, ""),
    (1, LOST_BYE, ""),
    (4, CROSSED_CANCEL, ""),
    (3, FORKED, ""),
    (2, RE_INVITE, ""),
)
"""Of a hundred numbers so many; the outcome, "" where somebody answers."""

ANSWERED = {"agents": "customer_answered", "machine": "ended_by_flow"}
"""What an answered call comes to, by campaign."""

_FLOW_HEAD = """
title: {title}
compliance:
  preset: us_ftc
  overrides:
    ring_minimum_s: 3
    calling_hours: [{{from: "00:00", to: "24:00"}}]
nodes:
  - {{id: start, type: start, interval_s: 1, next: {{pulse: due}}}}
"""

_AGENTS_FLOW = """
  - {{id: due, type: check_undelivered_contacts, next: {{"true": seize}}}}
  - {{id: seize, type: seize_agent, target: {agents}, request_ttl_s: 30, next: {{pulse: seized}}}}
  - {{id: seized, type: check_seize_agent_event, next: {{agent_reserved: init}}}}
  - {{id: init, type: init, filter: agents, next: {{contact: dial}}}}
  - {{id: dial, type: dial, channel: carrier, ring_timeout_s: 5, next: {{live_call: route}}}}
  - {{id: route, type: route_to_agent}}
"""

_MACHINE_FLOW = """
  - {{id: due, type: check_undelivered_contacts, next: {{"true": init}}}}
  - id: init
    type: init
    filter: machine
    dialing: {{mode: power, ratio: {dials_per_s}}}
    next: {{contact: dial}}
  - {{id: dial, type: dial, channel: carrier, ring_timeout_s: 5, next: {{live_call: bye}}}}
  - {{id: bye, type: end_call}}
"""


class Row(NamedTuple):
    """A contact of the list."""

    number: str
    campaign: str


def mix(talk_s: float, seed: int = 3) -> dict[str, Behaviour]:
    """By the last two digits; who is answered by a person hangs up after `talk_s`.

    Shuffled, since a row of 503s would be a storm, and a storm is another test's subject.
    """
    endings = [f"{number:02d}" for number in range(100)]
    random.Random(seed).shuffle(endings)
    plan: dict[str, Behaviour] = {}
    for share, behaviour, _ in SHARES:
        for _ in range(share):
            change = {"hang_up_after_s": talk_s} if behaviour.answers else {}
            plan[endings.pop()] = replace(behaviour, **change)  # type: ignore[arg-type]
    assert not endings, "the shares do not add up to a hundred"
    return plan


def rows_of(count: int) -> list[Row]:
    """A list of which each campaign has one half, with every behaviour in both."""
    numbers = [f"+1202555{number:04d}" for number in range(count)]
    return [
        Row(number, "agents" if place // 100 % 2 else "machine")
        for place, number in enumerate(numbers)
    ]


def expected(row: Row, plan: Mapping[str, Behaviour]) -> str:
    """The outcome that this contact must come to."""
    by_name = {behaviour.name: outcome for _, behaviour, outcome in SHARES}
    return by_name[plan[row.number[-2:]].name] or ANSWERED[row.campaign]


def settings(folder: Path, carrier: str, desk: Mapping[str, str]) -> str:
    """A daemon on loopback, with a trunk to `carrier` and a SIP phone for each of `desk`."""
    width = Width(500, 100, range(22000, 26000, 2))
    return sip_settings(folder, carrier, desk, width, attributes=("part",))


def publish(dialer: Dialer, agents: int, dials_per_s: int) -> None:
    """Both campaigns, dialing whatever is on their part of the list."""
    flows = {
        "agents": _AGENTS_FLOW.format(agents=agents),
        "machine": _MACHINE_FLOW.format(dials_per_s=dials_per_s),
    }
    for title, nodes in flows.items():
        part = dialer.folder / f"{title}.filter.yaml"
        part.write_text(f"{{attribute: part, operator: equals, value: {title}}}\n")
        dialer.verb("filter", "save", title, str(part))
        flow = dialer.folder / f"{title}.yaml"
        flow.write_text(_FLOW_HEAD.format(title=title) + nodes)
        campaign = dialer.verb("campaign", "create", str(flow))
        dialer.verb("campaign", "publish", str(campaign["campaign_id"]))


def import_list(dialer: Dialer, rows: list[Row]) -> None:
    """Import the list."""
    lines = [f"C{place},{row.number},{row.campaign}" for place, row in enumerate(rows, 1)]
    path = dialer.folder / "list.csv"
    path.write_text("\n".join(["customer_id,phone,part", *lines, ""]))
    assert dialer.verb("contacts", "import", str(path))["added"] == len(rows)


def settled(folder: Path) -> int:
    """How many contacts have an outcome of a call, from the database itself."""
    return len(_select(folder, "select distinct number from attempts where settled_at is not null"))


def outcomes(folder: Path) -> dict[str, list[str]]:
    """Number -> outcomes of its settled attempts, those left out that were never dialed."""
    found: dict[str, list[str]] = {}
    query = "select number, outcome from attempts where settled_at is not null"
    for number, outcome in _select(folder, query):
        if outcome != "never_dialed":
            found.setdefault(number, []).append(outcome)
    return found


def not_routed(folder: Path, rows: list[Row]) -> list[str]:
    """Numbers that were answered for an agent and met none."""
    routed = {n for (n,) in _select(folder, "select number from attempts where bridged_at > 0")}
    settled_as = outcomes(folder)
    return [
        row.number
        for row in rows
        if row.campaign == "agents"
        and settled_as[row.number] == ["customer_answered"]
        and row.number not in routed
    ]


def _select(folder: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{folder}/var/foredial.db?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def by_behaviour(rows: list[Row], plan: Mapping[str, Behaviour]) -> Counter[str]:
    """How many calls of each kind the carrier must have seen."""
    return Counter(plan[row.number[-2:]].name for row in rows)
