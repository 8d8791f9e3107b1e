"""The metric cells of a trunk's calls, and of the caller IDs that they show.

The rule of this module: what carriers judge a caller by (ITU-T E.425: answer-seizure ratio and
network effectiveness ratio; post-dial delay, short calls) is counted as plain inputs, so that a
query makes the ratio over whatever time it wants.
"""

from dialer.metrics import Counter, Histogram, Metrics
from dialer.trunks.breaker import STATES

SHORT_CALL_S = 6.0
"""A shorter conversation counts as a short call, as carriers bill and complain of them."""

_EFFECTIVE = frozenset({"user_busy", "no_user_response", "rejected"})
"""Outcomes for which the network did its part, beside the calls that rang or were answered."""


class Quality:
    """The same five figures, of a trunk or of a caller ID."""

    __slots__ = ("answers", "delay", "effective", "seizures", "short")

    def __init__(self, metrics: Metrics, owner: str, name: str) -> None:
        def counter(what: str) -> Counter:
            return metrics.counter(f"dialer_{owner}_{what}_total", **{owner: name})

        self.seizures = counter("seizures")
        self.answers = counter("answers")
        self.effective = counter("effective_calls")
        self.short = counter("short_calls")
        self.delay: Histogram = metrics.histogram(
            f"dialer_{owner}_post_dial_delay_seconds", **{owner: name}
        )

    def ended(
        self,
        outcome: str,
        dialed_at: float,
        alerted_at: float,
        answered_at: float,
        ended_at: float,
    ) -> None:
        """A call is over, as of `actors.trunk_lines.TrunkLine.ended`."""
        if not alerted_at and not answered_at:
            if outcome in _EFFECTIVE:
                self.effective.value += 1
            return
        delay_s = (alerted_at or answered_at) - dialed_at
        if delay_s > 0.0:
            self.delay.observe(delay_s)
        else:  # by two clocks
            self.delay.observe(0.0)
        self.effective.value += 1
        if answered_at:
            self.answers.value += 1
            if ended_at - answered_at < SHORT_CALL_S:
                self.short.value += 1


class CallerIds(dict[str, Quality]):
    """By name; they come into being with the first call that shows them."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self._metrics = metrics

    def __missing__(self, name: str) -> Quality:
        self._metrics.open_caller_id(name)
        quality = self[name] = Quality(self._metrics, "caller_id", name)
        return quality


class TrunkCells:
    """What a trunk counts; all its children exist from the start.

    caller_ids: the same figures of the calls that showed one, by its name.
    """

    def __init__(self, metrics: Metrics, trunk: str) -> None:
        metrics.open_trunk(trunk)
        self.trunk = Quality(metrics, "trunk", trunk)
        self.caller_ids = CallerIds(metrics)
        self._breaker = metrics.gauges("dialer_trunk_breaker", trunk=trunk)

    def breaker(self, state: str) -> None:
        for name in STATES:
            self._breaker[name].set(int(name == state))


class TrunkCounts:
    """What a trunk's own thread counts. Trunks are opened before."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def response(self, trunk: str, status_class: str) -> None:
        labels = {"trunk": trunk, "class": status_class}
        self._metrics.counter("dialer_trunk_responses_total", **labels).inc()

    def channels(self, trunk: str, in_use: int) -> None:
        self._metrics.gauge("dialer_trunk_channels_in_use", trunk=trunk).set(in_use)
