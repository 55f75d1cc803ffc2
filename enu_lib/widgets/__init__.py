"""Explorers: move a control, and the units of a page answer at once.

- `explorer`: a figure of your own, drawn anew with each control; `w`: ipywidgets, for these controls
- `neuron_explorer`: an evolved neuron beside its model
- `synapse_explorer`: an evolved synapse, with spikes to move
- `MazeLife`: watch a life in a maze, and meddle with it
- `MazeWalk`, `Duel`: walk a maze by its output neurons, alone or beside an agent
- `LiveEvolution`: evolve a synapse while you watch
- `runs_explorer`: stored evolutions of all models
"""

import ipywidgets as w

from enu_lib.widgets.base import Explorer, explorer, slider
from enu_lib.widgets.live_evolution import LiveEvolution
from enu_lib.widgets.maze_life import MazeLife
from enu_lib.widgets.runs import runs_explorer, runs_figure
from enu_lib.widgets.units import neuron_explorer, neuron_figure, synapse_explorer, synapse_figure
from enu_lib.widgets.walk import Duel, MazeWalk

__all__ = [
    "Duel", "Explorer", "LiveEvolution", "MazeLife", "MazeWalk", "explorer", "neuron_explorer", "neuron_figure",
    "runs_explorer", "runs_figure", "slider", "synapse_explorer", "synapse_figure", "w",
]  # fmt: skip
