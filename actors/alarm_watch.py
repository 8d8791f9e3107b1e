"""Looks for trouble each second, and says so once: in the metrics, the log and the reports.

The rule of this module: it only gathers facts and passes on what `dialer.alarms` makes of them;
an owner that cannot be looked at keeps the alarms that it has, and does not keep the others from
being looked at. It runs on the housekeeper's thread and is asked by others, who get a copy.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from dialer import alarms
from dialer.alarms import Alarm, AlarmRule, AnswerHistory, CampaignFacts, Latch
from dialer.errors import DialerError
from dialer.metrics import Counter, Metrics

log = logging.getLogger("foredial.alarms")

_IDLE = ("ready", "reserved")
_CLOSED = "outside the time windows of the Start node"

_Key = tuple[str, str, str]


class AlarmWatch:
    """All alarms of one daemon.

    running: titles of campaigns by id. report: of a campaign and its feeder, None when it runs
    no more. trunk_state: whether a trunk is up, and if not, why.
    """

    def __init__(
        self,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        running: Callable[[], Mapping[int, str]],
        report: Callable[[int], dict[str, Any] | None],
        trunk_state: Callable[[str], tuple[bool, str]],
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._running = running
        self._report = report
        self._trunk_state = trunk_state
        self._latches: dict[_Key, Latch] = {}
        self._histories: dict[tuple[str, str], AnswerHistory] = {}
        self._restarts = 0.0

    def on(self) -> list[dict[str, Any]]:
        """The alarms that are on, as plain data, the oldest first."""
        told = [latch.alarm for latch in self._latches.copy().values() if latch.on]
        return [alarm._asdict() for alarm in sorted(told, key=lambda alarm: alarm.since)]

    def of_campaign(self, title: str) -> list[dict[str, Any]]:
        """The alarms of one campaign that are on."""
        return [a for a in self.on() if a["owner"] == "campaign" and a["of"] == title]

    def look(self, _turn: int = 0) -> None:
        """Look at everything once."""
        now = self._clock()
        running = dict(self._running())
        for campaign_id, title in running.items():
            try:
                facts = self._campaign(campaign_id, title)
                if facts is not None:
                    troubles = alarms.campaign_troubles(facts)
                    self._judge(now, "campaign", title, alarms.CAMPAIGN_ALARMS, troubles)
            except DialerError as error:
                # It does not answer, or is just being started or taken down.
                log.warning("campaign %d cannot be looked at: %s", campaign_id, error)
        gone = {of for owner, of, _ in self._latches if owner == "campaign"} - {*running.values()}
        for title in gone:
            self._forget(title)
        for name in self._opened("dialer_trunk_up"):
            up, reason = self._trunk_state(name)
            down = "" if up else f"trunk {name} is down: {reason}; see trunk list"
            troubles = {"trunk_down": down, "answer_rate_drop": self._drop(now, "trunk", name)}
            self._judge(now, "trunk", name, alarms.TRUNK_ALARMS, troubles)
        for name in self._opened("dialer_caller_id_seizures_total"):
            troubles = {"answer_rate_drop": self._drop(now, "caller_id", name)}
            self._judge(now, "caller_id", name, alarms.CALLER_ID_ALARMS, troubles)
        self._judge(now, "daemon", "", alarms.DAEMON_ALARMS, {"actor_restarts": self._restarted()})

    # --- facts --------------------------------------------------------------------------------

    def _campaign(self, campaign_id: int, title: str) -> CampaignFacts | None:
        report = self._report(campaign_id)
        if not report:
            return None
        feeder = report.get("feeder", {})
        gauge, label = self._metrics.gauge, {"campaign": title}
        results = self._metrics.counters("dialer_call_results_total", **label)
        contacts = self._metrics.gauges("dialer_campaign_contacts", **label)
        ahead = int(feeder.get("claimed_ahead", 0))
        finished = bool(feeder.get("exhausted")) and not feeder.get("next_due_at") and not ahead
        return CampaignFacts(
            title,
            open=not report.get("quiet") and report.get("why") != _CLOSED,
            dialing=bool(report.get("calls_in_progress") or report.get("in_flight")),
            idle=sum(report.get("agents", {}).get(state, 0) for state in _IDLE),
            due=int(contacts["due"].value) + ahead,
            finished=finished,
            store_trouble=str(feeder.get("trouble", "")),
            why=str(report.get("why", "")),
            answered=int(results["customer_answered"].value + results["abandoned"].value),
            abandoned=int(self._metrics.counter("dialer_calls_abandoned_total", **label).value),
            target=gauge("dialer_campaign_abandonment_target_ratio", **label).value,
        )

    def _drop(self, now: float, owner: str, name: str) -> str:
        where = f"{owner.replace('_', ' ')} {name}"
        history = self._histories.setdefault((owner, name), AnswerHistory(where))
        seizures, answers = (
            self._metrics.counter(f"dialer_{owner}_{what}_total", **{owner: name}).value
            for what in ("seizures", "answers")
        )
        return history.trouble(now, seizures, answers)

    def _restarted(self) -> str:
        counts = {
            key[0]: cell.value
            for family in self._metrics.families()
            if family.metric.name == "dialer_actor_restarts_total"
            for key, cell in family.children.items()
            if isinstance(cell, Counter) and cell.value
        }
        before, self._restarts = self._restarts, sum(counts.values())
        if self._restarts <= before:
            return ""
        told = ", ".join(f"{name} {count:g}" for name, count in sorted(counts.items()))
        return f"actors were restarted (times so far: {told}); the log says why"

    def _opened(self, metric: str) -> list[str]:
        families = self._metrics.families()
        return next([*{k[0]: 0 for k in f.children}] for f in families if f.metric.name == metric)

    # --- alarms -------------------------------------------------------------------------------

    def _judge(
        self,
        now: float,
        owner: str,
        of: str,
        rules: Mapping[str, AlarmRule],
        troubles: Mapping[str, str],
    ) -> None:
        label = {} if owner == "daemon" else {owner: of}
        for name, rule in rules.items():
            key = (owner, of, name)
            latch = self._latches.get(key)
            if latch is None:
                latch = self._latches[key] = Latch(owner, of, name, rule)
            if latch.look(now, troubles.get(name, "")):
                self._metrics.gauge(f"dialer_{owner}_alarm", alarm=name, **label).set(latch.on)
                _tell(latch.alarm, now, raised=latch.on)

    def _forget(self, title: str) -> None:
        for key in [key for key in self._latches if key[:2] == ("campaign", title)]:
            del self._latches[key]
            # Its cells may be closed already.
            with suppress(DialerError):
                self._metrics.gauge("dialer_campaign_alarm", campaign=title, alarm=key[2]).set(0)


def _tell(alarm: Alarm, now: float, *, raised: bool) -> None:
    extra = {
        "owner": alarm.owner,
        "of": alarm.of,
        "alarm": alarm.alarm,
        "severity": alarm.severity,
        "since": alarm.since,
        "lasted_s": round(now - alarm.since, 3),
    }
    if raised:
        log.warning("alarm: %s", alarm.text, extra=extra)
    else:
        log.info("alarm is over: %s", alarm.text, extra=extra)
