"""Demands of queues, pause codes, and phones that ring per call, as commands see them."""

from dataclasses import replace

import pytest

from dialer.errors import FlowError, InputError
from dialer.queues import Demand
from gateways.control.commands import Commands
from gateways.control.site import Site
from gateways.store import Store
from tests.gateways.control.place import FLOW, NOW, FakeLive


def test_an_agent_without_attributes_is_not_added_to_a_queue_that_asks_for_some(
    store: Store, site: Site
) -> None:
    asking = replace(site, demands={"sales": Demand(("es",))})
    commands = Commands(store, asking, None, clock=lambda: NOW)

    with pytest.raises(InputError, match="queue 'sales' asks for language es"):
        commands.agents.add("bob", queues=["sales"])

    assert commands.agents.add("bob", queues=["default"])["new"]


def test_a_pause_wants_one_of_the_codes(store: Store, site: Site, live: FakeLive) -> None:
    coded = replace(site, pause_codes=("lunch", "training"))
    commands = Commands(store, coded, live, clock=lambda: NOW)

    with pytest.raises(InputError, match="no pause code 'lunhc'; did you mean 'lunch'"):
        commands.agents.ask_state("amy", "not_ready", "lunhc")
    with pytest.raises(InputError, match="a pause needs a code; give --reason lunch or training"):
        commands.agents.ask_state("amy", "not_ready")
    assert live.told == []

    commands.agents.ask_state("amy", "not_ready", "lunch")
    commands.agents.ask_state("amy", "ready")
    assert [told[2:] for told in live.told] == [("not_ready", "lunch"), ("ready", "")]


@pytest.mark.parametrize(("dialing", "refused"), [("progressive", False), ("power", True)])
def test_phones_that_ring_per_call_are_for_progressive_dialing(
    store: Store, site: Site, dialing: str, refused: bool
) -> None:
    ringing = replace(site, kept_up=False)
    commands = Commands(store, ringing, None, clock=lambda: NOW)
    mode = "mode: progressive" if dialing == "progressive" else "mode: power, ratio: 2"
    flow = FLOW.replace("type: init,", f"type: init, dialing: {{{mode}}},")

    if refused:
        with pytest.raises(FlowError, match="ring per call"):
            commands.campaigns.create(flow, "spring.yaml")
    else:
        assert commands.campaigns.create(flow, "spring.yaml")["campaign_id"]
