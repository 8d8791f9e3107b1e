"""A campaign's calls and agents as its pacer sees them.

The rule of this module: the floor hears of each step once, as it happens, and never recounts; a
snapshot of it costs nothing.
"""

from collections.abc import Hashable, Sequence

from dialer.pacing.cohorts import Cohort, Countdown
from dialer.pacing.pacer import (
    ANSWERED,
    CALL_SPAN_S,
    ENDED,
    KNOWN_END_SPAN_S,
    OTHERWISE,
    TALK_SPAN_S,
    WRAP_UP_SPAN_S,
    Snapshot,
)


class Floor:
    """Counts by state and age. Times are seconds on one clock that never runs back.

    score_classes: how many classes of answer scores calls are told apart by.
    """

    def __init__(self, now: float, day_s: float, score_classes: int = 1) -> None:
        self.calls = Cohort(CALL_SPAN_S, (ANSWERED, OTHERWISE), score_classes)
        self.talks = Cohort(TALK_SPAN_S, (ENDED,))
        self.wrap_ups = Cohort(WRAP_UP_SPAN_S, (ENDED,))
        self.known_wrap_ups = Countdown(KNOWN_END_SPAN_S)
        self.ready = self.waiting = self.closing = 0
        self._began = now
        self._day_s = day_s
        self._ticked_at = now
        self.start_day(now)

    def start_day(self, now: float) -> None:
        """The law counts from here."""
        self._began = now
        self.dials = self.answers = self.abandoned = 0

    def advance(self, now: float) -> None:
        """Let time pass, in whole seconds."""
        while self._ticked_at + 1.0 <= now:
            self._ticked_at += 1.0
            self.calls.tick()
            self.talks.tick()
            self.wrap_ups.tick()
            if self.known_wrap_ups:
                self.known_wrap_ups.tick()

    def snapshot(
        self,
        now: float,
        room: int | None,
        *,
        may_cancel: int = 0,
        buffered: Sequence[int] = (),
    ) -> Snapshot:
        """What a pacer is shown. It looks into the floor, so it holds until the next step."""
        self.advance(now)
        elapsed_s = now - self._began
        return Snapshot(
            now,
            self.ready,
            self.waiting,
            self.closing,
            self.calls,
            self.talks,
            self.wrap_ups,
            self.known_wrap_ups,
            self.dials,
            self.answers,
            self.abandoned,
            elapsed_s,
            max(0.0, self._day_s - elapsed_s),
            room,
            may_cancel,
            buffered,
        )

    # --- calls --------------------------------------------------------------------------------

    def dialed(self, calls: int = 1, score_class: int = 0) -> int:
        """Calls are placed: what they must be named by when their fate is known."""
        self.dials += calls
        return self.calls.enter(calls, score_class)

    def answered(self, dialed: int, score_class: int = 0) -> None:
        """A person is there, and waits."""
        self.calls.leave(dialed, ANSWERED, score_class)
        self.answers += 1
        self.waiting += 1

    def reached_nobody(self, dialed: int, score_class: int = 0) -> None:
        """A call ended, or is known to reach nobody."""
        self.calls.leave(dialed, OTHERWISE, score_class)

    def cancelled(self, dialed: int, score_class: int = 0) -> None:
        """We gave a call up: nobody will know what it would have come to."""
        self.calls.leave(dialed, "", score_class)

    def gave_up_waiting(self) -> None:
        """A caller found no agent in time."""
        self.waiting -= 1
        self.abandoned += 1

    def served(self) -> None:
        """A caller who waited has an agent."""
        self.waiting -= 1

    def hung_up_waiting(self) -> None:
        """A caller who waited is gone of their own will, before it was abandonment."""
        self.waiting -= 1

    # --- agents -------------------------------------------------------------------------------

    def connected(self) -> int:
        """A ready agent takes a caller who waits: what the talk is named by when it ends."""
        self.served()
        self.ready -= 1
        return self.talks.enter()

    def talk_ended(self, began: int) -> int:
        """From talk to wrap-up, of unknown length: what it is named by when it ends."""
        self.talks.leave(began, ENDED)
        return self.wrap_ups.enter()

    def talk_ended_with_known_wrap_up(
        self, now: float, began: int, agent: Hashable, left_s: float
    ) -> None:
        """From talk to wrap-up, which is known to end in left_s seconds."""
        self.talks.leave(began, ENDED)
        self.wrap_ups.lived(left_s, ENDED)
        self.known_wrap_ups.put(agent, left_s + now - self._ticked_at)

    def wrap_up_ended(self, began: int, *, stays: bool = True) -> None:
        """An agent is done. stays: and is ready for the next call."""
        self.wrap_ups.leave(began, ENDED)
        self.ready += stays

    def known_wrap_up_ended(self, agent: Hashable, *, stays: bool = True) -> None:
        """An agent whose end was known is done."""
        self.known_wrap_ups.remove(agent)
        self.ready += stays
