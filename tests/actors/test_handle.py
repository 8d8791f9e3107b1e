"""A handle that is asked while nobody stands behind it."""

import threading
from typing import Any

import pytest

from actors.handle import Handle
from actors.live import LiveRuntime
from actors.runtime import Behaviour, handles


class Parrot(Behaviour):
    """Answers what it is asked."""

    @handles(str)
    def _on_word(self, word: str) -> Any:
        return word


def test_who_is_just_being_started_is_waited_for() -> None:
    """Planted and seen to fail: an answer only where somebody is there already."""
    runtime, handle = LiveRuntime(), Handle("parrot")
    ref = runtime.spawn(Parrot(), "parrot")
    later = threading.Timer(0.1, handle.point_to, [ref])
    later.start()
    try:
        assert handle.ask("hello", 5.0) == "hello"
    finally:
        later.join()
        runtime.stop()


def test_who_was_given_up_is_not_waited_for() -> None:
    handle = Handle("parrot")
    threading.Timer(0.05, handle.give_up).start()
    with pytest.raises(LookupError, match="parrot is not running"):
        handle.ask("hello", 60.0)
