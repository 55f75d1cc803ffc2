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
    """A stage of a curriculum: another task for the first generations of a run (reconstruction)."""

    until: Annotated[int, Between(0, 10**9)]  # the first generation after this stage, at the latest
    task: Any
    target: Real | None = None  # the stage ends as soon as the parent's held-out fitness in its task reaches this
    es: ES | None = None  # evolution strategy of this stage; None: the experiment's

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
        """The memory that a generation needs at least: genomes with their mutations, a sequence task's inputs and outputs."""
        population = max(es.population for es in (self.es, *(lesson.es for lesson in self.lessons)) if es)
        genomes = population * int(self.model.n_params) * 5 // 2
        if not is_sequence(self.task):
            return 4 * genomes
        evolving, held_out = self.environments, self.evaluate_environments
        n_in, n_out = (int(getattr(self.model, name, 1)) for name in ("n_in", "n_out"))
        outputs = max(population * evolving, held_out) * int(self.task.steps) * n_out
        inputs = max(evolving, held_out) * int(self.task.steps) * n_in
        return 4 * (genomes + 2 * outputs + 2 * inputs)

    def stage(self, ended: int) -> Lesson:
        """The stage of a run after so many lessons have ended; the last one is the task itself."""
        if ended < len(self.lessons):
            return self.lessons[ended]
        return Lesson(self.generations, self.task)


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

# Beside the published T-maze (reconstructions): one whose places may change after every food, so that to remember an arm is
# worth nothing and only what a sensor means helps; and one whose poison does not kill, so that an agent may switch again and
# again.  What they cannot be solved by is said by `analysis.agents`, which are scripted.
_MAZE_TASKS["tmaze-volatile"] = Maze("t", "sensors", foods_per_period=1, alive_bonus=0.0)
_MAZE_TASKS["tmaze-harmless"] = Maze("t", "sensors", deadly_poisons=1000)

NAMES = (*_UNIT_TASKS, *_MAZE_TASKS)


def _curriculum(task: Maze) -> tuple[Lesson, ...]:
    """Stages before the T-maze: to walk in a small one, to switch arms, and to learn what the sensors mean.

    A random walk seldom reaches the published maze's food, and evolution has to find the first meal by chance; then the
    published maze rewards an agent that switches arms once, and only one that changes after every food asks for more.
    """
    walk, switch = ES(population=256, sigma=0.03, breadth=1.5), ES(population=256, sigma=0.02, breadth=0.0)
    return (
        Lesson(150, replace(task, corridor=2, arm=1), es=walk),
        Lesson(600, task, target=12.0, es=walk),
        Lesson(1400, replace(task, foods_per_period=1, alive_bonus=0.0), target=11.0, es=switch),
    )


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
            sizes |= dict(es=ES(population=256, sigma=0.01, breadth=1.5), lessons=_curriculum(task))
    experiment = Experiment(name, task, cell, model_name=model, profile=profile, **sizes)
    changed: Experiment = with_settings(experiment, {**{_path(experiment, k): v for k, v in short.items()}, **(settings or {})})
    return changed


def _path(experiment: Experiment, name: str) -> str:
    """Where a setting given by its bare name belongs."""
    return f"es.{name}" if hasattr(experiment.es, name) else name
