"""Functions that change or read labels: label_replace, label_join, absent, sorting by label.

The rule of this module: values pass through untouched; what comes of labels is worked out once
and kept while the same series come.
"""

import re
from collections.abc import Callable
from functools import cmp_to_key
from itertools import zip_longest

from dialer.errors import FormulaError, FormulaEvaluationError
from dialer.promql import labels as label_sets
from dialer.promql.context import EMPTY, Context, Vec, VectorRun
from dialer.promql.labels import NAME, Labels
from dialer.promql.matchers import Matcher, regex
from dialer.promql.remembered import mapped

_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")
_CHUNK = re.compile(r"\d+|\D+")
_MAX_LABEL = 4096


def require_name(name: str) -> str:
    """A label's name may be any text but the empty one (Prometheus 3)."""
    if not name:
        raise FormulaError("", "a label's name is empty", "name the label to write")
    return name


def renamed(inner: VectorRun, change: Callable[[Labels], Labels]) -> VectorRun:
    """Every element under other labels."""
    change_all = mapped(change)

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        ctx.spend(len(values))
        return change_all(ctx, vector), values

    return run


def replacing(target: str, template: str, source: str, pattern: str) -> Callable[[Labels], Labels]:
    """label_replace: the pattern has to match the whole of the source label."""
    compiled = regex(pattern)
    pieces = _pieces(template)

    def change(labels: Labels) -> Labels:
        match = compiled.fullmatch(label_sets.get(labels, source))
        if match is None:
            return labels
        groups = {str(n): text for n, text in enumerate((match.group(0), *match.groups()))}
        groups.update(match.groupdict())
        value = "".join(piece if literal else groups.get(piece) or "" for literal, piece in pieces)
        return _written(labels, target, value)

    return change


def joining(target: str, separator: str, sources: tuple[str, ...]) -> Callable[[Labels], Labels]:
    """label_join: labels that are missing count as empty."""
    return lambda labels: _written(
        labels, target, separator.join(label_sets.get(labels, source) for source in sources)
    )


def _written(labels: Labels, target: str, value: str) -> Labels:
    if len(value) > _MAX_LABEL:
        raise FormulaEvaluationError(
            "", f"the label {target} would have {len(value):,} characters", "shorten its template"
        )
    if target == NAME:
        labels = label_sets.unmark_name(labels)
    return label_sets.replace(labels, target, value)


def _pieces(template: str) -> list[tuple[bool, str]]:
    """The template as (is literal, text or group)."""
    pieces, end = [], 0
    for found in _REFERENCE.finditer(template):
        pieces.append((True, template[end : found.start()]))
        group = found.group(1) or found.group(2)
        pieces.append((True, "$") if group is None else (False, group))
        end = found.end()
    pieces.append((True, template[end:]))
    return pieces


def absent_labels(matchers: tuple[Matcher, ...]) -> Labels:
    """What absent() knows of the series that are not there: labels asked for by one equality."""
    known: dict[str, str] = {}
    named: set[str] = set()
    for matcher in matchers:
        if matcher.name == NAME:
            continue
        if matcher.is_equal and matcher.name not in named:
            known[matcher.name] = matcher.value
            named.add(matcher.name)
        else:
            known.pop(matcher.name, None)
    return label_sets.make(known)


def absent(inner: VectorRun, labels: Labels) -> VectorRun:
    names = (labels,)
    return lambda ctx, t: EMPTY if inner(ctx, t)[1] else (names, [1.0])


def sorted_by(inner: VectorRun, names: tuple[str, ...], *, descending: bool) -> VectorRun:
    """sort_by_label: numbers inside labels count as numbers; all labels decide between equals."""

    def compare(a: Labels, b: Labels) -> int:
        for name in names:
            x, y = label_sets.get(a, name), label_sets.get(b, name)
            if x != y:
                return -1 if _natural_less(x, y) else 1
        return -1 if a < b else int(a > b)

    key = cmp_to_key(compare)

    def run(ctx: Context, t: int) -> Vec:
        vector, values = inner(ctx, t)
        ctx.spend(40 * len(values))
        order = sorted(range(len(values)), key=lambda n: key(vector[n]), reverse=descending)
        return tuple([vector[n] for n in order]), [values[n] for n in order]

    return run


def _natural_less(a: str, b: str) -> bool:
    for x, y in zip_longest(_CHUNK.findall(a), _CHUNK.findall(b)):
        if x is None or y is None:
            return x is None
        if x.isdecimal() and y.isdecimal() and int(x) != int(y):
            return int(x) < int(y)
        if x != y and not (x.isdecimal() and y.isdecimal()):
            return bool(x < y)
    return False
