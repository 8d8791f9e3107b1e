"""Settings become the plain arguments of gateways."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from actors.director import Director
from actors.series_desk import InProcessSource
from actors.trunk_cells import TrunkCounts
from config.settings import Settings, SipDesk
from config.trunks import SipTrunk
from dialer.caller_ids import CallerIds
from dialer.metrics import Metrics
from gateways.journal.writer import JournalConfig, JournalWriter
from gateways.media.config import MediaConfig
from gateways.sip.callbacks import CallbackConfig, OptOut
from gateways.sip.keep_alive import KeepAliveConfig
from gateways.sip.phones import DeskConfig
from gateways.sip.site import Listening, SipSite, SitePlan
from gateways.sip.tls import TlsProfile
from gateways.sip.trunk_config import TrunkConfig

if TYPE_CHECKING:
    from gateways.prometheus.source import PrometheusSource


def journal_of(settings: Settings, metrics: Metrics) -> JournalWriter:
    journal = settings.journal
    config = JournalConfig(
        journal.dir,
        int(journal.segment_mb * 2**20),
        int(journal.keep_mb * 2**20),
        journal.keep_days,
    )
    written, lost = (
        metrics.counter("dialer_journal_records_total", result=result)
        for result in ("written", "lost")
    )
    return JournalWriter(config, written.inc, lost.inc)


def prometheus_of(
    settings: Settings, stand_in: InProcessSource, clock: Callable[[], float]
) -> "PrometheusSource":
    from gateways.prometheus.source import PrometheusConfig, PrometheusSource  # few have a server

    wish = settings.formulas
    config = PrometheusConfig(
        wish.prometheus_url,
        wish.timeout_s,
        wish.max_age_s,
        wish.reuse_s,
        wish.username,
        wish.password.get_secret_value() if wish.password else "",
        wish.bearer_token.get_secret_value() if wish.bearer_token else "",
    )
    return PrometheusSource(config, stand_in, clock)


def sip_site(
    settings: Settings,
    metrics: Metrics,
    director: Director,
    clock: Callable[[], float],
    on_opt_out: Callable[[OptOut], None],
) -> SipSite:
    media = settings.media
    desk = settings.desk
    numbers = settings.caller_id_inventory
    plan = SitePlan(
        trunks=tuple(sip_trunk(t, numbers) for t in settings.trunks if isinstance(t, SipTrunk)),
        desk=(
            Listening(desk.bind.host, desk.bind.port, desk.advertised_host or ""),
            DeskConfig(desk.kept_up, answer_timeout_s=desk.answer_timeout_s),
        )
        if isinstance(desk, SipDesk)
        else None,
        media=MediaConfig(
            media.bind_host,
            media.advertised_host or "",
            media.prompts_dir,
            media.first_port,
            media.last_port,
        ),
        log_dir=settings.data_dir / "sip",
        callbacks=callbacks_of(settings, numbers),
    )

    counts = TrunkCounts(metrics)
    return SipSite(
        plan,
        director,
        director.pool,
        clock=clock,
        on_response=counts.response,
        on_channels=counts.channels,
        on_opt_out=on_opt_out,
    )


def callbacks_of(settings: Settings, numbers: CallerIds) -> CallbackConfig | None:
    wish = settings.callbacks
    ours = tuple(caller_id.number for caller_id in numbers.numbers)
    if not wish.prompt:
        return None
    return CallbackConfig(
        ours, wish.prompt, wish.opt_out_key, wish.max_calls, wish.longest_s, settings.region
    )


def sip_trunk(trunk: SipTrunk, numbers: CallerIds) -> tuple[Listening, TrunkConfig]:
    return Listening(trunk.bind.host, trunk.bind.port, trunk.advertised_host or ""), TrunkConfig(
        trunk.name,
        trunk.remote.host,
        trunk.remote.port,
        username=trunk.username,
        password=trunk.password.get_secret_value() if trunk.password else "",
        from_user=numbers.usual(trunk.name) or "foredial",
        domain=trunk.domain,
        codecs=trunk.codecs,
        max_channels=trunk.max_channels,
        transport=trunk.transport,
        tls=tls_profile(trunk) if trunk.transport == "tls" else None,
        registration_s=trunk.registration_expires_s if trunk.registration else 0,
        asserts_identity=trunk.p_asserted_identity,
        keep_alive=KeepAliveConfig(trunk.options_keepalive_s),
    )


def tls_profile(trunk: SipTrunk) -> TlsProfile:
    wish = trunk.tls
    return TlsProfile(
        wish.server_name,
        ca_file=wish.ca_file,
        certificate_file=wish.certificate_file,
        key_file=wish.key_file,
        verify=wish.verify,
    )
