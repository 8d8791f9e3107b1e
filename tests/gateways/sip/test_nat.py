"""What a carrier sees of our address, and what routers make of it."""

import logging

import pytest

from gateways.sip.nat import unreachable_from
from tests.gateways.sip.kit import HERE, Bench, reply


def test_a_nat_is_told_once_with_the_setting_that_mends_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            _, _, invite = bench.dial()
            answer = reply(invite, 486).replace(";rport", ";received=203.0.113.7;rport=40000")
            bench.hear(answer)
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "seen as 203.0.113.7" in warning
    assert "set advertised_host: 203.0.113.7" in warning
    assert bench.agent.counts["nat"] == 1


def test_a_helper_that_rewrites_our_messages_is_told(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    with caplog.at_level(logging.WARNING):
        bench.hear(reply(invite, 486).replace(f"UDP {HERE.host}:", "UDP 203.0.113.7:"))
    assert "(ALG)" in caplog.text
    assert owner.ends, "the call itself goes on: its branch is what counts"


def test_what_is_as_it_should_be_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.WARNING):
        for received in ("", f";received={HERE.host}"):
            _, _, invite = bench.dial()
            bench.hear(reply(invite, 486).replace(";rport", f"{received};rport={HERE.port}"))
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("advertised", "carrier", "told"),
    [
        ("192.168.1.5", "8.8.8.8", True),
        ("10.0.0.5", "2001:4860:4860::8888", True),
        ("192.168.1.5", "192.168.1.9", False),
        ("8.8.4.4", "8.8.8.8", False),
        ("sip.dialer.example", "8.8.8.8", False),
        ("127.0.0.1", "127.0.0.1", False),
    ],
)
def test_a_private_address_is_no_good_to_a_public_carrier(
    advertised: str, carrier: str, told: bool
) -> None:
    assert bool(unreachable_from(advertised, carrier)) == told
