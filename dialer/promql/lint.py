"""What is likely to go wrong with a pacing formula, told before it does, and mended where possible.

The rule of this module: every finding names the part of the formula, why it matters to pacing, and
what to write instead; a mended formula is offered only when it compiles.

| rule | what it finds |
|---|---|
| syntax | the formula cannot be compiled |
| unknown_metric, unknown_label, unknown_value | the catalogue has no such name |
| missing_sum_by | sides that never match, several numbers per campaign, all campaigns in one |
| hard_coded_campaign | a campaign's name where the formula should serve each |
| short_window | a window with room for fewer than four samples |
| zero_denominator | a division by what can be 0 |
| nan | NaN where a number is wanted |
| missing_clamp | a ratio that nothing bounds |
| cold_start | no number until there is something to go by |
"""

from collections.abc import Mapping
from typing import NamedTuple

from dialer.documents import suggestion
from dialer.errors import FormulaError
from dialer.promql.formula import compile_formula
from dialer.promql.judgement import Judge
from dialer.promql.known import TARGET, Known, known_metrics
from dialer.promql.syntax import parse
from dialer.promql.written import Written

ERROR, WARNING, NOTE = "error", "warning", "note"
"""It cannot work; it will go wrong at times; it is as it is, and should be known."""

_FALLBACK = "sum by (campaign) (dialer_campaign_info)"
_MEMBERS = 4
_MOST_MENDS = 20


class Finding(NamedTuple):
    """One thing found.

    level: "error", "warning" or "note". part: the text of the sub-expression. mended: the whole
        formula with this mended, "" where that takes a person.
    """

    rule: str
    level: str
    part: str
    what: str
    mend: str
    mended: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.part}: {self.what}; {self.mend}"


def lint(
    text: str, *, interval_s: float = 1.0, metrics: Mapping[str, Known] | None = None
) -> list[Finding]:
    """Everything found in a formula, what cannot work first.

    interval_s: the time between samples. metrics: what the formula may read, by default the
        catalogue.
    """
    try:
        compile_formula(text)
    except FormulaError as error:
        return [Finding("syntax", ERROR, text.strip()[:80], str(error), "mend it there")]
    linter = _Linter(Written(parse(text)), interval_s, metrics or known_metrics())
    linter.look()
    order = (ERROR, WARNING, NOTE)
    return sorted(linter.findings, key=lambda finding: order.index(finding.level))


def mend(text: str, *, interval_s: float = 1.0) -> str:
    """The formula with every error and warning mended that can be, in one line; as it is when
    nothing can be mended. Read it before use: it says what was most likely meant.
    """
    for _ in range(_MOST_MENDS):
        found = lint(text, interval_s=interval_s)
        mended = next((one.mended for one in found if one.mended and one.level != NOTE), "")
        if not mended or mended == text:
            break
        text = mended
    return text


def _bracketed(part: Written) -> str:
    return f"({part.text()})" if part.kind == "BinaryExpr" else part.text()


class _Linter(Judge):
    """Hears of the judge what is wrong with which part."""

    def __init__(self, whole: Written, interval_s: float, metrics: Mapping[str, Known]) -> None:
        super().__init__(metrics)
        self._whole = whole
        self._interval_s = interval_s
        self.findings: list[Finding] = []

    def look(self) -> None:
        facts = self.facts(self._whole)
        text = self._whole.text()
        if facts.kind != "vector":
            if facts.kind != "scalar":
                self._tell("syntax", ERROR, self._whole, f"it is a {facts.kind}", "aggregate it")
            return
        several = None if facts.free is None else facts.free - TARGET - {"campaign"}
        if several:
            self._tell(
                "missing_sum_by",
                ERROR,
                self._whole,
                f"it gives a number for each {', '.join(sorted(several))}, and pacing takes one",
                "add them up by campaign",
                {self._whole: f"sum by (campaign) ({text})"},
            )
        if facts.loose:
            self._tell(
                "missing_clamp",
                WARNING,
                self._whole,
                "nothing bounds it: a few lucky or unlucky calls send it anywhere",
                "put it between what you would dial at least and at most: clamp(..., 1, 3)",
                {self._whole: f"clamp({text}, 1, 3)"},
            )
        if facts.empty or facts.nan:
            self._tell(
                "cold_start",
                NOTE,
                self._whole,
                "at times it gives no number (a day begins without calls to go by), and the safe "
                "progressive rate is dialed",
                "say in the formula what holds then, such as one call per agent",
                {self._whole: f"({_bracketed(self._whole)} > 0) or on (campaign) {_FALLBACK}"},
            )

    def heard(self, rule: str, part: Written, what: str = "", name: str = "") -> None:
        match rule:
            case "unknown_metric":
                self._unknown_metric(part, name)
            case "unknown_label":
                known = self.labels_of(part) - TARGET
                mend = suggestion(name, known) if known else "leave it out"
                level = ERROR if part.kind.endswith("Selector") else WARNING
                instead = self._respelled(part, name, known)
                self._tell(rule, level, part, f"there is no label {name}", mend, instead)
            case "unknown_value":
                label, _, value = name.partition("=")
                known = frozenset(self.values_of(part, label))
                mend = suggestion(value, known)
                instead = self._respelled(part, value, known)
                self._tell(rule, ERROR, part, f"no {label} is {value!r}", mend, instead)
            case "short_window":
                self._short_window(part)
            case _:
                self._tell_more(rule, part, what)

    def _tell_more(self, rule: str, part: Written, what: str) -> None:
        match rule:
            case "hard_coded_campaign":
                self._tell(
                    rule,
                    WARNING,
                    part,
                    "it names one campaign, so no other can use the formula",
                    "leave the label out and add up by campaign: each takes its own number",
                    {part: what},
                )
            case "all_campaigns":
                self._tell(
                    "missing_sum_by",
                    WARNING,
                    part,
                    "it adds up all campaigns, and each gets the same number",
                    "aggregate by (campaign)",
                    {part: what},
                )
            case "never_matches" | "many_match":
                instead = {
                    side: f"sum by (campaign) ({side.text()})"
                    for side in part.parts
                    if not side.text().startswith("sum by (campaign)")
                }
                told = "its sides never match" if rule == "never_matches" else "several match"
                told = f"{told}: {what}"
                mend = "add up both sides by campaign first"
                self._tell("missing_sum_by", ERROR, part, told, mend, instead)
            case "zero_denominator":
                below = part.parts[1]
                mend = "let only what is above 0 through: / (... > 0)"
                instead = {below: f"({_bracketed(below)} > 0)"}
                told = f"{below.text()} can be 0, and then this is NaN or infinite"
                self._tell(rule, WARNING, part, told, mend, instead)
            case "nan":
                mend = "let only numbers through: (... >= 0)"
                instead = {part: f"({_bracketed(part)} >= 0)"}
                self._tell(rule, WARNING, part, what, mend, instead)
            case "scalar":
                mend = "leave scalar() out and match on (campaign)"
                self._tell("nan", WARNING, part, what, mend)

    def _unknown_metric(self, part: Written, name: str) -> None:
        mend = suggestion(name, self.metrics) if self._is_close(name) else "see docs/metrics.md"
        instead = self._respelled(part, name, frozenset(self.metrics))
        self._tell("unknown_metric", ERROR, part, f"there is no metric {name}", mend, instead)

    def _short_window(self, part: Written) -> None:
        wanted_s = _MEMBERS * self._interval_s
        wanted = f"{wanted_s:g}s" if wanted_s == round(wanted_s) else f"{wanted_s * 1000:.0f}ms"
        text = part.text()
        head, _, rest = text.rpartition("[")
        self._tell(
            "short_window",
            WARNING,
            part,
            f"there is room for fewer than {_MEMBERS} samples, one each {self._interval_s:g} s",
            f"take at least {wanted}; minutes are steadier",
            {part: f"{head}[{wanted}]{rest.partition(']')[2]}"},
        )

    def is_short(self, range_s: float) -> bool:
        return range_s < _MEMBERS * self._interval_s

    def _is_close(self, name: str) -> bool:
        return suggestion(name, self.metrics).startswith("did you mean")

    def _respelled(
        self, part: Written, name: str, known: frozenset[str]
    ) -> Mapping[Written, str] | None:
        meant = suggestion(name, known)
        if not meant.startswith("did you mean"):
            return None
        return {part: part.text().replace(name, meant.split("'")[1], 1)}

    def _tell(
        self,
        rule: str,
        level: str,
        part: Written,
        what: str,
        mend: str,
        instead: Mapping[Written, str] | None = None,
    ) -> None:
        mended = self._whole.text(instead) if instead else ""
        if mended:
            try:
                compile_formula(mended)
            except FormulaError:
                mended = ""
        self.findings.append(Finding(rule, level, part.text(), what, mend, mended))
