"""Selectors: which samples an instant or a window sees.

The rule of this module: a sample counts from its stamp on, until the next one, a staleness marker,
or five minutes later. Series are selected anew only when one has come or gone.
"""

from bisect import bisect_right
from collections.abc import Callable

from dialer.errors import FormulaBudgetError
from dialer.promql.context import EMPTY, Context, Vec, VectorRun
from dialer.promql.labels import Labels
from dialer.promql.matchers import Matcher
from dialer.promql.nodes import Dialect, Node, Selector, Window
from dialer.promql.series import LOOKBACK_MS, Series

Chosen = tuple[tuple[Labels, ...], list[Series]]


def selector(matchers: tuple[Matcher, ...], offset_ms: int, pinned: int | str | None) -> Selector:
    """A selector that remembers its series until the store's version changes."""
    # One tuple, replaced as a whole: what belongs together is never seen half changed.
    known: tuple[object, tuple[Labels, ...], list[Series]] = (None, (), [])

    def resolve(ctx: Context) -> Chosen:
        nonlocal known
        version, label_sets, series = known
        if version is not ctx.store.version:
            version = ctx.store.version
            series = ctx.store.select(matchers)
            label_sets = tuple([one.labels for one in series])
            known = (version, label_sets, series)
        # `spend` at the next costly step finds out whether this was too much.
        ctx.left -= 3 * len(series)
        return label_sets, series

    return Selector(matchers, offset_ms, pinned, resolve, moment(offset_ms, pinned))


def moment(offset_ms: int, pinned: int | str | None) -> Callable[[Context, int], int]:
    """The instant that is read when `t` is evaluated."""
    if pinned is None:
        return lambda _, t: t - offset_ms
    if pinned == "start":
        return lambda ctx, _: ctx.start_ms - offset_ms
    if pinned == "end":
        return lambda ctx, _: ctx.end_ms - offset_ms
    fixed = int(pinned) - offset_ms
    return lambda _, __: fixed


def instant(chosen: Selector, dialect: Dialect, *, stamps: bool = False) -> VectorRun:
    """The present sample of each series; its stamp in seconds with `stamps` (timestamp())."""
    resolve, at_moment = chosen.resolve, chosen.moment
    reach = LOOKBACK_MS - 1 if dialect.left_open else LOOKBACK_MS

    def run(ctx: Context, t: int) -> Vec:
        label_sets, series = resolve(ctx)
        at = at_moment(ctx, t)
        oldest = at - reach
        values: list[float] = []
        absent: list[int] = []
        for number, one in enumerate(series):
            times = one.stamps_ms
            # Mostly the last sample is the one: formulas are evaluated at the present.
            index = len(times) - 1 if times and times[-1] <= at else bisect_right(times, at) - 1
            if (
                index < 0
                or times[index] < oldest
                or (one.stale_ms and one.is_stale(times[index], at))
            ):
                absent.append(number)
            else:
                values.append(times[index] / 1000 if stamps else one.values[index])
        if absent:
            if not values:
                return EMPTY
            gone = set(absent)
            label_sets = tuple([x for number, x in enumerate(label_sets) if number not in gone])
        return label_sets, values

    return run


def window(chosen: Selector, range_ms: int) -> Window:
    resolve, at_moment = chosen.resolve, chosen.moment

    def read(ctx: Context, t: int) -> tuple[tuple[Labels, ...], list[Series], int]:
        label_sets, series = resolve(ctx)
        return label_sets, series, at_moment(ctx, t)

    return Window(range_ms, read)


def subquery(
    inner: Node,
    range_ms: int,
    step_ms: int,
    at_moment: Callable[[Context, int], int],
    dialect: Dialect,
) -> Window:
    """The inner expression at each multiple of the step inside the window, as new series."""
    edge = 0 if dialect.left_open else 1
    run, per_step = inner.run, inner.per_step

    def read(ctx: Context, t: int) -> tuple[tuple[Labels, ...], list[Series], int]:
        end = at_moment(ctx, t)
        first = ((end - range_ms - edge) // step_ms + 1) * step_ms
        steps = (end - first) // step_ms + 1
        if steps > ctx.limits.steps:
            raise FormulaBudgetError(
                "",
                f"a subquery has {steps:,} steps",
                f"{ctx.limits.steps:,} are allowed: give it a longer step",
            )
        found: dict[Labels, Series] = {}
        for at in range(first, end + 1, step_ms):
            label_sets, values = run(ctx, at)
            ctx.spend(5 * len(values) + per_step)
            for labels, value in zip(label_sets, values, strict=True):
                series = found.get(labels)
                if series is None:
                    series = found[labels] = Series(labels)
                series.append(at, value)
        return tuple(found), list(found.values()), end

    return Window(range_ms, read)
