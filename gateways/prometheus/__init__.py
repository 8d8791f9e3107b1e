"""Metrics and health over HTTP, rendered by prometheus_client from the dialer's own cells."""

from gateways.prometheus.collector import CellCollector, registry_of
from gateways.prometheus.server import Check, HealthServer, Pages

__all__ = ["CellCollector", "Check", "HealthServer", "Pages", "registry_of"]
