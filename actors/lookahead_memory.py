"""What a look-ahead campaign has learned, kept over crashes, restarts and nights.

The rule of this module: a document that cannot be read, of an older form, or with nonsense in it
is a cold start with a line in the log, and never a crash; and what is lost at the end of a
document's life makes the campaign more careful, not less, for every abandoned call is written at
once.
"""

import logging
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

import msgpack

from dialer.pacing.lookahead import Lookahead
from dialer.pacing.pacer import Snapshot
from dialer.ports import ContactStore, Recalled, Sink

FORM = 1
"""Of the document; another one is not read."""

KEEP_EVERY_S = 60.0

_log = logging.getLogger(__name__)


class DayCounts(NamedTuple):
    """What the law has counted. at: when that was written. began: since when it counts."""

    at: float
    began: float
    dials: int
    answers: int
    abandoned: int


class LookaheadMemory:
    """Keeps documents of one campaign. reply_to: where the answer of the store goes."""

    def __init__(self, campaign_id: int, store: ContactStore, reply_to: Sink, now: float) -> None:
        self.waits = True
        self._campaign_id = campaign_id
        self._store = store
        # A campaign that was made anew must not take an answer to its former self for its own.
        self._request_id = int(now * 1000)
        self._kept_at = now
        store.recall(self._request_id, campaign_id, reply_to)

    def answered(self, answer: Recalled) -> bytes | None:
        """The document kept last; None where it was not what we are waiting for."""
        if not self.waits or answer.request_id != self._request_id:
            return None
        self.waits = False
        return answer.document

    def is_due(self, now: float) -> bool:
        """Whether it is time to write one."""
        return not self.waits and now - self._kept_at >= KEEP_EVERY_S

    def keep(self, counts: DayCounts, pacer: Lookahead) -> None:
        """Write one."""
        if self.waits:
            return  # it would take the place of what is still to be read
        self._kept_at = counts.at
        learned = {"form": FORM, "counts": list(counts), "pacer": pacer.state()}
        self._store.remember(self._campaign_id, msgpack.packb(learned))

    def restored(self, document: bytes, pacer: Lookahead, empty: Snapshot) -> DayCounts | None:
        """Have a new pacer take up a document; None where that cannot be, and it is to start cold.

        A pacer that this has failed with is of no more use. empty: a floor with nobody on it, now.
        """
        try:
            return _restore(msgpack.unpackb(document), pacer, empty)
        # Whatever a document holds, the campaign must start.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"[:200]
            _log.warning(
                "campaign %d starts cold: what it had learned is not usable: %s",
                self._campaign_id,
                reason,
            )
            return None


def _restore(learned: Any, pacer: Lookahead, empty: Snapshot) -> DayCounts:
    form = learned["form"]
    if form != FORM:
        raise ValueError(f"it is of form {form}, not {FORM}")
    if not all(map(isfinite, _numbers(learned))):
        raise ValueError("it holds numbers that are none")
    counts = DayCounts(*learned["counts"])
    if not counts.began <= counts.at <= empty.now:
        raise ValueError("it comes from the future")
    pacer.restore(learned["pacer"])
    # Tables of the wrong shape come to light when they are used.
    pacer.decide(empty)
    pacer.aim(pacer.target, pacer.tuning)
    return counts


def _numbers(learned: Any) -> Iterator[float]:
    if isinstance(learned, Mapping):
        learned = list(learned.values())
    if isinstance(learned, list):
        for item in learned:
            yield from _numbers(item)
    else:
        yield float(learned)
