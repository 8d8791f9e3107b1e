"""Draws the state tables into a document: `python -m dialer.diagrams docs/architecture.md`.

The rule of this module: a diagram in the docs is the table that the code checks transitions with;
what stands between the marks of a table is replaced, and nothing else is touched.
"""

import re
import sys
from pathlib import Path

from dialer.agents import AGENT
from dialer.alarms import ALARM_TABLE
from dialer.calls import CALL
from dialer.campaign import CAMPAIGN

TABLES = {table.name: table for table in (CALL, AGENT, CAMPAIGN, ALARM_TABLE)}

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def drawn(text: str) -> str:
    """The document with every marked table drawn as it is now."""

    def draw(match: re.Match[str]) -> str:
        diagram = TABLES[match[2]].mermaid()
        return f"{match[1]}```mermaid\n{diagram}\n```\n{match[3]}"

    return _MARKED.sub(draw, text)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(drawn(path.read_text("utf-8")), "utf-8")
