"""The paper's experiments by name, each in three profiles.

smoke: seconds, to see that all works.  laptop: minutes to hours on two cores; our settings.  paper: the published sizes,
mutation and generations.

    get("stdp", model="lstm", profile="paper")
    get("tmaze", profile="laptop", settings={"task.arm": 3, "es.sigma": 0.02})

An experiment of your own is an `Experiment` with any model and task that keep the contracts of `enu_lib.rollout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, cast

from enu_lib.cells import ENU, GRU, LSTM, CellName, make_cell
from enu_lib.config import register, with_settings
from enu_lib.contracts import check_model, is_sequence
from enu_lib.es import ES
from enu_lib.kinds import Batch, Between, Count, Real, check, shown
from enu_lib.network import ORDERED, PUBLISHED, Network
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.maze import Layout, Maze, Shuffle
from enu_lib.tasks.stdp import STDP

PROFILES = ("smoke", "laptop", "paper")
MODELS = ("enu", "nfenu", "gru", "lstm", "gru-clip", "lstm-clip", "shared")


def _check_contract(name: str, value: Any, contract: Callable[[Any], Any]) -> None:
    try:
        contract(value)
    except TypeError as error:
        raise ValueError(f"{name} takes another object than {shown(value)}: {error}") from None


@dataclass(frozen=True)
class Lesson:
    """An easier task for the first generations of a run (reconstruction: a curriculum)."""

    until: Annotated[int, Between(0, 10**9)]  # the first generation that it does not serve any more
    task: Any

    def __post_init__(self) -> None:
        check(self)
        _check_contract("task", self.task, is_sequence)


@dataclass(frozen=True)
class Experiment:
    """What a run is a function of, but for the seed."""

    name: str
    task: Any
    model: Any
    es: ES = field(default_factory=ES)
    generations: Count = 1000
    environments: Batch = 32  # a generation's
    evaluate_every: Count = 25  # generations between held-out evaluations of the parent
    evaluate_environments: Batch = 256
    target: Real | None = None  # held-out fitness at which to stop early
    model_name: str = "enu"
    profile: str = "custom"
    lessons: tuple[Lesson, ...] = ()  # what comes before the task, in order; held-out evaluations are always of the task

    def __post_init__(self) -> None:
        check(self)
        _check_contract("task", self.task, is_sequence)
        _check_contract("model", self.model, check_model)
        ends = [lesson.until for lesson in self.lessons]
        if ends != sorted(set(ends)):
            raise ValueError(f"lessons must end one after the other, got ends at generations {shown(ends)}")

    @property
    def lives(self) -> int:
        """Lives in all: one offspring in one environment is one."""
        return self.generations * self.es.population * self.environments

    @property
    def bytes(self) -> int:
        """The memory that a generation needs at least: genomes with their mutations, and a sequence task's outputs."""
        steps = self.task.steps if is_sequence(self.task) else 0
        outputs = self.environments * steps * getattr(self.model, "n_out", 1)
        return 4 * self.es.population * (5 * self.model.n_params // 2 + 2 * outputs)

    def task_at(self, generation: int) -> Any:
        """What a generation is judged by: a lesson, or at last the task itself."""
        return next((lesson.task for lesson in self.lessons if generation < lesson.until), self.task)


for _cls in (ENU, GRU, LSTM, Network, IAF, STDP, Maze, ES, Lesson, Experiment):
    register(_cls)

# Our settings for single units: half the published memory, wide mutations that narrow as the run goes on.
_UNIT: dict[str, dict[str, Any]] = {
    "smoke": dict(
        es=ES(population=32, sigma=0.03), hidden=8, environments=8, generations=6,
        evaluate_every=3, evaluate_environments=16,
    ),
    "laptop": dict(
        es=ES(population=256, sigma=0.03, sigma_final=0.002, decay_generations=3000),
        hidden=16, environments=32, generations=3000,
    ),
    "paper": dict(es=ES(), hidden=32, environments=32, generations=10_000),
}  # fmt: skip

_MAZE: dict[str, dict[str, Any]] = {
    "smoke": dict(
        es=ES(population=16, sigma=0.03), hidden=8, channels=4, environments=6, generations=3,
        evaluate_every=3, evaluate_environments=12,
    ),
    "laptop": dict(
        es=ES(population=256, sigma=0.03, breadth=1.5),
        hidden=16, channels=4, environments=24, generations=1500, evaluate_environments=504,
    ),
    "paper": dict(
        es=ES(), hidden=32, channels=16, environments=8, generations=30_000,
    ),
}  # fmt: skip

_UNIT_TASKS = {
    "iaf": IAF(),
    "stdp": STDP("neuromodulated"),
    "plain-stdp": STDP("plain"),
    "complex-stdp": STDP("complex"),
}
# The authors' code shows that what sensors mean is shuffled; whether it shuffles what outputs do cannot be seen.  So the
# mazes' plain names shuffle the sensors, and two variants of each shuffle nothing, or the actions too.
_LAYOUTS: dict[str, Layout] = {"tmaze": "t", "double-tmaze": "double-t"}
_SHUFFLES: dict[str, Shuffle] = {"": "sensors", "-none": "none", "-actions": "sensors+actions"}
_MAZE_TASKS = {
    name + suffix: Maze(layout, shuffle) for name, layout in _LAYOUTS.items() for suffix, shuffle in _SHUFFLES.items()
}

NAMES = (*_UNIT_TASKS, *_MAZE_TASKS)


def get(
    name: str,
    model: str = "enu",
    profile: str = "laptop",
    settings: dict[str, Any] | None = None,
    **short: Any,
) -> Experiment:
    """An experiment by name, model and profile.

    settings: single fields by path, e.g. {"es.sigma": 0.02, "task.shuffle": "none"}.  short: the most used ones by
    their own names: population, sigma, hidden, channels, generations, environments, target, ...
    Raises ValueError naming what is unknown and what there is.
    """
    if name not in NAMES:
        raise ValueError(f"unknown experiment {name!r}: choose one of {', '.join(NAMES)}")
    if model not in MODELS:
        raise ValueError(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")
    if profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}: choose one of {', '.join(PROFILES)}")
    sizes = dict((_UNIT if name in _UNIT_TASKS else _MAZE)[profile])
    hidden = short.pop("hidden", sizes.pop("hidden"))
    if name in _UNIT_TASKS:
        if model == "shared":
            raise ValueError("model 'shared' is a network's: choose tmaze or double-tmaze, or another model")
        task: Any = _UNIT_TASKS[name]
        if name == "iaf" and profile != "paper":
            task = replace(task, input_scale=5.0, before=10)
        cell: Any = make_cell(model, task.n_in, task.n_out, hidden)
        if name == "iaf" and isinstance(cell, ENU):
            cell = replace(cell, gain=1000.0)  # a spiking unit: its output is nearly a step (as in the public code)
    else:
        channels = short.pop("channels", sizes.pop("channels"))
        task = _MAZE_TASKS[name]
        cell = Network(
            PUBLISHED if profile == "paper" else ORDERED,
            channels=channels,
            hidden=hidden,
            cell=cast(CellName, "enu" if model == "shared" else model),
            shared=model == "shared",
        )
        if task.layout == "t" and profile == "laptop":
            # a random walk seldom reaches the published maze's food, and evolution has to find the first meal by chance
            sizes |= dict(environments=36, lessons=(Lesson(150, replace(task, corridor=2, arm=1)),))
    experiment = Experiment(name, task, cell, model_name=model, profile=profile, **sizes)
    return with_settings(experiment, {**{_path(experiment, k): v for k, v in short.items()}, **(settings or {})})


def _path(experiment: Experiment, name: str) -> str:
    """Where a setting given by its bare name belongs."""
    return f"es.{name}" if hasattr(experiment.es, name) else name
