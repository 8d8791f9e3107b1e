"""Who of those who were called is a person, and when they picked up: what no dialer knows.

The rule of this module: it looks on and changes nothing. What the dialer measures and what people
suffered differ wherever the analysis errs or a carrier answers before the person does.
"""

from dialer.ports import DialRequest
from sim.fates import Callees, CallFate, FateOf, Streams


class Witness:
    """Callees as they are, seen.

    picked_up_s: by attempt, of calls that a person answers: how long after the carrier's answer
    they do. Whoever reads an entry takes it out.
    """

    def __init__(self, callees: Callees) -> None:
        self._callees = callees
        self.channels = callees.channels
        self.picked_up_s: dict[int, float] = {}

    def fates(self, stream: Streams, carrier: str) -> FateOf:
        fate_of = self._callees.fates(stream, carrier)
        picked_up_s = self.picked_up_s

        def fate(request: DialRequest, at: float) -> CallFate:
            made = fate_of(request, at)
            if made.outcome == "live":
                picked_up_s[request.attempt_id] = made.picked_up_s
            return made

        return fate
