"""Call-backs: when they are promised for, and what is done where their agent does not come.

The rule of this module: a promise names a moment that is still to come; a personal call-back waits
for its agent only as long as the campaign says, and what happens then is told.
"""

import re
from datetime import datetime, time, tzinfo
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dialer.errors import InputError
from dialer.flow.hours import next_time_of_day

_RELATIVE = re.compile(r"\+(\d{1,4})([mhd])")
_UNIT_S = {"m": 60.0, "h": 3600.0, "d": 86400.0}
_FARTHEST_S = 366 * 86400.0


class CallbackPolicy(BaseModel):
    """What a campaign does with call-backs that an agent keeps for themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait_s: float = Field(
        900.0, ge=0, le=90 * 86400, description="how long one that is due waits for its agent"
    )
    then: Literal["any_agent", "drop"] = Field(
        "any_agent", description="any agent of the campaign makes it, or nobody does any more"
    )


def read_time(text: str, now: float, zone: tzinfo) -> float:
    """A moment to come, in epoch seconds: +90m, +2h, +1d, 15:30, or 2026-03-02 15:30.

    zone: of what is written without an offset. now: epoch seconds.

    Raises:
        InputError: it is no time, has passed, or is more than a year away.
    """
    where, mend = f"time {text!r}", "write +90m, 15:30 or '2026-03-02 15:30'"
    written = text.strip()
    if found := _RELATIVE.fullmatch(written):
        at = now + int(found[1]) * _UNIT_S[found[2]]
    else:
        try:
            at = _clock_time(written, now, zone)
        except ValueError:
            raise InputError(where, "is no time", mend) from None
    if at <= now:
        raise InputError(where, "has passed", mend)
    if at > now + _FARTHEST_S:
        raise InputError(where, "is more than a year away", mend)
    return at


def _clock_time(written: str, now: float, zone: tzinfo) -> float:
    try:
        return next_time_of_day(now, zone, time.fromisoformat(written))
    except ValueError:
        moment = datetime.fromisoformat(written)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
