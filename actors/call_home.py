"""What all calls of a campaign have around them.

The rule of this module: it is only a bundle, made once for a campaign; a call reads from it and
writes nothing but its own state.
"""

from actors.services import Services
from dialer.compliance.preset import Preset
from dialer.ports import Sink


class CallHome:
    """Of one campaign.

    campaign: is told of their ends. states: of the calls in progress, by attempt.
    """

    __slots__ = (
        "campaign",
        "campaign_id",
        "least_ring_s",
        "lines",
        "pool",
        "recorder",
        "states",
        "store",
        "trunks",
    )

    def __init__(
        self,
        campaign_id: int,
        preset: Preset,
        services: Services,
        campaign: Sink,
        states: dict[int, str],
    ) -> None:
        self.campaign_id = campaign_id
        self.least_ring_s = preset.least_ring_s
        self.campaign = campaign
        self.states = states
        self.store = services.store
        self.recorder = services.recorder
        self.pool = services.pool
        self.lines = services.lines
        self.trunks = services.trunks
