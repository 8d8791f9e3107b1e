"""The targets of a carrier: the order in which they are tried, and which are trusted."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dialer.events import EndCause
from dialer.ports import DialRequest
from gateways.sip.srv import Found, Target, in_order
from gateways.sip.targets import REST_S, RETRY_S, Targets
from gateways.sip.transactions import Address
from gateways.sip.trunk_calls import TrunkCall
from tests.gateways.sip.wire import Inbox

A, B, C = (Address(f"192.0.2.{n}", 5060) for n in (1, 2, 3))


def target(address: Address, priority: int = 10, weight: int = 0) -> Target:
    return Target(priority, weight, address.port, (address.host,))


def test_priorities_come_in_order_and_weights_share_the_first_place() -> None:
    """RFC 2782: 60, 20 and 20 of a hundred, each first so often; weight 0 hardly ever."""
    dice = random.Random(7)
    targets = [target(A, 1, 60), target(B, 1, 20), target(C, 1, 20), target(A, 2), target(C, 1)]
    orders = [in_order(targets, dice) for _ in range(3000)]
    assert all(order[-1].priority == 2 for order in orders)
    assert all(sorted(order) == sorted(targets) for order in orders)
    first = Counter((order[0].hosts[0], order[0].weight) for order in orders)
    assert first[A.host, 60] == pytest.approx(1800, rel=0.1)
    assert first[B.host, 20] == pytest.approx(600, rel=0.2)
    assert 0 < first[C.host, 0] < 100


class Finder:
    """An endpoint whose time and records the test has in hand."""

    def __init__(self) -> None:
        self.agent: Any = self
        self.time = 0.0
        self.due: list[tuple[float, Callable[[float], None]]] = []
        self.asked: list[Callable[[Found | str, float], None]] = []

    def now(self) -> float:
        return self.time

    def after(self, delay_s: float, callback: Callable[[float], None], now: float) -> None:
        self.due.append((now + delay_s, callback))

    def look_up(self, host: str, transport: str, port: int, then: Any) -> None:
        self.asked.append(then)

    def resolve(self, host: str, then: Any = None) -> None:
        raise AssertionError("SRV records are asked for")

    def locate(self, host: str, port: int) -> Address | None:
        raise AssertionError("SRV records are asked for")

    def answer(self, found: Found | str) -> None:
        self.asked.pop(0)(found, self.time)

    def pass_s(self, seconds: float) -> None:
        self.time += seconds
        for due, callback in [*self.due]:
            if due <= self.time:
                self.due.remove((due, callback))
                callback(self.time)


def found_by(finder: Finder, *targets: Target, ttl_s: float = 60.0, probed: bool = True) -> Targets:
    begun: list[float] = []
    targets_of = Targets(finder, "sip:carrier.example", "trunk:t", probed=probed)
    targets_of.start(begun.append)
    assert targets_of.pick() is None
    finder.answer(Found(targets, ttl_s))
    assert begun == [0.0]
    return targets_of


def test_a_target_that_failed_gets_no_call_before_options_find_it_well() -> None:
    finder = Finder()
    targets = found_by(finder, target(A, 1), target(B, 2), ttl_s=9999)
    assert targets.pick() == targets.to_ask() == A
    assert targets.failed(A)
    assert targets.pick() == targets.to_ask() == B
    finder.pass_s(REST_S + 1)
    assert targets.pick() == B
    assert targets.to_ask() == A
    targets.answered(A)
    assert targets.pick() == A


def test_while_none_is_trusted_the_one_that_rested_longest_is_tried() -> None:
    finder = Finder()
    targets = found_by(finder, target(A, 1), target(B, 2))
    assert targets.failed(A)
    finder.pass_s(1)
    assert not targets.failed(B)
    assert targets.pick() == A
    assert targets.pick(besides=[A]) is None


def test_without_options_a_rest_is_all_that_a_target_needs() -> None:
    finder = Finder()
    targets = found_by(finder, target(A, 1), target(B, 2), ttl_s=9999, probed=False)
    assert targets.failed(A)
    assert targets.pick() == B
    finder.pass_s(REST_S)
    assert targets.pick() == A


def test_a_carrier_with_one_target_has_no_other() -> None:
    targets = found_by(Finder(), target(A))
    assert not targets.failed(A)
    assert targets.pick() == A
    assert targets.pick(besides=[A]) is None


def test_records_live_as_long_as_they_say_and_outlive_a_dns_that_fails() -> None:
    finder = Finder()
    targets = found_by(finder, target(A), target(B, 20), ttl_s=20)
    targets.failed(A)
    finder.pass_s(19)
    assert finder.asked == []
    finder.pass_s(1)
    finder.answer("the DNS fails")
    assert targets.pick() == B
    finder.pass_s(30)
    finder.answer(Found((target(C),), 20, sure=False))
    assert targets.pick() == B, "a guess takes the place of nothing that is known"
    finder.pass_s(30)
    finder.answer(Found((target(C),), 20))
    assert targets.pick() == C
    assert targets.reason == ""


def test_while_nothing_is_known_it_is_asked_for_soon_again() -> None:
    finder = Finder()
    targets = Targets(finder, "sip:carrier.example", "trunk:t", probed=True)
    targets.start(lambda _now: None)
    finder.answer("the DNS fails for _sip._udp.carrier.example: no answer in 5 s")
    assert targets.reason.endswith("no answer in 5 s")
    finder.pass_s(RETRY_S)
    finder.answer(Found((target(A),), 20))
    assert targets.pick() == A


def test_a_call_that_nobody_wants_any_more_goes_nowhere_else() -> None:
    told: list[float] = []

    class Trunk:
        def clock(self) -> float:
            return 0.0

        def saw_response(self, status_class: str) -> None: ...

        def target_failed(self, call: TrunkCall, rest_s: float) -> bool:
            told.append(rest_s)
            return True

        def call_ended(self, call: TrunkCall) -> None: ...

    gone = EndCause("trunk", 0, 0, "unreachable")
    leg: Any = object()
    for unwanted, heard, placed, cause, rest_s in (
        (False, False, True, gone, [REST_S]),
        (False, False, True, EndCause("far", 503, retry_after_s=9.0), [9.0]),
        (True, False, True, gone, []),
        (False, True, True, gone, []),
        (False, False, False, gone, []),
        (False, False, True, EndCause("far", 486), []),
    ):
        events = Inbox()
        call = TrunkCall(Trunk(), DialRequest(7, "+12025550100"), events)
        call.leg, call.unwanted = leg if placed else None, unwanted
        if heard:
            call.leg_ringing()
            events.next()
        told.clear()
        call.leg_ended(cause)
        assert told == rest_s
        assert events.empty() == bool(rest_s)
