"""`index: next` goes through a contact's numbers in their order, each once, and then ends."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.flow.dial_terms import DialTerms, terms_of
from dialer.flow.graph import load_flow
from dialer.flow.interpreter import DONE, Facts, contact_step, entry
from dialer.flow.next_number import NoNumber, number_to_dial
from dialer.flow.nodes import Dial
from dialer.outcomes import OUTCOMES
from dialer.ports import ClaimedContact

FLOW = load_flow(
    """
title: Test
nodes:
  - {id: start, type: start, next: {pulse: seize}}
  - {id: seize, type: seize_agent, next: {pulse: init}}
  - {id: init, type: init, next: {contact: dial}}
  - {id: dial, type: dial, channel: c, index: next, next: {live_call: route, delivery: soon}}
  - {id: route, type: route_to_agent, next: {completed: soon}}
  - {id: soon, type: wait, delay_s: 60, next: {contact: dial}}
""",
    "test.yaml",
)
FAILED = sorted(name for name, outcome in OUTCOMES.items() if name != "customer_answered")


def dial(index: str | int) -> DialTerms:
    node = {"id": "d", "type": "dial", "channel": "c", "index": index}
    return terms_of(Dial.model_validate(node))


def contact(numbers: object, tried: tuple[str, ...] = ()) -> ClaimedContact:
    return ClaimedContact(1, {"phone": numbers}, tried=tried)  # type: ignore[dict-item]


@given(
    numbers=st.lists(st.sampled_from([f"+1212555010{n}" for n in range(9)]), unique=True),
    outcomes=st.lists(st.sampled_from(FAILED), min_size=60, max_size=60),
)
def test_every_number_is_dialed_in_order_and_then_the_contact_is_done(
    numbers: list[str], outcomes: list[str]
) -> None:
    """A flow that passed its check, whatever comes of the attempts: one that counts is the last."""
    tried: tuple[str, ...] = ()
    resume, attempts, now = "", 0, 1000.0
    for outcome in outcomes:
        node = entry(FLOW, resume, now)
        assert isinstance(node, DialTerms)
        number = number_to_dial(node, contact(tuple(numbers), tried))
        if len(tried) == len(numbers):
            assert isinstance(number, NoNumber)
            assert number.state == ("done" if numbers else "refused")
            return
        assert number == numbers[len(tried)]
        if OUTCOMES[outcome].counts:
            tried, attempts = (*tried, str(number)), attempts + 1
        following = contact_step(FLOW, ((node.id, "delivery"),), Facts(outcome, attempts, now))
        assert following != DONE
        resume, now = following.resume_node, following.due_at
    assert sum(OUTCOMES[outcome].counts for outcome in outcomes) < len(numbers)


def test_a_number_that_is_imported_while_the_contact_waits_is_dialed() -> None:
    number = number_to_dial(dial("next"), contact(("+1", "+2"), ("+1", "+3")))
    assert number == "+2"


def test_a_contact_without_a_number_is_refused_with_why() -> None:
    refused = NoNumber("refused", "no number in attribute phone")
    assert number_to_dial(dial("next"), contact(None)) == refused
    fixed = dial(2)
    assert number_to_dial(fixed, contact(("+1", "+2", "+3"))) == "+3"
    refused = NoNumber("refused", "no number 2 in attribute phone")
    assert number_to_dial(fixed, contact(("+1", "+2"))) == refused


def test_a_retry_is_capped_by_outcome() -> None:
    text = """
title: Test
nodes:
  - {id: start, type: start, next: {pulse: seize}}
  - {id: seize, type: seize_agent, next: {pulse: init}}
  - {id: init, type: init, next: {contact: dial}}
  - {id: dial, type: dial, channel: c, next: {live_call: route, delivery: busy}}
  - {id: route, type: route_to_agent}
  - {id: busy, type: post_attempt_decision, outcomes: [user_busy], max_attempts: 2,
     next: {"true": soon, "false": silent}}
  - {id: silent, type: post_attempt_decision, outcomes: [no_user_response], max_attempts: 4,
     next: {"true": soon}}
  - {id: soon, type: wait, delay_s: 60, next: {contact: dial}}
"""
    flow = load_flow(text, "test.yaml")

    def goes_on(outcome: str) -> list[bool]:
        exits = (("dial", "delivery"),)
        return [contact_step(flow, exits, Facts(outcome, n, 0.0)) != DONE for n in (1, 2, 3, 4)]

    assert goes_on("user_busy") == [True, False, False, False]
    assert goes_on("no_user_response") == [True, True, True, False]
