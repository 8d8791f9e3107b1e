"""How many are how old, and what became of them at which age.

The rule of this module: time is counted in whole seconds, and everybody present in a second is at
risk in it, so that whoever is still there when we look (censored) is counted exactly. Counts are
kept by age, never as lists, so that a forecast over any number of calls is one small product.
"""

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]


class Cohort:
    """Members by age in whole seconds; the last age holds all who are older.

    span_s: number of ages. events: what may become of a member, each with a count by age.
    classes: members may be of several kinds, as calls are by their answer score.

    present, at_risk: shape (classes, span_s). happened: event -> shape (classes, span_s). at_risk
    and happened only grow: whoever learns from them keeps what was seen the last time.
    """

    __slots__ = ("at_risk", "classes", "happened", "present", "second", "size", "span_s")

    def __init__(self, span_s: int, events: tuple[str, ...], classes: int = 1) -> None:
        shape = (classes, span_s)
        self.span_s = span_s
        self.classes = classes
        # second: how many ticks have been counted. size: how many are present.
        self.second = 0
        self.size = 0
        self.present: Counts = np.zeros(shape)
        self.at_risk: Counts = np.zeros(shape)
        self.happened: dict[str, Counts] = {event: np.zeros(shape) for event in events}

    def tick(self) -> None:
        """A second has passed: all present have lived through it."""
        present = self.present
        self.at_risk += present
        oldest = present[:, -2] + present[:, -1]
        present[:, 1:] = present[:, :-1]
        present[:, 0] = 0.0
        present[:, -1] = oldest
        self.second += 1

    def enter(self, members: int = 1, of_class: int = 0) -> int:
        """New members: the second that they must be named by when they leave."""
        self.present[of_class, 0] += members
        self.size += members
        return self.second

    def leave(self, entered: int, event: str = "", of_class: int = 0) -> None:
        """A member is gone. event: what became of them; "" for one who only went out of sight."""
        age = min(self.second - entered, self.span_s - 1)
        self.present[of_class, age] -= 1.0
        self.size -= 1
        if event:
            self.at_risk[of_class, age] += 1.0
            self.happened[event][of_class, age] += 1.0

    def lived(self, age_s: float, event: str) -> None:
        """A member whose whole life is told at once, and who is never present."""
        age = min(int(age_s), self.span_s - 1)
        self.at_risk[0, : age + 1] += 1.0
        self.happened[event][0, age] += 1.0

    def reclass(self, entered: int, before: int, after: int) -> None:
        """A member is found to be of another class, and keeps their age."""
        age = min(self.second - entered, self.span_s - 1)
        self.present[before, age] -= 1.0
        self.present[after, age] += 1.0

    @classmethod
    def of_ages(cls, ages_s: list[float], span_s: int, events: tuple[str, ...]) -> "Cohort":
        """A cohort seen once, as a snapshot from elsewhere gives it."""
        cohort = cls(span_s, events)
        for age_s in ages_s:
            cohort.present[0, min(int(age_s), span_s - 1)] += 1.0
        cohort.size = len(ages_s)
        return cohort


class Countdown:
    """Members whose end is known, by the whole seconds that are left to them.

    left: shape (span_s,); the last place holds all who have more time than that.
    """

    __slots__ = ("_ends", "left", "second")

    def __init__(self, span_s: int) -> None:
        self.second = 0
        self.left: Counts = np.zeros(span_s)
        self._ends: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def tick(self) -> None:
        """A second has passed. Who is late stays at zero seconds left until removed."""
        self.second += 1
        self._recount()

    def put(self, member: object, left_s: float) -> None:
        """A member will end in left_s seconds."""
        self._ends[member] = self.second + max(0, ceil(left_s))
        self._recount()

    def remove(self, member: object) -> bool:
        """A member has ended, or their end is not known any more. Whether they were here."""
        if self._ends.pop(member, None) is None:
            return False
        self._recount()
        return True

    def _recount(self) -> None:
        last = len(self.left) - 1
        self.left[:] = 0.0
        for end in self._ends.values():
            self.left[min(max(0, end - self.second), last)] += 1.0
