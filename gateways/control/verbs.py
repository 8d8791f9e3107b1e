"""Which verbs there are, and who carries each out.

The rule of this module: only a method that is marked as a verb can be asked for, by command line
or socket; its arguments are checked against its own signature before it runs.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

from pydantic import ValidationError, validate_call

from dialer.documents import suggestion
from dialer.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")


class Door(StrEnum):
    """Where a verb is carried out: by the daemon if one runs, else here; or by a daemon only."""

    EITHER = "either"
    DAEMON = "daemon"


_MARK = "_foredial_verb"


def verb(name: str, door: Door = Door.EITHER) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a method as what a verb does. name: as typed on the command line."""

    def mark(method: Callable[P, R]) -> Callable[P, R]:
        setattr(method, _MARK, (name, door))
        return method

    return mark


def doors(*subjects: type) -> dict[str, Door]:
    """The verbs of some classes and where each is carried out."""
    return {
        mark[0]: mark[1]
        for subject in subjects
        for method in vars(subject).values()
        if (mark := getattr(method, _MARK, None)) is not None
    }


class VerbTable:
    """The verbs of some objects, ready to be called with plain data."""

    def __init__(self, *subjects: object) -> None:
        self._methods: dict[str, Callable[..., Any]] = {}
        for subject in subjects:
            for attribute, method in vars(type(subject)).items():
                mark = getattr(method, _MARK, None)
                if mark is not None:
                    self._methods[mark[0]] = getattr(subject, attribute)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a verb.

        Raises:
            InputError: there is no such verb, or its arguments are not these.
        """
        method = self._methods.get(name)
        if method is None:
            what = f"there is no verb {name!r}"
            raise InputError("request", what, suggestion(str(name), self._methods))
        try:
            return validate_call(config={"strict": True})(method)(**arguments)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in detail["loc"])
            what = detail["msg"][0].lower() + detail["msg"][1:]
            raise InputError(f"{name}: {place}", what, "see its --help") from None
