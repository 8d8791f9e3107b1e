"""Formulas by the hundred thousand: right ones, damaged ones, and rubbish.

    python -m tests.dialer.promql.fuzz [--count 100000] [--seed 1]

The rule that is tried: whatever the text, there is an answer or a FormulaError, and soon. Each is
compiled, evaluated at an instant, over a range and as a number, explained, linted and mended. One
that takes longer than LIMIT_S is interrupted and counts as a hang.
"""

import argparse
import math
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from dialer.errors import FormulaError
from dialer.promql import Limits, SeriesStore, compile_formula
from dialer.promql.lint import lint, mend

LIMIT_S = 20.0
T_MS = 600_000
LIMITS = Limits(operations=100_000, steps=1_000)

_METRICS = ("a", "b_total", "c_bucket", "odd", "nothing", "a:b", "up")
_LABELS = ("campaign", "state", "le", "__name__", "x")
_VALUES = ("spring", "ready", "1", "+Inf", "", "a.b", "(.*)", "[a-z]+", "é", "x|y", "\\\\d")
_NUMBERS = (
    "0",
    "1",
    "-1",
    "2.5",
    "1e3",
    "Inf",
    "-Inf",
    "NaN",
    "0x1F",
    "1e308",
    "1e-320",
    "5m",
    "9" * 30,
)
_DURATIONS = ("1m", "5m", "10s", "1ms", "1h", "1d", "90s", "300", "100y", "1m30s")
_BINARY = (
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    "!=",
    ">",
    "<",
    ">=",
    "<=",
    "atan2",
    "and",
    "or",
    "unless",
)
_FOLDS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
_ONE_VECTOR = (
    *("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "sin", "cos", "tan"),
    *("asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad"),
    *("year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour"),
    *("minute", "sort", "sort_desc", "timestamp", "absent", "histogram_count", "info"),
)
_ONE_WINDOW = (
    *("rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets"),
    *("absent_over_time", "mad_over_time", "ts_of_max_over_time", "ts_of_min_over_time"),
    *("ts_of_last_over_time", "first_over_time", "stddev_over_time", "stdvar_over_time"),
    *(f"{n}_over_time" for n in ("sum", "avg", "min", "max", "count", "last", "present")),
)
_PIECES = (
    *"()[]{},+-*/%^=<>!~@:'\"`\\#. \n\t\x00\ufeff\u2028é",
    *("by", "on", "bool", "offset", "group_left", "start()", "5m", "1", "rate", "sum", "x"),
    *(
        "==",
        "=~",
        "!~",
        "and",
        "unless",
        "without",
        "ignoring",
        "9999999999999999999999y",
        "\ud800",
    ),
)


def world() -> SeriesStore:
    """A few series with all that values can be, and a gap."""
    draw = random.Random(5)
    store = SeriesStore()
    for second in range(0, 601, 5):
        for campaign in ("spring", "autumn"):
            base = {"campaign": campaign}
            store.append(
                {"__name__": "a", "state": "ready", **base}, second * 1000, draw.randrange(9)
            )
            store.append(
                {"__name__": "a", "state": "busy", **base}, second * 1000, draw.gauss(0, 9)
            )
            store.append({"__name__": "b_total", **base}, second * 1000, second % 300)
            for bound in ("0.1", "1", "+Inf", "odd"):
                name = {"__name__": "c_bucket", "le": bound, **base}
                store.append(name, second * 1000, second * len(bound))
        odd = draw.choice((math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 0.0, -0.0))
        store.append({"__name__": "odd"}, second * 1000, odd)
    store.series({"__name__": "b_total", "campaign": "spring"}).mark_stale(590_500)
    return store


class Grammar:
    """Formulas that are right by PromQL's grammar and types."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def formula(self) -> str:
        depth = self._draw.choice((1, 2, 3, 3, 4, 5))
        return self._draw.choice((self.vector, self.vector, self.vector, self.scalar, self.window))(
            depth
        )

    def _one(self, *choices: Callable[[int], str]) -> Callable[[int], str]:
        return self._draw.choice(choices)

    def _pick(self, *choices: str) -> str:
        return self._draw.choice(choices)

    def scalar(self, depth: int) -> str:
        draw = self._draw
        if depth <= 0 or draw.random() < 0.4:
            return self._pick(*_NUMBERS, "time()", "pi()")
        return self._one(
            lambda d: f"scalar({self.vector(d)})",
            lambda d: f"({self.scalar(d)} {self._arithmetic()} {self.scalar(d)})",
            lambda d: f"({self.scalar(d)} {draw.choice(_BINARY[6:12])} bool {self.scalar(d)})",
            lambda d: f"-({self.scalar(d)})",
        )(depth - 1)

    def _arithmetic(self) -> str:
        return self._pick(*_BINARY[:6], "atan2")

    def vector(self, depth: int) -> str:
        if depth <= 0 or self._draw.random() < 0.15:
            return self._selector() + self._when()
        return self._one(
            self._fold, self._fold, self._best, self._binary, self._binary, self._with_scalar,
            self._function, self._over, self._over, self._label_function,
        )(depth - 1)  # fmt: skip

    def window(self, depth: int) -> str:
        draw = self._draw
        if depth <= 0 or draw.random() < 0.7:
            return f"{self._selector()}[{draw.choice(_DURATIONS)}]{self._when()}"
        step = self._pick("", *_DURATIONS)
        return f"({self.vector(depth - 1)})[{draw.choice(_DURATIONS)}:{step}]{self._when()}"

    def _selector(self) -> str:
        draw = self._draw
        matchers = ",".join(
            f'{draw.choice(_LABELS)}{self._pick("=", "!=", "=~", "!~")}"{draw.choice(_VALUES)}"'
            for _ in range(draw.choice((0, 0, 1, 2)))
        )
        return draw.choice(_METRICS) + (f"{{{matchers}}}" if matchers else "")

    def _when(self) -> str:
        parts = []
        if self._draw.random() < 0.15:
            parts.append(f" offset {self._pick('', '-')}{self._draw.choice(_DURATIONS)}")
        if self._draw.random() < 0.1:
            parts.append(" @ " + self._pick("start()", "end()", "300", "0", "-5", "599.5", "1e12"))
        self._draw.shuffle(parts)
        return "".join(parts)

    def _labels(self) -> str:
        return ", ".join(self._draw.sample(_LABELS, self._draw.choice((0, 1, 1, 2))))

    def _group(self) -> str:
        return self._pick("", f" by ({self._labels()}) ", f" without ({self._labels()}) ")

    def _fold(self, depth: int) -> str:
        return f"{self._draw.choice(_FOLDS)}{self._group()}({self.vector(depth)})"

    def _best(self, depth: int) -> str:
        name = self._pick("topk", "bottomk", "quantile", "count_values", "limitk")
        first = self._pick('"x"', '"campaign"', '""') if name == "count_values" else self.scalar(1)
        return f"{name}{self._group()}({first}, {self.vector(depth)})"

    def _binary(self, depth: int) -> str:
        op = self._draw.choice(_BINARY)
        matching = self._pick("", f"on ({self._labels()})", f"ignoring ({self._labels()})")
        if op in _BINARY[6:12]:
            matching = self._pick("", "bool ") + matching
        if matching.strip() not in {"", "bool"} and op not in {"and", "or", "unless"}:
            matching += self._pick("", "", " group_left", f" group_right ({self._labels()})")
        return f"({self.vector(depth)} {op} {matching} {self.vector(depth)})"

    def _with_scalar(self, depth: int) -> str:
        sides = [self.vector(depth), self.scalar(depth)]
        self._draw.shuffle(sides)
        return f"({sides[0]} {self._pick(*_BINARY[:12], 'atan2')} {sides[1]})"

    def _function(self, depth: int) -> str:
        inner = self.vector(depth)
        numbers = [self.scalar(1), self.scalar(1)]
        return self._pick(
            f"{self._draw.choice(_ONE_VECTOR)}({inner})",
            f"clamp({inner}, {numbers[0]}, {numbers[1]})",
            f"clamp_min({inner}, {numbers[0]})",
            f"round({inner}, {numbers[0]})",
            f"histogram_quantile({numbers[0]}, {inner})",
            f"histogram_fraction({numbers[0]}, {numbers[1]}, {inner})",
            f"vector({numbers[0]})",
            f"-({inner})",
        )

    def _over(self, depth: int) -> str:
        inner, number = self.window(depth), self.scalar(1)
        return self._pick(
            f"{self._draw.choice(_ONE_WINDOW)}({inner})",
            f"{self._draw.choice(_ONE_WINDOW)}({inner})",
            f"quantile_over_time({number}, {inner})",
            f"predict_linear({inner}, {number})",
            f"double_exponential_smoothing({inner}, {number}, 0.5)",
        )

    def _label_function(self, depth: int) -> str:
        inner, label = self.vector(depth), self._draw.choice(_LABELS)
        value = self._draw.choice(_VALUES)
        return self._pick(
            f'label_replace({inner}, "{label}", "$1{value}", "campaign", "{value}")',
            f'label_join({inner}, "{label}", "-", "campaign", "{label}")',
            f'sort_by_label({inner}, "{label}")',
        )


def damaged(draw: random.Random, text: str) -> str:
    """A few characters or words of it changed, doubled, swapped or gone."""
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(text) + 1)
        to = min(len(text), at + draw.choice((1, 1, 3, 10)))
        piece = draw.choice(("", draw.choice(_PIECES), text[at:to] * 2, text[at:to][::-1]))
        text = text[:at] + piece + text[to:]
    return text


def rubbish(draw: random.Random) -> str:
    length = draw.choice((0, 1, 3, 10, 40, 400))
    if draw.random() < 0.2:
        return "".join(chr(draw.randrange(1, 0x11000)) for _ in range(length))
    if draw.random() < 0.1:
        return draw.choice(("(", "-", "a+", "[", "{", "sum(", "1^", "a[1m:", '"')) * length * 10
    return "".join(draw.choice(_PIECES) for _ in range(length))


def some_formula(draw: random.Random) -> tuple[str, str]:
    """A kind and a text."""
    kind = draw.choices(("right", "damaged", "rubbish"), (6, 3, 1))[0]
    if kind == "rubbish":
        return kind, rubbish(draw)
    text = Grammar(draw).formula()
    return kind, damaged(draw, text) if kind == "damaged" else text


class HangError(BaseException):
    """The formula took longer than LIMIT_S."""


@dataclass
class Tally:
    counts: Counter[str] = field(default_factory=Counter)
    worst_s: float = 0.0
    worst: str = ""
    faults: list[tuple[str, str]] = field(default_factory=list)


def try_one(text: str, store: SeriesStore) -> str:
    """What came of it: "answer", or the name of the FormulaError. Anything else gets out."""
    try:
        if all(finding.rule != "syntax" for finding in lint(text)):
            compile_formula(mend(text))
        formula = compile_formula(text, "2" if len(text) % 2 else "3", limits=LIMITS)
        formula.number(store, T_MS / 1000, "spring")
        formula.explain(store, T_MS / 1000)
        if formula.kind in {"scalar", "vector"}:
            formula.over(store, 0, T_MS, 100_000)
        formula.at(store, T_MS)
    except FormulaError as error:
        said = error
    else:
        return "answer"
    if not str(said) or "\n" in str(said):
        raise AssertionError(f"an error is one line: {said}")
    return type(said).__name__


def fuzz(count: int, seed: int, *, progress: Callable[[int, Tally], None] | None = None) -> Tally:
    draw = random.Random(seed)
    store, tally = world(), Tally()
    previous = signal.signal(signal.SIGALRM, _too_long)
    try:
        for number in range(1, count + 1):
            kind, text = some_formula(draw)
            start = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
            try:
                came_of_it = try_one(text, store)
            except HangError:
                came_of_it = "HANG"
                tally.faults.append((text, "hang"))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                came_of_it = "CRASH"
                tally.faults.append((text, f"{type(error).__name__}: {error}"))
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            took = time.perf_counter() - start
            if took > tally.worst_s:
                tally.worst_s, tally.worst = took, text
            tally.counts[f"{kind}: {came_of_it}"] += 1
            if progress and number % 2000 == 0:
                progress(number, tally)
    finally:
        signal.signal(signal.SIGALRM, previous)
    return tally


def _too_long(_: int, __: FrameType | None) -> None:
    raise HangError


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun = time.perf_counter()

    def progress(number: int, tally: Tally) -> None:
        rate = number / (time.perf_counter() - begun)
        print(
            f"{number:7,} of {asked.count:,}  {rate:6.0f}/s  faults {len(tally.faults)}"
            f"  slowest {tally.worst_s:.2f} s",
            flush=True,
        )

    tally = fuzz(asked.count, asked.seed, progress=progress)
    for name, number in sorted(tally.counts.items()):
        print(f"{name:45} {number:7,}")
    print(f"slowest {tally.worst_s:.2f} s: {tally.worst[:200]!r}")
    for text, said in tally.faults[:20]:
        print(f"FAULT {said[:300]}: {text[:300]!r}")
    sys.exit(bool(tally.faults))


if __name__ == "__main__":
    main()
