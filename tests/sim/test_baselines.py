"""The trade's pacers run in a whole campaign: theirs is the decision, all else is as it was."""

from typing import get_args

import pytest

from dialer.errors import InputError
from dialer.flow.nodes import BaselinePacer
from dialer.pacing.catalogue import pacer_of
from sim.experiment import Summary, run_replications
from tests.sim.library import LIBRARY

HOURS = 0.6


def summary(pacer: str) -> Summary:
    case = LIBRARY.case("base", pacer, agents=10, hours=HOURS)
    return Summary(run_replications(case, 1, 2))


@pytest.mark.parametrize("name", get_args(BaselinePacer))
def test_each_of_them_is_a_pacer_that_ships(name: str) -> None:
    assert pacer_of(name)
    nodes = {node.id: node for node in LIBRARY.case("base", name).flow.nodes}
    assert nodes["init"].dialing.pacer == name


def test_they_are_far_from_each_other_as_in_the_lab() -> None:
    # In whole days of the lab .897, .776 and .652, and a fifth abandoned with the first.
    soon_free, guard, progressive = (
        summary(pacer).occupancy for pacer in ("soonfree:0.5", "guard", "progressive")
    )
    assert soon_free.mean > guard.mean + 0.03
    assert guard.mean > progressive.mean + 0.03


def test_a_parameter_that_is_no_number_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"is no number; write guard or guard:0.5"):
        LIBRARY.case("base", "guard:low")
