"""Evolvable neural units: cells, networks, evolution and the tasks of Bertens and Lee (2020).

import enu_lib as enu
run = enu.evolve("stdp", profile="laptop", seed=0)
trace = enu.rollout(run.model, run.genome, run.task, environments=64, seed=1)
best = enu.zoo.load("stdp-enu")
"""

__version__ = "0.1.0"

from enu_lib import analysis, experiments, zoo
from enu_lib.cells import ENU, GRU, LSTM, make_cell
from enu_lib.config import register
from enu_lib.es import ES
from enu_lib.evolve import Run, evolve, load_run
from enu_lib.experiments import Experiment, Lesson
from enu_lib.network import Network
from enu_lib.rollout import Trace, fitness, rollout
from enu_lib.streams import stream
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.maze import Maze
from enu_lib.tasks.stdp import STDP

__all__ = [
    "ENU", "ES", "GRU", "IAF", "LSTM", "STDP", "Experiment", "Lesson", "Maze", "Network", "Run", "Trace", "analysis", "evolve",
    "experiments", "fitness", "load_run", "make_cell", "register", "rollout", "stream", "zoo",
]  # fmt: skip
