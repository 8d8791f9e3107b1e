"""The daemon's picture of the relay: which legs there are, who hears whom, what is still awaited.

The rule of this module: the picture is the truth, and the worker carries it out. Each change is
kept here and returned as the command to send, so that a worker that died can be followed by one
that is told everything anew. Not thread-safe: its owner locks.
"""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from dialer.errors import MediaError
from gateways.media.ports import PortPool
from gateways.media.protocol import (
    BindFailed,
    Bridge,
    BridgeDone,
    CloseLeg,
    Command,
    KeyPressed,
    LegClosed,
    ListenForKeys,
    Message,
    OpenLeg,
    Play,
    PlayDone,
    SetRemote,
    Unbridge,
)

Callback = Callable[[], None]
KeyCallback = Callable[[str], None]

_log = logging.getLogger("foredial.media")


@dataclass(slots=True)
class _Leg:
    port: int
    bound: bool = True
    remote: SetRemote | None = None
    peer: str = ""
    on_key: KeyCallback | None = None


class _PendingBridge(NamedTuple):
    leg_a: str
    leg_b: str
    on_done: Callback | None


class _PendingPlay(NamedTuple):
    leg_id: str
    prompt: str
    on_done: Callback
    begun_anew: bool = False


class Picture:
    """Legs by id, and the bridges and prompts whose end is awaited."""

    def __init__(self, pool: PortPool) -> None:
        self.pool = pool
        self.bind_failures = 0
        self.bridge_failures = 0
        self.play_failures = 0
        self._legs: dict[str, _Leg] = {}
        self._closing: dict[int, bool] = {}
        """By port: whether it had been bound."""
        self._bridges: dict[int, _PendingBridge] = {}
        self._plays: dict[int, _PendingPlay] = {}
        self._tokens = itertools.count(1)

    @property
    def legs(self) -> int:
        """How many legs are open."""
        return len(self._legs)

    def open_leg(self, leg_id: str, now: float) -> OpenLeg:
        """A new leg; MediaError when it is open already or no port is free."""
        if leg_id in self._legs:
            raise MediaError(f"audio leg {leg_id} is open already")
        port = self.pool.take(now)
        self._legs[leg_id] = _Leg(port)
        return OpenLeg(leg_id, port)

    def set_remote(self, command: SetRemote) -> Command | None:
        """A leg's far end; nothing for a leg that is not open."""
        leg = self._legs.get(command.leg_id)
        if leg is None:
            return None
        leg.remote = command
        return command

    def bridge(self, leg_a: str, leg_b: str, on_done: Callback | None) -> Bridge:
        """Two legs that hear each other from now on."""
        a, b = self._legs.get(leg_a), self._legs.get(leg_b)
        if a is not None and b is not None and a is not b:
            self._part(a)
            self._part(b)
            a.peer, b.peer = leg_b, leg_a
        token = next(self._tokens)
        self._bridges[token] = _PendingBridge(leg_a, leg_b, on_done)
        return Bridge(token, leg_a, leg_b)

    def unbridge(self, leg_id: str) -> Unbridge:
        """A leg, and its peer, that hear nobody from now on."""
        if (leg := self._legs.get(leg_id)) is not None:
            self._part(leg)
        return Unbridge(leg_id)

    def play(self, leg_id: str, prompt: str, on_done: Callback) -> Play:
        """A prompt that is played from now on."""
        token = next(self._tokens)
        self._plays[token] = _PendingPlay(leg_id, prompt, on_done)
        return Play(token, leg_id, prompt)

    def listen(self, leg_id: str, on_key: KeyCallback) -> ListenForKeys | None:
        """A leg whose keys are told from now on; nothing for one that is not open."""
        leg = self._legs.get(leg_id)
        if leg is None:
            return None
        leg.on_key = on_key
        return ListenForKeys(leg_id)

    def close_leg(self, leg_id: str) -> CloseLeg | None:
        """A leg that is gone; nothing when it was not there."""
        leg = self._legs.pop(leg_id, None)
        if leg is None:
            return None
        self._part(leg)
        self._closing[leg.port] = leg.bound
        return CloseLeg(leg_id, leg.port)

    def heard(self, event: Message, now: float) -> Callback | None:
        """Take in what the worker says; whom to tell of it."""
        match event:
            case BindFailed():
                self._bind_failed(event)
            case LegClosed():
                bound = self._closing.pop(event.port, None)
                if bound:
                    self.pool.give_back(event.port)
                elif bound is not None:
                    self.pool.retire(event.port, now)
            case BridgeDone():
                pending = self._bridges.pop(event.token, None)
                if pending is not None and not event.reason:
                    return pending.on_done
                if pending is not None:
                    self.bridge_failures += 1
                    _log.warning("bridge: %s", event.reason)
            case KeyPressed():
                leg = self._legs.get(event.leg_id)
                if leg is not None and leg.on_key is not None:
                    return partial(leg.on_key, event.key)
            case PlayDone():
                play = self._plays.pop(event.token, None)
                if play is not None and event.reason:
                    self.play_failures += 1
                    _log.warning("prompt %s on leg %s: %s", play.prompt, play.leg_id, event.reason)
                return play.on_done if play is not None else None
        return None

    def _bind_failed(self, event: BindFailed) -> None:
        self.bind_failures += 1
        _log.error("audio leg %s: port %d: %s", event.leg_id, event.port, event.reason)
        if event.port in self._closing:
            self._closing[event.port] = False
        leg = self._legs.get(event.leg_id)
        if leg is not None and leg.port == event.port:
            leg.bound = False

    def retell(self) -> tuple[list[Command], list[Callback]]:
        """The whole picture for a new worker, and whom to tell that their prompt failed.

        The dead worker's ports are free. A prompt begins anew, but only once: perhaps it is what
        kills the worker.
        """
        for port in self._closing:
            self.pool.give_back(port)
        self._closing.clear()
        commands = self._retell_legs()
        paired: set[str] = set()
        for token, (leg_a, leg_b, on_done) in list(self._bridges.items()):
            if leg_a in self._legs and self._legs[leg_a].peer == leg_b:
                commands.append(Bridge(token, leg_a, leg_b))
                paired.update((leg_a, leg_b))
            else:
                del self._bridges[token]
                if on_done is not None:
                    self.bridge_failures += 1
        for leg_id, leg in self._legs.items():
            if leg.peer and leg_id not in paired:
                commands.append(Bridge(0, leg_id, leg.peer))
                paired.update((leg_id, leg.peer))
        plays, self._plays = self._plays, {}
        failed: list[Callback] = []
        for token, play in plays.items():
            if play.leg_id in self._legs and not play.begun_anew:
                self._plays[token] = play._replace(begun_anew=True)
                commands.append(Play(token, play.leg_id, play.prompt))
            else:
                self.play_failures += 1
                failed.append(play.on_done)
        return commands, failed

    def _retell_legs(self) -> list[Command]:
        commands: list[Command] = []
        for leg_id, leg in self._legs.items():
            leg.bound = True
            commands.append(OpenLeg(leg_id, leg.port))
            if leg.remote is not None:
                commands.append(leg.remote)
            if leg.on_key is not None:
                commands.append(ListenForKeys(leg_id))
        return commands

    def _part(self, leg: _Leg) -> None:
        if (peer := self._legs.get(leg.peer)) is not None:
            peer.peer = ""
        leg.peer = ""
