"""The diagrams of the docs are the tables of the code."""

from pathlib import Path

from dialer.diagrams import TABLES, drawn

DOC = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"


def test_every_table_is_drawn_in_the_architecture_as_it_is() -> None:
    text = DOC.read_text("utf-8")
    assert drawn(text) == text, "run: python -m dialer.diagrams docs/architecture.md"
    for name in TABLES:
        assert f"<!-- table: {name} -->\n```mermaid\n" in text
