"""What goes wrong in a scenario, and when.

The rule of this module: a fault is data, due at a time of the day; who is struck is chosen by the
scenario's own random streams, so the same seed breaks the same things.
"""

from typing import Annotated, Literal

from pydantic import Field

from sim.written import Positive, Seconds, Share, Written


class TrunkDown(Written):
    """The trunk refuses every new call; calls that stand, stand."""

    fault: Literal["trunk_down"]
    at_s: Seconds
    lasts_s: Positive
    trunk: str = ""


class AgentsLeave(Written):
    """A share of the agents log out without a word, in the middle of calls, and come back."""

    fault: Literal["agents_leave"]
    at_s: Seconds
    lasts_s: Positive
    share: Share


class LostMessages(Written):
    """A share of the trunk's events (never the last of a call) do not arrive."""

    fault: Literal["lost_messages"]
    at_s: Seconds
    lasts_s: Positive
    share: Share


class LateMessages(Written):
    """A share of the trunk's events come late."""

    fault: Literal["late_messages"]
    at_s: Seconds
    lasts_s: Positive
    share: Share
    delay_s: Positive


class ActorCrash(Written):
    """An actor fails at the next message it handles: its name as the runtime knows it."""

    fault: Literal["actor_crash"]
    at_s: Seconds
    actor: Annotated[str, Field(min_length=1)]


Fault = Annotated[
    TrunkDown | AgentsLeave | LostMessages | LateMessages | ActorCrash,
    Field(discriminator="fault"),
]
