"""An agent's states, as a table.

The rule of this module: an agent is booked only from `ready`, so nobody is booked twice. An agent
who asks to pause or log out in the middle of something is `pending_*` until it is over, and is
not counted as coming free.
"""

from dataclasses import dataclass, field

from dialer.states import StateTable

AGENT = StateTable(
    "agent",
    "logged_out",
    [
        ("logged_out", "login", "not_ready"),
        ("not_ready", "ready", "ready"),
        ("not_ready", "logout", "logged_out"),
        ("ready", "not_ready", "not_ready"),
        ("ready", "logout", "logged_out"),
        ("ready", "reserve", "reserved"),
        ("ready", "offer", "ringing"),
        # A phone that rings per call is offered at the reservation.
        ("ringing", "accept", "reserved"),
        ("ringing", "no_answer", "not_ready"),
        ("ringing", "release", "ready"),
        ("ringing", "not_ready", "not_ready"),
        ("ringing", "logout", "logged_out"),
        ("reserved", "release", "ready"),
        # A preview that they let time out.
        ("reserved", "no_answer", "not_ready"),
        ("reserved", "connect", "talking"),
        ("ready", "connect", "talking"),
        ("talking", "hold", "hold"),
        ("hold", "retrieve", "talking"),
        ("talking", "call_ended", "wrap_up"),
        ("hold", "call_ended", "wrap_up"),
        # The caller was gone before the agent heard them: there is nothing to wrap up.
        ("talking", "call_missed", "ready"),
        ("wrap_up", "wrap_up_done", "ready"),
        # Asked in the middle of something: it happens when that is over.
        ("reserved", "not_ready", "pending_not_ready"),
        ("talking", "not_ready", "pending_not_ready"),
        ("hold", "not_ready", "pending_not_ready"),
        ("wrap_up", "not_ready", "not_ready"),
        ("reserved", "logout", "pending_logout"),
        ("talking", "logout", "pending_logout"),
        ("hold", "logout", "pending_logout"),
        ("wrap_up", "logout", "logged_out"),
        # A reserved agent's calls are already ringing, so the next human still reaches them.
        ("pending_not_ready", "connect", "pending_not_ready"),
        ("pending_logout", "connect", "pending_logout"),
        # They changed their mind.
        ("pending_not_ready", "resume_call", "talking"),
        ("pending_not_ready", "resume_reservation", "reserved"),
        ("pending_not_ready", "logout", "pending_logout"),
        ("pending_logout", "resume_call", "talking"),
        ("pending_logout", "resume_reservation", "reserved"),
        ("pending_logout", "not_ready", "pending_not_ready"),
        ("pending_not_ready", "release", "not_ready"),
        ("pending_not_ready", "call_ended", "not_ready"),
        ("pending_logout", "release", "logged_out"),
        ("pending_logout", "call_ended", "logged_out"),
        # The audio leg fell: no live call can be given.
        ("not_ready", "leg_down", "logged_out"),
        ("ready", "leg_down", "logged_out"),
        ("ringing", "leg_down", "logged_out"),
        ("reserved", "leg_down", "logged_out"),
        ("talking", "leg_down", "logged_out"),
        ("hold", "leg_down", "logged_out"),
        ("wrap_up", "leg_down", "logged_out"),
        ("pending_not_ready", "leg_down", "logged_out"),
        ("pending_logout", "leg_down", "logged_out"),
    ],
)

STATES = AGENT.states

WISHES = ("login", "ready", "not_ready", "logout", "wrap_up_done", "hang_up")
"""What an agent, or a supervisor for them, may ask for."""


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """Who an agent is.

    address: how the desk reaches them (a SIP URI). queues: names of the queues they serve.
    wrap_up_s: the wrap-up limit; 0 means wrap-up ends only when the desk says so.
    """

    agent_id: str
    name: str = ""
    address: str = ""
    queues: tuple[str, ...] = field(default=("default",))
    wrap_up_s: float = 0.0
