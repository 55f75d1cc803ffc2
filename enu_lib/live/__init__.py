"""Interactive HTML that needs no kernel: a simulated or recorded episode, an evolved synapse, a recorded evolution.

    live.toy(network, genome, maze)
    live.maze(enu.rollout(network, genome, maze, 1, seed=3, memory=True), maze, network)
    live.window(zoo.load("stdp-enu"))
    live.evolution(live.record(live.small_synapse()))

Script and data are part of the HTML; nothing is fetched, and without scripts a static picture is shown.
"""

from enu_lib.live.evolution import Recording, evolution, record, small_synapse
from enu_lib.live.maze import maze
from enu_lib.live.page import Live
from enu_lib.live.synapse import window
from enu_lib.live.toy import toy

__all__ = ["Live", "Recording", "evolution", "maze", "record", "small_synapse", "toy", "window"]
