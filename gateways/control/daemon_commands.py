"""The daemon itself, its trunks, and the panic stop.

The rule of this module: a panic stop works whatever state the daemon is in: the panic file is
written first and by whoever is asked, and while it exists nothing new is dialed.
"""

from typing import Any

from dialer.documents import suggestion
from dialer.errors import ControlError, InputError, NotFoundError, NumberError
from dialer.numbers import parse_number
from gateways.control.live import Live
from gateways.control.site import Site
from gateways.control.verbs import Door, verb

MOST_RING_S = 120.0


class DaemonCommands:
    """Verbs about the daemon and its trunks."""

    def __init__(self, site: Site, live: Live | None) -> None:
        self._site = site
        self._live = live

    @verb("status")
    def status(self) -> dict[str, Any]:
        """Whether a daemon runs, and how it does."""
        if self._live is None:
            return {"running": False, "panic": self._site.panic_file.exists()}
        return {"running": True, **self._live.status()}

    @verb("panic")
    def panic(self, on: bool) -> dict[str, Any]:
        """End all new dials at once, ringing calls included; live calls finish. Or lift that.

        Raises:
            ControlError: the panic file cannot be written or removed.
        """
        write_panic_file(self._site, on)
        told = self._live.panic(on) if self._live is not None else {}
        return {"running": self._live is not None, **told, "panic": on}

    @verb("trunk list")
    def list_trunks(self) -> dict[str, Any]:
        """Every trunk; with a daemon also whether it is up and how busy."""
        if self._live is not None:
            items = self._live.trunks()
        else:
            items = [{"name": name, "up": None} for name in self._site.trunk_names]
        return {"items": items, "total": len(items)}

    @verb("trunk test-call", Door.DAEMON)
    def test_call(self, trunk: str, number: str, ring_timeout_s: float = 30.0) -> dict[str, Any]:
        """Place one call outside any campaign, and hang up soon after an answer.

        Raises:
            NotFoundError: there is no such trunk.
            NumberError: it is no number, or one that must not be dialed.
        """
        assert self._live is not None
        if trunk not in self._site.trunk_names:
            mend = suggestion(trunk, self._site.trunk_names)
            raise NotFoundError(f"trunk {trunk!r}", "there is none", mend)
        if not 1 <= ring_timeout_s <= MOST_RING_S:
            mend = f"give 1 to {MOST_RING_S:g} seconds"
            raise InputError("ring timeout", f"{ring_timeout_s:g} s makes no sense", mend)
        e164 = parse_number(number, self._site.schema.default_region)
        refusal = self._site.policy.refusal(e164)
        if refusal:
            mend = "see live, allow_list and countries in the settings"
            raise NumberError(f"number {e164}", refusal, mend)
        told = self._live.test_call(trunk, e164, ring_timeout_s)
        return {"trunk": trunk, "number": e164, **told}


def write_panic_file(site: Site, on: bool) -> None:
    """Write the panic file, or take it away.

    Raises:
        ControlError: that cannot be done.
    """
    try:
        if on:
            site.panic_file.parent.mkdir(parents=True, exist_ok=True)
            site.panic_file.touch()
        else:
            site.panic_file.unlink(missing_ok=True)
    except OSError as error:
        done = "written" if on else "removed"
        raise ControlError(f"{site.panic_file} cannot be {done}: {error.strerror}") from error
