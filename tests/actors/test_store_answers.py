"""Answers of the store come on any thread, and none is lost or taken twice."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from actors.messages import StoreAnswered
from actors.store_answers import StoreAnswers

ANSWERS = 2000
TELLERS = 4


class Feeder:
    """Takes answers on a thread of its own whenever it is told that there are some."""

    def __init__(self, takes_at_most: int) -> None:
        self.taken: list[int] = []
        self.undone: list[int] = []
        self.answers = StoreAnswers(self, self.undone.append)
        self._takes_at_most = takes_at_most
        self._told = threading.Semaphore(0)
        self._over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def tell(self, message: object, /) -> None:
        assert isinstance(message, StoreAnswered)
        self._told.release()

    def _run(self) -> None:
        answers = self.answers
        while self._told.acquire() and not self._over and len(self.taken) < self._takes_at_most:
            answers.attended = True
            while True:
                while answers.kept:
                    self.taken.append(answers.kept.popleft())
                answers.attended = False
                if not answers.kept:
                    break
                answers.attended = True
        answers.close()

    def end(self) -> None:
        self._over = True
        self._told.release()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
@pytest.mark.parametrize("takes_at_most", [0, ANSWERS, TELLERS * ANSWERS])
def test_each_answer_is_taken_or_undone_once(takes_at_most: int) -> None:
    feeder = Feeder(takes_at_most)

    def tell(first: int) -> None:
        for answer in range(first, first + ANSWERS):
            feeder.answers.tell(answer)

    tellers = [threading.Thread(target=tell, args=(n * ANSWERS,)) for n in range(TELLERS)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join(30)
    if takes_at_most == TELLERS * ANSWERS:
        # Whoever told last saw that nobody took it, and the feeder was told of it.
        for _ in range(1000):
            if len(feeder.taken) == takes_at_most:
                break
            threading.Event().wait(0.01)
        assert len(feeder.taken) == takes_at_most, "it was told of the last one"
    feeder.end()
    assert Counter(feeder.taken + feeder.undone) == Counter(range(TELLERS * ANSWERS))


def test_while_the_feeder_is_at_work_it_is_not_told() -> None:
    told: list[object] = []

    class Inbox:
        def tell(self, message: object, /) -> None:
            told.append(message)

    undone: list[object] = []
    answers = StoreAnswers(Inbox(), undone.append)
    answers.attended = True
    answers.tell(1)
    assert told == []
    answers.attended = False
    answers.tell(2)
    assert len(told) == 1
    answers.close()
    assert undone == [1, 2]
    answers.tell(3)
    assert undone == [1, 2, 3]
    assert len(told) == 1
