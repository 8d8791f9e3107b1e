"""Calls that come in to our own numbers: people who call back whoever called them.

The rule of this module: such a caller hears who we are and can say, by one key, that they want no
more calls; every call ends by itself. A number that is not ours does not exist here (404).

Source: 47 CFR 64.1200(b)(3) and 16 CFR 310.4 want a number that tells who called and takes a
do-not-call request; RFC 4733 (keys).
"""

import itertools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dialer.errors import MediaError, NumberError
from dialer.events import EndCause
from dialer.numbers import parse_number
from gateways.sip.dialogs import Dialog
from gateways.sip.endpoint import SipEndpoint
from gateways.sip.headers import MalformedError, read_name_addr, read_uri
from gateways.sip.leg_plan import LegPlan
from gateways.sip.legs import Leg
from gateways.sip.messages import Message
from gateways.sip.sessions import Reply
from gateways.sip.transactions import Address

_log = logging.getLogger(__name__)
OWNER = "callbacks"
_KEY_WAIT_S = 4.0
_SHORTEST = 7  # fewer digits are no whole number, and would fit many


@dataclass(frozen=True)
class CallbackConfig:
    """How callers are met.

    numbers: ours, E.164. prompt: the recording's name in the prompts folder. opt_out_key: the key
    that ends all calls to the caller. most: calls at a time, others find us busy. longest_s: of
    one call, whatever happens. region: of callers' numbers without a country code.
    """

    numbers: tuple[str, ...]
    prompt: str
    opt_out_key: str = "9"
    most: int = 20
    longest_s: float = 90.0
    region: str = ""


class OptOut(NamedTuple):
    """A caller wants no more calls.

    number: theirs, E.164. called: the one of ours that they called.
    """

    number: str
    called: str
    at: float


class _Caller:
    """One call."""

    def __init__(self, desk: "CallbackDesk", number: str, called: str) -> None:
        self.leg: Leg | None = None
        self.number = number
        self.called = called
        self.opted_out = False
        self._desk = desk

    def leg_ringing(self) -> None: ...

    def leg_early_media(self) -> None: ...

    def leg_response(self, status_class: str) -> None: ...

    def leg_answered(self) -> None:
        self._desk.answered(self)

    def leg_key(self, key: str) -> None:
        self._desk.pressed(self, key)

    def leg_ended(self, cause: EndCause) -> None:
        self._desk.ended(self, cause)


class CallbackDesk:
    """Answers for one endpoint. tell: given each opt-out, on the SIP thread; must not block."""

    def __init__(
        self, config: CallbackConfig, endpoint: SipEndpoint, tell: Callable[[OptOut], None]
    ) -> None:
        self.answered_calls = 0
        self._config = config
        self._endpoint = endpoint
        self._tell = tell
        self._calls: set[_Caller] = set()
        self._serial = itertools.count(1)
        self._ours = {_digits(number): number for number in config.numbers}

    def start(self) -> None:
        """Take calls from now on; the endpoint runs already."""
        self._endpoint.run(self._start)

    def _start(self, _now: float) -> None:
        self._endpoint.agent.incoming = self

    # On the SIP thread.

    def take(self, message: Message, source: Address, now: float) -> tuple[Leg | None, Reply]:
        """Answer a call to one of our numbers; 404 for any other, 486 when too many call."""
        called = self._called(message)
        if not called:
            return None, Reply(404)
        if len(self._calls) >= self._config.most:
            return None, Reply(486)
        agent = self._endpoint.agent
        caller = _Caller(self, self._number_of(message), called)
        tag = agent.composer.gen_tag()
        plan = LegPlan(
            owner=OWNER,
            attempt_id=0,
            media_leg=f"callback-{next(self._serial)}",
            uri=message.uri,
            sender="",
            recipient="",
            user=called,
            destination=source,
        )
        leg = Leg(agent, plan, caller, message.call_id)
        try:
            reply = leg.take(Dialog.taken_from(message, source, tag, called), message)
        except MediaError as error:
            _log.warning("cannot answer a caller: %s", error)
            return None, Reply(503)
        if reply.code != 200:
            return None, reply
        caller.leg = leg
        self._calls.add(caller)
        agent.after(self._config.longest_s, leg.hang_up, now)
        return leg, reply

    def answered(self, caller: _Caller) -> None:
        """The ACK is here: tell who we are."""
        assert caller.leg is not None
        self.answered_calls += 1
        media, leg_id, run = self._endpoint.media, caller.leg.plan.media_leg, self._endpoint.run
        try:
            media.listen(leg_id, lambda key: _dismiss(run(self._key, caller, key)))
            media.play(leg_id, self._config.prompt, lambda: _dismiss(run(self._played, caller)))
        except MediaError as error:
            _log.warning("cannot tell a caller who we are: %s", error)
            caller.leg.hang_up(self._endpoint.now())

    def pressed(self, caller: _Caller, key: str) -> None:
        """A key, from the audio or by INFO."""
        if key != self._config.opt_out_key or caller.opted_out or caller not in self._calls:
            return
        caller.opted_out = True
        if caller.number:
            _log.info("a caller wants no more calls", extra={"number": caller.number})
            self._tell(OptOut(caller.number, caller.called, self._endpoint.clock()))
        else:
            _log.warning("a caller who shows no number wants no more calls: nothing to record")
        if caller.leg is not None:
            caller.leg.hang_up(self._endpoint.now())

    def ended(self, caller: _Caller, _cause: EndCause) -> None:
        """The call is over."""
        self._calls.discard(caller)

    def _key(self, caller: _Caller, key: str, _now: float) -> None:
        self.pressed(caller, key)

    def _played(self, caller: _Caller, now: float) -> None:
        """The prompt is over; the key may come a moment later."""
        if caller in self._calls and caller.leg is not None:
            self._endpoint.agent.after(_KEY_WAIT_S, caller.leg.hang_up, now)

    # Numbers.

    def _called(self, message: Message) -> str:
        """Which of our numbers a call is for, "" for none; carriers leave prefixes out."""
        for uri in (message.uri, message.recipient.uri):
            digits = _digits(_user_of(uri))
            if digits in self._ours:
                return self._ours[digits]
            if len(digits) >= _SHORTEST:
                fits = [number for ours, number in self._ours.items() if ours.endswith(digits)]
                if len(fits) == 1:
                    return fits[0]
        return ""

    def _number_of(self, message: Message) -> str:
        """The caller's number as E.164, "" for one who shows none."""
        asserted = message.every("P-Asserted-Identity")
        for uri in (*_uris(asserted), message.sender.uri):
            try:
                return parse_number(_user_of(uri), self._config.region)
            except NumberError:
                continue
        return ""


def _dismiss(_done: bool) -> None:
    """An endpoint that has stopped needs no answer."""


def _uris(values: Iterable[str]) -> Iterable[str]:
    for value in values:
        try:
            yield read_name_addr(value).uri
        except MalformedError:
            continue


def _user_of(uri: str) -> str:
    """The user part of a SIP URI, the number of a tel URI."""
    if uri.lower().startswith("tel:"):
        return uri[4:].partition(";")[0]
    try:
        return read_uri(uri).user.partition(";")[0]
    except MalformedError:
        return ""


def _digits(number: str) -> str:
    return "".join(letter for letter in number if letter.isdecimal())
