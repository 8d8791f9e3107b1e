"""The settings of carriers, and of the numbers that we show through them.

The rule of this module: what a carrier is told about us is said here and nowhere else, and no
call leaves without a caller ID.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from config.fields import (
    SIP_PORT,
    Address,
    FilePath,
    Name,
    Secret,
    Section,
    Several,
    SipAddress,
    SipRemote,
)
from dialer.trunks.breaker import BreakerRules
from dialer.trunks.line import LineLimits

_CALLER_ID = r"^(\+?[0-9]{3,15})?$"
_E164 = r"^\+[1-9][0-9]{6,14}$"
_ALL_ADDRESSES = Address("0.0.0.0", SIP_PORT)


class SimulatedTrunk(Section):
    """A carrier that is not there: calls go as `simulation` says, in real time."""

    name: Name = Field(description="how flows and metrics call it")
    kind: Literal["simulated"] = Field(description="a carrier that is not there")
    max_channels: int = Field(100, ge=1, le=10_000, description="calls at once, at most")
    calls_per_second: float = Field(10.0, gt=0, le=1000, description="new calls, at most")

    @property
    def limits(self) -> LineLimits:
        """What it carries, over all campaigns."""
        return LineLimits(self.max_channels, self.calls_per_second)


class Tls(Section):
    """How a trunk with `transport: tls` is secured."""

    ca_file: FilePath | None = Field(
        None, description="PEM of those whose signature counts; the system's if left out"
    )
    server_name: str = Field(
        "", description="the name that the carrier's certificate must bear; its host if empty"
    )
    certificate_file: FilePath | None = Field(
        None, description="PEM of our certificate, for carriers that ask for one"
    )
    key_file: FilePath | None = Field(
        None, description="PEM of its key, unless certificate_file holds it"
    )
    verify: bool = Field(
        True, description="false takes any certificate: whoever is on the way may listen"
    )

    @model_validator(mode="after")
    def _whole(self) -> "Tls":
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("a key without its certificate; add certificate_file")
        if not self.verify and (self.ca_file is not None or self.server_name):
            raise ValueError(
                "verify: false takes any certificate, so ca_file and server_name say nothing; "
                "remove it or them"
            )
        return self


class SipTrunk(Section):
    """A carrier reached by SIP."""

    name: Name = Field(description="how flows and metrics call it")
    kind: Literal["sip"] = Field(description="a carrier reached by SIP")
    remote: SipRemote = Field(
        description="the carrier, HOST or HOST:PORT; a name without a port is looked for by SRV"
    )
    bind: SipAddress = Field(_ALL_ADDRESSES, description="where we listen; trunks may share it")
    advertised_host: str = Field("", description="our address as the carrier sees it, behind NAT")
    transport: Literal["udp", "tcp", "tls"] = Field(
        "udp", description="with udp, requests of more than 1,300 bytes go by tcp anyway"
    )
    tls: Tls = Field(default_factory=Tls, description="how it is secured with `transport: tls`")
    domain: str = Field("", description="the host part of From; our own address if empty")
    caller_id: str = Field("", pattern=_CALLER_ID, description="what callees see by default")
    username: str = Field("", description="for carriers that ask for a password")
    password: Secret | None = Field(None, description="better kept in password_file")
    password_file: FilePath | None = Field(None, description="its first line is the password")
    password_env: str = Field("", description="the environment variable with the password")
    codecs: Several[Literal["PCMU", "PCMA"]] = Field(
        ("PCMU", "PCMA"), description="offered in this order"
    )
    max_channels: int = Field(10, ge=1, le=10_000, description="calls at once, at most")
    calls_per_second: float = Field(1.0, gt=0, le=1000, description="new calls, at most")
    options_keepalive_s: float = Field(
        30.0, ge=1, le=3600, description="how often the carrier is asked whether it is there"
    )
    p_asserted_identity: bool = Field(
        True, description="tell the carrier the caller ID in a header that callees do not see"
    )
    registration: bool = Field(False, description="for carriers that want a REGISTER first")
    registration_expires_s: int = Field(
        3600, ge=60, le=86_400, description="asked for; renewed at half of what is granted"
    )
    breaker_back_off_s: float = Field(
        15.0,
        ge=1,
        le=900,
        description="rest of a trunk that refuses on its own account; doubles while it does",
    )

    @property
    def limits(self) -> LineLimits:
        """What it carries, over all campaigns."""
        rules = BreakerRules(back_off_s=self.breaker_back_off_s)
        return LineLimits(self.max_channels, self.calls_per_second, rules)

    @model_validator(mode="after")
    def _one_password(self) -> "SipTrunk":
        ways = [self.password is not None, self.password_file is not None, self.password_env != ""]
        if sum(ways) > 1:
            raise ValueError(
                "a password is given twice; keep one of password, password_file and password_env"
            )
        if any(ways) and not self.username:
            raise ValueError("a password without a name; add username")
        if self.transport != "tls" and "tls" in self.model_fields_set:
            raise ValueError(f"tls says nothing while transport is {self.transport}; set it to tls")
        if len(set(self.codecs)) != len(self.codecs):
            raise ValueError("a codec stands twice; keep each once")
        return self


Trunk = Annotated[SimulatedTrunk | SipTrunk, Field(discriminator="kind")]


class Callbacks(Section):
    """How people are met who call our numbers back. Without a prompt nobody answers them."""

    prompt: str = Field(
        "", description="a recording in prompts_dir: who called, why, and which key ends it"
    )
    opt_out_key: str = Field("9", pattern=r"^[0-9*#]$", description="no more calls to the caller")
    max_calls: int = Field(20, ge=1, le=1000, description="at once; others find us busy")
    longest_s: float = Field(90.0, ge=5, le=600, description="of one call, whatever happens")


class OwnedNumber(Section):
    """A number of ours that callees may see."""

    number: str = Field(pattern=_E164, description='E.164, in quotes: "+12125550100"')
    name: Name = Field(description="how metrics and flows call it; never the number itself")
    pool: str = Field("", description="flows may name a pool instead of one number")
    trunks: tuple[str, ...] = Field((), description="those that accept it; all if empty")
    daily_cap: int = Field(0, ge=0, description="calls a day; 0 for no limit")
    time_zone: str = Field("UTC", description="where its day begins, as America/New_York")

    @field_validator("name")
    @classmethod
    def _name_is_no_number(cls, name: str) -> str:
        if name.lstrip("+").isdecimal():
            raise ValueError("a number; metrics show names only, so give it one, as sales-1")
        return name

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name!r}; write it as Europe/Berlin") from None
        return name
