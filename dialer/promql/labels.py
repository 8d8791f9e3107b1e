"""Label sets of time series, and what operators do to them.

The rule of this module: a label set is a sorted tuple of (name, value) pairs without an empty
value, so two equal sets are equal tuples, and hashing and comparing them is the interpreter's work.

Prometheus 3 can be started so that a metric's name is dropped at the end of a query only ("delayed
name removal"). A set whose name is to be dropped then carries a mark, a pair with an empty name.
"""

from collections.abc import Callable, Iterable, Mapping

from dialer.errors import FormulaEvaluationError

Labels = tuple[tuple[str, str], ...]

NAME = "__name__"
BUCKET = "le"
_MARK = ("", "")


def make(labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """The label set of a mapping or of pairs; empty values are left out."""
    pairs = labels.items() if isinstance(labels, Mapping) else labels
    return tuple(sorted((name, value) for name, value in pairs if value))


def get(labels: Labels, name: str) -> str:
    """The value of a label, "" when the set has none."""
    for pair in labels:
        if pair[0] == name:
            return pair[1]
    return ""


def drop_name(labels: Labels) -> Labels:
    """Without the metric's name."""
    return tuple([pair for pair in labels if pair[0] != NAME])


def mark_name(labels: Labels) -> Labels:
    """With the mark that the name is to be dropped at the end."""
    return labels if labels[:1] == (_MARK,) else (_MARK, *labels)


def unmark_name(labels: Labels) -> Labels:
    """Without the mark: the name stays."""
    return labels[1:] if labels[:1] == (_MARK,) else labels


def settle(labels: Labels) -> Labels:
    """What is seen at the end: a marked name is dropped."""
    return drop_name(labels[1:]) if labels[:1] == (_MARK,) else labels


def replace(labels: Labels, name: str, value: str) -> Labels:
    """With one label set, or removed when the value is empty."""
    rest = [pair for pair in labels if pair[0] != name]
    if value:
        rest.append((name, value))
        rest.sort()
    return tuple(rest)


def keeper(names: Iterable[str]) -> Callable[[Labels], Labels]:
    """A function that keeps only these labels (`by`, `on`); with the name goes its mark."""
    kept = set(names)
    if NAME in kept:
        kept.add(_MARK[0])
    return lambda labels: tuple([pair for pair in labels if pair[0] in kept])


def remover(names: Iterable[str]) -> Callable[[Labels], Labels]:
    """A function that removes these labels and the metric's name (`without`, `ignoring`)."""
    removed = {*names, NAME, _MARK[0]}
    return lambda labels: tuple([pair for pair in labels if pair[0] not in removed])


def require_distinct(vector: Iterable[Labels]) -> None:
    """Raises FormulaEvaluationError when a label set appears twice."""
    seen = set()
    for labels in vector:
        if labels in seen:
            raise FormulaEvaluationError(
                "",
                f"two series have the same labels {text(labels)}",
                "keep a label that tells them apart, or aggregate (sum by ...)",
            )
        seen.add(labels)


def text(labels: Labels) -> str:
    """As PromQL writes it: name{label="value", ...}."""
    name = get(labels, NAME)
    pairs = ", ".join(f'{n}="{quoted(v)}"' for n, v in labels if n not in {NAME, _MARK[0]})
    return f"{name}{{{pairs}}}" if pairs or not name else name


def quoted(value: str) -> str:
    """A string's characters as they stand between double quotes in PromQL."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
