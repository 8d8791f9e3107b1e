"""The adapters of each port, plugged into its contract."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ports.contact_store_beds import MemoryBed, SqlBed, StoreBed

CONTACT_STORES: dict[str, Callable[[Path], StoreBed]] = {
    "sql": SqlBed,
    "memory": MemoryBed,
}


@pytest.fixture(params=CONTACT_STORES)
def store_factory(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], StoreBed]]:
    """Makes fresh beds of one adapter, and closes them in the end."""
    beds: list[StoreBed] = []

    def make() -> StoreBed:
        folder = tmp_path / str(len(beds))
        folder.mkdir()
        beds.append(CONTACT_STORES[request.param](folder))
        return beds[-1]

    yield make
    for bed in beds:
        bed.close()


@pytest.fixture
def bed(store_factory: Callable[[], StoreBed]) -> StoreBed:
    return store_factory()
