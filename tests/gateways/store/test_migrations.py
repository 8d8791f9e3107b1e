"""A database is brought to this release's schema, wholly or not at all."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from dialer.errors import ConfigError, StoreError
from gateways.store import migrate, open_store
from gateways.store.dialect import make_engine
from gateways.store.migrate import newest_schema, schema_of, upgrade
from gateways.store.tables import metadata
from tests.ports.contact_store_beds import SCHEMA


def test_the_migrations_make_the_tables_of_the_code(url: str) -> None:
    engine = make_engine(url)
    assert upgrade(engine)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        made = {
            row.name: row.sql
            for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")
        }
    engine.dispose()
    # What Alembic does not compare.
    assert "AUTOINCREMENT" in made["attempts"]
    assert "WITHOUT ROWID" in made["campaign_contacts"]
    assert "settled_at IS NULL" in made["uq_attempts_number_in_flight"]


def test_a_second_upgrade_does_nothing(url: str) -> None:
    engine = make_engine(url)
    assert upgrade(engine)
    assert not upgrade(engine)
    with engine.connect() as connection:
        assert schema_of(connection) == newest_schema()
    engine.dispose()


def test_two_processes_that_open_a_new_database_at_once_both_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; from tests.ports.contact_store_beds import SCHEMA;"
        "from gateways.store import open_store; sys.stdin.read(1);"
        "store = open_store(sys.argv[1], SCHEMA);"
        "store.campaigns.create('one', ''); store.close()"
    )
    url = f"sqlite:///{tmp_path / 'new.db'}"
    opening = [
        subprocess.Popen([sys.executable, "-c", code, url], stdin=subprocess.PIPE) for _ in range(2)
    ]
    for process in opening:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.close()
    assert [process.wait(60) for process in opening] == [0, 0]
    with open_store(url, SCHEMA) as store:
        assert store.campaigns.list().total == 2


def broken_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(migrate._FOLDER, folder)
    (folder / "versions" / "9999_broken.py").write_text(
        "from alembic import op\n"
        "revision = '9999'\n"
        f"down_revision = {newest_schema()!r}\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half_way (id INTEGER)')\n"
        "    op.execute('DROP TABLE agents')\n"
        "    op.execute('ALTER TABLE nothing ADD COLUMN x TEXT')\n"
    )
    monkeypatch.setattr(migrate, "_FOLDER", folder)


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(url, SCHEMA) as store:
        store.campaigns.create("kept", "nodes: []")
    with monkeypatch.context() as patch:
        broken_history(tmp_path, patch)
        with pytest.raises(StoreError, match='near "nothing": syntax error'):
            open_store(url, SCHEMA)
    engine = make_engine(url)
    tables = sa.inspect(engine).get_table_names()
    engine.dispose()
    assert "half_way" not in tables
    assert "agents" in tables
    with open_store(url, SCHEMA) as store:
        assert [campaign.title for campaign in store.campaigns.list().items] == ["kept"]


def test_a_database_of_a_newer_release_is_refused(url: str, tmp_path: Path) -> None:
    open_store(url, SCHEMA).close()
    with closing(sqlite3.connect(tmp_path / "foredial.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match=r"foredial\.db: .*'9999'.*newer"):
        open_store(url, SCHEMA)


def test_a_database_of_something_else_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "foredial.db")) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")
        connection.commit()
    with pytest.raises(StoreError, match="recipes"):
        open_store(url, SCHEMA)
    with closing(sqlite3.connect(tmp_path / "foredial.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert names == [("recipes",)]


def test_a_file_that_is_no_database_is_refused(url: str, tmp_path: Path) -> None:
    (tmp_path / "foredial.db").write_text("id,phone\n" * 200)
    with pytest.raises(StoreError, match=r"foredial\.db: .*not a database"):
        open_store(url, SCHEMA)


def test_a_damaged_file_is_refused(url: str, tmp_path: Path) -> None:
    open_store(url, SCHEMA).close()
    file = tmp_path / "foredial.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * 4000 + whole[4100:])
    with pytest.raises(StoreError, match="malformed"):
        open_store(url, SCHEMA)


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'foredial.db'}", SCHEMA)


def test_a_locked_database_is_told(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateways.store.dialect.BUSY_TIMEOUT_S", 0.05)
    with closing(sqlite3.connect(tmp_path / "foredial.db")) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            open_store(url, SCHEMA)


@pytest.mark.parametrize(
    "url", ["", "foredial.db", "sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "x://y"]
)
def test_an_address_that_is_none_is_bad_input(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///PATH"):
        open_store(url, SCHEMA)
