"""The tables in the docs are those of the code."""

import pytest

from config.reference import BEGIN, END, outcomes_markdown, pages, renewed, settings_markdown
from dialer import metric_catalogue, outcomes


@pytest.mark.parametrize(("page", "text"), [*pages()], ids=lambda value: getattr(value, "name", ""))
def test_the_page_is_current(page, text):
    assert page.read_text("utf-8") == text, "run: python -m config.reference"


def test_every_section_and_metric_and_outcome_is_there():
    settings = settings_markdown()
    for title in ("The file", "trunks (sip)", "desk (simulated)", "media", "simulation", "agents"):
        assert f"## {title}\n" in settings
    assert "| `options_keepalive_s` | number | `30.0` |" in settings
    table = metric_catalogue.markdown()
    assert all(f"| `{metric.name}` |" in table for metric in metric_catalogue.CATALOGUE)
    assert all(f"`{name}`" in outcomes_markdown() for name in outcomes.NAMES)


def test_only_what_stands_between_the_marks_is_renewed():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert renewed(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(ValueError, match="1 marks for 2 tables"):
        renewed(page, "a", "b")
    with pytest.raises(ValueError, match="no end"):
        renewed(BEGIN, "a")
