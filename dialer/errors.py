"""Every error Foredial raises on purpose.

DialerError
+-- InputError          something a person gave us is wrong: one line, exit code 2
|   +-- ConfigError         a settings file
|   +-- FlowError           a campaign's flow
|   +-- ScenarioError       a simulated world, or a part of one
|   +-- ContactError        a contact row or an attribute
|   +-- FilterError         a contact filter
|   +-- NumberError         a telephone number
|   +-- NotFoundError       no such campaign, agent, contact, trunk ...
|   +-- LifecycleError      a campaign cannot do that in its status
|   +-- FormulaError        a PromQL formula
|       +-- FormulaSyntaxError       where it stops making sense, and what was expected
|       +-- FormulaUnsupportedError  PromQL that is not evaluated here
|       +-- FormulaEvaluationError   these series do not fit the formula
|       +-- FormulaBudgetError       it would cost too much
+-- StateError          an event that a state table does not allow: a bug of ours
+-- GatewayError        the world outside did not do its part
    +-- StoreError          the database
    +-- TrunkError          the SIP side
    +-- MediaError          the audio relay
    +-- ControlError        the daemon's control socket
"""

from typing import Any


class DialerError(Exception):
    """The root: catch it to catch all that Foredial raises on purpose."""


class InputError(DialerError):
    """Bad input, told in one line: where it is, what is wrong, how to mend it."""

    def __init__(self, where: str, what: str, mend: str = "") -> None:
        self.where = where
        self.what = what
        self.mend = mend
        line = f"{where}: {what}" if where else what
        super().__init__(f"{line}; {mend}" if mend else line)

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        """It comes from worker processes, too, and is made anew from its parts."""
        return type(self), (self.where, self.what, self.mend)


class ConfigError(InputError):
    """A settings file cannot be used."""


class FlowError(InputError):
    """A campaign's flow cannot be run."""


class ScenarioError(InputError):
    """A scenario describes a world that cannot be."""


class ContactError(InputError):
    """A contact row or an attribute declaration is wrong."""


class FilterError(InputError):
    """A contact filter is wrong."""


class NumberError(InputError):
    """A telephone number cannot be dialed, or may not be."""


class NotFoundError(InputError):
    """The named thing does not exist."""


class LifecycleError(InputError):
    """A campaign cannot do what was asked in its present status."""


class FormulaError(InputError):
    """A PromQL formula cannot be used."""

    def __init__(self, where: str, what: str, mend: str = "") -> None:
        # Pieces of a formula and labels are quoted in it, and a formula may hold any character.
        told = "".join(letter if letter.isprintable() else " " for letter in what)
        super().__init__(where, told, mend)


class FormulaSyntaxError(FormulaError):
    """A formula stops making sense.

    position: the character at which it does, from 0, None when the parser does not tell.
    expected: what should stand there, "" when that is not known.
    """

    def __init__(
        self, what: str, position: int | None = None, expected: str = "", mend: str = ""
    ) -> None:
        self.position = position
        self.expected = expected
        self._found = what
        where = "" if position is None else f"character {position + 1}"
        said = f"{what}, expected {expected}" if expected else what
        super().__init__(where, said, mend)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._found, self.position, self.expected, self.mend)


class FormulaUnsupportedError(FormulaError):
    """PromQL that is not evaluated here, such as native histograms."""


class FormulaEvaluationError(FormulaError):
    """A formula does not fit the series that are there, such as many-to-many matching."""


class FormulaBudgetError(FormulaError):
    """A formula would take more operations or steps than one evaluation may."""


class StateError(DialerError):
    """A state table does not allow this event in this state."""


class GatewayError(DialerError):
    """The world outside did not do its part."""


class StoreError(GatewayError):
    """The database did not do its part."""


class TrunkError(GatewayError):
    """The SIP side did not do its part."""


class MediaError(GatewayError):
    """The audio relay did not do its part."""


class ControlError(GatewayError):
    """The daemon's control socket did not do its part."""
