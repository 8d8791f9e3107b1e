"""What depends on labels only is worked out once, and kept while the same series come.

The rule of this module: a vector's labels are one tuple that a selector hands out again and again,
so the last question is known by its identity. Question and answer are replaced together. The work
is charged to the evaluation that has to do it.
"""

from collections.abc import Callable

from dialer.promql import labels as label_sets
from dialer.promql.context import Context
from dialer.promql.labels import Labels

Vector = tuple[Labels, ...]
Renamed = Callable[[Context, Vector], Vector]
Groups = tuple[Vector, list[list[int]]]
"""The label set of each group, in order of appearance, and which elements belong to it."""

WORK = 20
"""Operations that one label set takes."""


def mapped(change: Callable[[Labels], Labels], *, distinct: bool = True) -> Renamed:
    """Every label set of a vector changed.

    distinct: raise FormulaEvaluationError when two become the same.
    """
    last: tuple[Vector, Vector] = ((), ())

    def change_all(ctx: Context, vector: Vector) -> Vector:
        nonlocal last
        known, answer = last
        if vector is known:
            return answer
        ctx.spend(WORK * len(vector))
        answer = tuple([change(labels) for labels in vector])
        if distinct:
            label_sets.require_distinct(answer)
        last = (vector, answer)
        return answer

    return change_all


def unchanged(_: Context, vector: Vector) -> Vector:
    """The label sets as they are."""
    return vector


def grouping(group_labels: Callable[[Labels], Labels]) -> Callable[[Context, Vector], Groups]:
    """The elements of a vector by group."""
    last: tuple[Vector, Groups] = ((), ((), []))

    def run(ctx: Context, vector: Vector) -> Groups:
        nonlocal last
        known, answer = last
        if vector is known:
            return answer
        ctx.spend(WORK * len(vector))
        found: dict[Labels, list[int]] = {}
        for number, labels in enumerate(vector):
            found.setdefault(group_labels(labels), []).append(number)
        answer = (tuple(found), list(found.values()))
        label_sets.require_distinct(label_sets.unmark_name(labels) for labels in answer[0])
        last = (vector, answer)
        return answer

    return run
