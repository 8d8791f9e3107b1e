"""Runs Prometheus' own evaluation tests, in their own format.

    python -m tests.dialer.promql.corpus        # passes, failures and skips by file

The folder is that of PROMQL_CORPUS, by default ../shared/promql_corpus beside the checkout. A skip
has one reason only: the answer depends on native histograms, which Foredial refuses.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path

from dialer.errors import FormulaError
from dialer.promql import Matrix, Result, Scalar, SeriesStore, Vector, compile_formula
from dialer.promql.labels import NAME, Labels, make

CHECKOUT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("PROMQL_CORPUS", CHECKOUT.parent / "shared" / "promql_corpus"))

NATIVE = "native histogram"
_TOLERANCE = 1e-6  # that of Prometheus' own runner: expected values are rounded
_NATIVE_CALL = re.compile(r"\bhistogram_(count|sum|avg|stddev|stdvar)\b")
_EVAL = re.compile(
    r"eval(?P<mode>_\w+)?\s+(?:instant\s+at\s+(?P<at>\S+)"
    r"|range\s+from\s+(?P<start>\S+)\s+to\s+(?P<end>\S+)\s+step\s+(?P<step>\S+))\s+(?P<text>.*)"
)
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SERIES = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)?\s*"
    r'(?:\{(?!\{)(?P<labels>(?:[^}"]|"(?:[^"\\]|\\.)*")*)\})?\s*(?P<values>.*)'
)
_PAIR = re.compile(r'(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"')


@dataclass
class Evaluation:
    """One `eval`: what is asked and what is expected."""

    line: int
    mode: str
    text: str
    start_ms: int
    end_ms: int
    step_ms: int  # 0 for an instant
    expected: list[tuple[Labels, list[float | None]]] = field(default_factory=list)
    scalar: float | None = None
    native: bool = False


@dataclass
class Outcome:
    evaluation: Evaluation
    verdict: str  # "pass", "fail" or a reason to skip
    said: str = ""


def duration_ms(text: str) -> int:
    if re.fullmatch(r"[\d.]+", text):
        return round(float(text) * 1000)
    return sum(int(n) * _UNITS_MS[unit] for n, unit in re.findall(r"(\d+)(ms|[smhd])", text))


def values_of(text: str) -> tuple[list[float | None], bool]:
    """The values of a series line: None where there is none; True when some are histograms.

    A staleness marker is -1e999's place holder: the string "stale" becomes a NaN with a mark.
    """
    native = "{{" in text
    text = re.sub(r"\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x(\d+))?", _gap, text)
    values: list[float | None] = []
    for word in text.split():
        if word == "_":
            values.append(None)
        elif word.startswith("_x"):
            values += [None] * int(word[2:])
        elif word == "stale":
            values.append(STALE)
        elif "x" in word:
            head, times = word.rsplit("x", 1)
            step = re.search(r"(?<=[\w.])(?<![eE])[+-]", head)
            first = float(head[: step.start()] if step else head)
            by = float(head[step.start() :]) if step else 0.0
            # Prometheus adds up step by step, so rounding is that of a running sum.
            value = first
            for _ in range(int(times) + 1):
                values.append(value)
                value += by
        else:
            values.append(float(word))
    return values, native


def _gap(match: re.Match[str]) -> str:
    return " ".join("_" for _ in range(int(match.group(1) or 0) + 1))


class _Stale(float):
    """The marker of a series that ended."""


STALE = _Stale("nan")


def series_line(text: str) -> tuple[Labels, list[float | None], bool]:
    match = _SERIES.fullmatch(text)
    assert match, text
    pairs = dict(_PAIR.findall(match["labels"] or ""))
    if match["name"]:
        pairs[NAME] = match["name"]
    values, native = values_of(match["values"])
    return make(pairs), values, native


class Runner:
    """One file: loads, clears and evaluations in order."""

    def __init__(self, path: Path, *, delayed_name_removal: bool) -> None:
        self._path = path
        self._delayed = delayed_name_removal
        self._samples: dict[Labels, dict[int, float]] = {}
        self._native: set[Labels] = set()
        self._store: SeriesStore | None = None

    def outcomes(self) -> Iterator[Outcome]:
        for command in self._commands():
            yield self._judge(command)

    def _commands(self) -> Iterator[Evaluation]:
        text = self._path.read_text(encoding="utf-8")
        # A comment ends a block, as an empty line does.
        lines = ["" if line.lstrip()[:1] == "#" else line.strip() for line in text.splitlines()]
        number = 0
        while number < len(lines):
            line = lines[number]
            number += 1
            if not line:
                continue
            block = []
            while number < len(lines) and lines[number]:
                block.append(lines[number])
                number += 1
            word = line.split()[0]
            if word.startswith("load"):
                self._load(word, duration_ms(line.split()[1]), block)
            elif word == "clear":
                self._samples, self._native, self._store = {}, set(), None
                number -= len(block)
            elif word.startswith("eval"):
                yield self._evaluation(number - len(block), line, block)
            else:
                raise ValueError(f"{self._path.name}: {line}")

    def _load(self, word: str, step_ms: int, block: list[str]) -> None:
        self._store = None
        fresh: dict[Labels, dict[int, float]] = {}
        for entry in block:
            labels, values, native = series_line(entry)
            if native:
                self._native.add(labels)
            if word == "load_with_nhcb":
                plain = dict(labels)
                plain.pop("le", None)
                plain[NAME] = re.sub("_(bucket|sum|count)$", "", plain[NAME])
                self._native.add(make(plain))
            fresh[labels] = {n * step_ms: v for n, v in enumerate(values) if v is not None}
        for labels, samples in fresh.items():
            self._samples.setdefault(labels, {}).update(samples)

    def _evaluation(self, number: int, line: str, block: list[str]) -> Evaluation:
        match = _EVAL.fullmatch(line)
        assert match, line
        if match["at"]:
            start = end = duration_ms(match["at"])
            step = 0
        else:
            start, end = duration_ms(match["start"]), duration_ms(match["end"])
            step = duration_ms(match["step"])
        found = Evaluation(
            number, (match["mode"] or "")[1:], match["text"].split(" #")[0], start, end, step
        )
        for entry in block:
            if entry.startswith("expect"):
                words = entry.split()
                if words[0] == "expect" and words[1] in {"fail", "warn", "info", "ordered"}:
                    found.mode = words[1]
            elif re.fullmatch(r"[-+]?[\w.]+(e[-+]?\d+)?", entry) and not step:
                found.scalar = float(entry)
            else:
                labels, values, native = series_line(entry)
                found.native |= native
                found.expected.append((labels, values))
        return found

    def _built(self) -> SeriesStore:
        if self._store is None:
            self._store = SeriesStore()
            for labels, samples in self._samples.items():
                series = self._store.series(labels)
                for t, value in sorted(samples.items()):
                    if value is STALE:
                        series.mark_stale(t)
                    else:
                        series.append(t, value)
        return self._store

    def _judge(self, asked: Evaluation) -> Outcome:
        if asked.native or _NATIVE_CALL.search(asked.text):
            return Outcome(asked, NATIVE)
        try:
            formula = compile_formula(asked.text, delayed_name_removal=self._delayed)
            touches_native = any(formula.reads.wants(labels) for labels in self._native)
            store = self._built()
            if asked.step_ms:
                result: Result = formula.over(store, asked.start_ms, asked.end_ms, asked.step_ms)
            else:
                result = formula.at(store, asked.start_ms)
        except FormulaError as error:
            if asked.mode == "fail":
                return Outcome(asked, "pass")
            return Outcome(asked, "fail", f"{type(error).__name__}: {error}")
        if asked.mode == "fail":
            wrong = f"gives {result}"
        else:
            wrong = _difference(asked, result) or _wrong_notes(asked, result)
        # Where histograms are ignored anyway the answer is right without them.
        failed = NATIVE if touches_native else "fail"
        return Outcome(asked, failed if wrong else "pass", wrong)


def _wrong_notes(asked: Evaluation, result: Result) -> str:
    if asked.mode == "ordered":
        return ""
    if bool(result.notes.warnings) != (asked.mode == "warn"):
        return f"warnings: {result.notes.warnings}"
    if bool(result.notes.infos) != (asked.mode == "info"):
        return f"infos: {result.notes.infos}"
    return ""


def _difference(asked: Evaluation, result: Result) -> str:
    match result:
        case Scalar():
            same = asked.scalar is not None and close(asked.scalar, result.value)
            return "" if same else f"{result.value}, expected {asked.scalar}"
        case Vector():
            found = [(s.labels, [s.value]) for s in result.samples]
            wanted = [(labels, values[:1]) for labels, values in asked.expected]
        case Matrix() if asked.step_ms:
            stamps = range(asked.start_ms, asked.end_ms + 1, asked.step_ms)
            found = [
                (p.labels, [dict(zip(p.stamps_ms, p.values, strict=True)).get(t) for t in stamps])
                for p in result.series
            ]
            if asked.scalar is not None:
                asked.expected.append(((), [asked.scalar]))
            wanted = [
                (labels, (values + [None] * len(stamps))[: len(stamps)])
                for labels, values in asked.expected
            ]
        case _:
            return f"a {type(result).__name__}"
    if asked.mode != "ordered":
        found.sort(key=lambda pair: pair[0])
        wanted.sort(key=lambda pair: pair[0])
    if [labels for labels, _ in found] != [labels for labels, _ in wanted]:
        return f"labels {found}, expected {wanted}"
    for (_, values), (_, expected) in zip(found, wanted, strict=True):
        if not all(close(a, b) for a, b in zip(values, expected, strict=True)):
            return f"{found}, expected {wanted}"
    return ""


def close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    if a == b or (isnan(a) and isnan(b)):
        return True
    return bool(abs(a - b) <= _TOLERANCE * (abs(a) + abs(b))) and a != 0 and b != 0


def run(path: Path, *, delayed_name_removal: bool = True) -> list[Outcome]:
    return list(Runner(path, delayed_name_removal=delayed_name_removal).outcomes())


def main() -> None:
    total: Counter[str] = Counter()
    print(f"{'file':26} {'pass':>5} {'fail':>5} {'skip':>5}")
    for path in sorted(FOLDER.glob("*.test")):
        outcomes = run(path)
        counts = Counter(o.verdict for o in outcomes)
        total.update(counts)
        skipped = sum(n for verdict, n in counts.items() if verdict not in {"pass", "fail"})
        print(f"{path.name:26} {counts['pass']:5} {counts['fail']:5} {skipped:5}")
        for outcome in outcomes:
            if outcome.verdict == "fail":
                asked = outcome.evaluation
                print(f"    line {asked.line}: {asked.mode} {asked.text}: {outcome.said[:600]}")
    print(dict(total))


if __name__ == "__main__":
    main()
