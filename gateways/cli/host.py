"""What the command line needs of the composition root.

The rule of this module: the command line reads no settings and starts nothing itself; the root
does, and it alone knows every room.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from dialer.errors import InputError

if TYPE_CHECKING:
    from gateways.control.site import Site
    from gateways.store import Store

CheckProblem = InputError
"""One thing wrong with a settings file."""


class Place(NamedTuple):
    """What a settings file leads to. open_store: opens the database, without owning it."""

    site: "Site"
    control_socket: Path
    open_store: Callable[[], "Store"]


@dataclass(frozen=True)
class DemoOptions:
    """How the demo is wanted; None leaves the demo's own.

    metrics_port: 0 takes a free one. ready_file: written once calls can flow. fresh: forget what
    an earlier demo left.
    """

    agents: int | None = None
    contacts: int | None = None
    metrics_port: int | None = None
    ready_file: Path | None = None
    fresh: bool = False


@dataclass(frozen=True)
class ProofOptions:
    """In what world, and against which limits, a flow is to be proven; None leaves the usual.

    thresholds: such as abandonment<=0.03; without any, what the flow's preset allows.
    """

    scenario: str
    thresholds: Sequence[str] = ()
    agents: int | None = None
    hours: float | None = None
    replications: int = 5


class Proof(NamedTuple):
    """What came of it. words: a line for each limit. document: all figures, for JSON."""

    good: bool
    words: tuple[str, ...]
    document: dict[str, Any]


Told = Callable[[int, int], None]
"""Hears how much is done, and of how much."""


class Host(Protocol):
    """The composition root, as the command line sees it."""

    def site(self, config: Path) -> Place:
        """What a settings file leads to.

        Raises:
            ConfigError: the first thing wrong with it.
        """

    def serve(self, config: Path, ready_file: Path | None) -> None:
        """Run the daemon until it is told to stop. ready_file: written once it serves.

        Raises:
            ConfigError: the settings are wrong. GatewayError: something outside is.
        """

    def demo(self, options: DemoOptions) -> None:
        """Run the demo until it is told to stop."""

    def prove(self, flow: str, name: str, options: ProofOptions, told: Told) -> Proof:
        """Simulate a flow. name: what errors call it.

        Raises:
            InputError: it cannot be simulated, or something asked for is not there.
        """

    def scenario_problems(self, text: str, file: Path) -> Sequence[CheckProblem]:
        """All that is wrong with the text of a scenario's file."""

    def check(self, config: Path) -> Sequence[CheckProblem]:
        """All that is wrong with a settings file; nothing is started."""
