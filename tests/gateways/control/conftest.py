"""A place with a store, a trunk and a queue, and a daemon that is only pretended where needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.control.commands import Commands
from gateways.control.site import Site
from gateways.store import Store, open_store
from tests.gateways.control.place import NOW, FakeLive, make_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


@pytest.fixture
def store(site: Site, tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'foredial.db'}", site.schema) as opened:
        yield opened


@pytest.fixture
def live() -> FakeLive:
    return FakeLive()


@pytest.fixture
def offline(store: Store, site: Site) -> Commands:
    """Commands where no daemon runs."""
    return Commands(store, site, None, clock=lambda: NOW)


@pytest.fixture
def online(store: Store, site: Site, live: FakeLive) -> Commands:
    """Commands inside a daemon."""
    return Commands(store, site, live, clock=lambda: NOW)
