"""What every page of a report keeps to."""

import re
from html.parser import HTMLParser

_LEAVES = re.compile(r"""(?:src|href)\s*=\s*["']?(?!["']?#)|@import|url\((?!#)|<script|<link""")
_NAMESPACES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")
_VOID = {"meta", "br", "path", "use", "line", "circle", "rect", "polygon", "hr", "img"}


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


def assert_self_contained(page: str, pictures: int) -> None:
    """One file that needs nothing else, well formed, with so many pictures."""
    assert _LEAVES.search(page) is None
    for name in _NAMESPACES:
        page = page.replace(name, "")
    assert "http" not in page
    assert page.count("<svg ") == pictures
    assert page.count('role="img" aria-label="') == pictures
    # Colours come from the page, so that it can be read at night.
    assert "#0505" not in page
    assert "prefers-color-scheme: dark" in page
    balance = _Balance()
    balance.feed(page)
    assert balance.open == []
    assert len(set(balance.ids)) == len(balance.ids)
