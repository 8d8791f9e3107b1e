"""The settlement of an attempt that was committed and will not be dialed.

The rule of this module: its contact is due again at once, as if nothing had been.
"""

from dialer.ports import ClaimedContact, ContactNext, Settlement


def never_dialed(
    attempt_id: int, contact: ClaimedContact, campaign_id: int, at: float, reason: str
) -> Settlement:
    """at: epoch seconds. reason: why it did not leave, for `explain contact`."""
    return Settlement(
        attempt_id,
        contact.contact_id,
        campaign_id,
        "never_dialed",
        ContactNext("waiting", at, contact.resume_node),
        *(0.0, 0.0, 0.0, 0.0, at),
        detail=reason,
    )
