"""The state tables: what may happen, and that nothing is stuck."""

import pytest

from dialer.agents import AGENT, STATES, WISHES
from dialer.calls import CALL, IN_PROGRESS, UNANSWERED
from dialer.campaign import CAMPAIGN, next_status
from dialer.errors import LifecycleError, StateError
from dialer.events import EndCause
from dialer.outcomes import OUTCOMES, outcome_of_refusal
from dialer.states import StateTable

TABLES = (AGENT, CALL, CAMPAIGN)


def reachable(table: StateTable, start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += [table[state, event] for event in table.events(state)]
    return seen


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_state_can_be_reached(table: StateTable) -> None:
    assert reachable(table, table.initial) == set(table.states)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_what_the_table_does_not_allow_is_a_bug(table: StateTable) -> None:
    for state in table.states:
        assert table.get(state, "no such event") is None
        with pytest.raises(StateError, match=f"{table.name}: no 'no such event' in state"):
            table[state, "no such event"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_diagram_has_every_row(table: StateTable) -> None:
    diagram = table.mermaid()
    for row in table.rows:
        arrow = f"    {row.state} --> {row.target}: "
        lines = [line for line in diagram.splitlines() if line.startswith(arrow)]
        assert len(lines) == 1
        assert row.event in lines[0].removeprefix(arrow).split(", ")


def test_two_rows_for_one_event_are_refused() -> None:
    with pytest.raises(StateError, match="two rows"):
        StateTable("bad", "a", [("a", "go", "b"), ("a", "go", "c")])


def test_every_call_can_end_from_everywhere() -> None:
    for state in CALL.states:
        assert "settled" in reachable(CALL, state)
    assert CALL.final == {"settled"}


def test_a_call_in_progress_is_told_by_its_state() -> None:
    assert set(IN_PROGRESS) == set(CALL.states) - {"ended", "settled"}
    assert set(IN_PROGRESS) > UNANSWERED


def test_every_call_that_has_begun_ends_on_the_trunks_last_word() -> None:
    for state in set(IN_PROGRESS) - {"placed"}:
        assert CALL[state, "ended"] == "ended"


def test_nobody_is_booked_twice() -> None:
    """A caller is connected only to agents who are free for one, and reserved only if ready."""
    for row in AGENT.rows:
        if row.event in {"reserve", "offer"}:
            assert row.state == "ready"
        if row.event == "connect":
            assert row.state in {"ready", "reserved", "pending_not_ready", "pending_logout"}


def test_agents_whose_leg_fell_are_logged_out_whatever_they_did() -> None:
    for state in set(STATES) - {"logged_out"}:
        assert AGENT[state, "leg_down"] == "logged_out"


@pytest.mark.parametrize("wish", ["not_ready", "logout"])
def test_an_agent_may_always_ask_to_pause_or_leave(wish: str) -> None:
    there = {"not_ready": "not_ready", "logout": "logged_out"}[wish]
    granted = {there, f"pending_{wish}"}
    for state in set(STATES) - {"logged_out", there, f"pending_{wish}"}:
        assert AGENT[state, wish] in granted
    assert wish in WISHES


def test_who_waits_to_leave_gets_it_when_what_they_do_is_over() -> None:
    for pending, then in (("pending_not_ready", "not_ready"), ("pending_logout", "logged_out")):
        assert AGENT[pending, "release"] == then
        assert AGENT[pending, "call_ended"] == then


# --- campaigns --------------------------------------------------------------------------------


def test_a_campaign_goes_through_its_life() -> None:
    status = CAMPAIGN.initial
    for event in ("publish", "unpublish", "publish", "stop"):
        status = next_status("Spring", status, event)
    assert status == "stopped"


@pytest.mark.parametrize(
    ("status", "event", "mend"),
    [
        ("stopped", "publish", "clone it to make a new draft"),
        ("published", "publish", "unpublish it first"),
        ("unpublished", "unpublish", "publish it first"),
    ],
)
def test_what_a_campaign_cannot_do_is_told_with_the_mend(
    status: str, event: str, mend: str
) -> None:
    with pytest.raises(LifecycleError) as caught:
        next_status("Spring", status, event)
    assert str(caught.value) == f"campaign 'Spring': cannot {event} while {status}; {mend}"


# --- outcomes ---------------------------------------------------------------------------------

REFUSALS = [
    (EndCause("far", 486), "user_busy"),
    (EndCause("far", 600), "user_busy"),
    (EndCause("far", 404), "invalid_number"),
    (EndCause("far", 604), "invalid_number"),
    (EndCause("far", 484), "invalid_number"),
    (EndCause("far", 480), "no_user_response"),
    (EndCause("far", 480, 1), "invalid_number"),
    (EndCause("far", 480, 17), "user_busy"),
    (EndCause("far", 408), "no_user_response"),
    (EndCause("far", 487), "cancelled"),
    (EndCause("far", 503), "congestion"),
    (EndCause("far", 503, 1), "invalid_number"),
    (EndCause("far", 500, 34), "congestion"),
    (EndCause("far", 502, 21), "rejected"),
    (EndCause("far", 403), "invalid_gateway"),
    (EndCause("far", 403, 21), "rejected"),
    (EndCause("far", 486, 1), "user_busy"),  # a clear status speaks for itself
    (EndCause("far", 603), "rejected"),
    (EndCause("far", 603, 0, "Network Blocked"), "blocked_by_analytics"),
    (EndCause("far", 607), "blocked_by_analytics"),
    (EndCause("far", 608), "blocked_by_analytics"),
    (EndCause("far", 488), "invalid_gateway"),
    (EndCause("far", 402), "invalid_gateway"),
    (EndCause("far", 302), "invalid_gateway"),
    (EndCause("far", 499), "no_user_response"),
    (EndCause("far", 599), "congestion"),
    (EndCause("far", 699), "rejected"),
    (EndCause("far", 0), "congestion"),
    (EndCause("near", 487), "cancelled"),
    (EndCause("trunk", 0), "invalid_gateway"),
    (EndCause("trunk", 408), "invalid_gateway"),
    (EndCause("trunk", 488), "invalid_gateway"),
]


@pytest.mark.parametrize(("cause", "outcome"), REFUSALS, ids=str)
def test_a_refusal_has_its_outcome(cause: EndCause, outcome: str) -> None:
    assert outcome_of_refusal(cause) == outcome


@pytest.mark.parametrize("by", ["far", "near", "trunk"])
def test_every_status_and_cause_has_an_outcome(by: str) -> None:
    for status in (0, *range(300, 700)):
        for q850 in (0, *range(1, 128)):
            assert outcome_of_refusal(EndCause(by, status, q850)) in OUTCOMES


def test_a_fault_of_the_trunk_is_no_human_and_does_not_count() -> None:
    for outcome in OUTCOMES.values():
        if outcome.trunk_fault:
            assert not outcome.human
            assert not outcome.counts
