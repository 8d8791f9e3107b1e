"""Recorded samples as text, read into series that formulas are evaluated over.

The rule of this module: it takes what Prometheus' own tools write: OpenMetrics (stamps in
seconds, `# EOF` at the end), the older text form and `promtool tsdb dump` (stamps in ms). A line
that is none of these is told by its number.
"""

import re
from collections.abc import Iterator

from dialer.errors import InputError
from dialer.promql import SeriesStore
from dialer.promql.labels import NAME, Labels, make

_LINE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)?\s*"
    r'(?:\{(?P<labels>(?:[^}"]|"(?:[^"\\]|\\.)*")*)\})?'
    r"\s*(?P<value>\S+)\s+(?P<stamp>[-+\d.eE]+)(?:\s+#.*)?"
)
_PAIR = re.compile(r'\s*(?:"(\w+)"|(\w+))\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
_ESCAPE = re.compile(r'\\[n"\\]')

Samples = dict[Labels, dict[int, float]]


def read_samples(text: str, name: str) -> SeriesStore:
    """The series of a text; of two samples of one stamp the later line counts.

    name: what errors call the text. Raises InputError.
    """
    lines = text.splitlines()
    in_seconds = any(line.strip() == "# EOF" for line in lines[-3:])
    found: Samples = {}
    for number, line in _sample_lines(lines):
        where = f"{name}:{number}"
        match = _LINE.fullmatch(line)
        if match is None or not (match["name"] or match["labels"]):
            mend = 'write name{label="value"} value stamp'
            raise InputError(where, f"`{line[:60]}` is no sample with its time", mend)
        labels = _labels(match["name"] or "", match["labels"] or "", where)
        try:
            value, stamp = float(match["value"]), float(match["stamp"])
        except ValueError:
            what = "its value or time is no number"
            raise InputError(where, what, "write it in digits") from None
        found.setdefault(labels, {})[round(stamp * 1000) if in_seconds else round(stamp)] = value
    store = SeriesStore()
    for labels, samples in found.items():
        series = store.series(labels)
        for t_ms in sorted(samples):
            series.append(t_ms, samples[t_ms])
    if not found:
        raise InputError(name, "it holds no samples", "record some: promtool tsdb dump FOLDER")
    return store


def _sample_lines(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _labels(name: str, text: str, where: str) -> Labels:
    pairs: dict[str, str] = {NAME: name} if name else {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            if not text[at:].strip():
                break
            raise InputError(where, f"`{text[at : at + 40]}` is no label", 'write label="value"')
        value = _ESCAPE.sub(lambda escape: _ESCAPES[escape.group()], match[3])
        pairs[match[1] or match[2]] = value
        at = match.end()
    return make(pairs)
