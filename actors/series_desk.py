"""The daemon's own series: sampled each second, and formulas evaluated over them.

The rule of this module: one actor owns the series, so sampling and evaluating never meet; a
formula is compiled once, and what it reads is sampled from the moment somebody watches it. The same
actor on the wall's clock is the in-process source of the daemon, on the virtual one that of the
simulator.
"""

from collections.abc import Sequence

from actors.messages import EvaluateFor, SampleDue, WatchFormulas
from actors.runtime import Behaviour, handles
from dialer.errors import FormulaError
from dialer.formula_port import Evaluate, Evaluated
from dialer.metrics import Metrics
from dialer.ports import Sink
from dialer.promql import Formula, Number, compile_formula
from dialer.sampler import Sampler
from dialer.series_log import SeriesLog

PERIOD_S = 1.0
IN_PROCESS = "in_process"

_COMPILED_AT_MOST = 1000
"""Formulas kept ready; people who try formulas must not fill the memory."""


class SeriesDesk(Behaviour):
    """Samples and evaluates.

    instance: the label of that name, host and port of /metrics. recorder: takes what is to stand
    in the ledger; None keeps the series out of it.
    """

    def __init__(self, metrics: Metrics, instance: str, recorder: Sink | None = None) -> None:
        self._sampler = Sampler(metrics, instance)
        self._log = SeriesLog(metrics) if recorder is not None else None
        self._recorder = recorder
        self._watched: dict[str, tuple[str, ...]] = {}
        self._compiled: dict[tuple[str, str], Formula | FormulaError] = {}

    def on_start(self) -> None:
        self._sample(self.runtime.now())

    @handles(SampleDue)
    def _on_due(self, tick: SampleDue) -> None:
        self._sample(tick.due_at)

    def _sample(self, due_at: float) -> None:
        now = self.runtime.now()
        # A machine that slept takes up its rhythm again; it does not make up for what it missed.
        next_at = max(due_at, now - PERIOD_S) + PERIOD_S
        self.runtime.after(max(0.0, next_at - now), self.ref, SampleDue(next_at))
        self._sampler.tick(now)
        if self._log is not None and self._recorder is not None:
            record = self._log.record(now)
            if record is not None:
                self._recorder.tell(record)

    @handles(WatchFormulas)
    def _on_watch(self, message: WatchFormulas) -> None:
        if message.formulas:
            self._watched[message.owner] = message.formulas
        else:
            self._watched.pop(message.owner, None)
        in_use = {text for texts in self._watched.values() for text in texts}
        formulas = [self._formula(text) for text in sorted(in_use)]
        reads = [formula.reads for formula in formulas if isinstance(formula, Formula)]
        self._sampler.keep(reads)
        self._sampler.begin(self.runtime.now())
        if self._log is not None:
            self._log.keep(reads)

    @handles(EvaluateFor)
    def _on_evaluate(self, message: EvaluateFor) -> None:
        request = message.request
        self._make_sure_of(request)
        began = self.runtime.now()
        formula = self._formula(request.formula, message.semantics)
        if isinstance(formula, Formula):
            number = formula.number(self._sampler.store, began, request.campaign)
        else:
            number = Number(None, "failed", str(formula))
        took_s = self.runtime.now() - began
        value, result, reason = number
        message.reply_to.tell(
            Evaluated(request.request_id, value, result, IN_PROCESS, reason, "", began, took_s)
        )

    def _make_sure_of(self, request: Evaluate) -> None:
        """After a restart of this actor nobody has told it what is in use."""
        known = self._watched.get(request.campaign, ())
        if request.formula not in known:
            self._on_watch(WatchFormulas(request.campaign, (*known, request.formula)))

    def _formula(self, text: str, semantics: str = "3") -> Formula | FormulaError:
        key = (text, semantics)
        found = self._compiled.get(key)
        if found is None:
            if len(self._compiled) >= _COMPILED_AT_MOST:
                self._compiled.clear()
            try:
                found = compile_formula(text, semantics)
            except FormulaError as error:
                found = error
            self._compiled[key] = found
        return found


class InProcessSource:
    """The `MetricSource` that asks a SeriesDesk. semantics: as of `compile_formula`."""

    name = IN_PROCESS

    def __init__(self, desk: Sink, semantics: str = "3") -> None:
        self.semantics = semantics
        self._desk = desk

    def watch(self, owner: str, formulas: Sequence[str]) -> None:
        self._desk.tell(WatchFormulas(owner, tuple(formulas)))

    def evaluate(self, request: Evaluate, reply_to: Sink) -> None:
        self._desk.tell(EvaluateFor(request, reply_to, self.semantics))
