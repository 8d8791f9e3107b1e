"""The port pool: even ports only, rested ones first, others' ports left alone."""

import socket

import pytest

from dialer.errors import MediaError
from gateways.media.ports import RETIRED_S, PortPool
from tests.gateways.media.conftest import BASE_PORT

A, B, C, D = (BASE_PORT + each for each in (2, 4, 6, 8))


def pool() -> PortPool:
    return PortPool("127.0.0.1", BASE_PORT + 1, BASE_PORT + 9)


def test_ports_are_even_and_the_longest_unused_comes_first() -> None:
    ports = pool()
    taken = [ports.take(0.0), ports.take(0.0)]
    assert taken == [A, B]
    for port in taken:
        ports.give_back(port)
    assert [ports.take(0.0) for _ in range(4)] == [C, D, A, B]


def test_no_port_left_is_told_with_what_to_do() -> None:
    ports = pool()
    for _ in range(4):
        ports.take(0.0)
    with pytest.raises(MediaError, match="widen the range"):
        ports.take(0.0)


@pytest.mark.parametrize("held", [A, A + 1])
def test_a_port_or_its_neighbour_that_others_hold_is_passed_over_for_a_while(held: int) -> None:
    ports = pool()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", held))
        assert ports.take(0.0) == B
        assert (ports.free, ports.retired) == (2, 1)
    assert [ports.take(1.0), ports.take(1.0)] == [C, D]
    assert ports.take(RETIRED_S) == A
