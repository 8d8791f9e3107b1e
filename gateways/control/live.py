"""What the control socket may ask of a running daemon.

The rule of this module: it is the only door from command lines and consoles to the actors. The
composition root implements it; every method may be called from any thread, waits for its answer,
and raises errors of `dialer.errors`.
"""

from typing import Any, Protocol

from dialer.agents import AgentProfile


class Live(Protocol):
    """A running daemon. The store has changed already when these are called."""

    def started(self, campaign_id: int) -> None:
        """A campaign was published, or edited while published: run its current version."""

    def paused(self, campaign_id: int, final: bool) -> None:
        """A campaign was unpublished, or (final) stopped: no new dials; live calls finish."""

    def panic(self, on: bool) -> dict[str, Any]:
        """End all new dials at once, ringing calls included; live calls finish. Or lift it."""

    def agent_added(self, profile: AgentProfile) -> None: ...

    def agent_asked(self, agent_id: str, wish: str, reason: str, after_s: float) -> None:
        """wish: one of `dialer.agents.WISHES`."""

    def preview(self, agent_id: str) -> dict[str, Any] | None:
        """The contact that an agent is shown: the fields of `dialer.ports.PreviewCard`."""

    def preview_answered(self, agent_id: str, ticket: int, accepted: bool) -> None:
        """The agent accepts or skips the contact of this ticket."""

    def agent_disposed(
        self, agent_id: str, disposition: str, note: str, callback_at: float, personal: bool
    ) -> str:
        """What an agent says of a call; why it cannot be taken, "" if it was.

        callback_at: epoch seconds, 0 for none. personal: they make that call themselves.
        """

    def agents(self) -> list[dict[str, Any]]:
        """Every agent: agent_id, name, state, reason, for_s, queues, campaign_id, attempt_id,
        preview (whether they are shown a contact), owes_disposition, dispositions (name -> what
        it means, of the call that they have or had)."""

    def campaign(self, campaign_id: int) -> dict[str, Any]:
        """A published campaign's report, of the actor: why, reserved, in_flight, agents, ...

        Has the key "feeder" with the feeder's: skipped (reason -> count), next_due_at, trouble.
        """

    def trunks(self) -> list[dict[str, Any]]:
        """Every trunk: name, kind, up, reason, channels, channels_in_use, calls_per_second."""

    def test_call(self, trunk: str, number: str, ring_timeout_s: float) -> dict[str, Any]:
        """Place one call outside any campaign: outcome, sip_status, text, post_dial_delay_s.

        A number that the dial policy refuses raises NumberError. An answered call is hung up
        after a second.
        """

    def status(self) -> dict[str, Any]:
        """version, started_at, panic, live, campaigns, actors, dead_letters."""
