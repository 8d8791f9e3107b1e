"""What the parts of a scenario's file have in common.

The rule of this module: a key that is not known is refused, nothing changes once it is read, and
the limits of a number are those of what it counts.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from dialer.contacts import is_time_zone
from sim.distributions import MAX_SECONDS, Distribution


class Written(BaseModel):
    """A part of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _zone(name: str) -> str:
    if not is_time_zone(name):
        raise ValueError(f"no time zone {name!r}; write one as America/New_York")
    return name


Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, from 0 to 1."""

Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS)]
Positive = Annotated[float, Field(gt=0, le=MAX_SECONDS)]
Count = Annotated[int, Field(ge=1, le=100_000_000)]
Zone = Annotated[str, AfterValidator(_zone)]

_distributions: TypeAdapter[Any] = TypeAdapter(Distribution)


def distribution(given: Any) -> Any:
    """A distribution from what a scenario would say: a number, or a mapping."""
    return _distributions.validate_python(given)
