"""The contract of what campaigns learn: the last document comes back, byte for byte."""

from dialer.ports import Recalled
from tests.ports.contact_store_beds import Replies, StoreBed


def recalled(bed: StoreBed, campaign_id: int) -> Recalled:
    replies = Replies()
    bed.port.recall(9, campaign_id, replies)
    answer = replies.take()
    assert isinstance(answer, Recalled)
    return answer


def test_the_newest_document_of_each_campaign_is_kept(bed: StoreBed) -> None:
    one, other = bed.add_campaign(), bed.add_campaign()
    assert recalled(bed, one) == Recalled(9, b"")
    bed.port.remember(one, b"\x00first")
    bed.port.remember(other, b"another's")
    bed.port.remember(one, bytes(range(256)) * 100)
    assert recalled(bed, one) == Recalled(9, bytes(range(256)) * 100)
    assert recalled(bed, other) == Recalled(9, b"another's")


def test_what_cannot_be_kept_leaves_the_rest_alone(bed: StoreBed) -> None:
    campaign = bed.add_campaign()
    bed.port.remember(campaign, b"kept")
    bed.port.remember(campaign + 70, b"of no campaign")
    assert recalled(bed, campaign) == Recalled(9, b"kept")
