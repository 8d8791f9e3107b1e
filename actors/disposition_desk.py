"""What agents say of their calls, from the connection until it is written.

The rule of this module: what is said is written once its attempt is settled and not before, so it
has the last word on the contact; and it outlives a crash of the pool, which only passes it on.
"""

from collections.abc import Callable

from actors.agent_messages import Disposed
from actors.messages import ReadyAttempt
from dialer.dispositions import Disposition, Dispositions, Talk, disposal, refusal
from dialer.events import AgentDisposed
from dialer.journal import CallDisposed
from dialer.ports import Callback, Choices, ContactStore, Sink

OptOut = Callable[[str, str, float], None]
"""Suppress a number: E.164, how it came to us, epoch seconds."""


def nowhere(number: str, source: str, at: float) -> None:
    """An opt-out that nobody keeps: in a simulated day every contact is another person."""


class _Open:
    """A call that may be disposed of.

    settled: its attempt is over. gone: its agent logged out. said: what waits for the settlement.
    """

    __slots__ = ("campaign", "done", "gone", "rules", "said", "settled", "talk")

    def __init__(self, talk: Talk, rules: Dispositions, campaign: Sink) -> None:
        self.talk = talk
        self.rules = rules
        self.campaign = campaign
        self.settled = self.gone = self.done = False
        self.said: AgentDisposed | None = None


class DispositionDesk:
    """Takes dispositions and writes them. opt_out: what a do-not-call comes to."""

    def __init__(self, store: ContactStore, recorder: Sink, opt_out: OptOut) -> None:
        self._store = store
        self._recorder = recorder
        self._opt_out = opt_out
        self._rules: dict[int, Dispositions] = {}
        self._open: dict[str, _Open] = {}
        self._agent_of: dict[int, str] = {}

    def follow(self, campaign_id: int, rules: Dispositions | None) -> None:
        """From now on a campaign's calls are disposed of by these."""
        if rules is None:
            self._rules.pop(campaign_id, None)
        else:
            self._rules[campaign_id] = rules

    def begin(
        self, agent_id: str, campaign_id: int, attempt: ReadyAttempt | None, campaign: Sink
    ) -> None:
        """An agent is connected."""
        rules = self._rules.get(campaign_id)
        former = self._open.pop(agent_id, None)
        if former is not None:
            self._agent_of.pop(former.talk.attempt_id, None)
        if rules is None or attempt is None:
            return
        contact = attempt.contact
        talk = Talk(
            attempt.attempt_id,
            contact.contact_id,
            campaign_id,
            attempt.number,
            attempt.dial_id,
            contact.attempts + 1,
        )
        self._open[agent_id] = _Open(talk, rules, campaign)
        self._agent_of[talk.attempt_id] = agent_id

    def call_over(self, attempt_id: int, talked: bool, now: float) -> Choices:
        """An attempt is settled: what its agent is to be asked, () for nothing."""
        agent_id = self._agent_of.pop(attempt_id, "") if self._agent_of else ""
        if not agent_id:
            return ()
        call = self._open[agent_id]
        call.settled = True
        if not talked:
            call.gone = True
        elif call.said is not None:
            self._write(agent_id, call, call.said)
        elif call.gone:
            self._give_up(agent_id, call, now)
        else:
            return self.choices(agent_id)
        if call.gone:
            del self._open[agent_id]
        return ()

    def owes(self, agent_id: str) -> bool:
        """Whether an agent must dispose of a call before they are ready again."""
        call = self._open.get(agent_id)
        return call is not None and call.rules.mandatory and not (call.done or call.said)

    def choices(self, agent_id: str) -> Choices:
        """What an agent may say now."""
        call = self._open.get(agent_id)
        rules = call.rules.choices if call is not None else ()
        return tuple((choice.name, choice.means) for choice in rules)

    def say(self, said: AgentDisposed) -> str:
        """Take what an agent says; why it cannot be taken, "" if it was."""
        call = self._open.get(said.agent_id)
        if call is None:
            return "has no call to dispose of"
        choice = call.rules.choice(said.disposition)
        if choice is None:
            names = ", ".join(choice.name for choice in call.rules.choices)
            return f"there is no disposition {said.disposition!r}; there are {names}"
        if why := refusal(choice, said.callback_at, said.at):
            return why
        if choice.means == "do_not_call":
            source = f"disposition {choice.name} of attempt {call.talk.attempt_id}"
            self._opt_out(call.talk.number, source, said.at)  # at once: it is owed
        if call.settled:
            self._write(said.agent_id, call, said)
        else:
            call.said = said
        return ""

    def limit(self, agent_id: str, now: float) -> bool:
        """The wrap-up limit has come: whether the agent may be ready again."""
        call = self._open.get(agent_id)
        if call is None or not self.owes(agent_id):
            return True
        return self._give_up(agent_id, call, now)

    def left(self, agent_id: str, now: float) -> None:
        """The agent logged out."""
        call = self._open.get(agent_id) if self._open else None
        if call is not None:
            call.gone = True
            if call.settled:
                self._give_up(agent_id, call, now)
                self._open.pop(agent_id, None)

    def _give_up(self, agent_id: str, call: _Open, now: float) -> bool:
        """Nobody says anything: the default is taken, if there is one."""
        default = call.rules.default
        if default and call.rules.mandatory and not call.done:
            self.say(AgentDisposed(agent_id, now, default, "the agent said nothing in time"))
        return bool(default)

    def _write(self, agent_id: str, call: _Open, said: AgentDisposed) -> None:
        choice = call.rules.choice(said.disposition)
        assert isinstance(choice, Disposition), "say has looked it up"
        call.done = True
        callback = None
        if said.callback_at:
            callback = Callback(said.callback_at, agent_id if said.personal else "")
        talk = call.talk
        self._store.dispose(disposal(talk, choice, said.note, callback, said.at))
        call.campaign.tell(Disposed(choice.means))
        self._recorder.tell(
            CallDisposed(
                talk.attempt_id,
                talk.contact_id,
                talk.campaign_id,
                said.at,
                agent_id,
                choice.name,
                said.callback_at,
            )
        )
