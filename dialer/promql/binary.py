"""Binary operators between numbers and vectors, and which elements match which.

The rule of this module: elements match by labels only, so the pairs of two vectors are worked out
once and kept while the same series come. Comparisons filter and keep the name, unless `bool`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dialer.errors import FormulaEvaluationError
from dialer.promql import labels as label_sets
from dialer.promql.arithmetic import COMPARISONS, OPERATORS, OVER_VECTOR
from dialer.promql.context import EMPTY, Context, ScalarRun, Vec, VectorRun
from dialer.promql.labels import Labels
from dialer.promql.remembered import WORK, Renamed, mapped


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
        ctx.spend(len(values))
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


Pairs = tuple[list[tuple[int, int]], tuple[Labels, ...]]
"""For each match, which element of the many (or left) side and which of the other; and the labels
of the results."""


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
    pair = _pairing(matching, unique=not filters)
    compute = _as_number(COMPARISONS[op]) if op in COMPARISONS else OPERATORS[op]

    def run(ctx: Context, t: int) -> Vec:
        left_vec, right_vec = left(ctx, t), right(ctx, t)
        many, one = (right_vec, left_vec) if turned else (left_vec, right_vec)
        if not many[1] or not one[1]:
            return EMPTY
        ctx.spend(2 * (len(many[1]) + len(one[1])))
        pairs, names = pair(ctx, many[0], one[0])
        ones, manys = one[1], many[1]
        if turned:
            values = [compute(ones[j], manys[i]) for i, j in pairs]
        else:
            values = [compute(manys[i], ones[j]) for i, j in pairs]
        if not filters:
            return renamed(ctx, names), values
        held = [number for number, value in enumerate(values) if value]
        pairs, names = [pairs[n] for n in held], tuple([names[n] for n in held])
        _require_unique(pairs, names, matching)
        # A comparison that filters passes on the value of the left side.
        if turned:
            return names, [ones[j] for _, j in pairs]
        return names, [manys[i] for i, _ in pairs]

    return run


def _pairing(
    matching: Matching, *, unique: bool
) -> Callable[[Context, tuple[Labels, ...], tuple[Labels, ...]], Pairs]:
    """A function that finds the matches of two vectors, and remembers its last answer.

    unique: refuse what is matched twice at once; a comparison has to see first what is left.
    """
    key, included, result = matching.key, matching.included, matching.result
    last: tuple[tuple[Labels, ...], tuple[Labels, ...], Pairs] = ((), (), ([], ()))

    def run(ctx: Context, many: tuple[Labels, ...], one: tuple[Labels, ...]) -> Pairs:
        nonlocal last
        if last[0] is many and last[1] is one:
            return last[2]
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
        if unique:
            _require_unique(pairs, tuple(names), matching)
        last = (many, one, (pairs, tuple(names)))
        return last[2]

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


def sets(op: str, left: VectorRun, right: VectorRun, key: Callable[[Labels], Labels]) -> VectorRun:
    """and, or, unless: by labels, values do not count."""
    left_keys, right_keys = mapped(key, distinct=False), mapped(key, distinct=False)

    def run(ctx: Context, t: int) -> Vec:
        left_vec, right_vec = left(ctx, t), right(ctx, t)
        ctx.spend(2 * (len(left_vec[1]) + len(right_vec[1])))
        if op == "or":
            if not right_vec[1]:
                return left_vec
            if not left_vec[1]:
                return right_vec
            there = set(left_keys(ctx, left_vec[0]))
            more = [
                n for n, match in enumerate(right_keys(ctx, right_vec[0])) if match not in there
            ]
            if not more:
                return left_vec
            return (
                left_vec[0] + tuple([right_vec[0][n] for n in more]),
                left_vec[1] + [right_vec[1][n] for n in more],
            )
        there = set(right_keys(ctx, right_vec[0]))
        wanted = op == "and"
        held = [
            n for n, match in enumerate(left_keys(ctx, left_vec[0])) if (match in there) == wanted
        ]
        if len(held) == len(left_vec[1]):
            return left_vec
        return tuple([left_vec[0][n] for n in held]), [left_vec[1][n] for n in held]

    return run
