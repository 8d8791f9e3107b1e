"""The page about SIP shows the tables that run."""

from pathlib import Path

import pytest

from dialer.states import StateTable
from dialer.trunks.breaker import BREAKER
from gateways.sip.building import METHODS
from gateways.sip.leg_plan import LEG
from gateways.sip.transaction_tables import STATE_TABLES

PAGE = Path(__file__).parents[3] / "docs" / "sip.md"


@pytest.mark.parametrize(
    "table", [LEG, BREAKER, *STATE_TABLES.values()], ids=lambda table: table.name
)
def test_its_diagrams_are_those_of_the_tables(table: StateTable) -> None:
    assert f"```mermaid\n{table.mermaid()}\n```" in PAGE.read_text(encoding="utf-8")


def test_it_names_every_method_that_we_take() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(method in page for method in METHODS)
