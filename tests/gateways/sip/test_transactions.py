"""The transaction tables and timers of RFC 3261 section 17, with a clock in the hand."""

import pytest

from gateways.sip.building import Composer
from gateways.sip.leg_plan import LEG
from gateways.sip.messages import Message, read_message
from gateways.sip.transaction_tables import STATE_TABLES, TABLES, TIMERS
from gateways.sip.transactions import Address, Transaction, TransactionLayer
from tests.gateways.sip.kit import CARRIER, HERE, reply


class Told:
    """An owner that writes down what it is told."""

    def __init__(self) -> None:
        self.story: list[object] = []

    def response(self, transaction: Transaction, message: Message, now: float) -> None:
        self.story.append(message.status_code)

    def timeout(self, transaction: Transaction, now: float) -> None:
        self.story.append("timeout")

    def failed(self, transaction: Transaction, reason: str, now: float) -> None:
        self.story.append(reason)


DETAILS = {
    "uri": "sip:b@c",
    "branch": "z9hG4bKlab",
    "sender": "<sip:a@b>;tag=1",
    "recipient": "<sip:b@c>",
    "call_id": "lab",
    "cseq": 1,
}


class Lab:
    def __init__(self, reliable: bool = False) -> None:
        self.there = CARRIER._replace(transport="tcp" if reliable else "udp")
        self.layer = TransactionLayer(Composer(HERE.host, HERE.port))
        self.owner = Told()
        self.now = 0.0

    def start(self, method: str) -> tuple[Transaction, Message]:
        details = {**DETAILS, "method": method}
        transaction = self.layer.start(details, self.there, self.owner, self.now)
        return transaction, read_message(self.take()[0])

    def take(self) -> list[bytes]:
        out, self.layer.outbox = self.layer.outbox, []
        return [data for data, _ in out]

    def run(self, until: float) -> list[float]:
        """When something was sent, up to a time."""
        sent = []
        while (due := self.layer.next_timeout()) is not None and due <= until:
            self.now = due
            self.layer.advance(due)
            sent += [due] * len(self.take())
        self.now = until
        return sent

    def hear(self, text: str) -> bool:
        return self.layer.receive_response(read_message(text.encode()), self.now)


@pytest.mark.parametrize("kind", TABLES)
def test_every_state_is_reached_and_every_way_ends(kind: str) -> None:
    table = STATE_TABLES[kind]
    assert table.final == {"terminated"}
    reached = {table.initial}
    for _ in table.states:
        reached |= {row.target for row in table.rows if row.state in reached}
    assert reached == set(table.states)
    assert table.mermaid().startswith("stateDiagram-v2")


@pytest.mark.parametrize("kind", TABLES)
def test_every_timer_has_a_row_where_it_runs_and_every_row_its_timer(kind: str) -> None:
    rows = {(row.state, row.event) for row in TABLES[kind][1] if row.event.startswith("timer_")}
    timers = {
        (state, timer.name) for (k, state), each in TIMERS.items() if k == kind for timer in each
    }
    assert rows == timers


def test_no_waiting_state_lacks_a_way_out_in_time() -> None:
    # Only an INVITE that rings may wait for ever: its caller cancels it.
    for kind, (_, rows) in TABLES.items():
        for state in {row.state for row in rows}:
            timed = {t.name for t in TIMERS.get((kind, state), ()) if not t.growth}
            asked = {"trying", "proceeding"}
            assert (
                timed
                or (kind == "INVITE client" and state == "proceeding")
                or (kind in ("server", "INVITE server") and state in asked)
            )


def test_the_legs_table_ends_every_way() -> None:
    assert LEG.final == {"ended"}
    for state in set(LEG.states) - {"ended"}:
        assert LEG.events(state)


def test_timers_e_and_f_of_a_request_that_nobody_answers() -> None:
    lab = Lab()
    lab.start("OPTIONS")
    assert lab.run(31.9) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert lab.owner.story == []
    lab.run(32)
    assert lab.owner.story == ["timeout"]
    assert len(lab.layer) == 0


def test_timer_e_slows_down_after_a_provisional_response() -> None:
    lab = Lab()
    _, request = lab.start("BYE")
    lab.run(0.6)
    lab.hear(reply(request, 100))
    assert lab.run(12) == [1.5, 5.5, 9.5]
    lab.hear(reply(request, 200))
    lab.hear(reply(request, 200))
    assert lab.owner.story == [100, 200]
    assert lab.run(40) == []
    assert len(lab.layer) == 0


def test_timer_a_stops_and_timer_b_no_longer_counts_after_a_provisional_response() -> None:
    lab = Lab()
    _, request = lab.start("INVITE")
    lab.run(0.2)
    lab.hear(reply(request, 183))
    assert lab.run(500) == []
    assert lab.owner.story == [183]
    assert len(lab.layer) == 1


def test_timer_d_keeps_acknowledging_a_refusal_for_32_s() -> None:
    lab = Lab()
    _, request = lab.start("INVITE")
    lab.hear(reply(request, 486))
    assert [read_message(data).method for data in lab.take()] == ["ACK"]
    lab.run(31)
    assert lab.hear(reply(request, 486))
    assert len(lab.take()) == 1
    lab.run(33)
    assert not lab.hear(reply(request, 486))
    assert lab.owner.story == [486]


def test_timer_m_lets_repeated_and_forked_answers_through() -> None:
    lab = Lab()
    _, request = lab.start("INVITE")
    lab.hear(reply(request, 200, tag="x"))
    lab.run(31)
    lab.hear(reply(request, 200, tag="y"))
    assert lab.owner.story == [200, 200]
    lab.run(33)
    assert not lab.hear(reply(request, 200, tag="z"))


def test_nobody_listening_is_told_at_once_to_who_waits() -> None:
    lab = Lab()
    lab.start("INVITE")
    lab.layer.transport_failed(Address("192.0.2.99", 5060), "refused", lab.now)
    assert lab.owner.story == []
    lab.layer.transport_failed(CARRIER, "refused", lab.now)
    assert lab.owner.story == ["refused"]
    assert lab.layer.next_timeout() is None


def test_a_reliable_transport_repeats_nothing_and_waits_for_no_strays() -> None:
    lab = Lab(reliable=True)
    _, request = lab.start("OPTIONS")
    assert lab.run(10) == []
    lab.hear(reply(request, 200))
    lab.run(10)
    assert len(lab.layer) == 0


def test_a_request_too_long_for_a_datagram_goes_by_tcp_and_else_by_udp_all_the_same() -> None:
    lab = Lab()
    long_one = {**DETAILS, "method": "INVITE", "extra": [("Identity", "x" * 1300)]}
    lab.layer.start(long_one, CARRIER, lab.owner, 0.0)
    (data, there), lab.layer.outbox = lab.layer.outbox[0], []
    assert there == CARRIER._replace(transport="tcp")
    assert b"Via: SIP/2.0/TCP" in data
    assert lab.run(2) == [], "TCP repeats by itself"
    lab.layer.transport_failed(there, "refused", lab.now)
    (data, there), lab.layer.outbox = lab.layer.outbox[0], []
    assert there == CARRIER
    assert b"Via: SIP/2.0/UDP" in data
    assert lab.owner.story == []
    assert lab.run(4) == [2.5, 3.5]
    lab.layer.transport_failed(there, "refused", lab.now)
    assert lab.owner.story == ["refused"]


def incoming(method: str, branch: str = "z9hG4bKin") -> Message:
    text = (
        f"{method} sip:x@192.0.2.10 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.20;branch={branch};rport\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:x@c>\r\nCall-ID: in\r\nCSeq: 1 {method}\r\n\r\n"
    )
    return read_message(text.encode())


def test_a_refusal_of_ours_is_repeated_until_its_ack_and_no_longer() -> None:
    lab = Lab()
    server = lab.layer.receive_request(incoming("INVITE"), CARRIER, lab.owner, 0.0)
    assert server is not None
    lab.layer.respond(server, 488, b"no", 0.0)
    assert lab.take() == [b"no"]
    assert lab.run(8) == [0.5, 1.5, 3.5, 7.5]
    assert lab.layer.receive_request(incoming("INVITE"), CARRIER, lab.owner, lab.now) is None
    assert lab.layer.outbox[-1][0] == b"no"
    lab.take()
    assert lab.layer.receive_request(incoming("ACK"), CARRIER, lab.owner, lab.now) is None
    assert lab.run(60) == []
    assert len(lab.layer) == 0


def test_a_repeated_request_gets_the_same_answer_for_32_s() -> None:
    lab = Lab()
    server = lab.layer.receive_request(incoming("BYE"), CARRIER, lab.owner, 0.0)
    assert server is not None
    assert lab.layer.receive_request(incoming("BYE"), CARRIER, lab.owner, 0.0) is None
    assert lab.take() == []
    lab.layer.respond(server, 200, b"yes", 0.0)
    assert lab.take() == [b"yes"]
    lab.run(31)
    assert lab.layer.receive_request(incoming("BYE"), CARRIER, lab.owner, 31.0) is None
    assert lab.take() == [b"yes"]
    lab.run(33)
    assert lab.layer.receive_request(incoming("BYE"), CARRIER, lab.owner, 33.0) is not None


def test_old_clients_without_unique_branches_are_told_apart() -> None:
    lab = Lab()
    first = lab.layer.receive_request(incoming("BYE", "1"), CARRIER, lab.owner, 0.0)
    assert first is not None
    assert lab.layer.receive_request(incoming("BYE", "1"), CARRIER, lab.owner, 0.0) is None
    assert lab.layer.receive_request(incoming("INFO", "1"), CARRIER, lab.owner, 0.0) is not None


def test_a_long_sleep_of_the_machine_sends_no_burst() -> None:
    lab = Lab()
    lab.start("OPTIONS")
    lab.layer.advance(20.0)
    assert len(lab.take()) <= 1
