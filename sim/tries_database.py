"""Where a search keeps its tries: SQLite for one process, PostgreSQL for many.

The rule of this module: a database that fails is told in one line, and its password never.
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dialer.errors import InputError, StoreError

TABLES_TRIES = 5
TABLES_WAIT_S = 0.5


@contextmanager
def quiet() -> Iterator[None]:
    """What Optuna would print and warn of is for its developers."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


@contextmanager
def database(url: str) -> Iterator[Any]:
    """Optuna's storage behind a URL, closed at the end."""
    import optuna
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        shown = parsed.render_as_string(hide_password=True)
    except ArgumentError:
        mend = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise InputError("--storage", "no database URL", mend) from None
    where = f"--storage {shown}"
    try:
        storage = _storage(parsed.render_as_string(hide_password=False))
    except (NoSuchModuleError, ImportError):
        mend = "use sqlite or postgresql (pip install '.[postgresql]')"
        raise InputError(where, "no such kind of database here", mend) from None
    except SQLAlchemyError as error:
        raise StoreError(f"{where}: {_first_line(error)}") from None
    try:
        yield storage
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise StoreError(f"{where}: {_first_line(error)}") from error
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _storage(url: str) -> Any:
    """Optuna's storage, whose tables are made where there are none.

    It looks first and makes them then, so of two processes that begin together one may fail: it
    looks again, when the other one's tables are there.
    """
    import optuna
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    for _ in range(TABLES_TRIES - 1):
        try:
            return optuna.storages.RDBStorage(url)
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            if not any(words in str(error) for words in ("already exists", "duplicate key")):
                raise
            time.sleep(TABLES_WAIT_S)
    return optuna.storages.RDBStorage(url)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
