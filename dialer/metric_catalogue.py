"""What Foredial counts: one declared catalogue.

The rule of this module: a metric exists only if it is declared here, with every value that its
labels may have.
"""

from collections.abc import Iterable
from typing import NamedTuple

from dialer import agents, alarms, calls, dispositions, outcomes, previews
from dialer.trunks import breaker

CONTACT_STATES = ("due", "claimed", "waiting", "done", "refused")
"""How a campaign's contacts are counted: due now or never touched, held, waiting for a time,
finished, and refused by a rule."""

CALLBACK_STATES = ("waiting", "due")
"""Call-backs whose time is still to come, and those that nobody has made yet."""

CPA_RESULTS = ("human", "answering_machine", "fax", "network_tone", "not_sure")
"""Verdicts of call progress analysis."""

PULSE_RESULTS = ("fired", "skipped", "outside_window")
"""What came of a campaign's pulse; skipped: the one before was still being evaluated."""

PACING_SOURCES = ("in_process", "prometheus")
"""Where a formula was evaluated: over the daemon's own series, or by a server."""

PACING_RESULTS = ("used", "empty", "not_finite", "slow", "stale", "failed")
"""What came of a pacing evaluation; all but `used` fall back to the safe progressive rate, or from
a Prometheus server to the daemon's own series. stale: the server's samples are too old."""

RESPONSE_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "timeout")
"""Classes of SIP responses (RFC 3261 section 7.2), and none at all."""

MESSAGE_CHANNELS = ("sms", "whatsapp")
MESSAGE_RESULTS = ("sent", "delivered", "read", "failed")
JOURNAL_RESULTS = ("written", "lost")

_RING_S = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 21.0, 25.0, 30.0, 40.0, 60.0)
_TALK_S = (5.0, 10.0, 20.0, 30.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 3600.0)
_WRAP_UP_S = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0)
# 2 s is the limit of most regulations: it is a boundary, so the share above it is exact.
_ANSWER_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0)
_CPA_S = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
_EVALUATION_S = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_POST_DIAL_S = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 30.0)
_LATENESS_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class Metric(NamedTuple):
    """One line of the catalogue.

    kind: "gauge", "counter" or "histogram".
    owner: the label whose values are opened and closed ("campaign", "trunk", "caller_id",
        "actor"), or "" for what the daemon has one of.
    labels: the enumerated labels beside it, each with all its values.
    unit: "seconds", "ratio", or "" for a plain count.
    buckets: upper bounds, rising, in `unit`; +Inf is implied.
    of_members: a gauge of who is in which state (its one enumerated label).
    """

    name: str
    kind: str
    help: str
    owner: str = "campaign"
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    of_members: bool = False

    @property
    def label_names(self) -> tuple[str, ...]:
        """All labels, the owner first."""
        own = (self.owner,) if self.owner else ()
        return own + tuple(name for name, _ in self.labels)


def _gauge(
    name: str,
    text: str,
    *,
    owner: str = "campaign",
    unit: str = "",
    **labels: tuple[str, ...],
) -> Metric:
    return Metric(f"dialer_{name}", "gauge", text, owner, tuple(labels.items()), unit)


def _members(name: str, text: str, states: tuple[str, ...]) -> Metric:
    return _gauge(name, text, state=states)._replace(of_members=True)


def _counter(name: str, text: str, *, owner: str = "campaign", **labels: tuple[str, ...]) -> Metric:
    return Metric(f"dialer_{name}_total", "counter", text, owner, tuple(labels.items()))


def _histogram(
    name: str,
    text: str,
    buckets: tuple[float, ...],
    *,
    owner: str = "campaign",
    **labels: tuple[str, ...],
) -> Metric:
    labels_ = tuple(labels.items())
    return Metric(f"dialer_{name}_seconds", "histogram", text, owner, labels_, "seconds", buckets)


def _quality(owner: str) -> tuple[Metric, ...]:
    """What carriers judge a caller by (ITU-T E.425), of a trunk or of a caller ID's name."""
    return (
        _counter(f"{owner}_seizures", "Calls that left: below every ratio.", owner=owner),
        _counter(f"{owner}_answers", "Seizures answered (answer-seizure ratio).", owner=owner),
        _counter(
            f"{owner}_effective_calls",
            "Seizures that rang, were answered, busy or declined (network effectiveness ratio).",
            owner=owner,
        ),
        _counter(f"{owner}_short_calls", "Answers that lasted less than 6 s.", owner=owner),
        _histogram(
            f"{owner}_post_dial_delay",
            "From the INVITE to the first ringing, early audio or answer.",
            _POST_DIAL_S,
            owner=owner,
        ),
    )


def _alarm(owner: str, rules: Iterable[str]) -> Metric:
    # A metric for each owner: one family whose series differ in their labels joins badly.
    return _gauge(
        f"{owner or 'daemon'}_alarm",
        "1 while the alarm is on.",
        owner=owner,
        alarm=tuple(rules),
    )


CATALOGUE: tuple[Metric, ...] = (
    _members("agents", "Agents that the campaign may use.", agents.STATES),
    _members("calls_in_progress", "Calls that have not ended.", calls.IN_PROGRESS),
    _gauge("campaign_contacts", "Contacts of the campaign.", state=CONTACT_STATES),
    _gauge("callbacks", "Call-backs that the campaign owes.", state=CALLBACK_STATES),
    _counter(
        "scored_calls",
        "Calls that were picked by an answer score and ended.",
        result=("answered", "not_answered"),
    ),
    _counter(
        "scored_calls_expected_answers",
        "Answers among them as their scores foretold.",
    ),
    _gauge(
        "answer_score_drift",
        "Stability index of the last 2,000 scores against training; over 0.25 they have moved.",
    ),
    _gauge("campaign_info", "1 for every campaign that is loaded."),
    _gauge(
        "campaign_shift_start_timestamp_seconds",
        "Start of the present or next dialing window, seconds since the epoch; 0 for none.",
        unit="seconds",
    ),
    _gauge(
        "campaign_shift_end_timestamp_seconds",
        "End of the present or next dialing window, seconds since the epoch; 0 for none.",
        unit="seconds",
    ),
    _gauge(
        "campaign_abandonment_target_ratio",
        "Largest share of answered calls that may be abandoned, by the campaign's preset.",
        unit="ratio",
    ),
    _counter("pulses", "Pulses of the campaign's Start node.", result=PULSE_RESULTS),
    _histogram("pulse_lateness", "How late a pulse fired.", _LATENESS_S),
    _gauge("pacing_target_calls", "Calls in flight that pacing strives for."),
    _gauge("pacing_shadow_target_calls", "Calls in flight that a shadow formula would strive for."),
    _counter(
        "pacing_evaluations",
        "Evaluations of the pacing figure.",
        source=PACING_SOURCES,
        result=PACING_RESULTS,
    ),
    _histogram(
        "pacing_evaluation_duration",
        "Time that an evaluation of the pacing figure took.",
        _EVALUATION_S,
        source=PACING_SOURCES,
        result=PACING_RESULTS,
    ),
    _counter("pacing_answers", "Calls placed by look-ahead that a person answered."),
    _counter("pacing_expected_answers", "As many as look-ahead expected of the same calls."),
    _counter("pacing_abandoned", "Those among the answers whom no agent met in time."),
    _counter("pacing_expected_abandoned", "As many as look-ahead expected, second by second."),
    _counter("call_attempts", "Attempts that were dialed."),
    _counter("call_results", "Attempts settled.", result=outcomes.NAMES),
    _counter("calls_abandoned", "Calls answered by a person whom no agent met in time."),
    _counter("previews", "Contacts that agents were shown first.", result=previews.VERDICTS),
    _counter("dispositions", "Calls disposed of by agents.", means=dispositions.MEANINGS),
    _counter("cpa_results", "Verdicts of call progress analysis.", result=CPA_RESULTS),
    _histogram("call_ring_duration", "From the first ringing to the answer or end.", _RING_S),
    _histogram("call_talk_duration", "From the bridge to the end.", _TALK_S),
    _histogram("agent_wrapup_duration", "Wrap-up after a call of the campaign.", _WRAP_UP_S),
    _histogram("answer_to_agent", "From the customer's answer to the agent's voice.", _ANSWER_S),
    _histogram("cpa_duration", "From the answer to the verdict.", _CPA_S),
    _counter(
        "messages",
        "Messages by channel.",
        channel=MESSAGE_CHANNELS,
        result=MESSAGE_RESULTS,
    ),
    _gauge("trunk_up", "1 while the trunk answers.", owner="trunk"),
    _gauge("trunk_channels", "Channels that the trunk may use at once.", owner="trunk"),
    _gauge("trunk_channels_in_use", "Channels that calls hold.", owner="trunk"),
    Metric(
        "dialer_trunk_responses_total",
        "counter",
        "SIP responses to our INVITEs.",
        "trunk",
        (("class", RESPONSE_CLASSES),),
    ),
    _gauge(
        "trunk_breaker",
        "1 for the state of the trunk's breaker; open: nothing is dialed.",
        owner="trunk",
        state=breaker.STATES,
    ),
    *_quality("trunk"),
    *_quality("caller_id"),
    _alarm("campaign", alarms.CAMPAIGN_ALARMS),
    _alarm("trunk", alarms.TRUNK_ALARMS),
    _alarm("caller_id", alarms.CALLER_ID_ALARMS),
    _alarm("", alarms.DAEMON_ALARMS),
    _gauge("actor_inbox_messages", "Messages that wait in the inbox.", owner="actor"),
    _counter("actor_restarts", "Restarts by the supervisor.", owner="actor"),
    _counter("dead_letters", "Messages to an actor that had stopped.", owner="actor"),
    _counter("journal_records", "Records handed to the journal.", owner="", result=JOURNAL_RESULTS),
)


def markdown(catalogue: tuple[Metric, ...] = CATALOGUE) -> str:
    """The catalogue as the table of docs/metrics.md."""
    lines = ["| metric | type | labels | what it says |", "|---|---|---|---|"]
    for metric in catalogue:
        values = {label: ", ".join(names) for label, names in metric.labels}
        labels = "; ".join(
            f"{label}: {values[label]}" if label in values else label
            for label in metric.label_names
        )
        text = metric.help
        if metric.buckets:
            text += f" Buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)}."
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {text} |")
    return "\n".join(lines)
