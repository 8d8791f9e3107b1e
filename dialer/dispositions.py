"""What agents say came of a call, and what becomes of the contact by that.

The rule of this module: a campaign declares its dispositions, and each means one of four things;
what an agent says about a contact goes before what the flow would have done with it.
"""

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dialer.ports import Callback, ContactNext, Disposal

MEANINGS = ("final", "retry", "call_back", "do_not_call")


class Disposition(BaseModel):
    """One thing that an agent may say of a call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="unique in the campaign")
    means: Literal["final", "retry", "call_back", "do_not_call"] = Field(
        "final",
        description="the campaign is done with the contact; it is dialed again after delay_s; it "
        "is called back when the agent says; its number is suppressed in every campaign",
    )
    delay_s: float | None = Field(None, gt=0, le=90 * 86400, description="for retry")

    @model_validator(mode="after")
    def _delay_is_of_retry(self) -> "Disposition":
        if (self.means == "retry") != (self.delay_s is not None):
            raise ValueError("delay_s goes with means: retry, and that with delay_s")
        return self


class Dispositions(BaseModel):
    """Those of a campaign, and whether an agent must choose one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mandatory: bool = Field(False, description="wrap-up does not end before one is chosen")
    default: str = Field(
        "",
        description="recorded where the wrap-up limit, or a log-out, comes first; none: the agent "
        "becomes not ready at the limit, for the reason no_disposition",
    )
    choices: tuple[Disposition, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_make_sense(self) -> "Dispositions":
        names = [choice.name for choice in self.choices]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two dispositions are called {name!r}; rename one")
        if self.default and self.default not in names:
            raise ValueError(f"default {self.default!r} is none of {', '.join(names)}")
        if self.default and self.choice(self.default).means == "call_back":  # type: ignore[union-attr]
            raise ValueError(f"default {self.default!r} means a call-back, whose time nobody says")
        return self

    def choice(self, name: str) -> Disposition | None:
        """The disposition of a name."""
        return next((choice for choice in self.choices if choice.name == name), None)


class Talk(NamedTuple):
    """A call that an agent had.

    dial_id: where a contact that is dialed again goes on. attempts: the contact's, this included.
    """

    attempt_id: int
    contact_id: int
    campaign_id: int
    number: str
    dial_id: str
    attempts: int


def refusal(choice: Disposition, callback_at: float, now: float) -> str:
    """Why a disposition cannot be taken as it is given; "" if it can. callback_at: 0 for none."""
    if choice.means != "call_back":
        return f"{choice.name} promises no call-back, so it has no time" if callback_at else ""
    if not callback_at:
        return f"{choice.name} promises a call-back; say when"
    return "" if callback_at > now else f"{choice.name}: that time has passed"


def disposal(
    talk: Talk, choice: Disposition, note: str, callback: Callback | None, at: float
) -> Disposal:
    """What is written of a disposition that `refusal` has nothing against. at: when it was said."""
    following = ContactNext("done")
    if choice.means == "retry":
        following = ContactNext("waiting", at + (choice.delay_s or 0.0), talk.dial_id)
    elif choice.means == "call_back" and callback is not None:
        following = ContactNext("waiting", callback.at, talk.dial_id)
    elif choice.means == "do_not_call":
        following = ContactNext("refused")
    return Disposal(
        talk.attempt_id,
        talk.contact_id,
        talk.campaign_id,
        talk.attempts,
        choice.name,
        note,
        following,
        callback,
    )
