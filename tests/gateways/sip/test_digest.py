"""Digest authentication against the examples of the RFCs, and in calls."""

from gateways.sip.digest import Challenge, Credentials, answer, read_challenge
from gateways.sip.messages import read_message
from tests.gateways.sip.kit import SDP, Bench, reply

ANN = Credentials("ann", "secret")


def test_the_example_of_rfc_2617() -> None:
    challenge = read_challenge(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        "Authorization",
    )
    name, value = answer(
        challenge,
        Credentials("Mufasa", "Circle Of Life"),
        "GET",
        "/dir/index.html",
        cnonce="0a4f113b",
    )
    assert name == "Authorization"
    assert 'response="6629fae49393a05397450978507c4ef1"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value
    assert 'qop=auth, nc=00000001, cnonce="0a4f113b"' in value


def test_the_examples_of_rfc_7616() -> None:
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    expected = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    for algorithm, response in expected.items():
        challenge = Challenge(
            "Authorization", "http-auth@example.org", nonce, None, algorithm, "auth", False
        )
        _, value = answer(
            challenge,
            Credentials("Mufasa", "Circle of Life"),
            "GET",
            "/dir/index.html",
            cnonce=cnonce,
        )
        assert f'response="{response}"' in value
        assert f"algorithm={algorithm}" in value


def test_a_challenge_without_qop_is_answered_the_old_way() -> None:
    challenge = read_challenge('Digest realm="a, \\"b\\"", nonce="x,y==", stale=TRUE', "A")
    assert (challenge.realm, challenge.nonce, challenge.stale) == ('a, "b"', "x,y==", True)
    _, value = answer(challenge, ANN, "INVITE", "sip:b@c")
    assert "qop" not in value
    assert 'realm="a, \\"b\\""' in value


def test_the_session_variant_mixes_the_nonces_in() -> None:
    plain = read_challenge('Digest realm="r", nonce="n", qop="auth", algorithm=MD5', "A")
    session = plain._replace(algorithm="MD5-sess")
    a, b = (answer(c, ANN, "INVITE", "sip:b@c", cnonce="cc")[1] for c in (plain, session))
    assert a.partition('response="')[2][:32] != b.partition('response="')[2][:32]


def test_the_strongest_algorithm_of_a_realm_is_answered() -> None:
    bench = Bench()
    _, _, invite = bench.dial(credentials=ANN)
    headers = (
        'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-512-256, qop="auth"',
        'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=MD5, qop="auth"',
        'WWW-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"',
        'Proxy-Authenticate: Digest realm="p", nonce="m"',
    )
    _, again = bench.hear(reply(invite, 401, headers=headers))
    assert "algorithm=SHA-256" in again.first("Authorization")
    assert 'realm="p"' in again.first("Proxy-Authorization")


def test_a_wrong_password_is_tried_once_and_a_stale_nonce_again() -> None:
    def challenge(nonce: str, stale: str = "") -> tuple[str, ...]:
        return (f'WWW-Authenticate: Digest realm="r", nonce="{nonce}", qop="auth"{stale}',)

    bench = Bench()
    _, owner, invite = bench.dial(credentials=ANN)
    _, second = bench.hear(reply(invite, 401, headers=challenge("n1")))
    _, third = bench.hear(reply(second, 401, headers=challenge("n2", ", stale=true")))
    assert third.cseq == 3
    assert third.first("Authorization").count("nonce=") == 2  # nonce and cnonce
    (ack,) = bench.hear(reply(third, 401, headers=challenge("n2")))
    assert ack.method == "ACK"
    assert (owner.ends[0].by, owner.ends[0].sip_status) == ("far", 401)


def test_a_challenge_for_which_we_have_no_password_is_a_refusal() -> None:
    bench = Bench()
    _, owner, invite = bench.dial()
    bench.hear(reply(invite, 401, headers=('WWW-Authenticate: Digest realm="r", nonce="n"',)))
    assert owner.ends[0].sip_status == 401


def test_a_challenge_that_crosses_a_cancel_is_not_answered() -> None:
    bench = Bench()
    leg, owner, invite = bench.dial(credentials=ANN)
    leg.cancel(bench.now)
    bench.hear(reply(invite, 401, headers=('WWW-Authenticate: Digest realm="r", nonce="n"',)))
    assert bench.methods() == ["INVITE", "ACK"]
    assert [(cause.by, cause.sip_status) for cause in owner.ends] == [("near", 401)]


def test_a_challenged_bye_is_sent_again_with_the_next_count() -> None:
    headers = ('Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"',)
    bench = Bench()
    leg, owner, invite = bench.dial(credentials=ANN)
    _, again = bench.hear(reply(invite, 407, headers=headers))
    bench.hear(reply(again, 200, sdp=SDP))
    leg.hang_up(bench.now)
    (bye,) = bench.collect()
    (second,) = bench.hear(reply(bye, 407, headers=headers))
    assert (second.method, second.cseq) == ("BYE", bye.cseq + 1)
    assert "nc=00000002" in second.first("Proxy-Authorization")
    bench.hear(reply(second, 200))
    assert not bench.agent.legs
    assert len(owner.ends) == 1


def test_a_password_is_in_no_message() -> None:
    bench = Bench()
    _, _, invite = bench.dial(credentials=ANN)
    bench.hear(reply(invite, 401, headers=('WWW-Authenticate: Digest realm="r", nonce="n"',)))
    assert all(b"secret" not in read_message(m.raw).raw for m in bench.sent)
    assert "secret" not in repr(bench.sent)
