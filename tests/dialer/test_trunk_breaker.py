"""When a trunk is given a rest, and how it comes back."""

import pytest

from dialer.events import EndCause
from dialer.trunks.breaker import BREAKER, Breaker, BreakerRules
from dialer.trunks.faults import another_may_try, fault_of

BUSY = EndCause("far", 486)
DOWN = EndCause("far", 503, 0, "Service Unavailable")
UNPAID = EndCause("far", 402, 0, "Payment Required")
FORBIDDEN = EndCause("far", 403, 0, "Forbidden")
SILENCE = EndCause("trunk", 408, 0, "no answer to INVITE in 32 s")
NO_PORT = EndCause("trunk", 0, 0, "no audio: no port is free")
OUR_CANCEL = EndCause("near", 487)


class Trunk:
    """A breaker and the calls that go through it."""

    def __init__(self, **rules: float) -> None:
        self.breaker = Breaker(BreakerRules(**rules))  # type: ignore[arg-type]
        self.now = 1000.0
        self._calls = 0

    def call(self, cause: EndCause, *, answered: bool = False) -> str:
        """One call and its end; the state after it."""
        self._calls += 1
        assert not self.breaker.refusal()
        self.breaker.dialed(self._calls)
        self.breaker.ended(self._calls, cause, answered, self.now)
        return self.breaker.state

    def wait(self, seconds: float) -> str:
        self.now += seconds
        self.breaker.tick(self.now)
        return self.breaker.state


def test_one_402_opens_it() -> None:
    trunk = Trunk()
    assert trunk.call(UNPAID) == "open"
    assert trunk.breaker.refusal() == "breaker: the carrier answers 402 Payment Required"


@pytest.mark.parametrize("status", [401, 403, 407])
def test_the_second_refusal_in_a_row_on_our_account_opens_it(status: int) -> None:
    trunk = Trunk()
    assert trunk.call(EndCause("far", status)) == "closed"
    assert trunk.call(EndCause("far", status)) == "open"


def test_a_403_now_and_then_is_about_its_number() -> None:
    trunk = Trunk()
    for _ in range(50):
        assert trunk.call(FORBIDDEN) == "closed"
        assert trunk.call(BUSY) == "closed"


def test_a_403_that_speaks_of_the_callee_is_none_of_the_trunk() -> None:
    trunk = Trunk()
    for _ in range(50):
        assert trunk.call(EndCause("far", 403, 21)) == "closed"


def test_a_storm_opens_it_and_a_few_failures_do_not() -> None:
    trunk = Trunk()
    for _ in range(9):
        assert trunk.call(DOWN) == "closed"
    assert trunk.call(DOWN) == "open"
    mixed = Trunk()
    for _ in range(100):
        assert mixed.call(DOWN) == "closed"
        assert mixed.call(BUSY) == "closed"


def test_answers_that_went_wrong_later_and_our_own_doing_are_no_storm() -> None:
    trunk = Trunk()
    for _ in range(30):
        assert trunk.call(NO_PORT) == "closed"
        assert trunk.call(OUR_CANCEL) == "closed"
        assert trunk.call(EndCause("far", 200), answered=True) == "closed"


def test_a_503_that_asks_for_a_rest_gets_it() -> None:
    trunk = Trunk(back_off_s=10)
    assert trunk.call(DOWN._replace(retry_after_s=40.0)) == "open"
    assert trunk.wait(39) == "open"
    assert trunk.wait(1) == "half_open"


def test_a_rest_that_is_asked_for_has_an_end() -> None:
    trunk = Trunk(back_off_max_s=900)
    trunk.call(DOWN._replace(retry_after_s=1e9))
    assert trunk.wait(900) == "half_open"


def test_one_call_finds_out_and_closes_it() -> None:
    trunk = Trunk(back_off_s=10)
    trunk.call(UNPAID)
    assert trunk.wait(10) == "half_open"
    breaker = trunk.breaker
    assert breaker.refusal() == ""
    breaker.dialed(77)
    assert "one call finds out" in breaker.refusal()
    assert not breaker.ended(5, BUSY, False, trunk.now), "a call of before says nothing"
    assert breaker.heard(77)
    assert (breaker.state, breaker.reason, breaker.refusal()) == ("closed", "", "")


def test_a_busy_callee_proves_that_the_trunk_works() -> None:
    trunk = Trunk(back_off_s=10)
    trunk.call(UNPAID)
    trunk.wait(10)
    assert trunk.call(BUSY) == "closed"


def test_a_probe_that_we_gave_up_leaves_the_question_open() -> None:
    trunk = Trunk(back_off_s=10)
    trunk.call(UNPAID)
    trunk.wait(10)
    assert trunk.call(OUR_CANCEL) == "half_open"
    assert trunk.call(BUSY) == "closed"


def test_each_probe_that_fails_doubles_the_rest_up_to_its_limit() -> None:
    trunk = Trunk(back_off_s=10, back_off_max_s=30)
    trunk.call(UNPAID)
    for rest_s in (10, 20, 30, 30):
        assert trunk.wait(rest_s - 1) == "open"
        assert trunk.wait(1) == "half_open"
        assert trunk.call(DOWN) == "open"
    trunk.wait(30)
    trunk.call(BUSY)
    trunk.call(UNPAID)
    assert trunk.wait(10) == "half_open", "after a good call it starts anew"


def test_no_state_is_a_dead_end() -> None:
    assert not BREAKER.final


@pytest.mark.parametrize(
    ("cause", "fault"),
    [
        (UNPAID, "unpaid"),
        (FORBIDDEN, "forbidden"),
        (DOWN, "network"),
        (SILENCE, "network"),
        (EndCause("far", 488), "network"),
        (EndCause("far", 302), "network"),
        (EndCause("trunk", 488, 0, "no codec that we speak"), "network"),
        (EndCause("far", 503, 17), ""),
        (BUSY, ""),
        (EndCause("far", 404), ""),
        (EndCause("far", 603), ""),
        (EndCause("far", 608), ""),
        (NO_PORT, ""),
        (OUR_CANCEL, ""),
    ],
)
def test_whose_fault_it_was(cause: EndCause, fault: str) -> None:
    assert fault_of(cause) == fault


@pytest.mark.parametrize("status", [402, 403, 420, 488, 500, 502, 503, 504, 580, 606])
def test_an_explicit_refusal_of_the_trunk_lets_another_try(status: int) -> None:
    assert another_may_try(EndCause("far", status), rang=False, ours=False)


@pytest.mark.parametrize("status", [404, 408, 410, 480, 484, 486, 487, 600, 603, 604, 607, 608])
def test_a_callee_is_never_dialed_again_at_once(status: int) -> None:
    assert not another_may_try(EndCause("far", status), rang=False, ours=False)


def test_silence_fails_over_only_where_the_invite_reached_nobody() -> None:
    assert another_may_try(SILENCE, rang=False, ours=False)
    assert another_may_try(EndCause("trunk", 0, 0, "Connection refused"), rang=False, ours=False)
    after_cancel = EndCause("near", 0, 0, "no final response after CANCEL")
    assert not another_may_try(after_cancel, rang=False, ours=False)


def test_nobody_is_dialed_again_who_was_disturbed_or_whom_we_let_go() -> None:
    assert not another_may_try(DOWN, rang=True, ours=False)
    assert not another_may_try(SILENCE, rang=False, ours=True)
    picked_up = EndCause("trunk", 488, 0, "no codec that we speak")
    assert not another_may_try(picked_up, rang=False, ours=False)
