"""Walks through a formula and works out the facts of every part, from the catalogue up.

The rule of this module: what it hears itself saying it passes on by `heard`; what to make of that
is told elsewhere (lint.py).
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import re2

from dialer.promql import matchers
from dialer.promql.arithmetic import COMPARISONS
from dialer.promql.facts import (
    FUNCTIONS,
    INF,
    MIRRORED,
    POSITIVE_DOMAIN,
    TINY,
    Facts,
    Values,
    compared,
    computed,
    number,
)
from dialer.promql.known import TARGET, Known
from dialer.promql.labels import NAME, quoted
from dialer.promql.written import Written

_SETS = {"and", "or", "unless"}
_SAME_VALUES = {
    *("min_over_time", "max_over_time", "avg_over_time", "last_over_time", "first_over_time"),
    *("sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "quantile_over_time"),
}
_NOT_NEGATIVE = {
    *("rate", "increase", "irate", "sum_over_time", "stddev_over_time", "stdvar_over_time"),
    *("changes", "resets", "mad_over_time", "timestamp", "histogram_quantile"),
    "histogram_fraction",
}
_KEEP_VALUES = {"min", "max", "avg", "quantile", "topk", "bottomk"}


class Judge:
    """Works out facts. metrics: what the catalogue says."""

    def __init__(self, metrics: Mapping[str, Known]) -> None:
        self.metrics = metrics
        self._guards = 0
        self._nan_dropped = 0

    def heard(self, rule: str, part: Written, what: str = "", name: str = "") -> None:
        """Something is wrong with a part."""

    def is_short(self, range_s: float) -> bool:
        """Is a window of that length too short?"""
        return range_s < 0

    def facts(self, part: Written) -> Facts:  # noqa: PLR0911 - one return for each kind
        """Of any part, by its kind."""
        match part.kind:
            case "NumberLiteral":
                return number(part.tree.val)
            case "StringLiteral":
                return Facts("string")
            case "ParenExpr":
                return self.facts(part.parts[0])
            case "UnaryExpr":
                inner = self.facts(part.parts[0])
                return inner.within(-inner.high or -TINY, -inner.low)
            case "VectorSelector":
                return self._selector(part, part.tree)
            case "MatrixSelector":
                if self.is_short(part.tree.range / timedelta(seconds=1)):
                    self.heard("short_window", part)
                return replace(self._selector(part, part.tree.vector_selector), kind="matrix")
            case "SubqueryExpr":
                return replace(self.facts(part.parts[0]), kind="matrix")
            case "Call":
                return self._call(part)
            case "AggregateExpr":
                return self._aggregate(part)
        return self._binary(part)

    def labels_of(self, part: Written) -> frozenset[str]:
        """Every label that the metrics inside have."""
        if part.kind.endswith("Selector"):
            known = self.metrics.get(_metric_name(_vector(part.tree)))
            return known.labels if known else frozenset()
        return frozenset().union(*(self.labels_of(one) for one in part.parts))

    def values_of(self, part: Written, label: str) -> tuple[str, ...]:
        known = self.metrics.get(_metric_name(_vector(part.tree)))
        return known.values.get(label, ()) if known else ()

    def _selector(self, part: Written, tree: Any) -> Facts:
        name = _metric_name(tree)
        known = self.metrics.get(name)
        if known is None:
            if name:
                self.heard("unknown_metric", part, name=name)
            return Facts(labels=None, empty=True)
        values = {name: frozenset(can_be) for name, can_be in known.values.items()}
        for matcher in tree.matchers.matchers:
            op = str(matcher.op).rsplit(".", 1)[-1]
            if matcher.name == NAME:
                continue
            if matcher.name not in known.labels:
                self.heard("unknown_label", part, name=matcher.name)
            elif matcher.name == "campaign" and op == "Equal" and matcher.value:
                self.heard("hard_coded_campaign", part, what=_without(part.text(), matcher))
            else:
                self._check_value(part, known, matcher, op)
            if op == "Equal":
                values[matcher.name] = frozenset({matcher.value})
            elif matcher.name in values:
                accepts = matchers.make(matcher.name, matchers.OPERATORS[op], matcher.value).test
                values[matcher.name] = frozenset(filter(accepts, values[matcher.name]))
        return Facts(labels=known.labels, values=values, low=known.low, high=known.high)

    def _check_value(self, part: Written, known: Known, matcher: Any, op: str) -> None:
        values = known.values.get(matcher.name, ())
        if not values or not matcher.value:
            return
        if op in {"Equal", "NotEqual"}:
            given = [matcher.value]
        elif all(letter.isalnum() or letter in "_|" for letter in matcher.value):
            given = matcher.value.split("|")
        else:
            given = [matcher.value] if not any(_fits(matcher.value, v) for v in values) else []
        for value in given:
            if value not in values:
                self.heard("unknown_value", part, name=f"{matcher.name}={value}")

    def _call(self, part: Written) -> Facts:  # noqa: PLR0911 - one return for each family
        name = part.tree.func.name
        args = [self.facts(one) for one in part.parts]
        inner = next((arg for arg in args if arg.kind in {"vector", "matrix"}), None)
        if inner is None:
            if name == "vector":
                return replace(args[0], kind="vector", labels=frozenset())
            low = {"pi": math.pi}.get(name, 0.0)
            return Facts("scalar" if name in {"time", "pi"} else "vector", low=low)
        found = replace(inner, kind="vector")
        match name:
            case "scalar":
                if inner.free is None or inner.free - TARGET:
                    self.heard("scalar", part, "scalar() of several series is NaN")
                return replace(found, kind="scalar", labels=frozenset(), nan=True, empty=False)
            case "clamp" | "clamp_min" | "clamp_max":
                return self._clamp(name, found, args[1:])
            case "absent" | "absent_over_time":
                return Facts(low=1.0, high=1.0, empty=True)
            case "count_over_time" | "present_over_time":
                return found.within(1.0, 1.0 if name.startswith("present") else INF)
            case "label_replace" | "label_join":
                return found.relabelled(None)
            case "histogram_quantile":
                self._heard_nan(part, "without an observation it is NaN")
                labels = None if inner.labels is None else inner.labels - {"le"}
                found = replace(found, nan=not self._guards).relabelled(labels)
        if name in _SAME_VALUES:
            return replace(found, empty=True)
        if name in _NOT_NEGATIVE:
            return replace(found.within(0.0, INF), empty=True)
        if name in POSITIVE_DOMAIN and inner.low < 0:
            self._heard_nan(part, f"{name} of a number below 0 is NaN")
            found = replace(found, nan=not self._guards)
        ends = FUNCTIONS.get(name)
        return found.within(*ends(inner)) if ends else found.within(-INF, INF)

    def _clamp(self, name: str, found: Facts, bounds: list[Facts]) -> Facts:
        low, high = found.low, found.high
        if name != "clamp_max":
            low, high = max(low, bounds[0].low), max(high, bounds[0].high)
        if name != "clamp_min":
            low, high = min(low, bounds[-1].low), min(high, bounds[-1].high)
        loose = found.loose and name == "clamp_min"
        return replace(found.within(low, high), loose=loose)

    def _aggregate(self, part: Written) -> Facts:
        op = str(part.tree.op)
        inner = self.facts(part.parts[0])
        for one in part.parts[1:]:
            self.facts(one)
        if op in {"topk", "bottomk"}:
            return inner
        labels = self._grouped(part, inner)
        found = inner.relabelled(labels)
        if op == "count":
            return found.within(1.0, INF)
        if op == "group":
            return found.within(1.0, 1.0)
        if op in _KEEP_VALUES:
            return found
        if op == "sum":
            single = inner.free is not None and not (inner.free - TARGET - (labels or frozenset()))
            return found if single else found.within(min(inner.low, 0.0) or inner.low, _many(inner))
        return found.within(0.0 if op in {"stddev", "stdvar"} else -INF, INF)

    def _grouped(self, part: Written, inner: Facts) -> frozenset[str] | None:
        modifier = part.tree.modifier
        names = frozenset(modifier.labels) if modifier is not None else frozenset()
        without = modifier is not None and str(modifier.type).endswith("Without")
        if inner.labels is not None:
            for name in sorted(names - inner.labels - {NAME}):
                self.heard("unknown_label", part, name=name)
        if without:
            return None if inner.labels is None else inner.labels - names
        lost = inner.free is not None and "campaign" in inner.free and "campaign" not in names
        if lost:
            by = ", ".join(["campaign", *sorted(names)])
            head, _, rest = part.text().partition("(")
            if modifier is not None:
                rest = rest.partition("(")[2]
                head = head.rpartition(" by ")[0]
            self.heard("all_campaigns", part, f"{head.strip()} by ({by}) ({rest}")
        return names if inner.labels is None else names & inner.labels

    def _binary(self, part: Written) -> Facts:
        op = str(part.tree.op)
        modifier = part.tree.modifier
        guarded = op == "and" and self._filters(part.parts[1])
        self._guards += guarded
        drops_nan = op in COMPARISONS and op != "!=" and self._filters(part)
        self._nan_dropped += drops_nan
        left = self.facts(part.parts[0])
        self._guards -= guarded
        right = self.facts(part.parts[1])
        self._nan_dropped -= drops_nan
        if op in _SETS:
            return _combined(op, left, right, guarded=guarded)
        as_bool = modifier is not None and modifier.return_bool
        if left.kind == right.kind == "vector":
            labels, values = self._matched(part, left, right)
        else:
            of = right if right.kind == "vector" else left
            labels, values = of.labels, of.values
        kind = "scalar" if left.kind == right.kind == "scalar" else "vector"
        both = Facts(kind, labels, values, nan=left.nan or right.nan)
        both = replace(both, empty=left.empty or right.empty, loose=left.loose or right.loose)
        if op in COMPARISONS:
            return _filtered(op, left, right, both, as_bool=as_bool)
        found = both.within(*computed(op, left, right))
        if op != "/":
            return found
        zero = right.may_be_zero and not self._guards
        if zero:
            self.heard("zero_denominator", part)
        loose = found.loose or right.low != right.high
        bounded = math.isfinite(found.low) and math.isfinite(found.high)
        return replace(found, nan=found.nan or zero, loose=loose and not bounded)

    def _matched(
        self, part: Written, left: Facts, right: Facts
    ) -> tuple[frozenset[str] | None, Values]:
        """The labels of the results; hears of sides that cannot match, or match several."""
        modifier = part.tree.modifier
        matching = modifier.matching if modifier is not None else None
        named = frozenset(matching.labels) if matching is not None else frozenset()
        on = matching is not None and str(matching.type).endswith("Include")
        card = str(modifier.card).rsplit(".", 1)[-1] if modifier is not None else "OneToOne"
        if left.labels is None or right.labels is None:
            return None, {}
        keys = [named if on else side.labels - named for side in (left, right) if side.labels]
        keys = keys if len(keys) == 2 else [left.labels, right.labels]
        different = _difference(keys[0], keys[1], left, right)
        if different and not on:
            self.heard("never_matches", part, different)
            return left.labels, left.values
        if on and (missing := sorted(named - left.labels - right.labels)):
            self.heard("unknown_label", part, name=missing[0])
        for side, is_one in ((left, card != "ManyToOne"), (right, card != "OneToMany")):
            more = (side.free or frozenset()) - TARGET - keys[0]
            if is_one and more:
                told = f"one side has several series by {', '.join(sorted(more))}"
                self.heard("many_match", part, told)
                break
        included = frozenset(modifier.group_labels or ()) if modifier is not None else frozenset()
        if card == "ManyToOne":
            return left.labels | included, left.values
        if card == "OneToMany":
            return right.labels | included, right.values
        kept = left.relabelled(keys[0] & left.labels)
        return kept.labels, kept.values

    def _filters(self, part: Written) -> bool:
        """Does it let elements through by a comparison?"""
        if part.kind == "BinaryExpr" and str(part.tree.op) in COMPARISONS:
            return part.tree.modifier is None or not part.tree.modifier.return_bool
        if part.kind == "BinaryExpr" and str(part.tree.op) in {"and", "or"}:
            return all(self._filters(one) for one in part.parts)
        return part.kind == "ParenExpr" and self._filters(part.parts[0])

    def _heard_nan(self, part: Written, what: str) -> None:
        if not self._guards and not self._nan_dropped:
            self.heard("nan", part, what)


def _vector(tree: Any) -> Any:
    return getattr(tree, "vector_selector", tree)


def _metric_name(tree: Any) -> str:
    if tree.name:
        return str(tree.name)
    for matcher in tree.matchers.matchers:
        if matcher.name == NAME and str(matcher.op).endswith(".Equal"):
            return str(matcher.value)
    return ""


def _without(text: str, matcher: Any) -> str:
    written = f'{matcher.name}="{quoted(matcher.value)}"'
    for pattern in (f",{written}", f"{written},", f"{{{written}}}", written):
        if pattern in text:
            return text.replace(pattern, "", 1)
    return text


def _fits(pattern: str, value: str) -> bool:
    try:
        return re2.fullmatch(pattern, value) is not None
    except re2.error:
        return True


def _many(inner: Facts) -> float:
    return INF if inner.high > 0 else 0.0


def _difference(a: frozenset[str], b: frozenset[str], left: Facts, right: Facts) -> str:
    if a != b:
        only = sorted(a ^ b)
        return f"only one has {', '.join(only)}"
    for name in sorted(a):
        x, y = left.values.get(name), right.values.get(name)
        if x is not None and y is not None and not x & y:
            return f"{name} is {_listed(x)} on the left and {_listed(y)} on the right"
    return ""


def _listed(values: frozenset[str]) -> str:
    shown = sorted(values)[:3]
    return " or ".join([f'"{value}"' for value in shown]) + (" ..." if len(values) > 3 else "")


def _combined(op: str, left: Facts, right: Facts, *, guarded: bool) -> Facts:
    if op == "or":
        hull = left.within(min(left.low, right.low), max(left.high, right.high))
        labels = left.labels if left.labels == right.labels else None
        if left.labels is not None and right.labels is not None:
            labels = left.labels | right.labels
        values = {
            name: can_be | right.values[name]
            for name, can_be in left.values.items()
            if name in right.values
        }
        return replace(
            hull,
            labels=labels,
            values=values,
            empty=left.empty and right.empty,
            nan=left.nan or right.nan,
            loose=left.loose or right.loose,
        )
    return replace(left, empty=True, nan=left.nan and not guarded)


def _filtered(op: str, left: Facts, right: Facts, both: Facts, *, as_bool: bool) -> Facts:
    if as_bool or both.kind == "scalar":
        return replace(both.within(0.0, 1.0), nan=False, loose=False)
    if left.kind == "scalar":
        ends = compared(MIRRORED[op], right, left)
    else:
        ends = compared(op, left, right)
    loose = both.loose and op not in {"<", "<=", "=="}
    return replace(both.within(*ends), empty=True, nan=both.nan and op == "!=", loose=loose)
