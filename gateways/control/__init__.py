"""What command lines and consoles may ask: the commands, and the socket that carries them."""

from gateways.control.client import ControlClient, NoDaemonError
from gateways.control.commands import DOORS, Commands
from gateways.control.live import Live
from gateways.control.server import ControlServer
from gateways.control.site import Site
from gateways.control.verbs import Door

__all__ = [
    "DOORS",
    "Commands",
    "ControlClient",
    "ControlServer",
    "Door",
    "Live",
    "NoDaemonError",
    "Site",
]
