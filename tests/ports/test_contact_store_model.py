"""Whatever happens in between, a claim gives all that is due and nothing else.

A naive model looks at every contact for every claim; the adapters must find the same, however
they remember where they were.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.ports import (
    AttemptDraft,
    AttributeValue,
    ClaimRequest,
    ContactNext,
    ContactsClaimed,
    Deferral,
    Settlement,
)
from tests.ports.contact_store_beds import Replies, StoreBed

CITIES = ("Albany", "Boston")
FILTERS = {
    "": lambda city: True,
    "boston": lambda city: city == "Boston",
    "changing": lambda city: city == "Boston",
}
NOW = 1000.0

# Mostly one campaign, so that its pass over the contacts gets long; the other one is in the way.
CAMPAIGN = st.sampled_from([0, 0, 0, 1])
EDIT = st.tuples(st.just("edit"), st.integers(0, 9), st.sampled_from(CITIES))
CLAIM = st.tuples(st.just("claim"), CAMPAIGN, st.integers(1, 6))
STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 4), st.sampled_from(CITIES)),
    EDIT,
    EDIT,
    st.tuples(st.just("filter"), st.sampled_from(CITIES)),
    CLAIM,
    CLAIM,
    st.tuples(st.just("let go"), CAMPAIGN, st.sampled_from(["due", "waiting", "refused", "dial"])),
)


class Model:
    """A store with its naive twin."""

    def __init__(self, bed: StoreBed) -> None:
        self.bed = bed
        self.replies = Replies()
        self.cities: dict[int, str] = {}
        self.keys: list[tuple[str, int]] = []
        self.changing = "Boston"
        self.campaigns: list[int] = []
        self.states: dict[tuple[int, int], str] = {}
        self.held: dict[int, list[int]] = {}
        self.name, self.order = "", "fifo"

    def begin(self, name: str, order: str) -> None:
        """Two fresh campaigns over the contacts that there are by now, and some new ones."""
        self.name, self.order = name, order
        for city in CITIES:
            self.add(3, city)
        self.campaigns = [self.bed.add_campaign(), self.bed.add_campaign()]
        self.held = {campaign: [] for campaign in self.campaigns}
        self.states = {}
        self.filter("Boston")
        self.bed.save_filter("boston", "{attribute: city, operator: equals, value: Boston}")

    def add(self, count: int, city: str) -> None:
        start = len(self.keys)
        rows: list[dict[str, AttributeValue]] = [
            {"id": f"m{start + n}", "city": city, "phone": (f"+1617{5550000 + start + n}",)}
            for n in range(count)
        ]
        for row, contact_id in zip(rows, self.bed.put_contacts(rows), strict=True):
            self.keys.append((str(row["id"]), contact_id))
            self.cities[contact_id] = city

    def edit(self, place: int, city: str) -> None:
        if place < len(self.keys):
            key, contact_id = self.keys[-1 - place]
            self.bed.put_contacts([{"id": key, "city": city}])
            self.cities[contact_id] = city

    def filter(self, city: str) -> None:
        self.changing = city
        self.bed.save_filter("changing", f"{{attribute: city, operator: equals, value: {city}}}")

    def due(self, campaign: int, name: str) -> tuple[set[int], set[int]]:
        """Contacts that are waiting and due, and those never touched."""
        fits = (lambda city: city == self.changing) if name == "changing" else FILTERS[name]
        found = [contact for contact, city in self.cities.items() if fits(city)]
        return (
            {c for c in found if self.states.get((campaign, c)) == "due"},
            {c for c in found if (campaign, c) not in self.states},
        )

    def claim(self, which: int, limit: int, name: str | None = None) -> None:
        campaign, order = self.campaigns[which], self.order
        name = self.name if name is None else name
        waiting, untouched = self.due(campaign, name)
        self.bed.port.claim(ClaimRequest(1, campaign, name, order, limit, NOW), self.replies)
        answer = self.replies.take()
        assert isinstance(answer, ContactsClaimed)
        claimed = [contact.contact_id for contact in answer.contacts]
        assert len(claimed) == len(set(claimed)) == min(limit, len(waiting) + len(untouched))
        assert set(claimed) <= waiting | untouched
        assert set(claimed[: len(waiting)]) <= waiting
        for contact in answer.contacts:
            assert contact.attributes["city"] == self.cities[contact.contact_id]
        for contact_id in claimed:
            self.states[campaign, contact_id] = "held"
        self.held[campaign] += claimed

    def let_go(self, which: int, how: str) -> None:
        """Every held contact is deferred, or dialed and then due again."""
        campaign = self.campaigns[which]
        held, self.held[campaign] = self.held[campaign], []
        if how == "dial":
            self.dial(campaign, held)
        else:
            due_at = {"due": NOW, "waiting": NOW + 1, "refused": 0.0}[how]
            self.bed.port.defer([Deferral(c, campaign, how, due_at, "") for c in held])
        for contact_id in held:
            self.states[campaign, contact_id] = "due" if how in {"due", "dial"} else how

    def dial(self, campaign: int, held: list[int]) -> None:
        drafts = [AttemptDraft(c, campaign, 1, "n", f"+{c}", "t", NOW) for c in held]
        self.bed.port.commit_attempts(2, drafts, self.replies)
        following = ContactNext("waiting", NOW, "n")
        for draft, attempt in zip(drafts, self.replies.take().attempt_ids, strict=True):
            assert attempt
            times = (NOW, 0.0, 0.0, 0.0, NOW)
            self.bed.port.settle(
                Settlement(attempt, draft.contact_id, campaign, "user_busy", following, *times)
            )

    def do(self, step: tuple[Any, ...]) -> None:
        what, *how = step
        action: Callable[..., None] = {
            "add": self.add,
            "edit": self.edit,
            "filter": self.filter,
            "claim": self.claim,
            "let go": self.let_go,
        }[what]
        action(*how)


@pytest.fixture
def model(bed: StoreBed) -> Model:
    return Model(bed)


# One store serves all examples: each begins with campaigns of its own.
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(STEPS, min_size=10, max_size=40),
    name=st.sampled_from(["", "boston", "changing", "changing"]),
    order=st.sampled_from(["fifo", "lifo"]),
)
def test_a_claim_gives_what_is_due_and_nothing_else(
    model: Model, steps: list[tuple[Any, ...]], name: str, order: str
) -> None:
    model.begin(name, order)
    for step in steps:
        model.do(step)
    for which in (0, 1):
        for also in (name, *FILTERS):
            model.claim(which, len(model.cities) + 1, also)
