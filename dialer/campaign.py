"""A campaign's life, as a table.

The rule of this module: a campaign dials only while it is `published`, and `stopped` is final:
cloning it makes a new draft.
"""

from dialer.errors import LifecycleError
from dialer.states import StateTable

CAMPAIGN = StateTable(
    "campaign",
    "unpublished",
    [
        ("unpublished", "publish", "published"),
        ("published", "unpublish", "unpublished"),
        ("published", "stop", "stopped"),
        ("unpublished", "stop", "stopped"),
    ],
)

_MEND = {
    "stopped": "clone it to make a new draft",
    "published": "unpublish it first",
    "unpublished": "publish it first",
}


def next_status(title: str, status: str, event: str) -> str:
    """The status after an event.

    Raises:
        LifecycleError: the campaign cannot do that now.
    """
    target = CAMPAIGN.get(status, event)
    if target is None:
        raise LifecycleError(f"campaign {title!r}", f"cannot {event} while {status}", _MEND[status])
    return target
