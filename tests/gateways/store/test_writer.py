"""Group commit: together when it can be, each on its own when one is bad."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from dialer.errors import NotFoundError, StoreError
from gateways.store import Store
from gateways.store import writer as writer_module
from gateways.store.dialect import make_engine
from gateways.store.writer import Job, Writer

notes = sa.Table("notes", sa.MetaData(), sa.Column("text", sa.Text, unique=True))


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = make_engine(url)
    with engine.begin() as connection:
        notes.create(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def ended() -> list[bool]:
    """Whether each transaction was committed, in order."""
    return []


@pytest.fixture
def writer(engine: sa.Engine, ended: list[bool]) -> Iterator[Writer]:
    writer = Writer(engine, ended.append)
    yield writer
    writer.close()


def written(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(notes.c.text).order_by(notes.c.text)))


def write(text: str) -> Callable[[sa.Connection], str]:
    def work(connection: sa.Connection) -> str:
        connection.execute(sa.insert(notes).values(text=text))
        return text

    return work


def held(writer: Writer) -> threading.Event:
    """Keep the writer busy until the event is set, so that what follows shares a transaction."""
    go = threading.Event()
    started = threading.Event()

    def work(_connection: sa.Connection) -> None:
        started.set()
        go.wait(20)

    writer.submit(Job(work, lambda _: None, lambda _: None))
    started.wait(20)
    return go


def test_jobs_that_arrive_during_a_transaction_share_the_next(
    engine: sa.Engine, writer: Writer, ended: list[bool]
) -> None:
    go = held(writer)
    told: list[Any] = []
    for n in range(50):
        writer.submit(Job(write(f"{n:02d}"), told.append, told.append))
    go.set()
    writer.run(lambda _: None)
    assert told == written(engine) == [f"{n:02d}" for n in range(50)]
    assert ended[:2] == [True, True]
    assert writer.figures.jobs >= 51
    assert len(ended) <= 3


def test_a_bad_job_does_not_spoil_the_others_of_its_transaction(
    engine: sa.Engine, writer: Writer, ended: list[bool]
) -> None:
    go = held(writer)
    told: list[Any] = []
    failed: list[Exception] = []
    for text in ("a", "b", "a", "c"):
        writer.submit(Job(write(text), told.append, failed.append))
    go.set()
    writer.run(lambda _: None)
    assert told == written(engine) == ["a", "b", "c"]
    assert len(failed) == 1
    assert writer.figures.failures == 1
    assert False in ended


def test_a_job_is_carried_out_wholly_or_not_at_all(engine: sa.Engine, writer: Writer) -> None:
    def half(connection: sa.Connection) -> None:
        write("half")(connection)
        raise NotFoundError("the rest", "there is none")

    with pytest.raises(NotFoundError):
        writer.run(half)
    assert written(engine) == []
    assert writer.run(write("half")) == "half"


def test_nobody_is_told_before_the_commit(engine: sa.Engine, writer: Writer) -> None:
    seen: list[list[str]] = []
    writer.submit(Job(write("x"), lambda _: seen.append(written(engine)), seen.append))
    writer.run(lambda _: None)
    assert seen == [["x"]]


def test_a_job_that_wants_to_be_alone_is(
    engine: sa.Engine, writer: Writer, ended: list[bool]
) -> None:
    go = held(writer)
    for text in ("a", "b"):
        writer.submit(Job(write(text), lambda _: None, lambda _: None))
    before: list[str] = []

    def long(connection: sa.Connection) -> None:
        with engine.connect() as other:
            before.extend(other.scalars(sa.select(notes.c.text)))

    writer.submit(Job(long, lambda _: None, lambda _: None, alone=True))
    go.set()
    writer.run(lambda _: None)
    assert sorted(before) == ["a", "b"], "what came before must be committed by then"


def test_an_owed_job_is_kept_while_the_database_is_locked(
    engine: sa.Engine, writer: Writer, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(writer_module, "RETRY_S", 0.01)
    other = engine.raw_connection()
    told: list[Any] = []
    asked: list[Exception] = []
    monkeypatch.setattr("gateways.store.dialect.BUSY_TIMEOUT_S", 0.05)
    other.execute("BEGIN IMMEDIATE")  # type: ignore[attr-defined]
    try:
        writer.submit(Job(write("owed"), told.append, asked.append, owed=True))
        with pytest.raises(StoreError, match="locked"):
            writer.run(write("asked"))
        assert told == asked == []
        assert writer.figures.owed == 1
    finally:
        other.execute("ROLLBACK")  # type: ignore[attr-defined]
        other.close()
    while not told:
        writer.run(lambda _: None)
    assert told == written(engine) == ["owed"]
    assert writer.figures.owed == 0
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


def test_an_owed_job_that_can_never_succeed_is_given_up(engine: sa.Engine, writer: Writer) -> None:
    failed: list[Exception] = []
    writer.run(write("x"))
    writer.submit(Job(write("x"), lambda _: None, failed.append, owed=True))
    writer.run(lambda _: None)
    assert len(failed) == 1
    assert writer.figures.owed == 0


def test_closing_carries_out_what_is_queued_and_then_refuses(engine: sa.Engine) -> None:
    writer = Writer(engine, lambda _: None)
    go = held(writer)
    told: list[Any] = []
    for n in range(300):
        writer.submit(Job(write(f"{n:03d}"), told.append, told.append))
    go.set()
    writer.close()
    assert len(told) == len(written(engine)) == 300
    with pytest.raises(StoreError, match="closed"):
        writer.run(write("late"))
    writer.close()


def test_a_reply_that_fails_does_not_stop_the_writer(
    engine: sa.Engine, writer: Writer, caplog: Any
) -> None:
    def refuse(_message: Any) -> None:
        raise RuntimeError("no")

    writer.submit(Job(write("a"), refuse, refuse))
    writer.run(write("b"))
    assert written(engine) == ["a", "b"]
    assert "refused" in caplog.text


def test_waiting_for_the_writer_on_its_own_thread_is_refused(writer: Writer) -> None:
    caught: list[Exception] = []

    def reply(_message: Any) -> None:
        try:
            writer.run(lambda _: None)
        except StoreError as error:
            caught.append(error)

    writer.submit(Job(lambda _: None, reply, reply))
    writer.run(lambda _: None)
    assert len(caught) == 1


def test_errors_carry_no_customers_data(store: Store) -> None:
    from gateways.store.tables import contacts

    def work(connection: sa.Connection) -> None:
        values = {"key": "secret", "attributes": {"phone": ["+16175550123"]}}
        connection.execute(sa.insert(contacts).values(change=None, **values))

    with pytest.raises(StoreError, match="NOT NULL") as raised:
        store.contacts._database.write(work)
    assert "secret" not in str(raised.value)
    assert "6175550123" not in str(raised.value)


@pytest.mark.parametrize(("safe", "level"), [(False, 1), (True, 2)])
def test_a_commit_is_synced_to_disk_where_power_loss_must_lose_nothing(
    url: str, safe: bool, level: int
) -> None:
    engine = make_engine(url, power_loss_safe=safe)
    with engine.connect() as connection:
        # As SQLite numbers them: 1 is NORMAL, 2 is FULL.
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
