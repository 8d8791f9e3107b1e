"""The paper of a report: one HTML file that needs nothing else.

The rule of this module: no reference leaves the file (no script, font, image or style from
elsewhere), all text is escaped, and it reads well on a screen by day, by night and on paper.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

_CSS = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --surface: #ffffff; --ink: #1b2430; --muted: #5b6777; --grid: #e3e7ec;
  --line: #dde2e8; --good: #1a7f4b; --bad: #b42318; --unsure: #9a6700; --accent: #2457c5;
  --series-1: #2457c5; --series-2: #d9772b; --series-3: #2a9d76; --series-4: #a8479b;
  --series-5: #7a8594; --series-6: #c2a01f; --series-7: #c0394d; --series-8: #4aa3c7; }
@media (prefers-color-scheme: dark) { :root {
  --page: #11161d; --surface: #19202a; --ink: #e6ebf2; --muted: #9aa7b8; --grid: #2a3441;
  --line: #2a3441; --good: #4cc38a; --bad: #ff8478; --unsure: #e3b341; --accent: #82aaff;
  --series-1: #82aaff; --series-2: #f2a263; --series-3: #57cfa4; --series-4: #da8bd0;
  --series-5: #9aa7b8; --series-6: #e3c65a; --series-7: #f1788a; --series-8: #7fcbe8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
header { margin-bottom: 28px; }
h1 { font-size: 28px; line-height: 1.2; letter-spacing: -0.01em; margin: 0 0 6px; }
h2 { font-size: 18px; margin: 40px 0 4px; }
h2 + p, .note { color: var(--muted); margin: 0 0 14px; max-width: 78ch; }
.lead { color: var(--muted); margin: 0; max-width: 78ch; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin: 0 0 16px; overflow-x: auto; }
.findings { list-style: none; margin: 0; padding: 0; }
.findings li { padding: 7px 0 7px 14px; border-left: 3px solid var(--accent); margin: 0 0 8px; }
.findings li.good { border-color: var(--good); } .findings li.bad { border-color: var(--bad); }
.findings li.unsure { border-color: var(--unsure); }
svg { display: block; width: 100%; height: auto; max-width: 100%; }
svg text { font-family: inherit !important; }
figure { margin: 0; } figcaption { color: var(--muted); font-size: 13px; margin-top: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--muted); font-weight: 600; vertical-align: bottom; }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; white-space: nowrap; } th.number { white-space: normal; }
.good { color: var(--good); } .bad { color: var(--bad); } .unsure { color: var(--unsure); }
li.good, li.bad, li.unsure { color: inherit; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
pre { white-space: pre-wrap; word-break: break-word; margin: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
details > summary { cursor: pointer; color: var(--accent); }
@media (max-width: 640px) { main { padding: 24px 14px 40px; } dl { grid-template-columns: 1fr; } }
@media print { body { background: none; } .card { break-inside: avoid; } }
"""


class Cell(NamedTuple):
    """A cell of a table. mood: "", "good", "bad" or "unsure"."""

    text: str
    mood: str = ""


class Finding(NamedTuple):
    """A sentence that the page opens with. mood: as of a cell."""

    text: str
    mood: str = ""


class Page:
    """A report under way. Everything given is text; only `picture` takes markup."""

    def __init__(self, title: str, lead: str) -> None:
        self._title = title
        self._parts = [f"<header><h1>{escape(title)}</h1><p class=lead>{escape(lead)}</p></header>"]

    def findings(self, found: Iterable[Finding]) -> None:
        """What the report comes to."""
        items = "".join(f'<li class="{one.mood}">{escape(one.text)}</li>' for one in found)
        self._card(f"<ul class=findings>{items}</ul>")

    def section(self, heading: str, note: str = "") -> None:
        """A new heading, and what is to be said first."""
        told = f"<p>{escape(note)}</p>" if note else ""
        self._parts.append(f"<h2>{escape(heading)}</h2>{told}")

    def picture(self, svg: str, caption: str = "") -> None:
        """svg: of `drawing.picture`."""
        below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        self._card(f"<figure>{svg}{below}</figure>")

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str | Cell]],
        numbers: Iterable[str] = (),
    ) -> None:
        """numbers: the columns that are aligned to the right."""
        right = {place for place, column in enumerate(columns) if column in set(numbers)}
        head = "".join(_cell("th", column, place in right) for place, column in enumerate(columns))
        body = "".join(
            "<tr>"
            + "".join(_cell("td", cell, place in right) for place, cell in enumerate(row))
            + "</tr>"
            for row in rows
        )
        self._card(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def facts(self, facts: Mapping[str, str]) -> None:
        """Names and what they are."""
        items = "".join(
            f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()
        )
        self._card(f"<dl>{items}</dl>")

    def code(self, text: str) -> None:
        """Something to be typed or read as it is."""
        self._card(f"<pre><code>{escape(text)}</code></pre>")

    def html(self) -> str:
        """The whole file."""
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self._title)}</title>\n<style>{_CSS}</style>\n</head>\n"
            "<body><main>\n" + "\n".join(self._parts) + "\n</main></body>\n</html>\n"
        )

    def write(self, folder: Path, name: str = "index.html") -> Path:
        """Write it into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(self.html(), "utf-8")
        return path

    def _card(self, inner: str) -> None:
        self._parts.append(f"<div class=card>{inner}</div>")


def _cell(tag: str, given: str | Cell, right: bool) -> str:
    cell = given if isinstance(given, Cell) else Cell(given)
    kinds = " ".join(name for name in ("number" if right else "", cell.mood) if name)
    marked = f' class="{kinds}"' if kinds else ""
    return f"<{tag}{marked}>{escape(cell.text)}</{tag}>"
