"""A formula: PromQL compiled once, evaluated over series in memory at any instant.

The rule of this module: the same text gives the same answer as Prometheus on the same samples.
Nothing here knows the time: every evaluation is told its instant, in integer milliseconds since
the epoch (`t_ms`; `t_s` are seconds).

    formula = compile_formula('sum by (campaign) (rate(dialer_call_attempts_total[5m]))')
    formula.at(store, t_ms)              # Vector, Scalar, Matrix or String, with warnings
    formula.number(store, t_s)           # what pacing wants: a number, or why there is none
    formula.explain(store, t_s)          # every sub-expression with its value
    formula.reads                        # metrics, labels, and how far back
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from dialer.errors import FormulaBudgetError, FormulaError, FormulaSyntaxError
from dialer.promql import labels as label_sets
from dialer.promql import syntax
from dialer.promql.compiler import Compiler
from dialer.promql.context import Context, Limits, Vec
from dialer.promql.labels import Labels
from dialer.promql.nodes import Dialect, Node
from dialer.promql.reads import Reads
from dialer.promql.results import (
    Matrix,
    Number,
    Points,
    Result,
    Sample,
    Scalar,
    String,
    Vector,
    number_text,
)
from dialer.promql.series import SeriesStore
from dialer.promql.written import Written

SEMANTICS = ("3", "2")
"""Versions of Prometheus: 3 has windows without their oldest instant, 2 with it."""


class Explained(NamedTuple):
    """A sub-expression, what it came to, and its own parts.

    error: why it has no result, "" when it has one.
    """

    text: str
    kind: str
    result: Result | None
    error: str
    parts: tuple["Explained", ...]


class Formula:
    """A compiled formula. It keeps what it learns of a store's series, so give each thread its own.

    text: as written. kind: "scalar", "vector", "matrix" or "string". reads: what it reads.
    semantics: "3" or "2".
    """

    def __init__(
        self, text: str, node: Node, reads: Reads, dialect: Dialect, limits: Limits
    ) -> None:
        self.text = text
        self.kind = node.kind
        self.reads = reads
        self.semantics = "3" if dialect.left_open else "2"
        self._node = node
        self._dialect = dialect
        self._limits = limits

    def at(self, store: SeriesStore, t_ms: int) -> Result:
        """The answer at an instant. Raises FormulaEvaluationError or FormulaBudgetError."""
        ctx = Context(store, t_ms, t_ms, self._limits)
        return self._result(self._node, ctx, t_ms)

    def over(self, store: SeriesStore, start_ms: int, end_ms: int, step_ms: int) -> Matrix:
        """The answers at start, start + step, ... up to end, by series.

        Raises FormulaSyntaxError for a formula that is no vector or scalar, otherwise as `at`.
        """
        if self.kind not in {"scalar", "vector"}:
            raise FormulaSyntaxError(
                f"a range of answers needs a number or vector, not {self.kind}"
            )
        if step_ms < 1 or (end_ms - start_ms) // step_ms >= self._limits.steps:
            raise FormulaBudgetError(
                "", f"a step of {step_ms} ms gives too many answers", "take a longer one"
            )
        ctx = Context(store, start_ms, end_ms, self._limits)
        found: dict[Labels, tuple[list[int], list[float]]] = {}
        for t in range(start_ms, end_ms + 1, step_ms):
            answer = self._node.run(ctx, t)
            ctx.spend(self._node.per_step)
            vector: Vec = (((),), [answer]) if self.kind == "scalar" else answer
            for sample in self._samples(vector):
                stamps, values = found.setdefault(sample.labels, ([], []))
                stamps.append(t)
                values.append(sample.value)
        series = tuple(Points(key, tuple(s), tuple(v)) for key, (s, v) in sorted(found.items()))
        return Matrix(series, ctx.notes)

    def number(self, store: SeriesStore, t_s: float, campaign: str = "") -> Number:
        """The real number that the formula gives, or why it gives none; nothing is raised.

        campaign: leave out elements whose label `campaign` names another one.
        """
        t_ms = round(t_s * 1000)
        try:
            answer = self._node.run(Context(store, t_ms, t_ms, self._limits), t_ms)
            if self.kind == "scalar":
                return _judged(answer)
            if self.kind != "vector":
                return Number(None, "failed", f"the formula gives a {self.kind}, not a number")
            return judged(list(zip(*answer, strict=True)), campaign)
        except FormulaError as error:
            return Number(None, "failed", str(error))

    def explain(self, store: SeriesStore, t_s: float) -> Explained:
        """Every sub-expression with its value at that instant.

        What stands in a subquery is shown at that instant too, though it counts at many.
        """
        return self._explained(self._node, store, round(t_s * 1000))

    def _explained(self, node: Node, store: SeriesStore, t_ms: int) -> Explained:
        ctx = Context(store, t_ms, t_ms, self._limits)
        result, error = None, ""
        try:
            result = self._result(node, ctx, t_ms)
        except FormulaError as failure:
            error = str(failure)
        parts = tuple([self._explained(child, store, t_ms) for child in node.children])
        return Explained(node.text, node.kind, result, error, parts)

    def _result(self, node: Node, ctx: Context, t_ms: int) -> Result:
        match node.kind:
            case "scalar":
                return Scalar(t_ms, node.run(ctx, t_ms), ctx.notes)
            case "string":
                return String(t_ms, node.run(ctx, t_ms), ctx.notes)
            case "matrix":
                return self._matrix(node, ctx, t_ms)
        return Vector(t_ms, tuple(self._samples(node.run(ctx, t_ms))), ctx.notes)

    def _samples(self, vector: Vec) -> list[Sample]:
        names, values = vector
        if self._dialect.delayed_names:
            names = tuple([label_sets.settle(labels) for labels in names])
        label_sets.require_distinct(names)
        return [Sample(labels, value) for labels, value in zip(names, values, strict=True)]

    def _matrix(self, node: Node, ctx: Context, t_ms: int) -> Matrix:
        assert node.window is not None
        names, series, end = node.window.read(ctx, t_ms)
        found = []
        for labels, one in zip(names, series, strict=True):
            low, high = one.span(end - node.window.range_ms, end, left_open=self._dialect.left_open)
            if low < high:
                ctx.spend(high - low)
                stamps, values = one.stamps_ms[low:high], one.values[low:high]
                found.append(Points(label_sets.settle(labels), tuple(stamps), tuple(values)))
        return Matrix(tuple(found), ctx.notes)

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"


def compile_formula(
    text: str,
    semantics: str = "3",
    *,
    limits: Limits | None = None,
    delayed_name_removal: bool = False,
) -> Formula:
    """Compile a formula of at most 4 KB.

    semantics: "3" or "2", the version of Prometheus whose answers are meant; of a server, the
        first digit of the version in its build info (`semantics_of`).
    delayed_name_removal: as a Prometheus 3 that is started with that feature.
    Raises FormulaSyntaxError, FormulaUnsupportedError or FormulaError.
    """
    if semantics not in SEMANTICS:
        raise FormulaError("", f'semantics "{semantics}"', 'it is "3" or "2"')
    tree = syntax.parse(text)
    dialect = Dialect(semantics == "3", delayed_name_removal)
    compiler = Compiler(dialect)
    with syntax.guarded():
        node = compiler.whole(Written(tree))
    return Formula(text, node, compiler.reads.done(), dialect, limits or Limits())


def semantics_of(version: str) -> str:
    """The semantics of a server by its version, such as "2.42.0+ds"."""
    return "2" if version.split(".", 1)[0] in {"0", "1", "2"} else "3"


def _judged(value: float) -> Number:
    if math.isfinite(value):
        return Number(value, "used")
    return Number(None, "not_finite", f"the formula gives {number_text(value)}")


def judged(samples: Sequence[tuple[Labels, float]], campaign: str) -> Number:
    """The one number among these samples, other campaigns' left out, or why there is none."""
    if campaign:
        own = ("", campaign)
        samples = [one for one in samples if label_sets.get(one[0], "campaign") in own]
    if not samples:
        return Number(None, "empty", "the formula gives nothing: no series, or none that match")
    if len(samples) > 1:
        return Number(
            None, "failed", f"the formula gives {len(samples)} series: aggregate them, e.g. sum()"
        )
    return _judged(samples[0][1])
