"""The formulas that ship, by name."""

from functools import cache
from pathlib import Path

from dialer.formulas import ShippedFormula, load_formula

FOLDER = Path(__file__).resolve().parent / "formulas"


@cache
def shipped_formulas() -> dict[str, ShippedFormula]:
    """All of them, by name, in alphabetical order."""
    files = sorted(FOLDER.glob("*.yaml"))
    found = [load_formula(file.read_text("utf-8"), file.name) for file in files]
    return {formula.name: formula for formula in found}


def formula_texts() -> dict[str, str]:
    """Their PromQL, by name."""
    return {name: shipped.formula for name, shipped in shipped_formulas().items()}


def formulas_markdown() -> str:
    """Each of them for docs/formulas.md, its text ready to be copied."""
    parts = []
    for name, shipped in shipped_formulas().items():
        gives = shipped.gives.replace("_", " ")
        parts.append(
            f"#### {name}\n\nGives {gives}. {shipped.about.strip()}\n\n"
            f"**When**: {shipped.when_to_use.strip()}\n\n**Beware**: {shipped.caution.strip()}\n\n"
            f"```promql\n{shipped.formula}\n```"
        )
    return "\n\n".join(parts)
