"""A campaign's attempts between their commit and their settlement.

The rule of this module: what was committed is placed in its turn or settled as never dialed, and
stays on the board until its Call has told its end.
"""

from collections import deque
from collections.abc import Sequence

from actors.agent_messages import PoolStarted
from actors.call import Call
from actors.call_home import CallHome
from actors.campaign_cells import CampaignCells
from actors.messages import CancelCall, GiveUpCall, PlaceNow, ReadyAttempt
from actors.runtime import Ref, Runtime
from actors.services import Services
from actors.unplaced import never_dialed
from dialer import journal
from dialer.compliance.permission import Rule
from dialer.compliance.preset import Preset
from dialer.flow.graph import Flow
from dialer.ports import Settlement, Sink

_PARTED = 500


class CallBoard:
    """Places attempts one slot apart, and knows each call in progress.

    campaign: where calls tell their end. may_dial: asked again as each attempt leaves, for while
    it was committed or waited its turn, the callee's evening may have come, or their opt-out.
    tells_steps: whether calls placed from now on tell the campaign each of their steps.
    waiting: the attempts that wait for their slot.
    """

    def __init__(
        self,
        campaign_id: int,
        preset: Preset,
        services: Services,
        cells: CampaignCells,
        campaign: Sink,
        may_dial: Rule,
    ) -> None:
        self.tells_steps = False
        self._campaign_id = campaign_id
        self._services = services
        self._lines = services.lines
        self._cells = cells
        self._home = CallHome(campaign_id, preset, services, campaign, cells.calls)
        self._may_dial = may_dial
        # By attempt, the ticket and the call itself.
        self._calls: dict[int, tuple[int, Ref]] = {}
        # Settled calls may still wait for the pool's word; more than these do not at once.
        self._parted: deque[Ref] = deque(maxlen=_PARTED)
        self.waiting: dict[int, tuple[ReadyAttempt, Flow]] = {}

    def __len__(self) -> int:
        return len(self._calls) + len(self.waiting)

    def ticket(self, attempt_id: int) -> int | None:
        """The ticket of a call in progress."""
        call = self._calls.get(attempt_id)
        return call[0] if call is not None else None

    def waits(
        self, attempt: ReadyAttempt, flow: Flow, runtime: Runtime, myself: Sink, now: float
    ) -> bool:
        """Whether an attempt's slot comes later: then `myself` is told `PlaceNow`.

        To be asked before `place` where a trunk has slots, for one of them is used up.
        """
        delay_s = self._lines.next_slot(attempt.caller.trunks[0], now)
        if delay_s <= 0:
            return False
        self.waiting[attempt.attempt_id] = (attempt, flow)
        runtime.after(delay_s, myself, PlaceNow(attempt.attempt_id))
        return True

    def place_waiting(self, attempt_id: int, runtime: Runtime, now: float) -> int | None:
        """The slot of one that waits has come; see `place`."""
        waiting = self.waiting.pop(attempt_id, None)
        return self.place(*waiting, runtime, now) if waiting is not None else None

    def place(self, attempt: ReadyAttempt, flow: Flow, runtime: Runtime, now: float) -> int | None:
        """Place an attempt; its ticket where it may not leave now and was given back."""
        attempt_id, caller = attempt.attempt_id, attempt.caller
        may_dial = self._may_dial
        answer = may_dial(attempt.number, attempt.contact, now)
        if not answer.allowed:
            self.give_back(attempt, now, answer.reason)
            return attempt.ticket
        line, why = self._lines.take(caller.trunks, attempt_id, caller.name)
        if line is None:
            self.give_back(attempt, now, why)
            return attempt.ticket
        self._cells.attempts.value += 1
        # A call that has been told to begin keeps its state itself.
        self._cells.calls[attempt_id] = "dialing"
        call = Call(attempt, flow, line, self._home, self.tells_steps)
        self._calls[attempt_id] = attempt.ticket, runtime.spawn(call, f"call/{attempt_id}")
        return None

    def recall(self, attempt_id: int, now: float, reason: str) -> int | None:
        """Settle one that waits for its slot as never dialed; its ticket."""
        waiting = self.waiting.pop(attempt_id, None)
        if waiting is None:
            return None
        self.give_back(waiting[0], now, reason)
        return waiting[0].ticket

    def take_back(self, now: float, reason: str) -> list[int]:
        """Settle all that waits for its slot as never dialed; their tickets."""
        tickets = [attempt.ticket for attempt, _ in self.waiting.values()]
        for attempt, _ in self.waiting.values():
            self.give_back(attempt, now, reason)
        self.waiting.clear()
        return tickets

    def give_back(self, attempt: ReadyAttempt, now: float, reason: str) -> None:
        """A committed attempt that will not be dialed: its contact is due again."""
        self._services.callers.unused(attempt.caller.number, now)
        self._services.store.settle(
            never_dialed(attempt.attempt_id, attempt.contact, self._campaign_id, now, reason)
        )
        self._services.recorder.tell(
            journal.ContactSkipped(attempt.contact.contact_id, self._campaign_id, now, reason)
        )
        self._cells.settled_unplaced()

    def settled(self, settled: Settlement) -> int | None:
        """Take a call off the board: its ticket, None if a former self of ours placed it."""
        self._cells.settled(settled)
        call = self._calls.pop(settled.attempt_id, None)
        if call is None:
            return None
        ticket, ref = call
        self._parted.append(ref)
        return ticket

    def pool_started(self) -> None:
        """Have every call tell the new pool where it stands; those that just ended too."""
        for _, ref in self._calls.values():
            ref.tell(PoolStarted())
        for ref in self._parted:
            if ref.is_alive():
                ref.tell(PoolStarted())

    def give_up(self, tickets: Sequence[int]) -> None:
        """Have calls that ring stop it, those that the law lets stop."""
        wanted = frozenset(tickets)
        for ticket, ref in self._calls.values():
            if ticket in wanted:
                ref.tell(GiveUpCall())

    def cancel_unanswered(self, reason: str) -> None:
        """Those that somebody has answered do not care."""
        for _, ref in self._calls.values():
            ref.tell(CancelCall(reason))
