"""The metric cells of one campaign.

The rule of this module: each cell has one writing actor, and for these it is the Campaign, which
hears of everything that they count; only the states of its calls are kept by the calls.
"""

from collections import Counter
from math import inf

from dialer.agents import STATES
from dialer.compliance.preset import Preset
from dialer.formula_port import Evaluated
from dialer.metrics import Metrics
from dialer.ports import Settlement


class CampaignCells:
    """What a campaign counts. All its children exist from the start.

    agents: the states of those it may use, by their id, kept by its agent board. calls: the states
    of its calls in progress, by attempt, those of a former self included, kept by the calls.
    attempts: calls that it gave birth to. target: calls in flight that it strives for.
    """

    def __init__(self, metrics: Metrics, title: str, preset: Preset) -> None:
        metrics.open_campaign(title)
        self._metrics = metrics
        self._title = title
        law = preset.abandonment
        self._threshold_s = law.threshold_s if law is not None else inf
        label = {"campaign": title}
        self.agents: dict[str, str] = metrics.members("dialer_agents", **label)
        self.calls: dict[int, str] = metrics.members("dialer_calls_in_progress", **label)
        self._pulses = metrics.counters("dialer_pulses_total", **label)
        self._results = metrics.counters("dialer_call_results_total", **label)
        self._scored = metrics.counters("dialer_scored_calls_total", **label)
        self._foretold = metrics.counter("dialer_scored_calls_expected_answers_total", **label)
        self._drift = metrics.gauge("dialer_answer_score_drift", **label)
        pacing = "dialer_pacing_{}_total"
        self._answers = metrics.counter(pacing.format("answers"), **label)
        self._expected_answers = metrics.counter(pacing.format("expected_answers"), **label)
        self._without_agent = metrics.counter(pacing.format("abandoned"), **label)
        self._expected_without = metrics.counter(pacing.format("expected_abandoned"), **label)
        self._previews = metrics.counters("dialer_previews_total", **label)
        self._dispositions = metrics.counters("dialer_dispositions_total", **label)
        self._lateness = metrics.histogram("dialer_pulse_lateness_seconds", **label)
        self.attempts = metrics.counter("dialer_call_attempts_total", **label)
        self._abandoned = metrics.counter("dialer_calls_abandoned_total", **label)
        self._ring = metrics.histogram("dialer_call_ring_duration_seconds", **label)
        self._talk = metrics.histogram("dialer_call_talk_duration_seconds", **label)
        self._wrap_up = metrics.histogram("dialer_agent_wrapup_duration_seconds", **label)
        self._answer = metrics.histogram("dialer_answer_to_agent_seconds", **label)
        self.target = metrics.gauge("dialer_pacing_target_calls", **label)
        shift = "dialer_campaign_shift_{}_timestamp_seconds"
        self._shift_start = metrics.gauge(shift.format("start"), **label)
        self._shift_end = metrics.gauge(shift.format("end"), **label)
        self._shadow_target = metrics.gauge("dialer_pacing_shadow_target_calls", **label)
        self._wrapping: dict[str, float] = {}
        metrics.gauge("dialer_campaign_info", **label).set(1)
        target = metrics.gauge("dialer_campaign_abandonment_target_ratio", **label)
        target.set(law.target if law is not None else 1.0)
        # A campaign that was made anew counts its agents from nothing; its calls go on.
        self.agents.clear()

    def close(self) -> None:
        self._metrics.close_campaign(self._title)

    def skipped(self, pulses: int) -> None:
        self._pulses["skipped"].value += pulses

    def fired(self, lateness_s: float, result: str = "fired") -> None:
        """A pulse came, so late. result: "outside_window" for one to which the hours are closed."""
        if lateness_s > 0.0:
            self._lateness.observe(lateness_s)
        else:  # a timer may go off a moment too soon
            self._lateness.observe(0.0)
        self._pulses[result].value += 1

    def shadow_target(self, calls: float) -> None:
        self._shadow_target.set(calls)

    def evaluated(self, answer: Evaluated) -> None:
        """A formula was evaluated, perhaps by another source than the usual one."""
        source, result = answer.source, answer.result
        counter = self._metrics.counter
        if answer.missed:
            missed = {"source": "prometheus", "result": answer.missed}
            counter("dialer_pacing_evaluations_total", campaign=self._title, **missed).inc()
        labels = {"campaign": self._title, "source": source, "result": result}
        counter("dialer_pacing_evaluations_total", **labels).inc()
        took = self._metrics.histogram("dialer_pacing_evaluation_duration_seconds", **labels)
        took.observe(answer.duration_s)

    def shift(self, start: float, end: float) -> None:
        """The present or next dialing window, epoch seconds; 0 for none."""
        self._shift_start.set(start)
        self._shift_end.set(end)

    def wraps_up(self, agent_id: str, at: float) -> None:
        self._wrapping[agent_id] = at

    def wrapped_up(self, agent_id: str, at: float) -> None:
        began = self._wrapping.pop(agent_id, None)
        if began is not None:
            self._wrap_up.observe(at - began)

    def agent_counts(self) -> dict[str, int]:
        counts = Counter(self.agents.values())
        return {state: counts[state] for state in STATES if counts[state]}

    def ready(self) -> int:
        """Agents who are free, and reserved for nobody."""
        return [*self.agents.values()].count("ready")

    def calls_in_progress(self) -> int:
        """Those of a former self included."""
        return len(self.calls)

    def with_agents(self) -> int:
        """Calls in progress that an agent has."""
        return [*self.calls.values()].count("bridged")

    def preview(self, verdict: str) -> None:
        self._previews[verdict].inc()

    def scored(self, score: float, *, answered: bool, drift: float) -> None:
        """A scored call is over. score: what was foretold."""
        self._scored["answered" if answered else "not_answered"].value += 1
        self._foretold.value += score
        self._drift.value = drift

    def expect_abandoned(self, calls: float) -> None:
        """So many are expected to be, of those in flight in the next second."""
        self._expected_without.value += calls

    def came_true(self, expected: float, *, answered: bool, abandoned: bool) -> None:
        """A call that look-ahead placed is over. expected: P(a person answers) as it was placed."""
        self._expected_answers.value += expected
        self._answers.value += answered
        self._without_agent.value += abandoned

    def disposed(self, means: str) -> None:
        self._dispositions[means].inc()

    def settled_unplaced(self) -> None:
        self._results["never_dialed"].inc()

    def settled(self, call: Settlement) -> None:
        """An attempt's end.

        Abandoned: by its outcome, or because the agent came later than the law allows; the second
        is a customer who was left waiting too.
        """
        self._results[call.outcome].value += 1
        ringing_at = call.ringing_at
        if ringing_at:
            self._ring.observe((call.answered_at or call.ended_at) - ringing_at)
        bridged_at = call.bridged_at
        if bridged_at:
            waited_s = bridged_at - call.answered_at
            self._answer.observe(waited_s)
            self._talk.observe(call.ended_at - bridged_at)
            left_waiting = waited_s > self._threshold_s
        else:
            left_waiting = call.outcome == "abandoned"
        if left_waiting:
            self._abandoned.value += 1
