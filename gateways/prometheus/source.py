"""Formulas evaluated by a Prometheus server.

The rule of this module: the server may be slow, wrong or gone, and nobody waits for it. Questions
are asked from a thread of its own; whatever the server does not answer in time, and on samples that
are fresh, is answered by the dialer's own series, and what went wrong is told beside the number.

A query serves all campaigns of a formula: its answer is shared by everybody who asks for the same
formula within `reuse_s`. How old the samples are is asked once a pulse, by `timestamp()` of
`dialer_campaign_info`; a sample's age is what the campaign subtracts calls by.
Sources: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from dialer.formula_port import Evaluate, Evaluated, MetricSource
from dialer.ports import Sink
from dialer.promql import Sample, judged, semantics_of
from dialer.promql import labels as label_sets

log = logging.getLogger("foredial.formulas")

NAME = "prometheus"
FRESHNESS = "timestamp(dialer_campaign_info)"
_ASK_VERSION_EVERY_S = 600.0
_ASK_VERSION_AGAIN_S = 10.0


class OwnSeries(MetricSource, Protocol):
    """The source that stands in. semantics: as of `compile_formula`; set to the server's."""

    semantics: str


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """url: of the server, without /api. timeout_s: of a query, connecting included. max_age_s: of
    samples that still count. reuse_s: how long an answer serves everybody who asks the same.
    username, password, bearer_token: for a server that asks for them; "" for none.
    """

    url: str
    timeout_s: float = 0.5
    max_age_s: float = 30.0
    reuse_s: float = 0.5
    username: str = ""
    password: str = ""
    bearer_token: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a query brought. at: when it was asked. samples: None where it failed, as `result` and
    `reason` say. took_s: how long it took."""

    at: float
    samples: tuple[Sample, ...] | None
    result: str = ""
    reason: str = ""
    took_s: float = 0.0


class PrometheusSource:
    """The `MetricSource` over HTTP.

    fallback: answers what the server does not. clock: seconds since the epoch.
    """

    name = NAME

    def __init__(
        self,
        config: PrometheusConfig,
        fallback: OwnSeries,
        clock: Callable[[], float] = time.time,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._config = config
        self._fallback = fallback
        self._clock = clock
        auth = (config.username, config.password) if config.username else None
        bearer = config.bearer_token
        self._http = httpx.Client(
            base_url=config.url.rstrip("/") + "/api/v1/",
            timeout=config.timeout_s,
            auth=auth,
            headers={"Authorization": f"Bearer {bearer}"} if bearer else None,
            transport=transport,
        )
        self._asked: queue.SimpleQueue[tuple[Evaluate, Sink] | None] = queue.SimpleQueue()
        self._answers: dict[str, _Answer] = {}
        self._ask_version_at = 0.0
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="prometheus", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is still asked for is answered by the own series."""
        self._asked.put(None)
        self._thread.join()
        self._http.close()

    def watch(self, owner: str, formulas: Sequence[str]) -> None:
        """The own series must be able to stand in at any time."""
        self._fallback.watch(owner, formulas)

    def evaluate(self, request: Evaluate, reply_to: Sink) -> None:
        self._asked.put((request, reply_to))

    # --- on the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            try:
                self._answer(*asked)
            except Exception:
                log.exception("a formula could not be asked for")
                self._stand_in(*asked, "failed", "the question failed; see the log")

    def _answer(self, request: Evaluate, reply_to: Sink) -> None:
        now = self._clock()
        # Who has waited that long is answered here, or the next would wait as long.
        if now - request.at > self._config.timeout_s * 2:
            self._stand_in(request, reply_to, "slow", "the server keeps others waiting")
            return
        self._learn_version(now)
        found = self._query(request.formula, now)
        if found.samples is None:
            self._stand_in(request, reply_to, found.result, found.reason)
            return
        sampled_at, stale = self._sampled_at(request.campaign, now)
        if stale:
            self._stand_in(request, reply_to, "stale", stale)
            return
        self._tell_trouble("")
        number = judged(found.samples, request.campaign)
        reply_to.tell(
            Evaluated(
                request.request_id,
                number.value,
                number.result,
                NAME,
                number.reason,
                "",
                sampled_at,
                found.took_s,
            )
        )

    def _stand_in(self, request: Evaluate, reply_to: Sink, missed: str, reason: str) -> None:
        self._tell_trouble(reason)
        note = f"Prometheus: {reason}; the dialer's own series stood in"
        self._fallback.evaluate(request, _Noted(reply_to, missed, note))

    def _tell_trouble(self, reason: str) -> None:
        """Once when it begins and once when it is over."""
        if reason and not self._trouble:
            log.warning("formulas are evaluated over our own series: %s", reason)
        elif self._trouble and not reason:
            log.info("formulas are evaluated by Prometheus again")
        self._trouble = reason

    def _learn_version(self, now: float) -> None:
        """What stands in must give the server's answers: windows are another thing before 3."""
        if now < self._ask_version_at:
            return
        try:
            told = self._http.get("status/buildinfo").raise_for_status().json()
            self._fallback.semantics = semantics_of(str(told["data"]["version"]))
            self._ask_version_at = now + _ASK_VERSION_EVERY_S
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            self._ask_version_at = now + _ASK_VERSION_AGAIN_S

    def _sampled_at(self, campaign: str, now: float) -> tuple[float, str]:
        """When the campaign's series were sampled last, and why that is too long ago."""
        found = self._query(FRESHNESS, now)
        if found.samples is None:
            return 0.0, found.reason
        stamps = [
            s.value for s in found.samples if label_sets.get(s.labels, "campaign") == campaign
        ]
        if not stamps:
            return 0.0, f"it has no samples of campaign {campaign!r}"
        age_s = now - max(stamps)
        if age_s > self._config.max_age_s:
            return max(stamps), f"its last samples are {age_s:.0f} s old"
        return max(stamps), ""

    def _query(self, formula: str, now: float) -> _Answer:
        known = self._answers.get(formula)
        if known is not None and abs(now - known.at) < self._config.reuse_s:
            return known
        if len(self._answers) > 1000:
            self._answers.clear()
        answer = self._answers[formula] = self._asked_for(formula, now)
        return answer

    def _asked_for(self, formula: str, now: float) -> _Answer:
        began = self._clock()
        try:
            # By POST: a formula may be longer than an address.
            response = self._http.post("query", data={"query": formula, "time": repr(now)})
            told = response.json()
            if told["status"] != "success":
                return _Answer(now, None, "failed", f"it says: {told.get('error', 'no reason')}")
            samples = _samples(told["data"])
        except httpx.TimeoutException:
            return _Answer(now, None, "slow", f"no answer within {self._config.timeout_s:g} s")
        except httpx.HTTPError as error:
            return _Answer(now, None, "failed", f"{self._config.url}: {error}")
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{self._config.url} does not answer as a Prometheus: {error!r}"
            return _Answer(now, None, "failed", reason[:200])
        return _Answer(now, samples, took_s=self._clock() - began)


@dataclass(frozen=True, slots=True)
class _Noted:
    """A sink that writes on an answer why it is not the server's."""

    reply_to: Sink
    missed: str
    reason: str

    def tell(self, answer: Evaluated, /) -> None:
        reason = f"{answer.reason}; {self.reason}" if answer.reason else self.reason
        self.reply_to.tell(answer._replace(missed=self.missed, reason=reason))


def _samples(data: Any) -> tuple[Sample, ...]:
    """The samples of an answer; a scalar is one without labels."""
    if data["resultType"] == "scalar":
        return (Sample((), float(data["result"][1])),)
    if data["resultType"] != "vector":
        raise ValueError(f"a {data['resultType']}, not a number")
    return tuple(
        Sample(label_sets.make(series["metric"]), float(series["value"][1]))
        for series in data["result"]
    )
