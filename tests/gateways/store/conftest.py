"""A fresh store on a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.store import Store, open_store
from tests.ports.contact_store_beds import SCHEMA


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'foredial.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url, SCHEMA) as opened:
        yield opened
