"""What look-ahead expects of its calls is what comes of them."""

import pytest

from dialer.metrics import Metrics
from tests.actors.endless import endless_team
from tests.actors.manual import ManualRuntime
from tests.actors.test_look_ahead import TEXT


def dialed(hours: float) -> Metrics:
    """What is counted in so many hours with twenty agents."""
    runtime = ManualRuntime(seed=3)
    team = endless_team(runtime, 20)
    runtime.settle()
    team.start(TEXT)
    runtime.advance(hours * 3600)
    return team.metrics


def test_what_is_expected_of_calls_is_what_comes_of_them() -> None:
    metrics = dialed(hours=1)

    def counted(name: str) -> float:
        return metrics.counter(f"dialer_pacing_{name}_total", campaign="Lookahead").value

    results = metrics.counters("dialer_call_results_total", campaign="Lookahead")
    answered = ("customer_answered", "abandoned", "hung_up_waiting")
    assert counted("answers") == sum(results[name].value for name in answered) > 300
    abandoned = metrics.counter("dialer_calls_abandoned_total", campaign="Lookahead").value
    assert counted("abandoned") == abandoned > 5
    assert counted("answers") == pytest.approx(counted("expected_answers"), rel=0.15)
    assert 0.4 < counted("abandoned") / counted("expected_abandoned") < 2.5
