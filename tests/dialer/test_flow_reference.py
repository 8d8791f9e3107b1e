"""docs/flow.md says what the schema says."""

from pathlib import Path

from dialer.flow.nodes import NODE_TYPES
from dialer.flow.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "flow.md"


def test_the_page_is_made_from_the_schema() -> None:
    text = PAGE.read_text("utf-8")
    assert text == reference(), "run: python -m dialer.flow.reference > docs/flow.md"


def test_every_node_setting_and_port_is_told() -> None:
    text = reference()
    for node in NODE_TYPES:
        for name in node.model_fields.keys() - {"id", "next", "type"}:
            assert f"| `{name}` |" in text
        for port in node.gives:
            assert f"`{port}` (" in text
