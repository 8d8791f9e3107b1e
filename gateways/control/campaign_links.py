"""The links of the chain from a published campaign to a ringing phone, each looked at alone.

The rule of this module: a link says whether it holds and what it saw, in words that a campaign
manager acts on. It is given all facts; it fetches none.

report: what `Live.campaign` gives.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from dialer.flow.graph import Flow
from dialer.flow.hours import is_open
from dialer.flow.nodes import Dial, Power, Progressive, SeizeAgent
from gateways.store import CampaignRecord

Report = Mapping[str, Any]

_FREE = ("ready", "reserved", "ringing")
_DAYS_AHEAD = 9
_TOLD_REASONS = 3


class Link(NamedTuple):
    """One link: what it is, whether it holds, what it says."""

    link: str
    ok: bool
    says: str


def status(record: CampaignRecord) -> Link:
    """Is it published?"""
    mend = {
        "unpublished": "it is unpublished; publish it with campaign publish",
        "stopped": "it is stopped for good; clone it to make a new draft",
    }
    return Link("status", record.status == "published", mend.get(record.status, "published"))


def daemon(runs: bool, trouble: str) -> Link:
    """Is there a daemon, and does it know the campaign?"""
    if not runs:
        return Link("daemon", False, "no daemon runs; start one with serve")
    return Link("daemon", not trouble, trouble or "running")


def panic(reason: str) -> Link:
    """Has somebody pulled the emergency brake? reason: "" where nobody has."""
    if reason == "panic stop":
        reason = "a panic stop is in force; lift it with stop --lift"
    return Link("panic", not reason, reason or "no panic stop")


def flow(faults: Sequence[Exception]) -> Link:
    """Can the flow still run here?"""
    return Link("flow", not faults, str(faults[0]) if faults else "it can run here")


def window(drawn: Flow, now: float) -> Link:
    """Is it open by the Start node's days and windows?"""
    start = drawn.start
    if is_open(now, drawn.zone, start.days, start.windows):
        always = not start.days and not start.windows
        return Link("window", True, "open at all times" if always else "open now")
    opens_at = _next_opening(drawn, now)
    says = "outside the days and windows of the Start node"
    if opens_at is not None:
        says += f"; opens {_clock(opens_at, drawn)}"
    return Link("window", False, says)


def contacts(
    record: CampaignRecord,
    states: Mapping[str, int],
    report: Report | None,
    trouble: str,
    paused: Mapping[str, int],
) -> Link:
    """Is there anybody left to dial? paused: contacts held back by their lists, by list."""
    if trouble:
        return Link("contacts", False, trouble)
    if not record.contacts and not states:
        if record.filter_name:
            says = f"filter {record.filter_name!r} finds no contact; see filter preview"
        else:
            says = "there are no contacts; bring some in with contacts import"
        return Link("contacts", False, says)
    untouched = max(0, record.contacts - sum(states.values()))
    known = {"untouched": untouched, **states}
    says = ", ".join(
        f"{count} {state.replace('_', ' ')}" for state, count in known.items() if count
    )
    # Held back by a rule is another link's matter; here: everybody has had their turn.
    left = untouched + sum(states.get(s, 0) for s in ("waiting", "claimed", "in_flight"))
    if not left:
        refused_only = states.get("refused", 0) and not states.get("done", 0)
        ok = bool(refused_only and report is not None and _skipped(report))
        return Link("contacts", ok, f"nobody is left to dial: {says}")
    if paused:
        told = "; ".join(f"{count} of list {name!r}" for name, count in paused.items())
        says += f"; their list is paused: {told} (contacts list-resume)"
        # Others may still wait for a time of their own; what a pause holds back is due.
        if sum(paused.values()) >= left or (report is not None and _none_due(report)):
            return Link("contacts", False, f"nobody is due now{_next_due(report or {})}: {says}")
    if report is not None and _none_due(report) and not _skipped(report):
        return Link("contacts", False, f"nobody is due now{_next_due(report)}: {says}")
    return Link("contacts", True, says)


def rules(states: Mapping[str, int], report: Report) -> Link:
    """Do the dial policy, the law or the flow hold all contacts back?"""
    skipped = _skipped(report)
    if not skipped:
        return Link("rules", True, "no contact was held back")
    most = sorted(skipped.items(), key=lambda item: (-item[1], item[0]))[:_TOLD_REASONS]
    told = "; ".join(f"{reason} ({count} times)" for reason, count in most)
    held = states.get("waiting", 0) + states.get("refused", 0)
    if _none_due(report) and held and not report.get("in_flight"):
        return Link("rules", False, f"every contact is held back{_next_due(report)}: {told}")
    return Link("rules", True, f"held back so far: {told}")


def store(report: Report) -> Link:
    """Does the database do its part?"""
    trouble = report.get("feeder", {}).get("trouble", "")
    return Link("store", not trouble, trouble or "answers")


def agents(drawn: Flow, report: Report) -> Link:
    """Is an agent free, or are calls out for those that are reserved?"""
    seizes = [node for node in drawn.definition.nodes if isinstance(node, SeizeAgent)]
    if not seizes:
        return Link("agents", True, "the flow needs none")
    by_state = {state: count for state, count in report.get("agents", {}).items() if count}
    told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in by_state.items())
    queues = " or ".join(sorted({node.queue for node in seizes}))
    if not sum(count for state, count in by_state.items() if state != "logged_out"):
        return Link("agents", False, f"nobody who serves {queues} is logged in; see agents list")
    if report.get("in_flight") or any(by_state.get(state) for state in _FREE):
        return Link("agents", True, told)
    return Link("agents", False, f"nobody who serves {queues} is free: {told}")


def trunk(drawn: Flow, report: Report, trunks: Mapping[str, Report]) -> Link:
    """Is a trunk up that the flow dials through?"""
    down: dict[str, str] = {}
    for name in _channels(drawn):
        if name in report.get("trunks_down", {}):
            down[name] = report["trunks_down"][name]
        elif name not in trunks:
            down[name] = "it is not in the settings"
        elif not trunks[name].get("up"):
            down[name] = trunks[name].get("reason", "")
    told = "; ".join(
        f"trunk {name} is down: {reason or 'no reason'}" for name, reason in down.items()
    )
    all_down = bool(down) and len(down) == len(_channels(drawn))
    return Link("trunk", not all_down, told or "up")


def caps(drawn: Flow, report: Report, trunks: Mapping[str, Report]) -> Link:
    """Is there a free channel?"""
    told = []
    full = []
    for name in _channels(drawn):
        seen = trunks.get(name, {})
        most, used = seen.get("channels", 0), seen.get("channels_in_use", 0)
        told.append(f"{used} of {most} channels of trunk {name} in use")
        full.append(bool(most) and used >= most)
    # Channels that this campaign's own calls fill are dialing, not a fault.
    stuck = bool(full) and all(full) and not report.get("calls_in_progress")
    return Link("caps", not stuck, "; ".join(told) or "the flow dials nobody")


def pacing(drawn: Flow, report: Report) -> Link:
    """What does the formula come to? One without a number is progressive, so calls go on; one that
    is not above zero keeps anybody from being dialed."""
    dialing_mode = drawn.init.dialing
    if isinstance(dialing_mode, Progressive):
        says = "progressive: 1 call for each reserved agent"
    elif isinstance(dialing_mode, Power):
        says = f"power: {dialing_mode.ratio:g} calls for each reserved agent"
    else:
        says = dialing_mode.mode
    ok = True
    for found in report.get("formulas", ()):
        if not found["shadow"] and found["value"] is not None and found["value"] <= 0:
            ok = bool(report.get("in_flight"))
        says += f"; {_formula(found)}"
    return Link("formula", ok, f"{says}; last pulse: {report.get('why', '')}")


def _formula(found: Mapping[str, Any]) -> str:
    """A formula's last answer in words."""
    name = "the shadow" if found["shadow"] else "the formula"
    if found["value"] is not None:
        note = f" ({found['reason']})" if found["reason"] else ""
        return f"{name} gives {found['value']:g}{note}"
    if not found["result"]:
        return f"{name} has not been evaluated yet"
    return f"{name} is {found['result'].replace('_', ' ')}, so progressive: {found['reason']}"


def dialing(report: Report | None) -> str:
    """What to say of a campaign in which every link holds."""
    report = report or {}
    count = report.get("calls_in_progress", 0)
    calls = "call" if count == 1 else "calls"
    return f"dialing: {count} {calls} in progress; {report.get('why', '')}".rstrip("; ")


def _channels(drawn: Flow) -> tuple[str, ...]:
    dials = [node for node in drawn.definition.nodes if isinstance(node, Dial)]
    return tuple({name: 0 for node in dials for name in node.channels})


def _skipped(report: Report) -> dict[str, int]:
    return dict(report.get("feeder", {}).get("skipped", {}))


def _none_due(report: Report) -> bool:
    feeder = report.get("feeder", {})
    busy = report.get("in_flight") or report.get("calls_in_progress")
    return bool(feeder.get("exhausted")) and not feeder.get("claimed_ahead") and not busy


def _next_due(report: Report) -> str:
    due_at = report.get("feeder", {}).get("next_due_at", 0.0)
    if not due_at:
        return ""
    return f", the next one at {datetime.fromtimestamp(due_at).astimezone():%Y-%m-%d %H:%M:%S}"


def _next_opening(drawn: Flow, now: float) -> float | None:
    """The first moment after now when the Start node is open."""
    today = datetime.fromtimestamp(now, drawn.zone).date()
    opens = sorted(window.start for window in drawn.start.windows) or [time()]
    for ahead in range(_DAYS_AHEAD):
        for moment in opens:
            at = datetime.combine(today + timedelta(ahead), moment, drawn.zone).timestamp()
            if at > now and is_open(at, drawn.zone, drawn.start.days, drawn.start.windows):
                return at
    return None


def _clock(at: float, drawn: Flow) -> str:
    return f"{datetime.fromtimestamp(at, drawn.zone):%a %Y-%m-%d %H:%M} ({drawn.zone.key})"
