"""The SIP trunk against a real carrier: every outcome is the one that SIPp has in its books."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dialer.events import Answered, EarlyMedia, Ended, Ringing, TrunkChanged
from gateways.sip.endpoint import EndpointConfig, SipEndpoint
from tests.peers import require
from tests.peers.behaviours import BASIC, ODDITIES, Behaviour
from tests.peers.dialing import HOST, DeafMedia, Dialer, Told, trunk_to
from tests.peers.sipp import Carrier, free_port

pytestmark = pytest.mark.peer


@pytest.fixture(autouse=True)
def _sipp() -> None:
    require("sipp")


@pytest.fixture
def media() -> DeafMedia:
    return DeafMedia()


@pytest.fixture
def endpoint(media: DeafMedia) -> Iterator[SipEndpoint]:
    running = SipEndpoint(EndpointConfig(HOST, free_port(HOST)), media)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def changes() -> Told:
    return Told()


def as_carried(behaviour: Behaviour) -> tuple[str, int, int]:
    """What a call to it must end as, by the books of the trade."""
    if behaviour.final >= 300:
        return "far", behaviour.final, behaviour.q850
    if behaviour.hang_up_after_s:
        return "far", 200, 0
    if behaviour.final == 0 and not behaviour.answers_cancel:
        return "near", 487, 0
    return "near", 200, 0


def result(behaviour: Behaviour) -> str:
    by, status, _ = as_carried(behaviour)
    if status == 200:
        return "hung_up" if by == "far" else "completed"
    return "cancelled" if status == 487 else "refused"


@pytest.mark.parametrize(("plan", "count"), [(BASIC, 30), (ODDITIES, 24)], ids=["basic", "odd"])
def test_outcomes_are_those_of_the_carriers_books(
    plan: Mapping[str, Behaviour],
    count: int,
    tmp_path: Path,
    endpoint: SipEndpoint,
    media: DeafMedia,
    changes: Told,
) -> None:
    endings = sorted(plan)
    dialed = [f"+1202555{n:02d}{endings[n % len(endings)]:0>2}" for n in range(count)]
    with Carrier(tmp_path, plan) as carrier:
        meets = {number: carrier.plan.behaviour(number) for number in dialed}
        told = Told()
        dialer = Dialer(trunk_to((carrier.host, carrier.port), endpoint, changes), told)
        dialer.dial(dialed)
        talk_s = {n: 0.6 for n, b in meets.items() if b and not b.hang_up_after_s}
        cancel_s = {n: 0.3 for n, b in meets.items() if b and b.final == 0}
        dialer.run(talk_s, cancel_s, within_s=20)
        carrier.wait_for_calls(count, within_s=10)

    assert dialer.ends() == {n: as_carried(b) for n, b in meets.items() if b}
    assert carrier.counts() == Counter((b.name, result(b)) for b in meets.values() if b)
    assert carrier.unexpected_messages() == []
    assert carrier.wrong_credentials() == []
    assert carrier.dialed() == Counter(dialed)
    assert len(carrier.lost()) == sum(len(b.lose) for b in meets.values() if b)
    totals = carrier.sipp.totals()
    assert (totals["FailedCall"], totals["CurrentCall"]) == (0, 0)
    assert told.empty()
    assert media.open == set()
    for number, behaviour in meets.items():
        assert dialer.kinds(number) == kinds_of(behaviour), number


def kinds_of(behaviour: Behaviour | None) -> list[type]:
    """The events of a call, in their order."""
    assert behaviour is not None
    kinds: list[type] = []
    for progress in behaviour.progress:
        if progress.sdp:
            kinds.append(EarlyMedia)
        if progress.status == 180:
            kinds.append(Ringing)
    return [*kinds, *([Answered] if behaviour.answers else []), Ended]


def test_a_carrier_that_answers_options_is_up(
    tmp_path: Path, endpoint: SipEndpoint, changes: Told
) -> None:
    with Carrier(tmp_path, BASIC) as carrier:
        trunk_to((carrier.host, carrier.port), endpoint, changes)
        change = changes.get(timeout=5)
    assert isinstance(change, TrunkChanged)
    assert change.up
    assert carrier.unexpected_messages() == []


def test_a_wrong_password_ends_as_the_carriers_refusal(
    tmp_path: Path, endpoint: SipEndpoint, changes: Told
) -> None:
    with Carrier(tmp_path, BASIC, password="another") as carrier:
        told = Told()
        dialer = Dialer(trunk_to((carrier.host, carrier.port), endpoint, changes), told)
        dialer.dial(["+12025550105"])
        dialer.run({}, {}, within_s=10)
    assert dialer.ends() == {"+12025550105": ("far", 403, 0)}
    assert carrier.counts() == {("challenge_401", "bad_credentials"): 1}


def test_a_carrier_is_reached_by_tcp_over_one_connection(
    tmp_path: Path, endpoint: SipEndpoint, media: DeafMedia, changes: Told
) -> None:
    plan = {ending: behaviour for ending, behaviour in BASIC.items() if not behaviour.lose}
    dialed = [f"+1202555{n:02d}{ending:0>2}" for n in range(3) for ending in sorted(plan)]
    with Carrier(tmp_path, plan, transport="tcp") as carrier:
        meets = {number: carrier.plan.behaviour(number) for number in dialed}
        told = Told()
        trunk = trunk_to((carrier.host, carrier.port), endpoint, changes, "tcp")
        assert changes.get(timeout=10).up
        dialer = Dialer(trunk, told)
        dialer.dial(dialed)
        talk_s = {n: 0.6 for n, b in meets.items() if b and not b.hang_up_after_s}
        cancel_s = {n: 0.3 for n, b in meets.items() if b and b.final == 0}
        dialer.run(talk_s, cancel_s, within_s=20)
        carrier.wait_for_calls(len(dialed), within_s=10)
        messages = carrier.messages()

    assert dialer.ends() == {n: as_carried(b) for n, b in meets.items() if b}
    assert carrier.counts() == Counter((b.name, result(b)) for b in meets.values() if b)
    assert carrier.unexpected_messages() == []
    assert carrier.dialed() == Counter(dialed)
    asked = [message for message in messages if message.is_request("INVITE")]
    assert len(asked) == len(dialed) + sum(b.challenge > 0 for b in meets.values() if b)
    assert all("SIP/2.0/TCP" in message.header("Via") for message in asked)
    assert all("transport=tcp" in message.header("Contact") for message in asked)
    assert media.open == set()
