"""Function calls: every function of PromQL's classic half, by name.

The rule of this module: it connects a call's arguments with the function that computes; what a
function computes is told elsewhere. What is not here is refused when the formula is compiled.
"""

import math
from collections.abc import Callable, Sequence
from math import isnan

from dialer.errors import FormulaUnsupportedError
from dialer.promql import classic_histograms, elementwise, label_functions, over_time, windows
from dialer.promql import labels as label_sets
from dialer.promql.arithmetic import NAN
from dialer.promql.context import EMPTY, Context, Run, ScalarRun, Vec, VectorRun
from dialer.promql.labels import NAME, Labels
from dialer.promql.nodes import Dialect, Node, Window
from dialer.promql.remembered import mapped, noted
from dialer.promql.selectors import instant
from dialer.promql.windows import Batch, RangeFunction, each

_NATIVE = (
    *("histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev"),
    *("histogram_stdvar", "histogram_quantiles"),
)
_EXPERIMENTAL = ("info", "step", "range", "start", "end", "min_of", "max_of", "fill")
_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")
_ALONE: tuple[Labels, ...] = ((),)

Maker = Callable[[Context, int, list[float]], RangeFunction]


def compile_call(  # noqa: PLR0911 - one return for each family
    name: str, args: Sequence[Node], drop: Callable[[Labels], Labels], dialect: Dialect
) -> Run:
    """The closure of a call. drop: what becomes of a metric's name, by the dialect."""
    if name in _NATIVE:
        raise FormulaUnsupportedError(
            "",
            f"{name} works on native histograms, which are not supported",
            "use classic buckets (..._bucket, ..._sum, ..._count)",
        )
    if name in elementwise.MATHEMATICS:
        return _each(args[0].run, elementwise.MATHEMATICS[name], drop)
    if name in elementwise.DATES:
        part = elementwise.DATES[name]
        if not args:
            return lambda _, t: (_ALONE, [part(float(t // 1000))])
        return _each(args[0].run, part, drop)
    if name in _SCALED:
        return _scaled(args, _SCALED[name], drop)
    if name in over_time.OVER_TIME:
        kept = name in over_time.KEEP_NAME
        function = over_time.OVER_TIME[name]
        per_sample = over_time.PER_SAMPLE.get(name, 0)
        return _over(_window(args[0]), each(function), None if kept else drop, dialect, per_sample)
    rates = _rates(dialect)
    if name in rates:
        inform = name in {"rate", "increase"}
        per_sample = 8 if name == "deriv" else 0
        return _over(
            _window(args[0]), rates[name], drop, dialect, per_sample, expects_counter=inform
        )
    if name in _MADE:
        at, make = _MADE[name]
        return _over_made(
            _window(args[at]), make, [a for a in args if a is not args[at]], drop, dialect
        )
    if name in _OTHERS:
        return _OTHERS[name](args, drop, dialect)
    raise FormulaUnsupportedError(
        "",
        f"{name}() is not supported",
        "it is experimental in Prometheus" if name in _EXPERIMENTAL else "",
    )


def _window(arg: Node) -> Window:
    assert arg.window is not None  # the parser has checked the arguments' types
    return arg.window


def _each(
    inner: VectorRun, function: Callable[[float], float], drop: Callable[[Labels], Labels]
) -> VectorRun:
    renamed = mapped(drop)

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        ctx.spend(len(values))
        return renamed(ctx, vector), [function(value) for value in values]

    return run


def _clamp(low: float, high: float) -> Callable[[float], float] | None:
    return None if high < low else elementwise.clamped(low, high)


_SCALED: dict[str, Callable[..., Callable[[float], float] | None]] = {
    "clamp": _clamp,
    "clamp_min": elementwise.at_least,
    "clamp_max": elementwise.at_most,
    "round": lambda nearest=1.0: elementwise.rounded(nearest),
}
"""Functions of a vector and numbers: the numbers give the function, None gives nothing at all."""


def _scaled(
    args: Sequence[Node],
    make: Callable[..., Callable[[float], float] | None],
    drop: Callable[[Labels], Labels],
) -> VectorRun:
    inner, numbers = args[0].run, [arg.run for arg in args[1:]]
    renamed = mapped(drop)
    constants = [arg.constant for arg in args[1:]]
    ready = None if None in constants else make(*constants)
    is_ready = None not in constants

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        function = ready if is_ready else make(*[number(ctx, t) for number in numbers])
        if function is None:
            return EMPTY
        ctx.spend(len(values))
        return renamed(ctx, vector), [function(value) for value in values]

    return run


def _over(
    window: Window,
    batch: Batch,
    drop: Callable[[Labels], Labels] | None,
    dialect: Dialect,
    per_sample: int = 0,
    *,
    expects_counter: bool = False,
) -> VectorRun:
    """A range function over a window, series by series.

    per_sample: operations that it takes for each sample of the window.
    """
    read, range_ms = window.read, window.range_ms
    renamed = mapped(drop) if drop is not None else None
    edge = 0 if dialect.left_open else 1
    notes = noted(_gauges)

    def run(ctx: Context, t: int) -> Vec:
        vector, series, end = read(ctx, t)
        start = end - range_ms
        values, absent, walked = batch(series, start, end, start - edge)
        ctx.spend(12 * len(series) + per_sample * walked)
        if absent:
            if not values:
                return EMPTY
            gone = set(absent)
            vector = tuple([x for number, x in enumerate(vector) if number not in gone])
        if expects_counter:
            for note in notes(ctx, vector):
                ctx.inform(note)
        return (vector if renamed is None else renamed(ctx, vector)), values

    return run


def _gauges(vector: tuple[Labels, ...]) -> list[str]:
    names = dict.fromkeys(label_sets.get(labels, NAME) for labels in vector)
    return [
        f'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "{name}"'
        for name in names
        if name and not name.endswith(_COUNTER_SUFFIXES)
    ]


def _over_made(
    window: Window,
    make: Maker,
    args: Sequence[Node],
    drop: Callable[[Labels], Labels],
    dialect: Dialect,
) -> VectorRun:
    """A range function that numbers take part in."""
    numbers: list[ScalarRun] = [arg.run for arg in args]
    current: list[RangeFunction] = []

    def function(*window_of: object) -> float | None:
        return current[0](*window_of)  # type: ignore[arg-type]

    over = _over(window, each(function), drop, dialect, per_sample=5)

    def run(ctx: Context, t: int) -> Vec:
        current[:] = [make(ctx, t, [number(ctx, t) for number in numbers])]
        return over(ctx, t)

    return run


def _quantile_maker(ctx: Context, _: int, numbers: list[float]) -> RangeFunction:
    from dialer.promql.aggregation import check_quantile

    check_quantile(ctx, numbers[0])
    return over_time.quantile_over_time(numbers[0])


_MADE: dict[str, tuple[int, Maker]] = {
    "quantile_over_time": (1, _quantile_maker),
    "predict_linear": (0, lambda _, t, n: windows.predict_linear(t, n[0])),
    "double_exponential_smoothing": (0, lambda _, __, n: windows.smoothing(n[0], n[1])),
}
"""Which argument is the window, and what makes the function of the other arguments."""


def _rates(dialect: Dialect) -> dict[str, Batch]:
    def extrapolated(counter: bool, per_second: bool) -> Batch:
        return windows.extrapolated(
            counter=counter, per_second=per_second, cap_first=dialect.left_open
        )

    return {
        "rate": extrapolated(True, True),
        "increase": extrapolated(True, False),
        "delta": extrapolated(False, False),
        "irate": each(windows.last_change(per_second=True)),
        "idelta": each(windows.last_change(per_second=False)),
        "deriv": each(windows.deriv),
    }


def _strings(args: Sequence[Node]) -> list[str]:
    return [str(arg.constant) for arg in args]


def _label_replace(args: Sequence[Node], _: object, __: object) -> VectorRun:
    target, template, source, pattern = _strings(args[1:])
    label_functions.require_name(target)
    change = label_functions.replacing(target, template, source, pattern)
    return label_functions.renamed(args[0].run, change)


def _label_join(args: Sequence[Node], _: object, __: object) -> VectorRun:
    target, separator, *sources = _strings(args[1:])
    label_functions.require_name(target)
    change = label_functions.joining(target, separator, tuple(sources))
    return label_functions.renamed(args[0].run, change)


def _absent(args: Sequence[Node], _: object, __: object) -> VectorRun:
    chosen = args[0].selector
    labels = label_functions.absent_labels(chosen.matchers) if chosen else ()
    return label_functions.absent(args[0].run, labels)


def _absent_over_time(
    args: Sequence[Node], _: Callable[[Labels], Labels], dialect: Dialect
) -> VectorRun:
    chosen = args[0].selector
    labels = label_functions.absent_labels(chosen.matchers) if chosen else ()
    counts = each(over_time.OVER_TIME["present_over_time"])
    present = _over(_window(args[0]), counts, None, dialect)
    return label_functions.absent(present, labels)


def _timestamp(
    args: Sequence[Node], drop: Callable[[Labels], Labels], dialect: Dialect
) -> VectorRun:
    chosen = args[0].selector
    if chosen is not None:
        return _each(instant(chosen, dialect, stamps=True), lambda value: value, drop)
    inner, renamed = args[0].run, mapped(drop)

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        return renamed(ctx, vector), [t / 1000] * len(values)

    return run


def _scalar(args: Sequence[Node], _: object, __: object) -> ScalarRun:
    inner = args[0].run

    def run(ctx: Context, t: int) -> float:
        values: list[float] = inner(ctx, t)[1]
        return values[0] if len(values) == 1 else NAN

    return run


def _vector(args: Sequence[Node], _: object, __: object) -> VectorRun:
    number = args[0].run
    return lambda ctx, t: (_ALONE, [number(ctx, t)])


def _sort(*, descending: bool) -> Callable[..., VectorRun]:
    sign = -1.0 if descending else 1.0

    def build(args: Sequence[Node], _: object, __: object) -> VectorRun:
        inner = args[0].run

        def run(ctx: Context, t: int) -> Vec:
            vector, values = inner(ctx, t)
            ctx.spend(8 * len(values))
            order = sorted(range(len(values)), key=lambda n: (isnan(values[n]), sign * values[n]))
            return tuple([vector[n] for n in order]), [values[n] for n in order]

        return run

    return build


def _sort_by_label(*, descending: bool) -> Callable[..., VectorRun]:
    return lambda args, _, __: label_functions.sorted_by(
        args[0].run, tuple(_strings(args[1:])), descending=descending
    )


def _histogram_quantile(
    args: Sequence[Node], drop: Callable[[Labels], Labels], _: object
) -> VectorRun:
    answer = classic_histograms.quantile_run(args[0].run)
    return classic_histograms.over_histograms(answer, args[1].run, mapped(drop))


def _histogram_fraction(
    args: Sequence[Node], drop: Callable[[Labels], Labels], _: object
) -> VectorRun:
    answer = classic_histograms.fraction_run(args[0].run, args[1].run)
    return classic_histograms.over_histograms(answer, args[2].run, mapped(drop))


_OTHERS: dict[str, Callable[[Sequence[Node], Callable[[Labels], Labels], Dialect], Run]] = {
    "time": lambda _, __, ___: lambda _, t: t / 1000,
    "pi": lambda _, __, ___: lambda _, __: math.pi,
    "scalar": _scalar,
    "vector": _vector,
    "timestamp": _timestamp,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "label_replace": _label_replace,
    "label_join": _label_join,
    "sort": _sort(descending=False),
    "sort_desc": _sort(descending=True),
    "sort_by_label": _sort_by_label(descending=False),
    "sort_by_label_desc": _sort_by_label(descending=True),
    "histogram_quantile": _histogram_quantile,
    "histogram_fraction": _histogram_fraction,
}
