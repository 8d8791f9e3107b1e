"""What an operator must hear of: rules over plain facts, and when an alarm begins and ends.

The rule of this module: an alarm is raised only by what has lasted, and cleared only by what has
stayed away (a flapping alarm is one that nobody reads); a share is judged only on enough calls,
"not enough data" otherwise. Times are epoch seconds and passed in.
"""

from collections import deque
from collections.abc import Mapping
from math import sqrt
from typing import NamedTuple

from dialer.states import StateTable

ALARM_TABLE = StateTable(
    "alarm",
    "calm",
    [
        ("calm", "seen", "suspected"),
        ("suspected", "gone", "calm"),
        ("suspected", "lasted", "raised"),
        ("raised", "gone", "easing"),
        ("easing", "seen", "raised"),
        ("easing", "lasted", "calm"),
    ],
)
"""An alarm is on while raised or easing."""


class AlarmRule(NamedTuple):
    """How urgent a trouble is, and how long it must last, or stay away, to count. In seconds."""

    severity: str
    raise_after_s: float
    clear_after_s: float


CAMPAIGN_ALARMS: Mapping[str, AlarmRule] = {
    "no_dials_while_agents_idle": AlarmRule("critical", 30.0, 5.0),
    "list_exhausted": AlarmRule("warning", 10.0, 10.0),
    "abandonment_budget": AlarmRule("critical", 5.0, 60.0),
    "store_trouble": AlarmRule("critical", 3.0, 10.0),
}
TRUNK_ALARMS: Mapping[str, AlarmRule] = {
    "trunk_down": AlarmRule("critical", 5.0, 5.0),
    "answer_rate_drop": AlarmRule("warning", 60.0, 300.0),
}
CALLER_ID_ALARMS: Mapping[str, AlarmRule] = {"answer_rate_drop": TRUNK_ALARMS["answer_rate_drop"]}
DAEMON_ALARMS: Mapping[str, AlarmRule] = {"actor_restarts": AlarmRule("warning", 0.0, 300.0)}

ENOUGH_ANSWERS = 100
"""Below so many answers nothing is said of abandonment."""

SPENT_SHARE = 0.8
"""The abandonment budget alarms when so much of it is spent."""

RECENT_S = 900.0
HISTORY_S = 86_400.0
ENOUGH_RECENT = 50
ENOUGH_HISTORY = 200
_SAMPLE_S = 60.0
_Z = 2.576
"""Two-sided 99 %: with a dozen trunks looked at all day, 95 % would cry wolf."""


def wilson(hits: float, tries: float, z: float = _Z) -> tuple[float, float]:
    """Wilson's score interval of a share; (0, 1) without tries.

    Source: E. B. Wilson, JASA 22 (1927), 209-212.
    """
    if tries <= 0:
        return 0.0, 1.0
    share, z2 = hits / tries, z * z
    middle = share + z2 / (2 * tries)
    spread = z * sqrt(max(0.0, share * (1 - share)) / tries + z2 / (4 * tries * tries))
    scale = 1 + z2 / tries
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


class CampaignFacts(NamedTuple):
    """A campaign at one moment.

    open: published, inside its window, no panic. dialing: calls are in flight or being made
    ready. idle: agents ready or reserved. due: contacts due now. finished: none is due, none
    waits for a time. answered, abandoned: calls, and of these. target: 1 where no law limits it.
    """

    title: str
    open: bool
    dialing: bool
    idle: int
    due: int
    finished: bool
    store_trouble: str
    why: str
    answered: int
    abandoned: int
    target: float


def campaign_troubles(facts: CampaignFacts) -> dict[str, str]:
    """What is wrong with a campaign now, by the alarm's name: where, what and how to mend it."""
    where = f"campaign {facts.title!r}"
    troubles = {}
    if facts.open and facts.idle and facts.due and not facts.dialing:
        troubles["no_dials_while_agents_idle"] = (
            f"{where}: {facts.idle} agents idle, {facts.due} contacts due and no call is placed"
            f"{f' ({facts.why})' if facts.why else ''}; see explain campaign"
        )
    if facts.open and facts.finished and not facts.dialing:
        troubles["list_exhausted"] = (
            f"{where}: nobody is left to dial; import contacts, widen the filter, "
            "resume a paused list or stop it"
        )
    if facts.store_trouble:
        troubles["store_trouble"] = (
            f"{where}: {facts.store_trouble}; look at the database and its disk"
        )
    # A target of 1 means no law; budgets are spent by share, so both counts are needed.
    enough = facts.answered >= ENOUGH_ANSWERS
    if facts.target < 1 and enough and spent(facts) >= SPENT_SHARE:
        troubles["abandonment_budget"] = (
            f"{where}: {abandonment(facts)}; lower the power ratio or log in more agents"
        )
    return troubles


def spent(facts: CampaignFacts) -> float:
    """The share of the abandonment budget that is spent; above 1 it is overdrawn."""
    return facts.abandoned / (facts.target * facts.answered) if facts.answered else 0.0


def abandonment(facts: CampaignFacts) -> str:
    """How abandonment stands against its target, in words."""
    if facts.answered < ENOUGH_ANSWERS:
        return f"not enough data: {facts.answered} of {ENOUGH_ANSWERS} answers"
    upper = wilson(facts.abandoned, facts.answered)[1]
    return (
        f"{facts.abandoned} of {facts.answered} answered calls abandoned, "
        f"{spent(facts):.0%} of the budget of {facts.target:.1%} (upper bound {upper:.1%})"
    )


class AnswerHistory:
    """Seizures and answers of a trunk or caller ID over a day, a sample each minute."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._samples: deque[tuple[float, float, float]] = deque()

    def trouble(self, now: float, seizures: float, answers: float) -> str:
        """Whether answers have dropped for good, given both counts so far; "" where not.

        A drop is one that chance does not explain: the interval of the last quarter of an hour
        lies below that of the time before.
        """
        samples = self._samples
        if not samples or now - samples[-1][0] >= _SAMPLE_S:
            samples.append((now, seizures, answers))
        while samples[0][0] < now - HISTORY_S:
            samples.popleft()
        start = samples[0]
        edge = next((s for s in reversed(samples) if s[0] <= now - RECENT_S), start)
        tries, hits = seizures - edge[1], answers - edge[2]
        old_tries, old_hits = edge[1] - start[1], edge[2] - start[2]
        if tries < ENOUGH_RECENT or old_tries < ENOUGH_HISTORY:
            return ""
        if wilson(hits, tries)[1] >= wilson(old_hits, old_tries)[0]:
            return ""
        return (
            f"{self._where}: {hits / tries:.0%} of calls are answered, {old_hits / old_tries:.0%} "
            "before; make a test call, look whether the numbers are labelled as spam"
        )


class Alarm(NamedTuple):
    """An alarm that is on. owner: campaign, trunk, caller_id or daemon; since: when it began."""

    owner: str
    of: str
    alarm: str
    severity: str
    since: float
    text: str


class Latch:
    """One alarm of one owner, walked along ALARM_TABLE."""

    def __init__(self, owner: str, of: str, alarm: str, rule: AlarmRule) -> None:
        self._owner, self._of, self._alarm, self._rule = owner, of, alarm, rule
        self._moved_at = self._since = 0.0
        self._text = ""
        self.state = ALARM_TABLE.initial

    @property
    def on(self) -> bool:
        return self.state in {"raised", "easing"}

    @property
    def alarm(self) -> Alarm:
        """What it says, or last said. since: when the trouble was first seen."""
        rule = self._rule
        return Alarm(self._owner, self._of, self._alarm, rule.severity, self._since, self._text)

    def look(self, now: float, trouble: str) -> bool:
        """Take in whether the trouble is there; whether the alarm went on or off by that."""
        before = self.on
        if trouble:
            self._text = trouble
        self._step("seen" if trouble else "gone", now)
        lasts_s = {"suspected": self._rule.raise_after_s, "easing": self._rule.clear_after_s}
        if now - self._moved_at >= lasts_s.get(self.state, float("inf")):
            self._step("lasted", now)
        return self.on != before

    def _step(self, event: str, now: float) -> None:
        target = ALARM_TABLE.get(self.state, event)
        if target is not None:
            if target == "suspected":
                self._since = now
            self.state, self._moved_at = target, now
