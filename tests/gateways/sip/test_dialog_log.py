"""What survives a crash, and what becomes of it at the next start."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from dialer.errors import TrunkError
from gateways.sip.dialog_log import FileLog
from gateways.sip.digest import Credentials
from tests.gateways.sip.kit import CARRIER, SDP, Bench, reply

NOW = 1_700_000_000.0


def reopen(path: Path, now: float = NOW) -> FileLog:
    return FileLog(path, lambda: now)


def crash(path: Path, bench: Bench) -> Bench:
    """The same address after the process died: only the file is left."""
    log = bench.agent.log
    assert isinstance(log, FileLog)
    log.close()
    fresh = Bench(reopen(path), now=5.0)
    assert isinstance(fresh.agent.log, FileLog)
    fresh.agent.end_recovered(fresh.agent.log.open_legs(), lambda owner: None, fresh.now)
    return fresh


def test_a_call_that_stood_gets_its_bye(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    leg, _, invite = bench.dial()
    route = ("Record-Route: <sip:192.0.2.20;lr>",)
    bench.hear(reply(invite, 200, sdp=SDP, headers=route))
    assert leg.is_live
    fresh = crash(path, bench)
    (bye,) = fresh.collect()
    assert (bye.method, bye.cseq, bye.call_id) == ("BYE", invite.cseq + 1, invite.call_id)
    assert (bye.from_tag, bye.to_tag) == (invite.from_tag, "callee")
    assert bye.uri == "sip:callee@192.0.2.40:5070"
    assert bye.every("Route") == ["<sip:192.0.2.20;lr>"]
    assert fresh.to == [CARRIER]
    assert [m.method for m in fresh.wait(2)] == ["BYE", "BYE"]
    # It had lost our ACK: the same dialog, so an ACK and no second BYE.
    (ack,) = fresh.hear(reply(invite, 200, sdp=SDP, headers=route))
    assert (ack.method, ack.cseq) == ("ACK", invite.cseq)
    fresh.hear(reply(bye, 200))
    assert not fresh.agent.legs
    again = crash(path, fresh)
    assert again.collect() == []


def test_a_call_that_rang_gets_its_cancel(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    _, _, invite = bench.dial()
    bench.hear(reply(invite, 180))
    fresh = crash(path, bench)
    (cancel,) = fresh.collect()
    assert (cancel.method, cancel.branch, cancel.uri) == ("CANCEL", invite.branch, invite.uri)
    assert (cancel.cseq, cancel.from_tag) == (invite.cseq, invite.from_tag)
    fresh.hear(reply(cancel, 200))
    (ack,) = fresh.hear(reply(invite, 487))
    assert (ack.method, ack.branch) == ("ACK", invite.branch)
    assert not fresh.agent.legs


def test_a_call_that_rang_and_answers_before_the_cancel_is_hung_up(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    _, _, invite = bench.dial()
    fresh = crash(path, bench)
    fresh.collect()
    ack, bye = fresh.hear(reply(invite, 200, sdp=SDP))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    fresh.hear(reply(bye, 200))
    assert not fresh.agent.legs


def test_a_recovered_call_that_nobody_remembers_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    bench.live(attempt_id=1)
    bench.dial(attempt_id=2)
    fresh = crash(path, bench)
    fresh.wait(70)
    assert not fresh.agent.legs
    assert crash(path, fresh).collect() == []


def test_the_attempts_whose_invite_left_are_known_ended_or_not(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    for number in (3, 4, 5, 9):
        _, _, invite = bench.dial(attempt_id=number)
    bench.hear(reply(invite, 486))
    assert isinstance(bench.agent.log, FileLog)
    bench.agent.log.close()
    log = reopen(path)
    assert log.sent_attempt_ids() == {3, 4, 5, 9}
    assert {leg.attempt_id for leg in log.open_legs()} == {3, 4, 5}
    log.close()
    log = reopen(path)
    assert log.sent_attempt_ids() == {3, 4, 5, 9}
    log.close()
    later = reopen(path, NOW + 5 * 3600)
    assert later.sent_attempt_ids() == set()
    assert later.open_legs() == []
    later.close()


def test_a_challenged_bye_of_a_recovered_call_finds_the_password(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    bench.live()
    assert isinstance(bench.agent.log, FileLog)
    bench.agent.log.close()
    fresh = Bench(reopen(path))
    assert isinstance(fresh.agent.log, FileLog)
    known = {"trunk:t": Credentials("ann", "secret")}
    fresh.agent.end_recovered(fresh.agent.log.open_legs(), known.get, fresh.now)
    (bye,) = fresh.collect()
    (again,) = fresh.hear(
        reply(bye, 401, headers=('WWW-Authenticate: Digest realm="r", nonce="n"',))
    )
    assert "username" in again.first("Authorization")
    fresh.agent.log.close()


def test_no_password_and_no_proof_is_written(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    _, _, invite = bench.dial(credentials=Credentials("ann", "secret"))
    bench.hear(reply(invite, 401, headers=('WWW-Authenticate: Digest realm="r", nonce="n"',)))
    assert isinstance(bench.agent.log, FileLog)
    bench.agent.log.close()
    assert b"secret" not in path.read_bytes()
    assert b"response=" not in path.read_bytes()


@pytest.mark.parametrize("damage", [b"\x95\xa6invite\xcb", b"\xc1\xc1\xc1", b"\xff" * 40, b"\x91"])
def test_a_torn_end_costs_only_itself(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "dialogs"
    bench = Bench(reopen(path))
    bench.live(attempt_id=1)
    assert isinstance(bench.agent.log, FileLog)
    bench.agent.log.close()
    with path.open("ab") as file:
        file.write(damage)
    log = reopen(path)
    assert log.sent_attempt_ids() == {1}
    (leg,) = log.open_legs()
    assert leg.dialog is not None
    log.close()


def test_the_file_stays_small_over_many_calls(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    log = FileLog(path, lambda: NOW, growth_bytes=20_000)
    bench = Bench(log)
    for number in range(1, 400):
        _, _, invite = bench.dial(attempt_id=number)
        bench.hear(reply(invite, 486))
        assert path.stat().st_size < 30_000
    assert log.sent_attempt_ids() == set(range(1, 400))
    log.close()
    log = reopen(path)
    assert path.stat().st_size < 300
    assert log.sent_attempt_ids() == set(range(1, 400))
    log.close()


def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrunkError, match="cannot keep the dialog log"):
        reopen(tmp_path / "file" / "dialogs")


def _write_for_ever(path: str) -> None:
    bench = Bench(FileLog(Path(path), time.time))
    number = 0
    while True:
        number += 1
        bench.live(attempt_id=number)


def test_a_kill_loses_nothing_that_was_written(tmp_path: Path) -> None:
    path = tmp_path / "dialogs"
    process = multiprocessing.get_context("spawn").Process(
        target=_write_for_ever, args=(str(path),)
    )
    process.start()
    deadline = time.monotonic() + 20
    while not path.exists() or path.stat().st_size < 20_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    process.close()
    log = FileLog(path, time.time)
    sent = log.sent_attempt_ids()
    assert len(sent) > 10
    assert sent == set(range(1, len(sent) + 1))
    # All but the one in hand had been answered.
    assert sum(leg.dialog is None for leg in log.open_legs()) <= 1
    log.close()
