"""The control socket, with real sockets at both ends."""

import gc
import socket
import stat
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest

from dialer import errors
from dialer.errors import ControlError, FlowError, InputError, NotFoundError
from gateways.control.client import ControlClient, NoDaemonError
from gateways.control.problems import all_of, raise_problems
from gateways.control.server import ControlServer


class Verbs:
    """Verbs that answer, fail in every way, or wait."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.waiting = threading.Semaphore(0)

    def call(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        if verb == "wait":
            self.waiting.release()
            assert self.may_end.wait(20)
            return "waited"
        if verb == "raise":
            kind = getattr(errors, arguments["type"])
            error = kind.__new__(kind)  # some are made from other particulars
            InputError.__init__(error, "here", "wrong", "mend it")
            raise error
        if verb == "gateway":
            raise getattr(errors, arguments["type"])("the far end failed")
        if verb == "many":
            raise_problems([FlowError("a", "b", "c"), FlowError("d", "e", "f")])
        if verb == "bug":
            raise KeyError("oops")
        if verb == "unsendable":
            return object()
        return {"verb": verb, "arguments": dict(arguments)}


@pytest.fixture
def verbs() -> Iterator[Verbs]:
    made = Verbs()
    yield made
    made.may_end.set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


@pytest.fixture
def server(path: Path, verbs: Verbs) -> Iterator[ControlServer]:
    made = ControlServer(path, verbs.call)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(server: ControlServer, path: Path) -> ControlClient:
    return ControlClient(path)


def test_a_verb_is_answered(client: ControlClient) -> None:
    assert client.is_running()
    assert client.call("add", number=1, words=["é", "b"]) == {
        "verb": "add",
        "arguments": {"number": 1, "words": ["é", "b"]},
    }


def test_only_its_owner_may_open_the_socket(server: ControlServer, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, InputError)
    ],
)
def test_bad_input_comes_out_as_the_same_error(client: ControlClient, name: str) -> None:
    with pytest.raises(InputError) as caught:
        client.call("raise", type=name)

    assert type(caught.value).__name__ == name
    assert str(caught.value) == "here: wrong; mend it"
    assert (caught.value.where, caught.value.what, caught.value.mend) == (
        "here",
        "wrong",
        "mend it",
    )


@pytest.mark.parametrize("name", ["StoreError", "TrunkError", "ControlError", "GatewayError"])
def test_a_gateway_that_failed_comes_out_as_the_same_error(
    client: ControlClient, name: str
) -> None:
    with pytest.raises(getattr(errors, name), match="the far end failed"):
        client.call("gateway", type=name)


def test_several_problems_stay_several(client: ControlClient) -> None:
    with pytest.raises(FlowError) as caught:
        client.call("many")

    assert [str(one) for one in all_of(caught.value)] == ["a: b; c", "d: e; f"]


def test_a_bug_ends_neither_server_nor_connection(
    client: ControlClient, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ControlError, match="met a bug in 'bug': KeyError; see its log"):
        client.call("bug")
    with pytest.raises(ControlError, match="the answer cannot be sent; see the log"):
        client.call("unsendable")

    assert "oops" in caplog.text
    assert client.call("fine")["verb"] == "fine"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", 5) + b"\xc1\xc1\xc1\xc1\xc1",
        struct.pack(">I", 0xFFFFFFFF),
        struct.pack(">I", 100) + b"short",
        *(
            struct.pack(">I", len(body)) + body
            for body in map(
                msgpack.packb,
                [
                    1,
                    [],
                    {},
                    {"verb": 3},
                    {"verb": "x", "args": [1]},
                    {"verb": "x", "args": {1: 2}},
                ],
            )
        ),
    ],
)
def test_nothing_that_arrives_ends_the_server(
    client: ControlClient, path: Path, sent: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as rude:
        rude.settimeout(20)
        rude.connect(str(path))
        rude.sendall(sent)
        rude.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):  # it left before it had read all
            while rude.recv(4096):
                pass

    assert client.call("still there")["verb"] == "still there"


def test_several_clients_are_served_at_once(
    client: ControlClient, path: Path, verbs: Verbs
) -> None:
    answers: list[Any] = []
    waiters = [
        threading.Thread(target=lambda: answers.append(ControlClient(path).call("wait")))
        for _ in range(5)
    ]
    for waiter in waiters:
        waiter.start()
    for _ in waiters:
        assert verbs.waiting.acquire(timeout=20)

    assert client.call("meanwhile")["verb"] == "meanwhile"

    verbs.may_end.set()
    for waiter in waiters:
        waiter.join(20)
    assert answers == ["waited"] * 5


def test_several_requests_go_over_one_connection(server: ControlServer, path: Path) -> None:
    body = msgpack.packb({"verb": "x"})
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        for _ in range(3):
            connection.sendall(struct.pack(">I", len(body)) + body)
            (length,) = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))
            answer = msgpack.unpackb(connection.recv(length, socket.MSG_WAITALL))
            assert answer["ok"] is True


def test_no_daemon_is_told_apart(path: Path) -> None:
    client = ControlClient(path)

    assert not client.is_running()
    with pytest.raises(NoDaemonError, match="no daemon answers at"):
        client.call("x")


def test_a_daemon_that_hangs_is_told(server: ControlServer, path: Path, verbs: Verbs) -> None:
    with pytest.raises(ControlError, match=r"did not answer within 0.05 s; see its log"):
        ControlClient(path, timeout_s=0.05).call("wait")
    verbs.may_end.set()


def test_a_daemon_that_dies_meanwhile_is_told(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(str(path))
        dying.listen()

        def hang_up() -> None:
            dying.accept()[0].close()

        accepted = threading.Thread(target=hang_up)
        accepted.start()
        with pytest.raises(ControlError, match="hung up; see its log"):
            ControlClient(path).call("x")
        accepted.join(20)


def test_an_answer_that_is_none_is_told(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as odd:
        odd.bind(str(path))
        odd.listen()

        def answer() -> None:
            connection, _ = odd.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(struct.pack(">I", 1) + b"\x07")

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(ControlError, match="something that is no error"):
            ControlClient(path).call("x")
        answering.join(20)


def test_a_second_daemon_is_refused_while_the_first_answers(
    client: ControlClient, path: Path, verbs: Verbs
) -> None:
    with pytest.raises(ControlError, match="another daemon answers"):
        ControlServer(path, verbs.call).start()

    assert client.is_running()


def test_what_a_killed_daemon_left_is_replaced(path: Path, verbs: Verbs) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = ControlServer(path, verbs.call)
    server.start()
    try:
        assert ControlClient(path).is_running()
    finally:
        server.stop()


def test_a_file_that_is_no_socket_is_left_alone(path: Path, verbs: Verbs) -> None:
    path.parent.mkdir()
    path.write_text("precious")

    with pytest.raises(ControlError, match="is no socket; move it away"):
        ControlServer(path, verbs.call).start()

    assert path.read_text() == "precious"


def test_a_place_where_no_socket_can_be_is_told(tmp_path: Path, verbs: Verbs) -> None:
    with pytest.raises(ControlError, match="cannot be made: "):
        ControlServer(tmp_path / ("long" * 40), verbs.call).start()


def test_after_stop_nothing_is_left(path: Path, verbs: Verbs) -> None:
    before = set(threading.enumerate())
    server = ControlServer(path, verbs.call)
    server.start()
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(path))
        ControlClient(path).call("x")
        server.stop()
    server.stop()
    gc.collect()

    assert not path.exists()
    assert set(threading.enumerate()) <= before
    assert not ControlClient(path).is_running()


def test_a_request_under_way_is_answered_at_stop(path: Path, verbs: Verbs) -> None:
    server = ControlServer(path, verbs.call)
    server.start()
    answers: list[Any] = []
    waiter = threading.Thread(target=lambda: answers.append(ControlClient(path).call("wait")))
    waiter.start()
    assert verbs.waiting.acquire(timeout=20)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    verbs.may_end.set()
    stopper.join(20)
    waiter.join(20)

    assert answers == ["waited"]


def test_stop_leaves_the_socket_of_another_daemon(path: Path, verbs: Verbs) -> None:
    first = ControlServer(path, verbs.call)
    first.start()
    path.unlink()
    second = ControlServer(path, verbs.call)
    second.start()
    first.stop()
    try:
        assert ControlClient(path).is_running()
    finally:
        second.stop()


def test_an_unknown_error_type_is_still_told() -> None:
    from gateways.control.wire import unpack_error

    assert str(unpack_error({"type": "SystemExit", "what": "gone"})) == "gone"
    assert isinstance(unpack_error({"type": "NotFoundError", "what": "x"}), NotFoundError)


def test_a_server_can_be_started_again(path: Path, verbs: Verbs) -> None:
    server = ControlServer(path, verbs.call)
    for _ in range(2):
        server.start()
        assert ControlClient(path).call("x")["verb"] == "x"
        server.stop()
