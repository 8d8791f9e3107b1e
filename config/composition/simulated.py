"""Settings become the models of a simulated carrier and of simulated agents."""

from config.settings import Settings
from config.trunks import SimulatedTrunk
from sim.model import CarrierModel, DeskModel


def carrier_model(settings: Settings, trunk: SimulatedTrunk) -> CarrierModel:
    simulation = settings.simulation
    return CarrierModel.of_weights(
        simulation.outcomes,
        post_dial_delay_s=simulation.setup_s,
        ring_mean_s=simulation.ring_s,
        talk_mean_s=simulation.talk_s,
        patience_s=simulation.patience_s,
        channels=trunk.max_channels,
    )


def desk_model(settings: Settings) -> DeskModel:
    wrap_up_mean_s = max(0.1, settings.simulation.wrap_up_s)
    return DeskModel(wrap_up_mean_s=wrap_up_mean_s, kept_up=settings.desk.kept_up)
