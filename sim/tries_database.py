"""Where a search keeps its tries: SQLite for one process, PostgreSQL for many.

The rule of this module: a database that fails is told in one line, and its password never.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dialer.errors import InputError, StoreError


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
        storage = optuna.storages.RDBStorage(parsed.render_as_string(hide_password=False))
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


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
