"""From a syntax tree to closures.

The rule of this module: all that can be decided without samples is decided here, once: constants
are folded, regular expressions compiled, unsupported parts refused. It also notes what the formula
reads, so that a sampler keeps just that and for just as long.
"""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dialer.errors import FormulaSyntaxError, FormulaUnsupportedError
from dialer.promql import aggregation, binary, calls, matchers, selectors
from dialer.promql import labels as label_sets
from dialer.promql.arithmetic import COMPARISONS
from dialer.promql.context import Context, Limits, Run, Vec
from dialer.promql.label_functions import require_name
from dialer.promql.labels import NAME, Labels
from dialer.promql.matchers import Matcher
from dialer.promql.nodes import Dialect, Node, Selector
from dialer.promql.reads import ReadsBuilder
from dialer.promql.remembered import mapped, shared, unchanged
from dialer.promql.series import LOOKBACK_MS, SeriesStore
from dialer.promql.written import Written

DEFAULT_STEP_MS = 60_000
"""Step of a subquery that names none: Prometheus' evaluation interval, by default."""

_SHARED = {"Call", "AggregateExpr", "BinaryExpr"}
"""Kinds of parts that are worth to be evaluated once where they stand several times."""

_AT = re.compile(r"@ (-?[0-9.]+)")
_KINDS = {"Scalar": "scalar", "Vector": "vector", "Matrix": "matrix", "String": "string"}
_NOTHING = Context(SeriesStore(), 0, 0, Limits())


class Compiler:
    """Compiles one tree."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._drop = label_sets.mark_name if dialect.delayed_names else label_sets.drop_name
        self.reads = ReadsBuilder()
        self._times: Counter[str] = Counter()
        self._shared: dict[tuple[str, object], Node] = {}

    def node(self, part: Written) -> Node:
        """Raises FormulaError for what cannot be evaluated here."""
        if part.kind not in _SHARED:
            return self._by_kind(part)
        # Inside a subquery a part reaches further back, which has to be noted.
        key = (part.text(), self.reads.outer)
        found = self._shared.get(key)
        if found is None:
            found = self._by_kind(part)
            if self._times[key[0]] > 1:
                found = replace(found, run=shared(found.run))
            self._shared[key] = found
        return found

    def whole(self, part: Written) -> Node:
        """The whole formula."""
        self._count(part)
        return self.node(part)

    def _count(self, part: Written) -> None:
        if part.kind in _SHARED:
            self._times[part.text()] += 1
        for one in part.parts:
            self._count(one)

    def _by_kind(self, part: Written) -> Node:  # noqa: PLR0911 - one return for each kind
        tree = part.tree
        match part.kind:
            case "NumberLiteral":
                return _constant(float(tree.val), part.text())
            case "StringLiteral":
                value = tree.val
                return Node("string", lambda _, __: value, part.text(), constant=value)
            case "ParenExpr":
                return self.node(part.parts[0])
            case "UnaryExpr":
                return self._negation(part)
            case "VectorSelector":
                chosen = self._selector(tree, LOOKBACK_MS)
                run = selectors.instant(chosen, self._dialect)
                return Node("vector", run, part.text(), selector=chosen)
            case "MatrixSelector":
                range_ms = _ms(tree.range)
                chosen = self._selector(tree.vector_selector, range_ms)
                window = selectors.window(chosen, range_ms)
                return Node("matrix", window.read, part.text(), selector=chosen, window=window)
            case "SubqueryExpr":
                return self._subquery(part)
            case "Call":
                return self._call(part)
            case "AggregateExpr":
                return self._aggregate(part)
            case "BinaryExpr":
                return self._binary(part)
        raise FormulaUnsupportedError("", f"{part.kind} is not supported", "")

    def _negation(self, part: Written) -> Node:
        inner = self.node(part.parts[0])
        text = part.text()
        run = inner.run
        if inner.kind == "scalar":
            return _folded(Node("scalar", lambda ctx, t: -run(ctx, t), text, (inner,)))
        renamed = mapped(self._drop)

        def negated(ctx: Context, t: int) -> Vec:
            names, values = run(ctx, t)
            return renamed(ctx, names), [-value for value in values]

        return Node("vector", negated, text, (inner,))

    def _selector(self, tree: Any, reach_ms: int) -> Selector:
        found: list[Matcher] = []
        if tree.name is not None:
            found.append(matchers.make(NAME, "=", tree.name))
        if tree.matchers.or_matchers:
            raise FormulaUnsupportedError(
                "", "`or` between label matchers is not supported", "use =~ with alternatives"
            )
        found += [
            matchers.make(m.name, matchers.OPERATORS[_name(m.op)], m.value)
            for m in tree.matchers.matchers
        ]
        offset_ms = 0 if tree.offset is None else _ms(tree.offset)
        pinned = _pinned(tree)
        chosen = selectors.selector(tuple(found), offset_ms, pinned)
        self.reads.selector(chosen.matchers, offset_ms + reach_ms, pinned)
        return chosen

    def _subquery(self, part: Written) -> Node:
        tree = part.tree
        range_ms = _ms(tree.range)
        step_ms = DEFAULT_STEP_MS if tree.step is None else _ms(tree.step)
        if step_ms < 1:
            raise FormulaSyntaxError("a subquery's step is shorter than a millisecond")
        offset_ms = 0 if tree.offset is None else _ms(tree.offset)
        pinned = _pinned(tree)
        with self.reads.within(range_ms + offset_ms, pinned):
            inner = self.node(part.parts[0])
        window = selectors.subquery(
            inner, range_ms, step_ms, selectors.moment(offset_ms, pinned), self._dialect
        )
        return Node("matrix", window.read, part.text(), (inner,), window=window)

    def _call(self, part: Written) -> Node:
        function = part.tree.func
        name = function.name
        args = tuple([self.node(arg) for arg in part.parts])
        run = calls.compile_call(name, args, self._drop, self._dialect)
        kind = _KINDS[_name(function.return_type)]
        compiled = Node(kind, run, part.text(), args)
        return _folded(compiled) if name != "time" else compiled

    def _aggregate(self, part: Written) -> Node:
        tree = part.tree
        op = str(tree.op)
        children = tuple([self.node(one) for one in part.parts])
        inner = children[0]
        param = children[1] if len(children) > 1 else None
        names: list[str] = []
        keep = label_sets.keeper(())
        if tree.modifier is not None:
            names = list(tree.modifier.labels)
            self.reads.labels(names)
            without = _name(tree.modifier.type) == "Without"
            keep = label_sets.remover(names) if without else label_sets.keeper(names)
        run: Run
        if op in aggregation.FOLDS:
            run = aggregation.folded(aggregation.FOLDS[op], keep, inner.run)
        elif op == "quantile" and param:
            run = aggregation.quantiles(param.run, keep, inner.run)
        elif op in {"topk", "bottomk"} and param:
            run = aggregation.best(
                param.run,
                keep,
                inner.run,
                largest=op == "topk",
                in_place=self._dialect.left_open,
            )
        elif op == "count_values" and param:
            label = require_name(str(param.constant))
            if tree.modifier is None or _name(tree.modifier.type) == "By":
                keep = label_sets.keeper([*names, label])
            run = aggregation.value_counts(label, keep, inner.run)
        else:
            raise FormulaUnsupportedError(
                "", f"{op}() is not supported", "it is experimental in Prometheus"
            )
        return Node("vector", run, part.text(), children)

    def _binary(self, part: Written) -> Node:
        op, modifier = str(part.tree.op), part.tree.modifier
        left, right = children = (self.node(part.parts[0]), self.node(part.parts[1]))
        text = part.text()
        as_bool = modifier is not None and modifier.return_bool
        if left.kind == right.kind == "scalar":
            return _folded(
                Node("scalar", binary.of_numbers(op, left.run, right.run), text, children)
            )
        renamed = mapped(self._drop)
        if op == "atan2" and not self._dialect.left_open:
            renamed = unchanged  # version 2 keeps the name here
        if "scalar" in {left.kind, right.kind}:
            swapped = left.kind == "scalar"
            vector, number = (right, left) if swapped else (left, right)
            run = binary.vector_number(
                op, vector.run, number.run, renamed, swapped=swapped, as_bool=as_bool
            )
            return Node("vector", run, text, children)
        matching = self._matching(modifier)
        if op in {"and", "or", "unless"}:
            return Node(
                "vector", binary.sets(op, left.run, right.run, matching.key), text, children
            )
        if op in COMPARISONS and not as_bool:
            renamed = unchanged
        run = binary.vectors(op, left.run, right.run, matching, renamed, as_bool=as_bool)
        return Node("vector", run, text, children)

    def _matching(self, modifier: Any) -> binary.Matching:
        names: list[str] = []
        on = False
        if modifier is not None and modifier.matching is not None:
            names = list(modifier.matching.labels)
            on = _name(modifier.matching.type) == "Include"
            self.reads.labels(names)
        key = label_sets.keeper(names) if on else label_sets.remover(names)
        if modifier is None:
            return binary.Matching(key, result=lambda labels: labels)
        if modifier.fill_values.lhs is not None or modifier.fill_values.rhs is not None:
            raise FormulaUnsupportedError(
                "", "fill modifiers are not supported", "use `or` with a vector of defaults"
            )
        included = tuple(modifier.group_labels or ())
        self.reads.labels(included)
        match _name(modifier.card):
            case "ManyToOne":
                return binary.Matching(key, "left", included)
            case "OneToMany":
                return binary.Matching(key, "right", included)
        removed = set(names)

        def result(labels: Labels) -> Labels:
            return tuple([pair for pair in labels if (pair[0] in removed) == on])

        return binary.Matching(key, result=result)


def _name(member: Any) -> str:
    """The bare name of a member of one of the parser's enumerations."""
    return str(member).rsplit(".", 1)[-1]


def _constant(value: float, text: str) -> Node:
    return Node("scalar", lambda _, __: value, text, constant=value)


def _folded(node: Node) -> Node:
    """The node's value, when all that it is made of is constant."""
    if node.kind == "scalar" and all(child.constant is not None for child in node.children):
        value = node.run(_NOTHING, 0)
        return Node("scalar", lambda _, __: value, node.text, node.children, constant=value)
    return node


def _ms(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))


def _pinned(tree: Any) -> int | str | None:
    """The @ modifier, read from the tree's text: the library panics on negative times."""
    if tree.at is None:
        return None
    kind = _name(tree.at.type)
    if kind in {"Start", "End"}:
        return kind.lower()
    # It stands last, so it is the last that looks like one, whatever a label says.
    return round(float(_AT.findall(tree.prettify())[-1]) * 1000)
