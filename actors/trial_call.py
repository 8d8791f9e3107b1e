"""One call outside any campaign, to try a trunk.

The rule of this module: it looks at the trunk only through its port, and always ends the call.
"""

import queue
import time
from typing import Any

from dialer.events import Answered, EarlyMedia, Ended, Ringing
from dialer.outcomes import outcome_of_refusal
from dialer.ports import DialRequest, Trunk

TALK_S = 1.0
_GRACE_S = 40.0


class _Events:
    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def tell(self, message: Any, /) -> None:
        self.queue.put(message)


def trial_call(trunk: Trunk, number: str, ring_timeout_s: float) -> dict[str, Any]:
    """Dial, wait for the end, and tell what came of it; answered calls end after a second."""
    # Attempts count up from 1, so a negative number is nobody else's.
    attempt_id = -int(time.time() * 1000)
    events = _Events()
    began = time.monotonic()
    answered_after = ringing_after = None
    cancelled = False
    trunk.dial(DialRequest(attempt_id, number), events)
    while True:
        waited_s = time.monotonic() - began
        wait_s = max(0.0, ring_timeout_s - waited_s) if not cancelled else _GRACE_S
        try:
            event = events.queue.get(timeout=wait_s)
        except queue.Empty:
            if cancelled:
                break
            cancelled = True
            trunk.cancel(attempt_id)
            continue
        waited_s = round(time.monotonic() - began, 3)
        if isinstance(event, (Ringing, EarlyMedia)) and ringing_after is None:
            ringing_after = waited_s
        elif isinstance(event, Answered):
            answered_after = waited_s
            cancelled = True
            time.sleep(TALK_S)
            trunk.hang_up(attempt_id)
        elif isinstance(event, Ended):
            cause = event.cause
            outcome = outcome_of_refusal(cause)
            if answered_after is not None:
                outcome = "answered"
            elif cause.by == "near":
                outcome = "no_user_response"
            return {
                "trunk": trunk.name,
                "outcome": outcome,
                "sip_status": cause.sip_status,
                "text": cause.text,
                "post_dial_delay_s": ringing_after,
                "answered_after_s": answered_after,
            }
    return {"trunk": trunk.name, "outcome": "no_end", "sip_status": 0, "text": "never ended"}
