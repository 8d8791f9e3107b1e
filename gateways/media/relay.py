"""The relay: the legs of one worker, who hears whom, and the 20 ms tick.

The rule of this module: a leg that is up always hears something. Its peer's packets while they
come; a prompt while one is played; else silence every 20 ms, so that the phone of an agent who
waits for hours, or whose customer's side suppresses silence, does not take the call for dead.

Commands that name a leg which is not there (its far end has just hung up) do nothing, but what
asks for an answer gets one.
"""

from collections.abc import Callable
from pathlib import Path

from dialer.errors import InputError
from gateways.media.keys import KeyReader
from gateways.media.leg import Leg
from gateways.media.prompts import Prompt, load_prompt, prompt_path
from gateways.media.protocol import (
    BindFailed,
    Bridge,
    BridgeDone,
    CloseLeg,
    Command,
    Event,
    KeyPressed,
    LegClosed,
    ListenForKeys,
    OpenLeg,
    Play,
    PlayDone,
    SetRemote,
    Shutdown,
    Unbridge,
)

STARVED_S = 0.2
"""A bridged leg that heard nothing for this long is fed silence until its peer is heard again."""


class Relay:
    """The legs of one worker.

    tell: takes the events. watch and unwatch: told which socket (by file number) belongs to a leg.
    """

    def __init__(
        self,
        bind_host: str,
        prompts_dir: Path,
        tell: Callable[[Event], None],
        watch: Callable[[int, Leg], None],
        unwatch: Callable[[int], None],
    ) -> None:
        self._bind_host = bind_host
        self._prompts_dir = prompts_dir
        self._tell = tell
        self._watch = watch
        self._unwatch = unwatch
        self._prompts: dict[str, tuple[int, Prompt]] = {}
        self.legs: dict[str, Leg] = {}
        self.packets_in = 0
        self.packets_out = 0
        self.packets_dropped = 0
        self.send_failures = 0

    # Packets

    def receive(self, leg: Leg, now: float) -> None:
        """A leg's socket has something to read."""
        if not leg.latched:
            for each in leg.receive_first():
                self._pass_on(leg, each, now)
        elif packet := leg.receive():
            self._pass_on(leg, packet, now)

    def _pass_on(self, leg: Leg, packet: bytes, now: float) -> None:
        self.packets_in += 1
        if leg.keys is not None and (key := leg.keys.read(packet, leg.event_payload_type)):
            self._tell(KeyPressed(leg.leg_id, key))
        target = leg.peer
        if target is None or target.prompt is not None or not target.sending:
            return
        out = target.out.follow(packet, leg.event_payload_type, now)
        if out is None:
            self.packets_dropped += 1
            return
        target.own_pace = False
        if target.send(out):
            self.packets_out += 1
        else:
            self.send_failures += 1

    def tick(self, periods: int, now: float) -> None:
        """Feed the legs that nobody else feeds. periods: 20 ms periods since the tick before."""
        for leg in self.legs.values():
            if leg.own_pace:
                self._feed(leg, periods, now)
            elif leg.sending and now - leg.out.sent_at > STARVED_S:
                leg.own_pace = True
                leg.out.part()
                self._feed(leg, periods, now)

    def _feed(self, leg: Leg, periods: int, now: float) -> None:
        frame = leg.next_frame()
        if frame is None:
            self._tell(PlayDone(leg.stop_prompt(), ""))
            frame = leg.next_frame()
        if frame is None or not leg.sending:
            return
        if leg.send(leg.out.own(frame, periods, now)):
            self.packets_out += 1
        else:
            self.send_failures += 1

    # Commands

    def execute(self, command: Command, now: float) -> None:
        """Carry out one command."""
        match command:
            case OpenLeg():
                self._open_leg(command, now)
            case SetRemote():
                self._set_remote(command)
            case Bridge():
                self._bridge(command)
            case Unbridge():
                self._unbridge(command)
            case Play():
                self._play(command)
            case ListenForKeys():
                if (leg := self.legs.get(command.leg_id)) is not None:
                    leg.keys = KeyReader()
            case CloseLeg():
                self._close_leg(command)
            case Shutdown():
                self.close()

    def _open_leg(self, command: OpenLeg, now: float) -> None:
        """Bind a leg; brings BindFailed when its ports are not to be had."""
        if command.leg_id in self.legs:
            self._tell(BindFailed(command.leg_id, command.port, "the leg is open already"))
            return
        try:
            leg = Leg(command.leg_id, self._bind_host, command.port, now)
        except OSError as error:
            self._tell(BindFailed(command.leg_id, command.port, str(error)))
            return
        self.legs[command.leg_id] = leg
        self._watch(leg.sock.fileno(), leg)

    def _set_remote(self, command: SetRemote) -> None:
        """Point a leg at its far end; the next tick sends first."""
        leg = self.legs.get(command.leg_id)
        if leg is None:
            return
        old = leg.sock.fileno()
        self._unwatch(old)
        try:
            leg.set_remote(command)
        except OSError as error:
            self._drop(leg, f"its port was lost: {error}")
            self._tell(BindFailed(leg.leg_id, leg.port, str(error)))
            return
        self._watch(leg.sock.fileno(), leg)
        if leg.peer is None:
            leg.own_pace = True

    def _bridge(self, command: Bridge) -> None:
        """Let two legs hear each other; brings BridgeDone."""
        a, b = self.legs.get(command.leg_a), self.legs.get(command.leg_b)
        if a is None or b is None or a is b:
            missing = command.leg_a if a is None else command.leg_b
            self._tell(BridgeDone(command.token, f"leg {missing} cannot be bridged: it is not up"))
            return
        if a.peer is not b:
            self._part(a)
            self._part(b)
            a.peer, b.peer = b, a
        self._tell(BridgeDone(command.token, ""))

    def _unbridge(self, command: Unbridge) -> None:
        """Part a leg from its peer; the tick feeds both from now on."""
        if (leg := self.legs.get(command.leg_id)) is not None:
            self._part(leg)

    def _play(self, command: Play) -> None:
        """Play a prompt; brings PlayDone, at once when it cannot be played."""
        leg = self.legs.get(command.leg_id)
        if leg is None:
            self._tell(PlayDone(command.token, f"leg {command.leg_id} is not up"))
            return
        try:
            prompt = self._prompt(command.prompt)
        except (InputError, OSError) as error:
            self._tell(PlayDone(command.token, str(error)))
            return
        self._end_prompt(leg, "another prompt was played")
        leg.start_prompt(prompt, command.token)

    def _close_leg(self, command: CloseLeg) -> None:
        """Free a leg's ports; brings LegClosed."""
        if (leg := self.legs.get(command.leg_id)) is not None and leg.port == command.port:
            self._drop(leg, "the leg was closed")
        self._tell(LegClosed(command.leg_id, command.port))

    def close(self) -> None:
        """Free everything."""
        for leg in list(self.legs.values()):
            self._drop(leg, "the relay ends")

    def _drop(self, leg: Leg, reason: str) -> None:
        self._part(leg)
        self._end_prompt(leg, reason)
        del self.legs[leg.leg_id]
        if (number := leg.sock.fileno()) >= 0:
            self._unwatch(number)
        leg.close()

    def _part(self, leg: Leg) -> None:
        for each in (leg, leg.peer):
            if each is not None:
                each.peer = None
                each.own_pace = True
                if each.out.follows:
                    each.out.part()

    def _end_prompt(self, leg: Leg, reason: str) -> None:
        if leg.prompt is not None:
            self._tell(PlayDone(leg.stop_prompt(), reason))

    def _prompt(self, name: str) -> Prompt:
        """The prompt, loaded once and again when its file was changed."""
        path = prompt_path(self._prompts_dir, name)
        changed_ns = path.stat().st_mtime_ns
        known = self._prompts.get(name)
        if known is None or known[0] != changed_ns:
            known = changed_ns, load_prompt(self._prompts_dir, name)
            self._prompts[name] = known
        return known[1]

    def load_prompts(self) -> list[str]:
        """Load the whole folder before anybody listens; what cannot be played, one line each."""
        complaints = []
        for path in sorted(self._prompts_dir.glob("*.wav")):
            try:
                self._prompt(path.stem)
            except (InputError, OSError) as error:
                complaints.append(str(error))
        return complaints
