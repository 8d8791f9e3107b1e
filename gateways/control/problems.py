"""Several things wrong at once.

The rule of this module: a person who mends a file hears of everything that is wrong with it, not
of one mistake after the other.
"""

from collections.abc import Iterable, Sequence

from dialer.documents import suggestion
from dialer.errors import FlowError, InputError


class FlowProblemsError(FlowError):
    """More than one thing is wrong with a flow. It reads like the first of them."""

    def __init__(self, problems: Sequence[InputError]) -> None:
        first = problems[0]
        super().__init__(first.where, first.what, first.mend)
        self.problems = tuple(problems)


def all_of(error: InputError) -> tuple[InputError, ...]:
    """What an error tells, one by one."""
    return error.problems if isinstance(error, FlowProblemsError) else (error,)


def raise_problems(problems: Sequence[InputError]) -> None:
    """Raise what is wrong; nothing happens where nothing is.

    Raises:
        InputError: the only problem, or `FlowProblemsError` where there are several.
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise FlowProblemsError(problems)


def meant(given: str, known: Iterable[str], otherwise: str) -> str:
    """How to mend a name that nothing has: the name that was meant, else what there is to do."""
    told = suggestion(given, known)
    return told if told.startswith("did you mean") else otherwise
