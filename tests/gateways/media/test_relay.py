"""Audio through a real worker: who hears whom, byte for byte."""

import socket
import threading
from array import array
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dialer.errors import ConfigError, MediaError
from gateways.media import g711
from gateways.media.client import MediaConfig, MediaRelay
from tests.gateways.media.conftest import (
    LIMIT_S,
    Phone,
    is_silence,
    speech,
    wait_for,
    write_wav,
)

MakePhone = Callable[..., Phone]
Connect = Callable[..., None]


def bridge(relay: MediaRelay, leg_a: str, leg_b: str) -> None:
    """Bridge, and wait until the worker has switched."""
    switched = threading.Event()
    relay.bridge(leg_a, leg_b, switched.set)
    assert switched.wait(LIMIT_S)


def test_bridged_legs_hear_each_other_byte_for_byte(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    agent, customer = phone(1), phone(2)
    connect("agent", agent)
    connect("customer", customer)
    bridge(relay, "agent", "customer")
    for n in range(20):
        agent.say(speech(n))
        customer.say(speech(100 + n))
    assert [each.payload for each in customer.hear_speech(20)] == [speech(n) for n in range(20)]
    assert [each.payload for each in agent.hear_speech(20)] == [speech(100 + n) for n in range(20)]


def test_mu_law_and_a_law_are_turned_into_each_other(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    agent, customer = phone(1), phone(2)
    connect("agent", agent, 0)
    connect("customer", customer, 8)
    bridge(relay, "agent", "customer")
    agent.say(speech(1), 0)
    customer.say(speech(2), 8)
    (at_customer,) = customer.hear_speech(1)
    (at_agent,) = agent.hear_speech(1)
    assert at_customer[1] == 8
    assert at_agent[1] == 0
    for heard, said, source, target in (
        (at_customer.payload, speech(1), 0, 8),
        (at_agent.payload, speech(2), 8, 0),
    ):
        before = np.array(g711.DECODED[source])[list(said)]
        after = np.array(g711.DECODED[target])[list(heard)]
        assert np.all(np.abs(after - before) <= np.maximum(16, np.abs(before) * 0.045))


def test_one_agent_leg_is_one_stream_over_two_customers_and_the_silence_between(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    agent, first, second = phone(1), phone(2), phone(3)
    connect("agent", agent)
    connect("first", first)
    connect("second", second)
    heard = agent.hear_until(is_silence)
    for leg_id, customer in (("first", first), ("second", second)):
        bridge(relay, "agent", leg_id)
        for n in range(5):
            customer.say(speech(n))
        heard += agent.hear_until(lambda each: each.payload == speech(4))
        relay.unbridge("agent")
        heard += agent.hear_until(is_silence)
        relay.close_leg(leg_id)
    heard += agent.hear_until(is_silence)
    assert sum(not is_silence(each) for each in heard) == 10
    assert len({each.ssrc for each in heard}) == 1
    for before, after in pairwise(heard):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        step = (after.timestamp - before.timestamp) & 0xFFFFFFFF
        # Within one source 20 ms exactly; across a switch what passed, never nothing or years.
        assert step == 160 if not after.marker else 160 <= step < 8000 * LIMIT_S
    speakers = [each for each in heard if not is_silence(each)]
    assert [each.marker for each in speakers] == [True, *[False] * 4] * 2


def test_a_leg_without_a_peer_hears_silence_in_its_own_law(
    relay: MediaRelay, phone: MakePhone
) -> None:
    agent = phone()
    agent.leg = relay.open_leg("agent")
    relay.set_remote("agent", agent.host, agent.port, 8)
    heard = [agent.hear() for _ in range(10)]
    assert {(each.payload_type, each.payload) for each in heard} == {(8, b"\xd5" * 160)}
    assert heard[0].source == agent.leg


def test_a_bridged_leg_hears_silence_while_its_peer_says_nothing(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    agent, customer = phone(1), phone(2)
    connect("agent", agent)
    connect("customer", customer)
    bridge(relay, "agent", "customer")
    customer.say(speech(1))
    agent.hear_speech(1)
    assert is_silence(agent.hear())
    customer.say(speech(2))
    (again,) = agent.hear_speech(1)
    assert again.payload == speech(2)


def test_a_leg_on_hold_is_sent_nothing_and_goes_on_after(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    customer, witness = phone(1), phone(2)
    connect("customer", customer)
    connect("witness", witness)
    relay.set_remote("customer", customer.host, customer.port, 0, send=False)
    bridge(relay, "customer", "witness")
    customer.hear_the_last()
    customer.say(speech(1))
    assert witness.hear_speech(1)[0].payload == speech(1)
    relay.set_remote("customer", customer.host, customer.port, 0)
    assert is_silence(customer.hear())


def test_keys_pressed_pass_under_the_other_sides_payload_type(
    relay: MediaRelay, phone: MakePhone
) -> None:
    agent, customer = phone(1), phone(2)
    for leg_id, each, events in (("agent", agent, 96), ("customer", customer, 101)):
        each.leg = relay.open_leg(leg_id)
        relay.set_remote(leg_id, each.host, each.port, 0, event_payload_type=events)
        each.hear()
    bridge(relay, "agent", "customer")
    customer.say(b"\x05\x0a\x00\xa0", 101)
    customer.say(b"\x40", 13)
    (heard,) = agent.hear_speech(1)
    assert (heard.payload_type, heard.payload) == (96, b"\x05\x0a\x00\xa0")


def test_a_leg_latches_to_the_first_port_of_its_far_ends_host_until_told_anew(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    agent, announced, actual = phone(1), phone(2), phone(3)
    stranger = phone(4, host="127.0.0.2")
    connect("agent", agent)
    connect("customer", announced)
    bridge(relay, "agent", "customer")
    # Another host is not heard, another port of the same host is, and from now on only that.
    announced.say(speech(1), frm=stranger)
    announced.say(speech(2), frm=actual)
    assert agent.hear_speech(1)[0].payload == speech(2)
    assert is_silence(actual.hear())
    announced.say(speech(3))
    announced.say(speech(4), frm=stranger)
    announced.say(speech(5), frm=actual)
    assert agent.hear_speech(1)[0].payload == speech(5)
    # The far end's next SDP lets the leg loose.
    relay.set_remote("customer", announced.host, announced.port, 0)
    bridge(relay, "agent", "customer")
    announced.say(speech(6))
    assert agent.hear_speech(1)[0].payload == speech(6)


def test_a_far_end_behind_a_nat_is_heard_after_five_packets_in_sequence(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    agent, announced = phone(1), phone(2)
    translated = phone(3, host="127.0.0.2")
    connect("agent", agent)
    connect("customer", announced)
    bridge(relay, "agent", "customer")
    for number in range(1, 7):
        announced.say(speech(number), frm=translated)
    # Four on probation; the fifth is heard, and so is what follows.
    assert [each.payload for each in agent.hear_speech(2)] == [speech(5), speech(6)]
    agent.say(speech(7))
    assert translated.hear_speech(1)[0].payload == speech(7)


def test_an_agent_moves_from_one_customer_to_the_next_without_parting(
    relay: MediaRelay, phone: MakePhone, connect: Connect
) -> None:
    agent, first, second = phone(1), phone(2), phone(3)
    for leg_id, each in (("agent", agent), ("first", first), ("second", second)):
        connect(leg_id, each)
    bridge(relay, "agent", "first")
    bridge(relay, "second", "agent")
    first.say(speech(1))
    second.say(speech(2))
    assert agent.hear_speech(1)[0].payload == speech(2)
    agent.say(speech(3))
    assert second.hear_speech(1)[0].payload == speech(3)
    assert all(is_silence(first.hear()) for _ in range(5))


@pytest.mark.parametrize("payload_type", [0, 8])
def test_a_prompt_is_played_once_in_even_steps_and_its_end_is_told(
    relay: MediaRelay,
    phone: MakePhone,
    connect: Connect,
    config: MediaConfig,
    payload_type: int,
) -> None:
    samples = (np.sin(np.arange(2400) / 7) * 15000).astype(np.int16)
    write_wav(config.prompts_dir / "abandoned.wav", samples)
    customer = phone()
    connect("customer", customer, payload_type)
    ended = threading.Event()
    relay.play("customer", "abandoned", ended.set)
    heard = customer.hear_speech(15)
    audio = b"".join(each.payload for each in heard)
    assert audio == g711.encode(array("h", samples.tolist()), payload_type)
    for before, after in pairwise(heard):
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert ((after.timestamp - before.timestamp) & 0xFFFFFFFF) % 160 == 0
    assert heard[0].marker
    assert ended.wait(LIMIT_S)
    assert is_silence(customer.hear())
    assert relay.stats()["play_failures"] == 0


def test_a_prompt_drowns_the_peer_and_the_bridge_stands_after_it(
    relay: MediaRelay, phone: MakePhone, connect: Connect, config: MediaConfig
) -> None:
    write_wav(config.prompts_dir / "beep.wav", np.full(800, 9000))
    agent, customer = phone(1), phone(2)
    connect("agent", agent)
    connect("customer", customer)
    bridge(relay, "agent", "customer")
    ended = threading.Event()
    relay.play("customer", "beep", ended.set)
    customer.hear_speech(1)
    agent.say(speech(1))
    assert ended.wait(LIMIT_S)
    agent.say(speech(2))
    heard = [each.payload for each in customer.hear_until(lambda each: each.payload == speech(2))]
    assert speech(1) not in heard


@pytest.mark.parametrize("case", ["no such prompt", "no such leg", "closed", "another prompt"])
def test_a_prompt_that_cannot_be_played_to_its_end_is_told_too(
    relay: MediaRelay, phone: MakePhone, connect: Connect, config: MediaConfig, case: str
) -> None:
    write_wav(config.prompts_dir / "long.wav", np.full(8000 * 60, 9000))
    customer = phone()
    connect("customer", customer)
    ended, other = threading.Event(), threading.Event()
    relay.play(
        "nobody" if case == "no such leg" else "customer",
        "absent" if case == "no such prompt" else "long",
        ended.set,
    )
    if case == "closed":
        relay.close_leg("customer")
    elif case == "another prompt":
        relay.play("customer", "long", other.set)
    assert ended.wait(LIMIT_S)
    assert not other.is_set()
    assert relay.stats()["play_failures"] == 1


def test_a_callback_that_fails_does_not_stop_the_next(
    relay: MediaRelay, phone: MakePhone, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connect("a", phone(1))
    connect("b", phone(2))
    relay.bridge("a", "b", lambda: 1 / 0)
    bridge(relay, "a", "b")
    assert "a callback of the audio relay failed" in caplog.text


def test_a_bridge_to_a_leg_that_is_gone_is_counted_and_not_told(
    relay: MediaRelay, phone: MakePhone, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connect("agent", phone(1))
    told = threading.Event()
    relay.bridge("agent", "gone", told.set)
    wait_for(lambda: relay.stats()["bridge_failures"] == 1)
    assert not told.is_set()
    assert "leg gone cannot be bridged" in caplog.text


def test_all_ports_come_back_after_many_calls(relay: MediaRelay) -> None:
    before = relay.stats()["ports_free"]
    used = set()
    for n in range(200):
        host, port = relay.open_leg(f"leg-{n}")
        assert host == "127.0.0.1"
        assert port % 2 == 0
        used.add(port)
        relay.close_leg(f"leg-{n}")
        # Faster than the worker closes them there would be no port left.
        wait_for(lambda: relay.stats()["ports_free"] > 5)
    wait_for(lambda: relay.stats()["ports_free"] == before)
    assert len(used) == before
    for port in used:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))


def test_a_leg_is_opened_once_and_closed_as_often_as_one_likes(relay: MediaRelay) -> None:
    relay.open_leg("a")
    with pytest.raises(MediaError, match="open already"):
        relay.open_leg("a")
    relay.close_leg("a")
    relay.close_leg("a")
    relay.open_leg("a")
    assert relay.stats()["legs_open"] == 1


def test_a_port_snatched_from_the_worker_is_counted_and_retired(relay: MediaRelay) -> None:
    snatched = []

    def snatch(port: int) -> int:
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        held.bind(("127.0.0.1", port))
        snatched.append(held)
        return port

    pool = relay._picture.pool
    take = pool.take
    pool.take = lambda now: snatch(take(now))  # type: ignore[method-assign]
    relay.open_leg("a")
    wait_for(lambda: relay.stats()["bind_failures"] == 1)
    relay.close_leg("a")
    wait_for(lambda: relay.stats()["ports_retired"] == 1)
    snatched[0].close()


@pytest.mark.parametrize(
    ("host", "payload_type", "complaint"),
    [
        ("media.example.com", 0, "no IP address"),
        ("::1", 0, "cannot be reached"),
        ("127.0.0.1", 18, "not G.711"),
    ],
)
def test_a_far_end_we_cannot_talk_to_is_refused(
    relay: MediaRelay, host: str, payload_type: int, complaint: str
) -> None:
    relay.open_leg("a")
    with pytest.raises(MediaError, match=complaint):
        relay.set_remote("a", host, 4000, payload_type)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"bind_host": "localhost"}, "media.bind_host"),
        ({"bind_host": "0.0.0.0", "advertised_host": ""}, "media.bind_host"),
        ({"advertised_host": "0.0.0.0"}, "media.advertised_host"),
        ({"first_port": 80}, "media.first_port"),
        ({"first_port": 30000, "last_port": 29000}, "media.first_port"),
        ({"workers": 2}, "media.workers"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    config: MediaConfig, wrong: dict[str, object], where: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        replace(config, **wrong)
    assert caught.value.where == where
