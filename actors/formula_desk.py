"""The formulas of one campaign: asked at a pulse, remembered until the next.

The rule of this module: a formula that gives no number (empty, not finite, slow, failed) never
holds the campaign up and never speeds it up: the safe progressive rate stands in for it, and the
reason is counted and told.
"""

from math import floor

from actors.campaign_cells import CampaignCells
from actors.messages import FormulaLate
from actors.runtime import Ref, Runtime, Timer
from dialer.flow.formulas import formulas_of
from dialer.flow.graph import Flow
from dialer.formula_port import Evaluate, Evaluated, MetricSource
from dialer.pacing.reservations import Reservations
from dialer.ports import Sink

ANSWER_WITHIN_S = 2.0
"""How long a pulse waits for its formulas; a source gives up well before that."""

MOST_AGENTS = 10_000

_EPSILON = 1e-9


class FormulaDesk:
    """Asks for the formulas of a flow and makes calls of their numbers.

    title: of the campaign. source: None where no flow has a formula. texts: the formulas in use.
    asked: those whose answers a pulse still waits for, by request.
    """

    def __init__(
        self,
        title: str,
        source: MetricSource | None,
        cells: CampaignCells,
        book: Reservations,
        flow: Flow,
    ) -> None:
        self._title = title
        self._source = source
        self._cells = cells
        self._book = book
        self.texts: tuple[str, ...] = ()
        self._shadow = ""
        self.asked: dict[int, str] = {}
        self._timer: Timer | None = None
        self._turn = 0
        self._found: dict[str, Evaluated] = {}
        self.follow(flow)

    def follow(self, flow: Flow) -> None:
        """These formulas are in use from now on, and nothing is known of them yet."""
        texts = formulas_of(flow.definition)
        if self._source is not None and texts != self.texts:
            self._source.watch(self._title, texts)
        self.texts = texts
        self._shadow = flow.init.shadow
        self._found.clear()
        self.give_up()

    def close(self) -> None:
        """The campaign is taken down."""
        self.give_up()
        if self._source is not None and self.texts:
            self._source.watch(self._title, ())

    # --- asking -------------------------------------------------------------------------------

    def ask(self, runtime: Runtime, reply_to: Sink, ref: Ref) -> bool:
        """Ask for every formula; False where there is none, so that the pulse can go on."""
        if self._source is None or not self.texts:
            return False
        now = runtime.now()
        if not self._turn:
            # Answers to a former self must not be taken for ours.
            self._turn = int(now * 1000)
        for text in self.texts:
            self._turn += 1
            self.asked[self._turn] = text
        self._timer = runtime.after(ANSWER_WITHIN_S, ref, FormulaLate(self._turn))
        for request_id, text in self.asked.items():
            self._source.evaluate(Evaluate(request_id, self._title, text, now), reply_to)
        return True

    def heard(self, answer: Evaluated) -> bool:
        """Take an answer; True when it was the last that the pulse waits for."""
        text = self.asked.pop(answer.request_id, None)
        if text is None:
            return False  # it came too late, or for a pulse that is no more
        self._note(text, answer)
        if not self.asked:
            self.give_up()
        return not self.asked

    def late(self, message: FormulaLate) -> bool:
        """The time is over; True when the pulse was still waiting: it goes on without."""
        if self._source is None or not self.asked or message.turn != self._turn:
            return False
        for request_id, text in self.asked.items():
            reason = f"no answer within {ANSWER_WITHIN_S:g} s"
            name = self._source.name
            slow = Evaluated(request_id, None, "slow", name, reason, "", 0.0, ANSWER_WITHIN_S)
            self._note(text, slow)
        self.give_up()
        return True

    def give_up(self) -> None:
        """Nothing that was asked for is waited for any more."""
        self.asked.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _note(self, text: str, answer: Evaluated) -> None:
        self._found[text] = answer
        self._cells.evaluated(answer)

    # --- what the numbers come to -------------------------------------------------------------

    def target(self, text: str) -> tuple[int, str]:
        """How many agents to reserve, and why the formula was not followed.

        The safe number is all whom the campaign could have: progressive calls overtax nobody.
        """
        value, note = self.value_of(text)
        if value is None:
            return self._cells.ready() + len(self._book), note
        return whole(min(max(value, 0.0), MOST_AGENTS)), ""

    def inputs(self) -> tuple[tuple[str, float], ...]:
        """What the formulas came to, for the ledger."""
        if not self.texts:
            return ()
        told = []
        for text in self.texts:
            found = self._found.get(text)
            if found is not None and found.value is not None:
                told.append(("shadow" if text == self._shadow else "formula", found.value))
        return tuple(told)

    def tell_shadow(self, dialing: object) -> None:
        """What the candidate beside the live formula would strive for."""
        if not self._shadow:
            return
        found = self._found.get(self._shadow)
        if found is not None and found.value is not None:
            per_agent = getattr(dialing, "per", "reserved_agent") == "reserved_agent"
            goal = (
                found.value * self._book.staying
                if per_agent
                else found.value - self._cells.with_agents()
            )
            self._cells.shadow_target(max(0, whole(goal)))

    def report(self) -> list[dict[str, object]]:
        """Each formula with its last answer, as plain data."""
        return [
            {
                "formula": text,
                "shadow": text == self._shadow,
                "value": found.value if found else None,
                "result": found.result if found else "",
                "source": found.source if found else "",
                "reason": found.reason if found else "it has not been evaluated yet",
            }
            for text in self.texts
            for found in [self._found.get(text)]
        ]

    def value_of(self, text: str) -> tuple[float | None, str]:
        """What a formula came to last; None, and why, where that is no number."""
        found = self._found.get(text)
        if found is None:
            return None, "the formula has not been evaluated yet: progressive"
        if found.value is None:
            return (
                None,
                f"the formula is {found.result.replace('_', ' ')} ({found.reason}): progressive",
            )
        return found.value, ""

    def sampled_at(self, text: str) -> float:
        """Of when the samples are that a number was made of."""
        return self._found[text].sampled_at


def whole(value: float) -> int:
    """Rounded down, but for what arithmetic has lost."""
    return floor(value + _EPSILON)
