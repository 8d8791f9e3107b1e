"""The ledger on disk: written beside dialing, read beside writing."""

import logging
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dialer import journal
from dialer.journal import AgentMoved, CallMoved, CampaignMoved, Pulse, Sampled, Tally
from gateways.journal import JournalConfig, JournalWriter, Wanted, read_journal, segments

DAY_S = 86400.0


def call(number: int, at: float = 1000.0) -> CallMoved:
    return CallMoved(number, number + 100, 3, at, "dialing")


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def write_segment(folder: Path, number: int, *records: tuple) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{number:08d}.fdj"
    path.write_bytes(journal.header() + b"".join(journal.encode(r) for r in records))
    return path


class Counts:
    def __init__(self) -> None:
        self.written = 0
        self.lost = 0

    def add_written(self, count: int) -> None:
        self.written += count

    def add_lost(self, count: int) -> None:
        self.lost += count


def writer_for(counts: Counts, folder: Path, **settings: float) -> JournalWriter:
    config = JournalConfig(folder, flush_s=0.01, retry_s=0.01, **settings)  # type: ignore[arg-type]
    return JournalWriter(config, counts.add_written, counts.add_lost)


def test_what_many_threads_append_is_read_back_whole(tmp_path):
    counts = Counts()
    writer = writer_for(counts, tmp_path / "journal")
    writer.start()

    def append(first: int) -> None:
        for number in range(first, first + 500):
            writer.append(call(number))

    threads = [threading.Thread(target=append, args=(n * 1000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    read = [r.attempt_id for r in read_journal(tmp_path / "journal")]
    assert sorted(read) == sorted(n * 1000 + k for n in range(4) for k in range(500))
    # Each thread's own records keep their order.
    for n in range(4):
        own = [number for number in read if number // 1000 == n]
        assert own == sorted(own)
    assert (counts.written, counts.lost) == (2000, 0)


def test_records_reach_the_disk_while_the_daemon_runs(tmp_path):
    writer = writer_for(Counts(), tmp_path)
    writer.start()
    try:
        writer.append(call(1))
        until(lambda: list(read_journal(tmp_path)) == [call(1)])
    finally:
        writer.close()


def test_a_full_segment_is_left_and_a_restart_never_writes_an_old_one(tmp_path):
    for start in (0, 200):
        writer = writer_for(Counts(), tmp_path, segment_bytes=300)
        writer.start()
        for number in range(start, start + 200, 20):
            done = number + 20
            for n in range(number, done):
                writer.append(call(n))
            until(lambda done=done: any(r == call(done - 1) for r in read_journal(tmp_path)))
        writer.close()
    found = segments(tmp_path)
    assert len(found) > 4
    assert [s.number for s in found] == list(range(1, len(found) + 1))
    assert [s.path.name for s in found] == sorted(s.path.name for s in found)
    assert [r.attempt_id for r in read_journal(tmp_path)] == list(range(400))


def test_nothing_is_left_behind_by_a_writer_that_had_nothing_to_write(tmp_path):
    writer = writer_for(Counts(), tmp_path / "journal")
    writer.start()
    writer.close()
    assert segments(tmp_path / "journal") == []


def test_old_segments_go_by_age_and_by_size_and_the_current_one_stays(tmp_path):
    now = time.time()
    for number, age_days in ((1, 40), (2, 20), (3, 5), (4, 1)):
        path = write_segment(tmp_path, number, *[call(n) for n in range(10)])
        os.utime(path, (now - age_days * DAY_S, now - age_days * DAY_S))
    size = segments(tmp_path)[0].size_bytes
    writer = writer_for(Counts(), tmp_path, keep_days=30, keep_bytes=int(size * 2.5))
    writer.start()
    writer.append(call(99))
    writer.close()
    assert [s.number for s in segments(tmp_path)] == [3, 4, 5]


def test_a_journal_that_cannot_be_written_is_logged_once_and_then_caught_up(tmp_path, caplog):
    place = tmp_path / "journal"
    place.write_text("a file where the folder should be")
    counts = Counts()
    writer = writer_for(counts, place)
    writer.start()
    try:
        with caplog.at_level(logging.WARNING, logger="gateways.journal"):
            writer.append(call(1))
            until(lambda: writer.failing)
            writer.append(call(2))
            place.unlink()
            until(lambda: counts.written == 2)
    finally:
        writer.close()
    assert list(read_journal(place)) == [call(1), call(2)]
    assert counts.lost == 0
    assert [r.levelno for r in caplog.records] == [logging.ERROR, logging.WARNING]


def test_while_the_disk_fails_memory_is_bounded_and_the_loss_is_counted(tmp_path):
    place = tmp_path / "journal"
    place.write_text("")
    counts = Counts()
    writer = writer_for(counts, place, waiting_records=10)
    writer.start()
    for number in range(50):
        writer.append(call(number))
    until(lambda: counts.lost == 40)
    writer.close()
    assert (counts.written, counts.lost) == (0, 50)


def test_a_batch_that_the_disk_took_in_part_is_written_whole_later(tmp_path):
    # A file size limit of the process is a disk that fills up in the middle of a write.
    counts = Counts()
    writer = writer_for(counts, tmp_path)
    writer.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        writer.append(call(1))
        until(lambda: counts.written == 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        for number in range(2, 30):
            writer.append(call(number))
        until(lambda: writer.failing)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        until(lambda: counts.written == 29)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        writer.close()
    tally = Tally()
    assert [r.attempt_id for r in read_journal(tmp_path, tally=tally)] == list(range(1, 30))
    assert tally.damaged == 0


def test_a_record_that_cannot_be_held_is_lost_alone(tmp_path, caplog):
    counts = Counts()
    writer = writer_for(counts, tmp_path)
    writer.start()
    writer.append(call(1))
    writer.append(("not", "a record"))
    writer.append(CallMoved(2, 102, 3, 1000.0, object()))  # type: ignore[arg-type]
    writer.append(call(3))
    writer.close()
    assert [r.attempt_id for r in read_journal(tmp_path)] == [1, 3]
    assert counts.lost == 2


KILLED = """
import sys, itertools
from pathlib import Path
from dialer.journal import CallMoved
from gateways.journal import JournalConfig, JournalWriter
writer = JournalWriter(JournalConfig(Path(sys.argv[1]), segment_bytes=20_000, flush_s=0.01))
writer.start()
for number in itertools.count():
    writer.append(CallMoved(number, 1, 1, float(number), "dialing"))
    if number % 50 == 0:
        __import__("time").sleep(0.002)
"""


def test_after_kill_9_what_was_written_is_a_prefix_without_gaps(tmp_path):
    root = Path(__file__).parents[3]
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=root)
    try:
        until(lambda: len(segments(tmp_path)) >= 3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = [r.attempt_id for r in read_journal(tmp_path)]
    assert before == list(range(len(before)))
    assert before
    writer = writer_for(Counts(), tmp_path)
    writer.start()
    writer.append(call(-1))
    writer.close()
    assert [r.attempt_id for r in read_journal(tmp_path)] == [*before, -1]


def test_reading_picks_by_kind_campaign_contact_agent_and_time(tmp_path):
    records = [
        CampaignMoved(3, 1000.0, "published"),
        Pulse(3, 1001.0),
        Pulse(4, 1001.0),
        call(1, 1002.0),
        AgentMoved("amy", 1003.0, "ready", "reserved"),
        call(2, 1004.0),
    ]
    write_segment(tmp_path, 1, *records)

    def read(**wanted):
        return list(read_journal(tmp_path, Wanted(**wanted)))

    assert read() == records
    assert read(kinds=(Pulse,)) == records[1:3]
    assert read(campaign_id=4) == [records[2]]
    assert read(contact_id=102) == [records[5]]
    assert read(attempt_id=1) == [records[3]]
    assert read(agent_id="amy") == [records[4]]
    assert read(kinds=(Pulse, CallMoved), campaign_id=3, since=1001.5, until=1004.0) == [
        records[3],
        records[5],
    ]


def test_segments_outside_the_wanted_time_are_not_even_opened(tmp_path):
    for number in range(1, 6):
        write_segment(tmp_path, number, *[call(n, number * 1000.0 + n) for n in range(10)])
    tally = Tally()
    wanted = Wanted(since=3000.0, until=3009.0)
    assert [r.at for r in read_journal(tmp_path, wanted, tally)] == [3000.0 + n for n in range(10)]
    assert tally.records == 20  # the segment before may end where this one begins
    assert list(read_journal(tmp_path, Wanted(since=9000.0))) == []
    assert len(list(read_journal(tmp_path, Wanted(since=5000.0)))) == 10


def test_a_damaged_segment_costs_only_itself(tmp_path):
    write_segment(tmp_path, 1, call(1))
    (tmp_path / "00000002.fdj").write_bytes(b"\x00" * 50)
    (tmp_path / "00000003.fdj").write_bytes(b"")
    torn = write_segment(tmp_path, 4, call(4), call(5))
    torn.write_bytes(torn.read_bytes()[:-3])
    write_segment(tmp_path, 5, call(6))
    (tmp_path / "notes.txt").write_text("not a segment")
    tally = Tally()
    assert list(read_journal(tmp_path, tally=tally)) == [call(1), call(4), call(6)]
    assert tally.damaged == 2


def test_one_segment_can_be_read_alone_and_no_folder_reads_as_nothing(tmp_path):
    path = write_segment(tmp_path, 1, Sampled(1.0, (("x", 2.0),)))
    assert list(read_journal(path)) == [Sampled(1.0, (("x", 2.0),))]
    assert list(read_journal(tmp_path / "none")) == []


@pytest.mark.parametrize("name", ["x.fdj", "1.txt", "00000001.fdj.gz"])
def test_other_files_in_the_folder_are_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    assert segments(tmp_path) == []
