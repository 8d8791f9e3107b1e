"""The command line: what people type, and what they read."""

from gateways.cli.app import build_app
from gateways.cli.host import CheckProblem, DemoOptions, Host, Place

__all__ = ["CheckProblem", "DemoOptions", "Host", "Place", "build_app"]
