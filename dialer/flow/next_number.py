"""Which of a contact's numbers a Dial node dials.

The rule of this module: it says one number, or why there is none. `index: next` goes through the
numbers in their order and never back: one that was tried stays tried, whatever is imported since.
"""

from collections.abc import Sequence
from typing import NamedTuple, final

from dialer.flow.dial_terms import DialTerms
from dialer.ports import ClaimedContact


@final
class NoNumber(NamedTuple):
    """There is no number to dial. state: what becomes of the contact, "refused" or "done"."""

    state: str
    reason: str


def number_to_dial(dial: DialTerms, contact: ClaimedContact) -> str | NoNumber:
    """The number (E.164) that a contact is to be dialed at."""
    known = contact.attributes.get(dial.identifier)
    numbers: Sequence[str] = known if type(known) is tuple or isinstance(known, list) else ()
    index = dial.index
    if type(index) is int:
        try:
            return numbers[index]
        except IndexError:
            return NoNumber("refused", f"no number {index} in attribute {dial.identifier}")
    tried = contact.tried
    for number in numbers:
        if number not in tried:
            return number
    if numbers:
        return NoNumber("done", f"every number of attribute {dial.identifier} was tried")
    return NoNumber("refused", f"no number in attribute {dial.identifier}")
