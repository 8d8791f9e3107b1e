"""Recorded attempts whose truth is known: contacts have log odds of their own, and hours matter."""

from datetime import datetime
from math import exp
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from dialer.score.past import Attempt

ZONE = "America/New_York"
FIRST_AT = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo(ZONE)).timestamp()


class Recorded(NamedTuple):
    attempts: list[Attempt]
    truth: list[float]
    """P(answered) of each, in the order of the attempts, which is that of the dials."""


def recorded(
    contacts: int = 1500, days: int = 6, seed: int = 1, spread: float = 1.3, base: float = -1.6
) -> Recorded:
    """Everybody is called once a day, at an hour between 9 and 17 in New York."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, spread, contacts)
    calls = []
    for day in range(days):
        second = rng.uniform(0, 8 * 3600, contacts)
        for contact in range(contacts):
            at = FIRST_AT + day * 86_400 + float(second[contact])
            evening = 0.8 if second[contact] > 6 * 3600 else 0.0
            odds = base + float(own[contact]) + evening
            calls.append((at, contact, 1 / (1 + exp(-odds))))
    calls.sort()
    luck = rng.random(len(calls))
    attempts = [
        Attempt(
            at,
            "customer_answered" if luck[n] < chance else "no_user_response",
            f"+1212555{contact:04d}",
            f"c{contact}",
            ZONE,
            FIRST_AT - 86_400.0 * (contact % 40),
        )
        for n, (at, contact, chance) in enumerate(calls)
    ]
    return Recorded(attempts, [chance for _, _, chance in calls])


def csv_text(attempts: list[Attempt]) -> str:
    lines = ["dialed_at,outcome,number,contact,zone,imported_at"]
    lines += [
        f"{a.dialed_at:.3f},{a.outcome},{a.number},{a.contact},{a.zone},{a.imported_at:.0f}"
        for a in attempts
    ]
    return "\n".join(lines) + "\n"
