"""Digest authentication: the answer to a 401 or 407.

The rule of this module: a challenge that we cannot answer safely is not answered. Algorithms:
MD5, MD5-sess, SHA-256 and SHA-256-sess; qop auth or none. Source: RFC 2617, RFC 7616, RFC 8760
and RFC 3261 section 22.
"""

import hashlib
import os
import re
from typing import NamedTuple

from gateways.sip.headers import MalformedError, quoted
from gateways.sip.messages import Message

_PARAM = re.compile(r'([A-Za-z0-9_\-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)')
_HASHES = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
_STRENGTH = ("sha-256", "sha-256-sess", "md5", "md5-sess")


class Challenge(NamedTuple):
    """What a WWW-Authenticate or Proxy-Authenticate header asks.

    answer_header: the header that carries the answer. algorithm: as written, "" for MD5.
    """

    answer_header: str
    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    qop: str
    stale: bool

    @property
    def kind(self) -> str:
        """The algorithm in lower case."""
        return (self.algorithm or "MD5").lower()


class Credentials(NamedTuple):
    """Who we are to the trunk."""

    username: str
    password: str


def read_challenge(value: str, answer_header: str) -> Challenge:
    """Read one challenge; MalformedError when it is none that we can answer."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise MalformedError(f"cannot answer a challenge of scheme {scheme[:20]!r}")
    params: dict[str, str] = {}
    for name, raw in _PARAM.findall(rest):
        text = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw.startswith('"') else raw
        params.setdefault(name.lower(), text)
    if "realm" not in params or "nonce" not in params:
        raise MalformedError("a challenge without realm or nonce")
    offered = [word.strip().lower() for word in params.get("qop", "").split(",") if word.strip()]
    if offered and "auth" not in offered:
        raise MalformedError(f"cannot answer a challenge of qop {params['qop'][:20]!r}")
    challenge = Challenge(
        answer_header,
        params["realm"],
        params["nonce"],
        params.get("opaque"),
        params.get("algorithm", ""),
        "auth" if offered else "",
        params.get("stale", "").lower() == "true",
    )
    if challenge.kind not in _STRENGTH:
        raise MalformedError(f"cannot answer a challenge of algorithm {challenge.algorithm[:20]!r}")
    return challenge


def challenges_of(response: Message) -> list[Challenge]:
    """The challenges of a 401 or 407 that we can answer: the strongest for each realm.

    Proxies on the way may each have added one (RFC 3261 section 22.3).
    """
    best: dict[tuple[str, str], Challenge] = {}
    for header, answer in (
        ("WWW-Authenticate", "Authorization"),
        ("Proxy-Authenticate", "Proxy-Authorization"),
    ):
        for field, value in response.fields:
            if field != header:
                continue
            try:
                challenge = read_challenge(value, answer)
            except MalformedError:
                continue
            place = (answer, challenge.realm)
            held = best.get(place)
            if held is None or _STRENGTH.index(challenge.kind) < _STRENGTH.index(held.kind):
                best[place] = challenge
    return list(best.values())


def answer(
    challenge: Challenge,
    credentials: Credentials,
    method: str,
    uri: str,
    *,
    nonce_count: int = 1,
    cnonce: str = "",
) -> tuple[str, str]:
    """The header (name, value) that answers a challenge for one request.

    uri: the Request-URI. nonce_count: how many requests have used this nonce, this one included.
    """
    cnonce = cnonce or os.urandom(8).hex()
    digest = _HASHES[challenge.kind.removesuffix("-sess")]

    def hashed(text: str) -> str:
        return digest(text.encode("utf-8", "surrogateescape")).hexdigest()

    secret = hashed(f"{credentials.username}:{challenge.realm}:{credentials.password}")
    if challenge.kind.endswith("-sess"):
        secret = hashed(f"{secret}:{challenge.nonce}:{cnonce}")
    action = hashed(f"{method}:{uri}")
    count = f"{nonce_count:08x}"
    if challenge.qop:
        proof = hashed(f"{secret}:{challenge.nonce}:{count}:{cnonce}:{challenge.qop}:{action}")
    else:
        proof = hashed(f"{secret}:{challenge.nonce}:{action}")
    parts = [
        f"username={quoted(credentials.username)}",
        f"realm={quoted(challenge.realm)}",
        f"nonce={quoted(challenge.nonce)}",
        f"uri={quoted(uri)}",
        f'response="{proof}"',
        f"algorithm={challenge.algorithm or 'MD5'}",
    ]
    if challenge.qop:
        parts += [f"qop={challenge.qop}", f"nc={count}", f'cnonce="{cnonce}"']
    elif challenge.kind.endswith("-sess"):
        parts.append(f'cnonce="{cnonce}"')
    if challenge.opaque is not None:
        parts.append(f"opaque={quoted(challenge.opaque)}")
    return challenge.answer_header, "Digest " + ", ".join(parts)
