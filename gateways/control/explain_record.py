"""Why a contact was dialed or not, and why a pulse dialed as many as it did.

The rule of this module: it reads what was recorded, the store's attempts and the journal, and puts
it into words; it concludes nothing that is not on record.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from dialer.errors import InputError, NotFoundError, NumberError
from dialer.journal import ContactSkipped, Pulse, parse_pulse_id
from dialer.numbers import parse_number
from dialer.outcomes import OUTCOMES
from gateways.control.campaign_lookup import CampaignLookup
from gateways.control.site import Site
from gateways.control.verbs import verb
from gateways.journal import Wanted, read_journal, segments
from gateways.store import AttemptRecord, ContactRecord, Store, as_json

MOST_CONTACTS = 10
MOST_SKIPS = 50
MOST_PULSES = 1000
_DAY_S = 86400.0
_HALF_MS = 0.0006


class ExplainRecord:
    """Verbs that explain from what is on record. clock: seconds since the epoch."""

    def __init__(
        self, store: Store, site: Site, lookup: CampaignLookup, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._site = site
        self._lookup = lookup
        self._clock = clock

    @verb("explain contact")
    def contact(self, who: str, days: int = 7) -> dict[str, Any]:
        """A contact by key, number or id: where it stands, its attempts, and when it was skipped.

        Several contacts may share a number. days: how far back the journal is read for skips.

        Raises:
            NotFoundError: there is no such contact.
        """
        found = self._find(who.strip())
        if not found:
            mend = "give an id, a key or a number; see contacts list"
            raise NotFoundError(f"contact {who!r}", "there is none", mend)
        since = self._clock() - max(days, 0) * _DAY_S
        return {"contacts": [self._explained(record, since) for record in found[:MOST_CONTACTS]]}

    @verb("explain pulse")
    def pulse(self, pulse_id: str = "", campaign: str = "", last: int = 10) -> dict[str, Any]:
        """One pulse by its id, or a campaign's last pulses, the oldest first.

        Raises:
            NotFoundError: no such pulse is in the journal, or there is no such campaign.
            InputError: it is no pulse id, or neither of the two is given.
        """
        if pulse_id:
            pulses = self._pulses_of(pulse_id)
        elif campaign:
            campaign_id = self._lookup.find(campaign).campaign_id
            pulses = self._last_pulses(campaign_id, min(max(last, 1), MOST_PULSES))
        else:
            raise InputError("pulse", "not said which", "give a pulse id, or --campaign")
        return {"pulses": [_pulse(pulse) for pulse in pulses]}

    def _find(self, who: str) -> tuple[ContactRecord, ...]:
        try:
            number = parse_number(who, self._site.schema.default_region)
        except NumberError:
            number = who
        # A key that is written like a number is looked for as it stands first.
        return self._store.contacts.find(who) or self._store.contacts.find(number)

    def _explained(self, record: ContactRecord, since: float) -> dict[str, Any]:
        contact_id = record.contact_id
        wanted = Wanted(kinds=(ContactSkipped,), contact_id=contact_id, since=since)
        skips = deque(read_journal(self._site.journal_dir, wanted), MOST_SKIPS)
        return {
            "contact": as_json(record),
            "list": as_json(self._store.lists.of_contact(contact_id)),
            "standings": as_json(self._store.attempts.standings(contact_id)),
            "attempts": [_attempt(a) for a in self._store.attempts.of_contact(contact_id)],
            "skips": as_json(tuple(skips)),
            "skips_since": since,
        }

    def _pulses_of(self, pulse_id: str) -> list[Pulse]:
        campaign_id, moment_ms = parse_pulse_id(pulse_id)
        at = moment_ms / 1000
        wanted = Wanted(
            kinds=(Pulse,), campaign_id=campaign_id, since=at - _HALF_MS, until=at + _HALF_MS
        )
        pulses = [
            record
            for record in read_journal(self._site.journal_dir, wanted)
            if isinstance(record, Pulse) and record.pulse_id == pulse_id
        ]
        if not pulses:
            mend = "list some with explain pulse --campaign"
            raise NotFoundError(f"pulse {pulse_id}", "the journal has none", mend)
        return pulses

    def _last_pulses(self, campaign_id: int, last: int) -> list[Pulse]:
        """The newest pulses, read from the newest segment backwards."""
        wanted = Wanted(kinds=(Pulse,), campaign_id=campaign_id)
        pulses: list[Pulse] = []
        for segment in reversed(segments(self._site.journal_dir)):
            found = (r for r in read_journal(segment.path, wanted) if isinstance(r, Pulse))
            pulses = [*deque(found, last - len(pulses)), *pulses]
            if len(pulses) >= last:
                break
        return pulses


def _attempt(record: AttemptRecord) -> dict[str, Any]:
    outcome = OUTCOMES.get(record.outcome)
    data: dict[str, Any] = as_json(record)
    return data | {
        "meaning": outcome.meaning if outcome else "under way" if not record.outcome else "",
        "ring_s": _between(record.ringing_at, record.answered_at or record.ended_at),
        "wait_s": _between(record.answered_at, record.bridged_at),
        "talk_s": _between(record.bridged_at, record.ended_at),
    }


def _between(start: float, end: float) -> float | None:
    return round(end - start, 3) if start and end else None


def _pulse(pulse: Pulse) -> dict[str, Any]:
    return {
        "pulse_id": pulse.pulse_id,
        "campaign_id": pulse.campaign_id,
        "at": pulse.at,
        "inputs": dict(pulse.inputs),
        "value": pulse.value,
        "clamps": list(pulse.clamps),
        "dials": pulse.dials,
        "reason": pulse.reason,
        "unchanged_before": pulse.unchanged,
        "words": pulse_words(pulse),
    }


def pulse_words(pulse: Pulse) -> str:
    """A pulse in a sentence, and one for those before it that changed nothing."""
    words = _pulse_words(pulse)
    if pulse.unchanged:
        before = "decision" if pulse.unchanged == 1 else "decisions"
        words += f" Before it, {pulse.unchanged} {before} came to the same as the last recorded."
    return words


def _pulse_words(pulse: Pulse) -> str:
    if not pulse.inputs:
        return f"Dialed nobody: {pulse.reason}."
    saw = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in pulse.inputs)
    words = f"Saw {saw}; the pacing figure was {pulse.value:g}"
    if pulse.clamps:
        words += f", cut by {', '.join(pulse.clamps)}"
    contacts = "contact" if pulse.dials == 1 else "contacts"
    released = f"released {pulse.dials} {contacts}" if pulse.dials else "released none"
    reason = "" if pulse.reason == "released contacts" else f": {pulse.reason}"
    return f"{words}; {released}{reason}."
