"""What pyVoIP 1.6.8 does wrong as a phone, each a test that it does not come back."""

import re

import pytest

from dialer.errors import TrunkError
from gateways.sip.building import Composer
from gateways.sip.digest import Credentials
from gateways.sip.pyvoip_layer import EXPECTED_SIGNATURES, check_pyvoip
from tests.gateways.sip.kit import SDP, Bench, reply

CHALLENGE = 'Proxy-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=MD5'


def test_it_has_no_cancel() -> None:
    bench = Bench()
    leg, _, invite = bench.dial()
    bench.hear(reply(invite, 180))
    leg.cancel(bench.now)
    assert [message.method for message in bench.collect()] == ["CANCEL"]


def test_it_knows_no_407() -> None:
    bench = Bench()
    _, owner, invite = bench.dial(credentials=Credentials("ann", "secret"))
    ack, again = bench.hear(reply(invite, 407, headers=(CHALLENGE,)))
    assert (ack.method, ack.branch) == ("ACK", invite.branch)
    assert (again.method, again.cseq) == ("INVITE", invite.cseq + 1)
    assert again.call_id == invite.call_id
    assert again.from_tag == invite.from_tag
    assert again.branch != invite.branch
    proof = again.first("Proxy-Authorization")
    assert 'uri="sip:+15550100@carrier.example"' in proof
    assert "nc=00000001" in proof
    (ack,) = bench.hear(reply(again, 200, sdp=SDP))
    assert ack.cseq == again.cseq
    assert ack.first("Proxy-Authorization") == proof
    assert owner.story == ["answered"]


def test_it_never_sends_a_lost_invite_again() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    sent_at = []
    for _ in range(640):
        sent_at += [bench.now for message in bench.wait(0.05) if message.method == "INVITE"]
    assert [round(at - 1000.0, 1) for at in sent_at] == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert all(message.branch == invite.branch for message in bench.sent)
    bench.wait(1)
    assert [(cause.by, cause.sip_status) for cause in owner.ends] == [("trunk", 408)]
    assert owner.classes == ["timeout"]
    assert bench.agent.next_timeout() is None


def test_it_calls_out_only_after_a_register() -> None:
    bench = Bench()
    bench.live()
    assert bench.methods() == ["INVITE", "ACK"]


def test_it_blocks_one_call_while_another_waits() -> None:
    bench = Bench()
    invites = [bench.dial(attempt_id=number)[2] for number in range(1, 51)]
    for invite in reversed(invites):
        bench.hear(reply(invite, 200, sdp=SDP))
    assert all(leg.is_live for leg in bench.agent.legs.values())
    assert len({invite.call_id for invite in invites}) == 50


def test_it_freezes_when_an_answers_packet_is_lost() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial()
    bench.hear(reply(invite, 180))
    # The 200 is lost; the callee sends it again, and again as our ACK is lost too.
    acks = [bench.hear(reply(invite, 200, sdp=SDP)) for _ in range(3)]
    assert [[ack.method for ack in each] for each in acks] == [["ACK"]] * 3
    assert len({each[0].branch for each in acks}) == 1
    leg.hang_up(bench.now)
    # The BYE is lost, too.
    byes = [message for message in bench.wait(3) if message.method == "BYE"]
    assert len({bye.branch for bye in byes}) == 1
    assert len(byes) == 3
    bench.hear(reply(byes[0], 200))
    assert bench.wait(60) == []
    assert owner.story[:2] == ["ringing", "answered"]
    assert len(owner.ends) == 1


def test_its_ack_is_wrong_and_the_callee_drops_the_call_at_32_s() -> None:
    bench = Bench()
    leg, _, invite = bench.dial()
    (ack,) = bench.hear(reply(invite, 200, sdp=SDP))
    # RFC 3261 sections 13.2.2.4 and 17.1.1.3: what a callee matches the ACK of its 200 by.
    assert ack.uri == "sip:callee@192.0.2.40:5070"
    assert ack.branch != invite.branch
    assert (ack.call_id, ack.cseq, ack.cseq_method) == (invite.call_id, invite.cseq, "ACK")
    assert (ack.from_tag, ack.to_tag) == (invite.from_tag, "callee")
    bench.wait(600)
    assert leg.is_live


def test_its_call_ids_come_again_after_a_restart() -> None:
    call_ids = {Composer("192.0.2.10", 5060).gen_call_id("42") for _ in range(1000)}
    assert len(call_ids) == 1000
    assert all(re.fullmatch(r"42-[0-9a-f]{16}@192\.0\.2\.10", each) for each in call_ids)


def test_its_tags_and_branches_are_remembered_for_ever() -> None:
    bench = Bench()
    before = len(bench.agent.composer.tags)
    for number in range(1, 200):
        bench.live(attempt_id=number)
    assert len(bench.agent.composer.tags) == before
    assert set(bench.agent.composer.tagLibrary) == {"register"}


def test_another_version_of_it_is_refused_in_words() -> None:
    check_pyvoip()
    with pytest.raises(TrunkError, match=r"pyVoIP 1\.6\.9 is installed .* install pyVoIP==1\.6\.8"):
        check_pyvoip(version="1.6.9")
    changed = {**EXPECTED_SIGNATURES, "SIPClient.gen_ok": ("self", "request", "more")}
    with pytest.raises(TrunkError, match=r"gen_ok takes \('self', 'request'\)"):
        check_pyvoip(expected=changed)
    with pytest.raises(TrunkError, match=r"has no SIPClient\.gen_nothing"):
        check_pyvoip(expected={"SIPClient.gen_nothing": ("self",)})
