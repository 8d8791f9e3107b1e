"""What a campaign's actors have around them.

The rule of this module: it is only a bundle. The composition fills it once; nothing in it is
replaced while actors run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.caller_book import CallerBook
from actors.trunk_lines import TrunkLines
from dialer.formula_port import MetricSource
from dialer.metrics import Metrics
from dialer.ports import AgentDesk, ContactStore, Sink, Trunk


@dataclass(frozen=True, slots=True)
class Services:
    """The ports and the long-lived actors that everyone shares.

    trunks: by name. pool, recorder: handles that outlive a crash of the actor behind them.
    lines: the limits of the trunks, over all campaigns. callers: our numbers. formulas: evaluates
    pacing formulas; None where no flow may have one.
    """

    store: ContactStore
    trunks: Mapping[str, Trunk]
    desk: AgentDesk
    pool: Sink
    recorder: Sink
    metrics: Metrics
    lines: TrunkLines
    callers: CallerBook = field(default_factory=CallerBook)
    formulas: MetricSource | None = None
