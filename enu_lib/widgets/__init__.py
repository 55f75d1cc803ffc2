"""Interactive explorers for notebooks with a running kernel.

- `explorer`: any figure, redrawn when one of its controls changes; `w`: ipywidgets, for these controls
- `neuron_explorer`: an evolved neuron beside the model neuron
- `SynapseExplorer`: an evolved synapse with movable spikes
- `MazeLife`: watch an episode in a maze and intervene in it
- `MazeWalk`, `Duel`: control the output neurons yourself, alone or against an agent
- `LiveEvolution`: watch a synapse evolve
- `runs_explorer`: stored evolutions of all models
"""

import ipywidgets as w

from enu_lib.widgets.base import Explorer, explorer, slider
from enu_lib.widgets.live_evolution import LiveEvolution
from enu_lib.widgets.maze_life import MazeLife
from enu_lib.widgets.runs import runs_explorer, runs_figure
from enu_lib.widgets.units import SynapseExplorer, neuron_explorer, neuron_figure
from enu_lib.widgets.walk import Duel, MazeWalk

__all__ = [
    "Duel", "Explorer", "LiveEvolution", "MazeLife", "MazeWalk", "SynapseExplorer", "explorer", "neuron_explorer",
    "neuron_figure", "runs_explorer", "runs_figure", "slider", "w",
]  # fmt: skip
