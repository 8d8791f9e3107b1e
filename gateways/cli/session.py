"""One command's way to where it is carried out.

The rule of this module: where a daemon answers, it does the work, so that what it knows and what
the store says never part; only where none answers are commands carried out here, on the store
itself. A daemon that hangs is never worked around, save by a panic stop.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialer.errors import ControlError
from gateways.cli.host import Place
from gateways.closing import Closing
from gateways.control.client import TIMEOUT_S, ControlClient, NoDaemonError
from gateways.control.daemon_commands import write_panic_file
from gateways.control.site import Site

if TYPE_CHECKING:
    from gateways.store import Store


class Session(Closing):
    """Carries out verbs for one command line.

    config: the settings file, for messages. place: what it leads to.
    """

    def __init__(self, config: Path, place: Place, timeout_s: float = TIMEOUT_S) -> None:
        self._config = config
        self._place = place
        self._client = ControlClient(place.control_socket, timeout_s)
        self._opened: Store | None = None

    @property
    def site(self) -> Site:
        return self._place.site

    @property
    def store(self) -> "Store":
        """The database, opened when it is first asked for."""
        if self._opened is None:
            self._opened = self._place.open_store()
        return self._opened

    def call(self, verb: str, *, longer_s: float = 0.0, **arguments: Any) -> Any:
        """Carry out a verb: by the daemon if one answers, else here.

        longer_s: how much longer than usual the daemon may take.

        Raises:
            ControlError: the verb needs a daemon and none answers, or the daemon hangs.
            DialerError: what the verb raised.
        """
        try:
            return self._client.call(verb, longer_s=longer_s, **arguments)
        except NoDaemonError as error:
            return self._call_here(verb, arguments, str(error))
        except ControlError as error:
            if verb == "panic":
                write_panic_file(self.site, arguments["on"])
                done = "is written" if arguments["on"] else "is removed"
                told = f"{error}; the panic file {self.site.panic_file} {done} all the same"
                raise ControlError(told) from None
            raise

    def _call_here(self, verb: str, arguments: dict[str, Any], absent: str) -> Any:
        # The database's library takes longer to load than a daemon to answer.
        from gateways.control.commands import DOORS, Commands
        from gateways.control.verbs import Door

        if DOORS.get(verb) is Door.DAEMON:
            told = f"{absent}; start one with: run.py serve --config {self._config}"
            raise NoDaemonError(told) from None
        return Commands(self.store, self.site, None).call(verb, arguments)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None
