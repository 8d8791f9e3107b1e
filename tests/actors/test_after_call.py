"""What becomes of a contact after a call is the same however often, and whenever, it is asked."""

import pytest

from actors.after_call import TRUNK_FAULT_S, next_of
from dialer.events import EndCause
from dialer.flow.graph import load_flow
from dialer.flow.interpreter import DONE, Facts, contact_step
from dialer.outcomes import NAMES, OUTCOMES
from dialer.ports import ClaimedContact, ContactNext

TEXT = """
title: Test
nodes:
  - {id: start, type: start, next: {pulse: seize}}
  - {id: seize, type: seize_agent, next: {pulse: init}}
  - {id: init, type: init, next: {contact: dial}}
  - {id: dial, type: dial, channel: c, max_attempts: 3, next: {live_call: route, delivery: again}}
  - {id: route, type: route_to_agent, next: {abandoned: soon}}
  - {id: again, type: post_attempt_decision, next: {"true": at_once},
     outcomes: [user_busy, no_user_response, congestion, never_dialed, invalid_gateway]}
  - {id: at_once, type: wait, delay_s: 1, next: {contact: dial}}
  - {id: soon, type: wait, delay_s: 600, next: {contact: dial}}
"""
FLOW = load_flow(TEXT, "test.yaml")
DIAL = FLOW.dials["dial"]
FAR = EndCause("far")


@pytest.mark.parametrize("outcome", NAMES)
@pytest.mark.parametrize("route_id", ["", "route"])
def test_it_is_what_the_flow_says_of_each_way_outcome_and_attempt(
    outcome: str, route_id: str
) -> None:
    meaning = OUTCOMES[outcome]
    exits = (("dial", "delivery"),)
    if route_id and outcome in ("abandoned", "customer_answered"):
        port = "abandoned" if outcome == "abandoned" else "completed"
        exits = ((route_id, port), *exits)
    for before in (0, 1, 2, 3, 0, 2):
        for now in (1000.25, 5000.5):
            contact = ClaimedContact(1, {}, attempts=before)
            found = next_of(FLOW, DIAL, route_id, contact, "+1", outcome, FAR, now - 0.25, now)
            said = contact_step(FLOW, exits, Facts(outcome, before + meaning.counts, now))
            if said != DONE and meaning.trunk_fault:
                said = ContactNext("waiting", now + TRUNK_FAULT_S, "dial")
            assert found == said


def test_a_call_that_we_ended_ourselves_brings_its_contact_back_below_the_cap() -> None:
    def after(attempts: int) -> ContactNext:
        contact = ClaimedContact(1, {}, attempts=attempts)
        return next_of(FLOW, DIAL, "", contact, "+1", "cancelled", FAR, 0.0, 100.0)

    assert after(1) == ContactNext("waiting", 400.0, "dial")
    assert after(2) == DONE
