"""Pictures for a page, drawn by matplotlib as SVG.

The rule of this module: the same data gives the same bytes (no date, no random id), and a picture
has no colours of its own: the page gives them, so that it is read by day and by night.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from zlib import crc32

INK, MUTED, GRID, SURFACE = "#010101", "#020202", "#030303", "#040404"
SERIES = ("#050501", "#050502", "#050503", "#050504", "#050505", "#050506", "#050507", "#050508")
"""Stand-ins for the page's colours: matplotlib wants numbers, a style sheet wants names."""

_NAMES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    SURFACE: "var(--surface)",
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES, start=1)},
}

_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in the page's own type
    "svg.hashsalt": "foredial",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}

_UNUSED = (
    re.compile(r"<\?xml.*?\?>\s*", re.DOTALL),
    re.compile(r"<!DOCTYPE.*?>\s*", re.DOTALL),
    re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL),
)


def colour(place: int) -> str:
    """The colour of series number `place`, from 0."""
    return SERIES[place % len(SERIES)]


@contextmanager
def style() -> Iterator[None]:
    """matplotlib with our style and without a screen."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def picture(draw: Callable[[Any], None], width: float, height: float, told: str) -> str:
    """One picture as an SVG element.

    draw: puts axes on a matplotlib Figure. width, height: in inches of 96 pixels. told: what it
    shows, for those who cannot see it; two pictures of a page must be told differently.
    """
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        out = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing)
    text = out.getvalue()
    for pattern in _UNUSED:
        text = pattern.sub("", text)
    for stand_in, name in _NAMES.items():
        text = text.replace(stand_in, name)
    # Names of elements are unique within a picture, and must be on the page.
    prefix = f"p{crc32(told.encode()):08x}-"
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", text)
    label = told.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()
