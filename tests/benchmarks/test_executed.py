"""The count of what a simulated day executes is of the run loop alone, and leaves nothing out."""

import sys

from benchmarks.executed import Executed
from benchmarks.simulator import run_dialer


def test_it_counts_for_the_actors_whom_the_loop_calls() -> None:
    former = sys.gettrace()
    with Executed() as executed:
        calls = run_dialer(4, 0.02, 1.6, 1).calls
    assert sys.gettrace() is former
    kinds, modules = executed.by_kind(), executed.by_module()
    assert calls > 0
    assert {"Call", "Campaign", "AgentPool", "the run loop"} <= kinds.keys()
    assert kinds["Call"].functions > calls
    assert "actors.call" in modules
    assert not any(module.startswith("ruamel") for module in modules)
    for amounts in (kinds, modules):
        sizes = [amount.bytecodes for amount in amounts.values()]
        assert sizes == sorted(sizes, reverse=True)
    for what in ("bytecodes", "functions"):
        by_kind = sum(getattr(amount, what) for amount in kinds.values())
        assert by_kind == sum(getattr(amount, what) for amount in modules.values())


def test_nothing_counts_outside_the_loop() -> None:
    with Executed() as executed:
        "".join(str(number) for number in range(3))
    assert executed.by_kind() == {}
