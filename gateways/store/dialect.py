"""What differs between databases, and nothing else.

The rule of this module: no other module of the store writes SQL that only one database knows.
To move to PostgreSQL, give each function and each SQL construct here its second half.
"""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from dialer.errors import ConfigError

BUSY_TIMEOUT_S = 5.0
"""How long a connection waits for another's write lock before it gives up."""

_POLL_S = 0.001
"""How often a writer looks whether the lock is free. SQLite's own waiting gets slower and slower,
up to 100 ms, and so a program that writes one transaction after another would starve us."""

_WRITES = "foredial_writes"
_POLLS = "foredial_polls"


def make_engine(url: str, power_loss_safe: bool = False) -> sa.Engine:
    """An engine for a database address such as `sqlite:////var/lib/foredial/foredial.db`.

    power_loss_safe: sync to disk at every commit, not only at checkpoints: see docs/store.md.

    Raises:
        ConfigError: the address is no address, or of a database that is not supported.
    """
    try:
        address = sa.make_url(url)
        backend = address.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        raise ConfigError("store", f"{url!r} is no database address", _MEND) from None
    if backend != "sqlite":
        raise ConfigError("store", f"databases of kind {backend!r} are not supported", _MEND)
    if not address.database or address.database == ":memory:":
        raise ConfigError("store", f"{url!r} names no file", _MEND)
    engine = sa.create_engine(
        address,
        json_serializer=_dump_json,
        connect_args={"timeout": BUSY_TIMEOUT_S},
        pool_size=8,
        max_overflow=16,
    )
    _listen(engine, "FULL" if power_loss_safe else "NORMAL")
    return engine


_MEND = "write it as sqlite:///PATH"


def database_file(engine: sa.Engine) -> Path | None:
    """The file behind an engine; None for a database that is reached over a network."""
    return Path(engine.url.database) if engine.url.database else None


def for_writing(engine: sa.Engine) -> sa.Engine:
    """The same engine, whose transactions take the write lock when they begin.

    A transaction that reads first and writes later would fail at once, without waiting, when
    another connection wrote in between.
    """
    return engine.execution_options(**{_WRITES: True})


def take_write_lock(connection: sa.Connection) -> sa.Connection:
    """A fresh connection on which the next transaction takes the write lock when it begins."""
    return connection.execution_options(**{_WRITES: True})


class Json(sa.TypeDecorator[Any]):
    """Plain data; None is NULL."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            # Every start would pay for loading it, and nobody uses it yet.
            from sqlalchemy.dialects.postgresql import JSONB

            return dialect.type_descriptor(JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))


class JsonKind(FunctionElement[str]):
    """What a member of a JSON object is: "text", "number", "boolean", something else, or NULL."""

    name = "json_kind"
    type = sa.Text()
    inherit_cache = True


class JsonText(FunctionElement[str]):
    """A member of a JSON object that is a text, as text."""

    name = "json_text"
    type = sa.Text()
    inherit_cache = True


class JsonNumber(FunctionElement[float]):
    """A member of a JSON object that is a number, as one."""

    name = "json_number"
    type = sa.Double()
    inherit_cache = True


class JsonFlag(FunctionElement[int]):
    """A member of a JSON object that is a boolean, as 1 or 0."""

    name = "json_flag"
    type = sa.Integer()
    inherit_cache = True


class FoldedText(FunctionElement[str]):
    """A text with the letters A to Z made small, and no others."""

    name = "folded_text"
    type = sa.Text()
    inherit_cache = True


class Occurs(FunctionElement[int]):
    """Where the second text stands in the first, from 1 on; 0 where it does not."""

    name = "occurs"
    type = sa.Integer()
    inherit_cache = True


def _pair(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> tuple[str, str]:
    first, second = element.clauses
    return compiler.process(first, **options), compiler.process(second, **options)


@compiles(JsonKind, "sqlite")
def _json_kind(element: JsonKind, compiler: SQLCompiler, **options: Any) -> str:
    document, path = _pair(element, compiler, **options)
    return (
        f"(CASE json_type({document}, '$.' || {path}) WHEN 'integer' THEN 'number' "
        f"WHEN 'real' THEN 'number' WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' "
        f"WHEN 'text' THEN 'text' ELSE NULL END)"
    )


@compiles(JsonText, "sqlite")
@compiles(JsonNumber, "sqlite")
@compiles(JsonFlag, "sqlite")
def _json_value(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
    document, path = _pair(element, compiler, **options)
    return f"json_extract({document}, '$.' || {path})"


@compiles(FoldedText, "sqlite")
def _folded_text(element: FoldedText, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(Occurs, "sqlite")
def _occurs(element: Occurs, compiler: SQLCompiler, **options: Any) -> str:
    whole, part = _pair(element, compiler, **options)
    return f"instr({whole}, {part})"


def _dump_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _listen(engine: sa.Engine, synchronous: str) -> None:
    @sa.event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        # The driver's own BEGINs are switched off: it would leave DDL outside transactions,
        # and a failed migration could not be rolled back.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute(f"PRAGMA synchronous={synchronous}")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA cache_size=-32768")
            cursor.execute("PRAGMA temp_store=MEMORY")
        finally:
            cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(_WRITES, False):
            _take_lock(connection)
            return
        if connection.info.pop(_POLLS, False):
            connection.exec_driver_sql(f"PRAGMA busy_timeout={round(1000 * BUSY_TIMEOUT_S)}")
        connection.exec_driver_sql("BEGIN")


def _take_lock(connection: sa.Connection) -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    if _POLLS not in connection.info:
        connection.info[_POLLS] = True
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            locked = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not locked or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return
