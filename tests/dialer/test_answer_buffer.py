"""A buffer of scored records changes the order of a list, never what is dialed of it."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.pacing.answer_buffer import AnswerBuffer, class_edges


def dial(scores: list[float], wants_best: list[bool], size: int = 50) -> list[float]:
    """The scores dialed, in order, of a list that is long enough."""
    buffer: AnswerBuffer[int] = AnswerBuffer(size)
    arriving = iter(enumerate(scores))
    dialed = []
    for best in wants_best:
        for _ in range(buffer.missing):
            buffer.put(*next(arriving))
        dialed.append(buffer.take(best=best).score)
    return dialed


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.integers(0, 2**31))
@settings(deadline=None)
def test_all_but_those_in_the_buffer_are_dialed_whatever_is_picked(
    wants_best: list[bool], seed: int
) -> None:
    size = 20
    scores = np.random.default_rng(seed).random(len(wants_best) + size).tolist()
    dialed = dial(scores, wants_best, size)
    # Those dialed are the list's first records but for at most those still held.
    given_out = Counter(scores[: len(dialed) + size - 1])
    held = given_out - Counter(dialed)
    assert not Counter(dialed) - given_out
    assert held.total() == size - 1


def test_the_mix_that_is_dialed_over_the_long_run_is_the_lists() -> None:
    rng = np.random.default_rng(7)
    scores = rng.beta(1, 3, 20_000).tolist()
    for picky in (0.0, 0.3, 0.9, 1.0):
        wants = (rng.random(19_900) < picky).tolist()
        dialed = dial(scores, wants)
        # Fifty records held back move a mean over 19,900 by no more than 50 / 19,900.
        assert abs(np.mean(dialed) - np.mean(scores)) < 0.0035
        for q in (0.1, 0.5, 0.9):
            assert abs(np.quantile(dialed, q) - np.quantile(scores, q)) < 0.01


def test_no_record_waits_for_ever() -> None:
    buffer: AnswerBuffer[str] = AnswerBuffer(3)
    buffer.put("middling", 0.5)
    taken = []
    for _ in range(200):
        buffer.put("good", 0.9)
        buffer.put("bad", 0.1)
        taken.append(buffer.take(best=True).record)
        taken.append(buffer.take(best=False).record)
    assert "middling" in taken


def test_classes_hold_equal_shares_of_records() -> None:
    edges = class_edges([i / 1000 for i in range(1000)], 4)
    assert edges == (0.25, 0.5, 0.75)
    assert class_edges([0.3] * 10, 4) == (0.3,)
