"""Pages of lists, as commands answer them.

The rule of this module: pages count from 1, and a page always says of how many it is one.
"""

from typing import Any

from gateways.store import Page, as_json

PER_PAGE = 20
MOST_PER_PAGE = 1000


def span(page: int, per_page: int) -> tuple[int, int]:
    """The offset and the limit of a page; what makes no sense becomes what comes nearest."""
    per_page = min(max(per_page, 1), MOST_PER_PAGE)
    return (max(page, 1) - 1) * per_page, per_page


def paged(found: Page[Any], page: int, per_page: int) -> dict[str, Any]:
    """A page of the store as data: items, total, page, pages, per_page."""
    _, limit = span(page, per_page)
    return {
        "items": as_json(found.items),
        "total": found.total,
        "page": max(page, 1),
        "pages": max(1, -(-found.total // limit)),
        "per_page": limit,
    }
