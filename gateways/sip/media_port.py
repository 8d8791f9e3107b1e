"""What this gateway asks of the audio relay.

The rule of this module: SIP says who may speak to whom and never touches a packet of sound. No
method blocks; all may be called from the SIP thread.
"""

from collections.abc import Callable
from typing import Protocol


class Media(Protocol):
    """The audio relay, by legs: "call-<attempt id>" and "agent-<agent id>"."""

    def open_leg(self, leg_id: str) -> tuple[str, int]:
        """The address where this leg hears: (advertised host, even port).

        MediaError when no port is free.
        """

    def set_remote(
        self,
        leg_id: str,
        host: str,
        port: int,
        payload_type: int,
        send: bool = True,
        event_payload_type: int | None = 101,
    ) -> None:
        """Where to send. payload_type: 0 (PCMU) or 8 (PCMA). send: False while held.

        event_payload_type: of telephone events there, None where they are not taken.
        """

    def bridge(self, leg_a: str, leg_b: str, on_done: Callable[[], None] | None = None) -> None:
        """Let two legs hear each other. on_done comes from a media thread once they do."""

    def unbridge(self, leg_id: str) -> None: ...

    def play(self, leg_id: str, prompt: str, on_done: Callable[[], None]) -> None:
        """Play a prompt. on_done comes from a media thread when it ended or failed."""

    def listen(self, leg_id: str, on_key: Callable[[str], None]) -> None:
        """Be told each key that the far end presses (RFC 4733), from a media thread."""

    def close_leg(self, leg_id: str) -> None: ...


def call_leg(attempt_id: int) -> str:
    """The leg of a customer."""
    return f"call-{attempt_id}"


def agent_leg(agent_id: str) -> str:
    """The leg of an agent."""
    return f"agent-{agent_id}"
