"""Bringing a database to this release's schema.

The rule of this module: an upgrade is one transaction. It holds the write lock from before it
looks at the schema, so two processes never upgrade at once, and a migration that fails leaves the
database as it was.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from dialer.errors import StoreError
from gateways.store.dialect import for_writing

_FOLDER = Path(__file__).with_name("migrations")


def newest_schema() -> str:
    """The revision that this release makes."""
    head = ScriptDirectory(str(_FOLDER)).get_current_head()
    if head is None:
        raise StoreError("the migrations folder is empty")
    return head


def schema_of(connection: sa.Connection) -> str:
    """The revision of a database; "" for an empty one."""
    return MigrationContext.configure(connection).get_current_revision() or ""


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
        config = Config()
        config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(f"the database cannot be upgraded from {found!r}: {error}") from error
    return True


def _refuse_strangers(connection: sa.Connection, found: str) -> None:
    if found:
        known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
        if found not in known:
            raise StoreError(
                f"the database has schema {found!r}, which this release does not know: "
                f"a newer Foredial made it; run that one, or restore a backup"
            )
    elif tables := sa.inspect(connection).get_table_names():
        raise StoreError(
            f"the database holds tables of something else ({', '.join(sorted(tables)[:3])}); "
            f"give Foredial a file of its own"
        )
