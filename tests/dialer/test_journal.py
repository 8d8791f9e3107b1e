"""The ledger's records and their form."""

import hashlib
import io

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer import journal
from dialer.errors import InputError
from dialer.journal import (
    AgentMoved,
    CallDisposed,
    CallMoved,
    CallScored,
    CampaignMoved,
    ContactSkipped,
    DaemonStarted,
    DaemonStopped,
    Digest,
    Pulse,
    Sampled,
    Simulated,
    Tally,
    decode,
    encode,
)
from dialer.message import Message

ids = st.integers(min_value=0, max_value=2**63 - 1)
times = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=20)
values = st.floats(allow_nan=False)
pairs = st.lists(st.tuples(words, values), max_size=4).map(tuple)
records = st.one_of(
    st.builds(Pulse, ids, times, pairs, values, st.lists(words).map(tuple), ids, words),
    st.builds(CallMoved, ids, ids, ids, times, words, words),
    st.builds(AgentMoved, words, times, words, words, words),
    st.builds(ContactSkipped, ids, ids, times, words),
    st.builds(CampaignMoved, ids, times, words),
    st.builds(Sampled, times, pairs),
    st.builds(DaemonStarted, times, words),
    st.builds(DaemonStopped, times, words),
)

EXAMPLES = (
    DaemonStarted(1000.0, "0.1.0"),
    CampaignMoved(3, 1000.5, "published"),
    Pulse(3, 1001.0, (("ready", 4.0),), 4.0, ("channels",), 2, "2 agents reserved"),
    CallMoved(17, 42, 3, 1001.1, "dialing"),
    CallScored(17, 42, 3, 1001.1, 0.41, False),
    ContactSkipped(43, 3, 1001.2, "number in flight"),
    AgentMoved("amy", 1002.0, "reserved", "talking"),
    Sampled(1002.0, (("dialer_agents", 4.0),)),
    CallDisposed(17, 42, 3, 1002.5, "amy", "call_back", 5000.0),
    DaemonStopped(1003.0, "0.1.0"),
    Simulated(1000.0, 7, "{}", (("foredial", "0.1.0"),)),
)


def segment(*items: Message) -> bytes:
    return journal.header() + b"".join(encode(item) for item in items)


@given(st.lists(records, max_size=20))
def test_what_is_written_is_read_back_equal_and_of_its_type(written):
    tally = Tally()
    read = list(decode(io.BytesIO(segment(*written)), tally))
    assert read == written
    assert [type(r) for r in read] == [type(r) for r in written]
    assert tally == Tally(records=len(written))


def test_every_kind_of_record_has_an_example_here():
    assert {type(example) for example in EXAMPLES} == set(journal.KINDS.values())


def test_no_record_has_a_place_for_a_number_or_a_name():
    fields = {field for kind in journal.KINDS.values() for field in kind.__struct_fields__}
    assert not fields & {"number", "phone", "name", "caller_id", "attributes"}


@pytest.mark.parametrize("cut", range(1, len(encode(EXAMPLES[2]))))
def test_a_torn_tail_ends_the_reading_and_loses_only_itself(cut):
    data = segment(EXAMPLES[0], EXAMPLES[1]) + encode(EXAMPLES[2])[:cut]
    tally = Tally()
    assert list(decode(io.BytesIO(data), tally)) == list(EXAMPLES[:2])
    assert tally == Tally(records=2, damaged=1)


def test_a_tail_torn_across_chunks_is_seen_as_torn():
    class Dribble:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def read(self, size: int) -> bytes:
            head, self.data = self.data[:3], self.data[3:]
            return head

    tally = Tally()
    read = list(decode(Dribble(segment(*EXAMPLES)[:-2]), tally))
    assert read == list(EXAMPLES[:-1])
    assert tally.damaged == 1
    assert list(decode(Dribble(segment(*EXAMPLES)))) == list(EXAMPLES)


@pytest.mark.parametrize("garbage", [b"\x00" * 64, b"\xc1", b"\xa2\xff\xff", b"\x90", b"\x91\x07"])
def test_what_a_power_cut_leaves_behind_ends_the_reading(garbage):
    tally = Tally()
    assert list(decode(io.BytesIO(segment(EXAMPLES[0]) + garbage), tally)) == [EXAMPLES[0]]
    assert tally == Tally(records=1, damaged=1)


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(data):
    list(decode(io.BytesIO(segment(EXAMPLES[0]) + data)))
    list(decode(io.BytesIO(data)))


def test_a_kind_of_a_later_version_is_skipped_and_counted():
    data = segment(EXAMPLES[0]) + msgpack.packb(["teleport", 1, 2]) + encode(EXAMPLES[1])
    tally = Tally()
    assert list(decode(io.BytesIO(data), tally)) == list(EXAMPLES[:2])
    assert tally == Tally(records=2, unknown=1)


def test_a_longer_record_is_cut_and_a_shorter_one_takes_its_defaults():
    longer = msgpack.packb(["campaign", 3, 1000.5, "published", "by amy"])
    shorter = msgpack.packb(["call", 17, 42, 3, 1001.1, "dialing"])
    too_short = msgpack.packb(["campaign", 3])
    tally = Tally()
    read = list(decode(io.BytesIO(journal.header() + longer + shorter + too_short), tally))
    assert read == [EXAMPLES[1], EXAMPLES[3]]
    assert tally.unknown == 1


def test_a_segment_of_a_later_version_is_left_alone():
    data = msgpack.packb([journal.MAGIC, journal.VERSION + 1]) + encode(EXAMPLES[0])
    tally = Tally()
    assert list(decode(io.BytesIO(data), tally)) == []
    assert tally == Tally(newer=1)


def test_the_digest_is_that_of_the_encoded_records_in_order():
    digest = Digest()
    for example in EXAMPLES:
        digest.append(example)
    expected = hashlib.sha256(b"".join(encode(e) for e in EXAMPLES)).hexdigest()
    assert digest.hexdigest() == expected
    assert digest.records == len(EXAMPLES)
    other = Digest()
    for example in reversed(EXAMPLES):
        other.append(example)
    assert other.hexdigest() != expected


def test_the_form_on_disk_does_not_change_unnoticed():
    # Old journals must stay readable: if this fails, raise VERSION and read both.
    assert msgpack.unpackb(encode(EXAMPLES[2])) == [
        "pulse", 3, 1001.0, [["ready", 4.0]], 4.0, ["channels"], 2, "2 agents reserved", 0,
    ]  # fmt: skip
    assert msgpack.unpackb(journal.header()) == ["foredial-journal", 1]


def test_what_is_no_record_is_refused_when_written():
    with pytest.raises(TypeError, match="not a journal record"):
        encode((1, 2))


def test_a_pulse_is_found_again_by_its_id():
    pulse = Pulse(3, 1767225600.25)
    assert pulse.pulse_id == "3-1767225600250"
    assert journal.parse_pulse_id(pulse.pulse_id) == (3, 1767225600250)


@pytest.mark.parametrize("text", ["", "3", "3-", "x-1", "3-1.5", "-3-1"])
def test_what_is_no_pulse_id_is_told_so(text):
    with pytest.raises(InputError, match="not a pulse id; write it as"):
        journal.parse_pulse_id(text)
