"""Settings become what a command needs: the site, the control socket, the store."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from config.composition.scores import score_reader
from config.presets import preset_named
from config.settings import Settings
from config.staff import staff_of
from gateways.cli.host import Place
from gateways.control.site import Site

if TYPE_CHECKING:
    from gateways.store import Store


def place_of(settings: Settings) -> Place:
    """What the command line is told of a settings file."""

    def open_it() -> "Store":
        from gateways.store import open_store  # a command that a daemon carries out needs none

        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return open_store(settings.store_url, settings.contact_schema)

    return Place(site_of(settings), settings.control_socket, open_it)


def site_of(settings: Settings) -> Site:
    """What commands may rely on."""
    return Site(
        schema=settings.contact_schema,
        policy=settings.dial_policy,
        trunk_names=tuple(trunk.name for trunk in settings.trunks),
        gateways=frozenset({"trunk", "formula"} if settings.trunks else {"formula"}),
        formulas=_formulas,
        queues=tuple({"name": queue.name, "mrd": queue.mrd} for queue in settings.queues),
        presets=preset_named,
        journal_dir=settings.journal.dir,
        panic_file=settings.panic_file,
        wrap_up_s=settings.desk.wrap_up_s,
        staff=staff_of(settings, ()).profiles,
        caller_ids=settings.caller_id_inventory,
        demands={queue.name: queue.demand for queue in settings.queues},
        pause_codes=settings.pause_codes,
        kept_up=settings.desk.kept_up,
        scores=score_reader(settings.scores_dir),
    )


def _formulas() -> Mapping[str, str]:
    from config.formulas_shipped import formula_texts  # they are read and checked, all of them

    return formula_texts()
