"""Bringing a database to this release's schema.

The rule of this module: an upgrade is one transaction. It holds the write lock from before it
looks at the schema, so two processes never upgrade at once, and a migration that fails leaves the
database as it was.
"""

from pathlib import Path

import sqlalchemy as sa

from dialer.errors import StoreError
from gateways.store.dialect import for_writing

_FOLDER = Path(__file__).with_name("migrations")


def _revisions() -> list[str]:
    """All of them in order, by their files: 0001_first_tables.py."""
    return sorted(file.name.partition("_")[0] for file in _FOLDER.glob("versions/[0-9]*.py"))


def newest_schema() -> str:
    """The revision that this release makes."""
    return _revisions()[-1]


def schema_of(connection: sa.Connection) -> str:
    """The revision of a database; "" for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found or "")


def upgrade(engine: sa.Engine) -> bool:
    """Bring the database up to date; False when it already was.

    Raises:
        StoreError: a newer Foredial made it, it is not ours, or a migration failed.
        sqlalchemy.exc.DBAPIError: the database cannot be read or is locked.
    """
    with engine.connect() as connection:
        if schema_of(connection) == newest_schema():
            return False
    with for_writing(engine).begin() as connection:
        found = schema_of(connection)
        if found == newest_schema():
            return False
        _refuse_strangers(connection, found)
        _migrate(connection, found)
    return True


def _migrate(connection: sa.Connection, found: str) -> None:
    # Nearly every start finds the schema as it should be, and does not pay for Alembic.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database cannot be upgraded from {found!r}: {error}") from error


def _refuse_strangers(connection: sa.Connection, found: str) -> None:
    if found:
        if found not in _revisions():
            raise StoreError(
                f"the database has schema {found!r}, which this release does not know: "
                f"a newer Foredial made it; run that one, or restore a backup"
            )
    elif tables := sa.inspect(connection).get_table_names():
        raise StoreError(
            f"the database holds tables of something else ({', '.join(sorted(tables)[:3])}); "
            f"give Foredial a file of its own"
        )
