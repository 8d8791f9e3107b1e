"""What depends on labels only, or stands in a formula twice, is worked out once.

The rule of this module: a vector's labels are one tuple that a selector hands out again and again,
so the last question is known by its identity. Question and answer are replaced together. The work
is charged to the evaluation that has to do it.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from dialer.promql import labels as label_sets
from dialer.promql.context import Context, Run
from dialer.promql.labels import Labels

Vector = tuple[Labels, ...]
Renamed = Callable[[Context, Vector], Vector]
Picker = Callable[[list[float]], Sequence[float]]
Groups = tuple[Vector, list[list[int]], list[Picker]]
"""The label set of each group, in order of appearance; which elements belong to it; and what picks
their values out of all."""

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


def noted(notes: Callable[[Vector], list[str]]) -> Callable[[Context, Vector], list[str]]:
    """What there is to remark about a vector's labels."""
    last: tuple[Vector, list[str]] = ((), [])

    def run(ctx: Context, vector: Vector) -> list[str]:
        nonlocal last
        known, answer = last
        if vector is not known:
            ctx.spend(WORK * len(vector))
            answer = notes(vector)
            last = (vector, answer)
        return answer

    return run


def shared(run: Run) -> Run:
    """For a part that stands in a formula more than once: evaluated once an instant."""
    last: tuple[Context | None, int, Any] = (None, 0, None)

    def recall(ctx: Context, t: int) -> Any:
        nonlocal last
        known, at, answer = last
        if known is not ctx or at != t:
            answer = run(ctx, t)
            last = (ctx, t, answer)
        return answer

    return recall


def unchanged(_: Context, vector: Vector) -> Vector:
    """The label sets as they are."""
    return vector


def grouping(group_labels: Callable[[Labels], Labels]) -> Callable[[Context, Vector], Groups]:
    """The elements of a vector by group."""
    last: tuple[Vector, Groups] = ((), ((), [], []))

    def run(ctx: Context, vector: Vector) -> Groups:
        nonlocal last
        known, answer = last
        if vector is known:
            return answer
        ctx.spend(WORK * len(vector))
        found: dict[Labels, list[int]] = {}
        for number, labels in enumerate(vector):
            found.setdefault(group_labels(labels), []).append(number)
        members = list(found.values())
        answer = (tuple(found), members, [_picker(numbers, len(vector)) for numbers in members])
        label_sets.require_distinct(label_sets.unmark_name(labels) for labels in answer[0])
        last = (vector, answer)
        return answer

    return run


def _picker(numbers: list[int], of: int) -> Picker:
    if len(numbers) == of:
        return lambda values: values
    if len(numbers) == 1:
        only = numbers[0]
        return lambda values: (values[only],)
    return itemgetter(*numbers)
