"""What a crash left open is settled, and each flow decides what becomes of its contacts.

The rule of this module: it runs once, before anything is dialed.
"""

import logging
from collections.abc import Iterable

from dialer.compliance.window import callee_clocks
from dialer.errors import InputError
from dialer.flow.graph import load_flow
from dialer.flow.interpreter import Facts, contact_step
from gateways.store.store import Store

log = logging.getLogger("foredial.store")


def settle_after_crash(store: Store, sent_attempt_ids: Iterable[int], now: float) -> None:
    """Settle every open attempt. sent_attempt_ids: those whose call had left, as trunks know."""
    report = store.port.recover(sent_attempt_ids, now)
    for lost in report.interrupted:
        try:
            version = store.campaigns.version(lost.campaign_id, lost.version)
            flow = load_flow(version.flow, f"campaign {lost.campaign_id}")
        except InputError as error:
            # Its contact stays done: that one campaign must not keep the daemon from starting.
            log.error("campaign %d cannot decide: %s", lost.campaign_id, error)
            continue
        clocks = callee_clocks(lost.number, {}) if flow.goes_by_clocks else ()
        facts = Facts("interrupted", lost.attempts, now, clocks)
        following = contact_step(flow, ((lost.node_id, "delivery"),), facts)
        store.port.decide_interrupted(lost.attempt_id, following)
    if report.interrupted or report.never_dialed or report.released:
        log.warning(
            "recovered: %d attempts interrupted, %d never dialed, %d contacts released",
            len(report.interrupted),
            len(report.never_dialed),
            report.released,
        )
