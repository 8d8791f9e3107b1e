"""Binary operators between numbers and vectors, and which elements match which.

The rule of this module: elements match by labels only, so the pairs of two vectors are worked out
once and kept while the same series come. Comparisons filter and keep the name, unless `bool`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dialer.errors import FormulaEvaluationError
from dialer.promql import labels as label_sets
from dialer.promql.arithmetic import COMPARISONS, OPERATORS, OVER_PAIRS, OVER_VECTOR
from dialer.promql.context import EMPTY, Context, ScalarRun, Vec, VectorRun
from dialer.promql.labels import Labels
from dialer.promql.remembered import WORK, Renamed


@dataclass(frozen=True)
class Matching:
    """How elements of two vectors find each other.

    key: what of the labels has to be equal. many: "" for one to one, else the side, "left" or
        "right", of which several elements may match one of the other. included: labels to take
        from that one. result: the labels of a result, from those of the many side.
    """

    key: Callable[[Labels], Labels]
    many: str = ""
    included: tuple[str, ...] = ()
    result: Callable[[Labels], Labels] = lambda labels: labels


def of_numbers(op: str, left: ScalarRun, right: ScalarRun) -> ScalarRun:
    compute = _as_number(COMPARISONS[op]) if op in COMPARISONS else OPERATORS[op]
    return lambda ctx, t: compute(left(ctx, t), right(ctx, t))


def _as_number(holds: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda a, b: 1.0 if holds(a, b) else 0.0


def vector_number(
    op: str, vector: VectorRun, number: ScalarRun, renamed: Renamed, *, swapped: bool, as_bool: bool
) -> VectorRun:
    """A vector and a number; swapped: the number is on the left."""
    if op in COMPARISONS:
        return _compared(op, vector, number, renamed, swapped=swapped, as_bool=as_bool)
    over, compute = OVER_VECTOR[op], OPERATORS[op]

    def run(ctx: Context, t: int) -> Vec:
        names, values = vector(ctx, t)
        other = number(ctx, t)
        ctx.left -= len(values)
        if swapped:
            return renamed(ctx, names), [compute(other, value) for value in values]
        return renamed(ctx, names), over(values, other)

    return run


def _compared(
    op: str, vector: VectorRun, number: ScalarRun, renamed: Renamed, *, swapped: bool, as_bool: bool
) -> VectorRun:
    holds = COMPARISONS[op]

    def run(ctx: Context, t: int) -> Vec:
        names, values = vector(ctx, t)
        other = number(ctx, t)
        ctx.spend(len(values))
        if swapped:
            kept = [holds(other, value) for value in values]
        else:
            kept = [holds(value, other) for value in values]
        if as_bool:
            return renamed(ctx, names), [1.0 if yes else 0.0 for yes in kept]
        if all(kept):
            return names, values
        return (
            tuple([x for x, yes in zip(names, kept, strict=True) if yes]),
            [x for x, yes in zip(values, kept, strict=True) if yes],
        )

    return run


Pairs = tuple[list[tuple[int, int]], tuple[Labels, ...], bool]
"""For each match, which element of the many (or left) side and which of the other; the labels of
the results; and whether every element matches the one in the same place."""


def vectors(
    op: str,
    left: VectorRun,
    right: VectorRun,
    matching: Matching,
    renamed: Renamed,
    *,
    as_bool: bool,
) -> VectorRun:
    """Two vectors, element by element."""
    turned = matching.many == "right"
    filters = op in COMPARISONS and not as_bool
    pair = _pairing(matching, None if filters else renamed)
    last: tuple[tuple[Labels, ...], tuple[Labels, ...], Pairs] = ((), (), ([], (), False))
    over = OVER_PAIRS.get(op)
    compute = _as_number(COMPARISONS[op]) if op in COMPARISONS else OPERATORS[op]

    def run(ctx: Context, t: int) -> Vec:
        nonlocal last
        left_vec, right_vec = left(ctx, t), right(ctx, t)
        (labels, manys), (others, ones) = (right_vec, left_vec) if turned else (left_vec, right_vec)
        if not manys or not ones:
            return EMPTY
        ctx.left -= 2 * (len(manys) + len(ones))
        known = last
        if known[0] is not labels or known[1] is not others:
            last = known = (labels, others, pair(ctx, labels, others))
        pairs, names, straight = known[2]
        if straight and over is not None:
            return names, over(left_vec[1], right_vec[1])
        if turned:
            values = [compute(ones[j], manys[i]) for i, j in pairs]
        else:
            values = [compute(manys[i], ones[j]) for i, j in pairs]
        if not filters:
            return names, values
        held = [number for number, value in enumerate(values) if value]
        pairs, names = [pairs[n] for n in held], tuple([names[n] for n in held])
        _require_unique(pairs, names, matching)
        # A comparison that filters passes on the value of the left side.
        if turned:
            return names, [ones[j] for _, j in pairs]
        return names, [manys[i] for i, _ in pairs]

    return run


def _pairing(
    matching: Matching, renamed: Renamed | None
) -> Callable[[Context, tuple[Labels, ...], tuple[Labels, ...]], Pairs]:
    """A function that finds the matches of two vectors.

    renamed: what becomes of the results' labels, None for a comparison that filters: only of what
        it leaves can be said whether it is matched twice.
    """
    key, included, result = matching.key, matching.included, matching.result

    def run(ctx: Context, many: tuple[Labels, ...], one: tuple[Labels, ...]) -> Pairs:
        ctx.spend(WORK * (len(many) + len(one)))
        by_key: dict[Labels, int] = {}
        for number, labels in enumerate(one):
            match = key(labels)
            if match in by_key:
                side = "left" if matching.many == "right" else "right"
                raise FormulaEvaluationError(
                    "",
                    f"on the {side} side {label_sets.text(one[by_key[match]])} and "
                    f"{label_sets.text(labels)} both match {label_sets.text(match)}",
                    "aggregate that side, or match on more labels: on(...)",
                )
            by_key[match] = number
        pairs, names = [], []
        for number, labels in enumerate(many):
            partner = by_key.get(key(labels))
            if partner is not None:
                pairs.append((number, partner))
                named = result(labels)
                for name in included:
                    named = label_sets.replace(named, name, label_sets.get(one[partner], name))
                names.append(named)
        results = tuple(names)
        if renamed is not None:
            _require_unique(pairs, results, matching)
            results = renamed(ctx, results)
        straight = len(pairs) == len(many) == len(one) and all(i == j for i, j in pairs)
        return pairs, results, straight

    return run


def _require_unique(
    pairs: list[tuple[int, int]], names: tuple[Labels, ...], matching: Matching
) -> None:
    if len(pairs) < 2:
        return
    if matching.many:
        if len({(pair[1], name) for pair, name in zip(pairs, names, strict=True)}) < len(pairs):
            raise FormulaEvaluationError(
                "",
                "several results of one match have the same labels",
                "name a label in group_left(...) or group_right(...) that tells them apart",
            )
    elif len({pair[1] for pair in pairs}) < len(pairs):
        raise FormulaEvaluationError(
            "",
            "several elements on the left match one on the right",
            "aggregate the left side, or say group_left",
        )
    label_sets.require_distinct(names)


Chosen = tuple[list[int] | None, tuple[Labels, ...]]
"""Of two vectors: which elements of the left are in the result, None for all (for `or`: which of
the right, None for none); and the labels of the result."""


def sets(op: str, left: VectorRun, right: VectorRun, key: Callable[[Labels], Labels]) -> VectorRun:
    """and, or, unless: by labels, values do not count."""
    last: tuple[tuple[Labels, ...], tuple[Labels, ...], Chosen] = ((), (), (None, ()))

    def choose(ctx: Context, names: tuple[Labels, ...], others: tuple[Labels, ...]) -> Chosen:
        nonlocal last
        if last[0] is names and last[1] is others:
            return last[2]
        ctx.spend(WORK * (len(names) + len(others)))
        chosen: list[int] | None
        if op == "or":
            there = {key(labels) for labels in names}
            chosen = [n for n, labels in enumerate(others) if key(labels) not in there] or None
            result = names + tuple([others[n] for n in chosen or ()])
        else:
            there, wanted = {key(labels) for labels in others}, op == "and"
            chosen = [n for n, labels in enumerate(names) if (key(labels) in there) == wanted]
            result = tuple([names[n] for n in chosen])
            if len(chosen) == len(names):
                chosen, result = None, names
        last = (names, others, (chosen, result))
        return last[2]

    def run(ctx: Context, t: int) -> Vec:
        names, values = left(ctx, t)
        others, more = right(ctx, t)
        ctx.left -= 2 * (len(values) + len(more))
        if op == "or":
            if not more or not values:
                return (names, values) if values else (others, more)
            chosen, result = choose(ctx, names, others)
            return result, values if chosen is None else values + [more[n] for n in chosen]
        chosen, result = choose(ctx, names, others)
        return result, values if chosen is None else [values[n] for n in chosen]

    return run
