"""Restarts what must live, and settles what a death left open.

The rule of this module: nothing crashes silently. A long-lived actor is made anew behind its
handle, unless it keeps dying; the wreckage of any other is settled by its own `post_mortem`.
"""

import logging
from collections import deque
from typing import Any

from actors.handle import Handle
from actors.messages import Crashed, Dismiss, Report, Supervise
from actors.runtime import Behaviour, Ref, handles
from dialer.metrics import Metrics

log = logging.getLogger("foredial.supervisor")

MAX_RESTARTS = 5
PERIOD_S = 60.0


class Supervisor(Behaviour):
    """Keeps its children alive: at most 5 restarts a minute each, then it gives up loudly."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._children: dict[str, Supervise] = {}
        self._refs: dict[str, Ref] = {}
        self._restarts: dict[str, deque[float]] = {}
        self._given_up: dict[str, str] = {}

    @handles(Supervise)
    def _on_supervise(self, child: Supervise) -> None:
        self._children[child.name] = child
        self._restarts[child.name] = deque(maxlen=MAX_RESTARTS)
        self._metrics.open_actor(child.name)
        self._start(child)

    @handles(Dismiss)
    def _on_dismiss(self, message: Dismiss) -> None:
        # The handle goes on pointing at it, so that what is still told is a dead letter.
        child = self._children.pop(message.name, None)
        ref = self._refs.pop(message.name, None)
        if child is not None:
            self._metrics.close_actor(message.name)
        if ref is not None:
            ref.stop()

    @handles(Crashed)
    def _on_crashed(self, crash: Crashed) -> None:
        try:
            crash.behaviour.post_mortem(crash.error)
        except Exception:
            log.exception("post mortem failed", extra={"actor": crash.name})
        child = self._children.get(crash.name)
        if child is None or self._refs.get(crash.name) is not crash.behaviour.ref:
            return  # nobody's child, or one that has a successor already
        now = self.runtime.now()
        recent = self._restarts[crash.name]
        if len(recent) == MAX_RESTARTS and now - recent[0] < PERIOD_S:
            self._given_up[crash.name] = repr(crash.error)
            log.critical("gave up restarting", extra={"actor": crash.name})
            child.handle.give_up()
            return
        recent.append(now)
        self._metrics.counter("dialer_actor_restarts_total", actor=crash.name).inc()
        self._start(child)

    @handles(Report)
    def _on_report(self, _: Report) -> dict[str, Any]:
        return {
            "children": {name: self._is_alive(name) for name in self._children},
            "given_up": dict(self._given_up),
        }

    def _start(self, child: Supervise) -> None:
        try:
            behaviour: Behaviour = child.factory()
        except Exception as error:
            self._given_up[child.name] = repr(error)
            log.exception("cannot make an actor", extra={"actor": child.name})
            return
        ref = self.runtime.spawn(behaviour, child.name)
        self._refs[child.name] = ref
        handle: Handle = child.handle
        handle.point_to(ref)

    def _is_alive(self, name: str) -> bool:
        ref = self._refs.get(name)
        return ref is not None and ref.is_alive()
