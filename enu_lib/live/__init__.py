"""Pages that are alive without a kernel: a recorded life, an evolved synapse, an evolution, each in a cell's HTML.

    live.maze(enu.rollout(network, genome, maze, 1, seed=3, memory=True), maze, network)
    live.window(zoo.load("stdp-enu"))
    live.evolution(live.record(live.small_synapse()))

What they show is in the page itself, script and data; nothing is fetched, and without scripts a still picture remains.
"""

from enu_lib.live.evolution import Recording, evolution, record, small_synapse
from enu_lib.live.maze import maze
from enu_lib.live.page import Live
from enu_lib.live.synapse import window

__all__ = ["Live", "Recording", "evolution", "maze", "record", "small_synapse", "window"]
