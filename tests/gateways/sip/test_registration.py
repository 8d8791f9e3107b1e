"""Registration, against a registrar that answers by hand."""

from typing import Any

import pytest

from gateways.sip.digest import Credentials
from gateways.sip.messages import Message
from gateways.sip.registration import Registration, RegistrationConfig
from gateways.sip.transactions import Address
from tests.gateways.sip.kit import CARRIER, HERE, Bench, reply
from tests.gateways.sip.wire import QUIET, Inbox, endpoint, peer, trunk

CHALLENGE = ('WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth"',)
ASKS = 3600


class Place:
    """A registration on a bench."""

    def __init__(self, *, known: bool = True, password: str = "hush", **how: Any) -> None:
        self.bench = Bench()
        self.agent = self.bench.agent
        self.changes: list[tuple[bool, str]] = []
        self.destination: Address | None = CARRIER if known else None
        config = RegistrationConfig("sip:carrier.example", "dialer", ASKS, **how)
        credentials = Credentials("dialer", password) if password else None
        self.registration = Registration(
            self,
            config,
            credentials,
            lambda: self.destination,
            lambda up, reason: self.changes.append((up, reason)),
        )

    def start(self) -> Message:
        self.registration.start(self.bench.now)
        return self.bench.collect()[-1]

    def say(self, to: Message, code: int, *headers: str) -> list[Message]:
        return self.bench.hear(reply(to, code, headers=headers))


def test_a_binding_is_asked_for_and_told() -> None:
    place = Place()
    request = place.start()
    assert (request.method, request.uri) == ("REGISTER", "sip:carrier.example")
    assert request.sender.uri == request.recipient.uri == "sip:dialer@carrier.example"
    assert request.first("Contact") == f"<sip:dialer@{HERE.host}:{HERE.port}>"
    assert request.first("Expires") == "3600"
    assert place.changes == []
    place.say(request, 200)
    assert place.changes == [(True, "")]


def test_a_challenge_is_answered_once_per_password() -> None:
    place = Place()
    request = place.start()
    (second,) = place.say(request, 401, *CHALLENGE)
    assert (second.call_id, second.cseq) == (request.call_id, request.cseq + 1)
    assert 'uri="sip:carrier.example"' in second.first("Authorization")
    (third,) = place.say(second, 401, *CHALLENGE)
    assert place.say(third, 401, *CHALLENGE) == []
    assert place.changes == [(False, "not registered: 401 Said By Hand")]


@pytest.mark.parametrize(
    ("headers", "renewed_after_s"),
    [
        ((), ASKS / 2),
        (("Expires: 120",), 60),
        ((f"Contact: <sip:dialer@{HERE.host}:{HERE.port}>;expires=90", "Expires: 7200"), 45),
        (("Contact: <sip:other@192.0.2.99>;expires=20", "Expires: 100"), 50),
    ],
)
def test_it_is_renewed_at_half_of_what_was_granted(
    headers: tuple[str, ...], renewed_after_s: float
) -> None:
    place = Place()
    request = place.start()
    place.say(request, 200, *headers)
    assert place.bench.wait(renewed_after_s - 1) == []
    (again,) = place.bench.wait(1)
    assert (again.method, again.call_id) == ("REGISTER", request.call_id)
    assert again.cseq > request.cseq
    place.say(again, 200)
    assert place.changes == [(True, "")]


def test_a_time_that_is_too_short_is_made_as_long_as_asked() -> None:
    place = Place()
    request = place.start()
    (longer,) = place.say(request, 423, "Min-Expires: 7200")
    assert longer.first("Expires") == "7200"
    assert place.say(longer, 423, "Min-Expires: 7200") == []
    assert place.changes[-1][0] is False


def test_a_refusal_is_told_in_the_registrars_words_and_tried_again_ever_later() -> None:
    place = Place(retry_s=10, retry_max_s=25)
    request = place.start()
    place.say(request, 403)
    assert place.changes == [(False, "not registered: 403 Said By Hand")]
    for delay_s in (10, 20, 25, 25):
        assert place.bench.wait(delay_s - 1) == []
        (again,) = place.bench.wait(1)
        place.say(again, 403)
    assert len(place.changes) == 1
    (again,) = place.bench.wait(25)
    place.say(again, 200)
    assert place.changes[-1] == (True, "")


def test_silence_loses_the_binding_and_a_lost_packet_does_not() -> None:
    place = Place()
    request = place.start()
    repeats = place.bench.wait(3)
    assert {m.branch for m in repeats} == {request.branch}
    place.say(request, 200, "Expires: 100")
    place.bench.wait(50 + 33)
    assert place.changes == [(True, ""), (False, "not registered: no answer to REGISTER")]


def test_a_registrar_that_cannot_be_found_is_looked_for_again() -> None:
    place = Place(known=False)
    place.registration.start(place.bench.now)
    assert place.changes == [(False, "not registered: its host cannot be found")]
    place.destination = CARRIER
    (request,) = place.bench.wait(10)
    assert request.method == "REGISTER"


def test_who_leaves_takes_the_binding_back() -> None:
    place = Place()
    place.say(place.start(), 200, "Expires: 100")
    place.registration.stop(place.bench.now)
    (request,) = place.bench.collect()
    assert request.first("Expires") == "0"
    (proved,) = place.say(request, 401, *CHALLENGE)
    assert proved.first("Expires") == "0"
    place.say(proved, 200)
    assert place.bench.wait(500) == []


def test_without_a_binding_a_trunk_is_not_up() -> None:
    changes = Inbox()
    with peer() as carrier, endpoint() as here:
        line = trunk(
            here, carrier.port, changes, keep_alive=QUIET, registration_s=60, username="dialer"
        )
        request = carrier.expect("REGISTER")
        carrier.say(reply(request, 403))
        down = changes.next()
        assert (down.up, down.reason) == (False, "not registered: 403 Said By Hand")
        line.stop()
    with peer() as carrier, endpoint() as here:
        line = trunk(here, carrier.port, changes, registration_s=60, username="dialer")
        carrier.say(reply(carrier.expect("REGISTER"), 200))
        assert changes.next().up
        line.stop()
        assert carrier.expect("REGISTER").first("Expires") == "0"


def test_a_trunk_that_wants_none_sends_none() -> None:
    with peer() as carrier, endpoint() as here:
        trunk(here, carrier.port, username="dialer")
        carrier.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            carrier.expect("REGISTER")
