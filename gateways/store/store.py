"""Opening a database and everything on it.

The rule of this module: what `open_store` returns is ready: the schema is this release's, the
writer runs, and `close` leaves nothing behind.
"""

import time
from collections.abc import Callable
from datetime import tzinfo

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from dialer.contacts import Schema
from dialer.errors import StoreError
from gateways.closing import Closing
from gateways.store.agents import Agents
from gateways.store.attempts import Attempts
from gateways.store.callbacks import Callbacks
from gateways.store.campaigns import Campaigns
from gateways.store.claims import Claims
from gateways.store.contact_store import SqlContactStore
from gateways.store.contacts import Contacts
from gateways.store.database import Database
from gateways.store.dialect import database_file, make_engine
from gateways.store.filter_book import FilterBook
from gateways.store.filters import Filters
from gateways.store.hot_leads import HotLeads
from gateways.store.lists import Lists
from gateways.store.migrate import upgrade
from gateways.store.ownership import Ownership
from gateways.store.suppressed import SuppressedNumbers
from gateways.store.writer import Writer, reason


class Store(Closing):
    """An open database. `port` is for the actors; the others are for command lines and consoles,
    wait for their answers, and may be used from any thread.
    """

    def __init__(
        self,
        engine: sa.Engine,
        schema: Schema,
        ownership: Ownership | None,
        clock: Callable[[], float],
        zone: tzinfo | None,
    ) -> None:
        self._engine = engine
        self._ownership = ownership
        book = FilterBook(schema, zone)
        claims = Claims(book)
        self._writer = Writer(engine, claims.after_transaction)
        database = Database(engine, self._writer, clock)
        self.port = SqlContactStore(self._writer, claims, clock)
        self.contacts = Contacts(database, book)
        self.lists = Lists(database, book)
        self.hot_leads = HotLeads(database, book)
        self.callbacks = Callbacks(database, book)
        self.filters = Filters(database, book)
        self.campaigns = Campaigns(database, book)
        self.agents = Agents(database)
        self.attempts = Attempts(database)
        self.suppressed = SuppressedNumbers(database)

    def close(self) -> None:
        """Carry out what was asked for, and let go of the database."""
        self._writer.close()
        self._engine.dispose()
        if self._ownership is not None:
            self._ownership.release()
            self._ownership = None


def open_store(
    url: str,
    schema: Schema,
    *,
    own: bool = False,
    power_loss_safe: bool = False,
    clock: Callable[[], float] = time.time,
    zone: tzinfo | None = None,
) -> Store:
    """Open a database, bringing its schema up to date.

    Args:
        url: such as `sqlite:////var/lib/foredial/foredial.db`; a file that is missing is made.
        schema: the declared contact attributes, which filters are bound to.
        own: for whoever dials: nobody else may own it. Command lines leave it.
        power_loss_safe: sync every commit to disk, see docs/store.md.
        clock: seconds since the epoch.
        zone: in which filters mean `today`; None for the machine's own.

    Raises:
        ConfigError: the address is no address, or of a database that is not supported.
        StoreError: the file cannot be opened, is no database, is locked, comes from a newer
            Foredial, or is owned by another daemon.
    """
    engine = make_engine(url, power_loss_safe)
    file = database_file(engine)
    ownership: Ownership | None = None
    try:
        if own and file is not None:
            ownership = Ownership(file)
        upgrade(engine)
        return Store(engine, schema, ownership, clock, zone)
    except BaseException as error:
        engine.dispose()
        if ownership is not None:
            ownership.release()
        if isinstance(error, SQLAlchemyError):
            raise StoreError(f"{file or url}: {reason(error)}") from error
        if isinstance(error, StoreError):
            raise StoreError(f"{file or url}: {error}") from error
        raise
