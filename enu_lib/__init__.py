"""Evolvable neural units: cells, networks, evolution and the tasks of Bertens and Lee (2020).

import enu_lib as enu
run = enu.evolve("stdp", profile="laptop", seed=0)
trace = enu.rollout(run.model, run.genome, run.task, environments=64, seed=1)
best = enu.zoo.load("stdp-enu")
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enu_lib import analysis, experiments, zoo
    from enu_lib.cells import ENU, GRU, LSTM, make_cell
    from enu_lib.config import register
    from enu_lib.es import ES
    from enu_lib.evolve import evolve
    from enu_lib.experiments import Experiment, Stage
    from enu_lib.network import Network
    from enu_lib.rollout import fitness, rollout
    from enu_lib.storage.run import Run, load_run
    from enu_lib.streams import stream
    from enu_lib.tasks.iaf import IAF
    from enu_lib.tasks.maze import Maze
    from enu_lib.tasks.stdp import STDP
    from enu_lib.trace import Trace

    __version__: str

__all__ = [
    "ENU", "ES", "GRU", "IAF", "LSTM", "STDP", "Experiment", "Maze", "Network", "Run", "Stage", "Trace", "analysis", "evolve",
    "experiments", "fitness", "load_run", "make_cell", "register", "rollout", "stream", "zoo",
]  # fmt: skip

# The module that defines each name; it is imported on first use, since importing torch takes seconds.
_HOME = {
    **dict.fromkeys(("ENU", "GRU", "LSTM", "make_cell"), "cells"),
    "ES": "es",
    **dict.fromkeys(("Experiment", "Stage"), "experiments"),
    "IAF": "tasks.iaf",
    "Maze": "tasks.maze",
    "Network": "network",
    **dict.fromkeys(("Run", "load_run"), "storage.run"),
    "STDP": "tasks.stdp",
    "Trace": "trace",
    "evolve": "evolve",
    **dict.fromkeys(("fitness", "rollout"), "rollout"),
    "register": "config",
    "stream": "streams",
}
_MOVED = {
    "Lesson": "enu.Stage",
    **dict.fromkeys(
        ("agents", "conditioning", "generalise", "interventions", "learning", "spiking", "stats"), "enu_lib.analysis.{}"
    ),
    **dict.fromkeys(("claims", "evidence", "ledger", "results", "sweep"), "enu_lib.study.{}"),
    **dict.fromkeys(("faults", "interrupt", "kinds", "names", "notices", "precision", "progress"), "enu_lib.base.{}"),
    **dict.fromkeys(("ahead", "devices", "hub", "liveness", "processes"), "enu_lib.parallel.{}"),
    "places": "enu_lib.storage.places",
    "baseline": "enu_lib.bench.authors_scheme",
    "comparison": "enu_lib.study.tables",
    "episodes": "enu_lib.analysis.phases",
    "gym": "enu_lib.tasks.gym",
    "life": "enu_lib.widgets.life",
    "plots": "enu_lib.figures",
    "plots_learning": "enu_lib.figures.learning",
    "plots_runs": "enu_lib.study.panels",
    "runfolder": "enu_lib.storage.folder",
}


def __getattr__(name: str) -> Any:
    from importlib.util import find_spec

    if name == "__version__":
        value: Any = import_module("enu_lib.config").library_version()
    elif name in _HOME:
        value = getattr(import_module(f"enu_lib.{_HOME[name]}"), name)
    elif name not in _MOVED and not name.startswith("_") and find_spec(f"enu_lib.{name}"):
        value = import_module(f"enu_lib.{name}")
    else:
        moved = f": it is now {_MOVED[name].format(name)}" if name in _MOVED else ""
        raise AttributeError(f"module 'enu_lib' has no attribute {name!r}{moved}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


class _Face(ModuleType):
    """This module, in which `evolve` and `rollout` remain functions when the modules of the same names are imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType) and name in _HOME:  # set by `import enu_lib.evolve`
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
