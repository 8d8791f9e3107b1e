"""Numbers that opted out outlive everything."""

from gateways.store import Store, open_store
from tests.ports.contact_store_beds import SCHEMA


def test_an_opt_out_is_kept_over_a_restart_and_counts_once(url: str) -> None:
    with open_store(url, SCHEMA) as store:
        assert store.suppressed.numbers() == frozenset()
        for at in (1.0, 2.0):
            store.suppressed.add("+13125550123", "callback to +12125550100", at)
        store.suppressed.add("+13125550124", "callback to +12125550100", 3.0)
    with open_store(url, SCHEMA) as store:
        assert store.suppressed.numbers() == {"+13125550123", "+13125550124"}


def test_an_opt_out_does_not_wait_for_the_database(store: Store) -> None:
    store.suppressed.add("+13125550123", "callback to +12125550100", 1.0)
    store.port.flush()
    assert store.suppressed.numbers() == {"+13125550123"}
