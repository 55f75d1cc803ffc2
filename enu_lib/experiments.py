"""The paper's experiments by name, each in three profiles.

smoke: seconds, to check the installation.  laptop: minutes to hours on two cores, with our settings.  paper: the
published sizes, mutation size and number of generations.

    get("stdp", model="lstm", profile="paper")
    get("tmaze", profile="laptop", settings={"task.arm": 3, "es.sigma": 0.02})

For an experiment of your own, make an `Experiment` from any model and task that implement `enu_lib.contracts`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Annotated, Any, ClassVar, NamedTuple, cast, get_args

from enu_lib.base import names
from enu_lib.base.kinds import Batch, Between, Changes, Count, Real, check, shown
from enu_lib.cells import ENU, GRU, LSTM, Cell, CellName, UnitName, make_cell
from enu_lib.config import register, with_settings
from enu_lib.contracts import Task, check_model, is_sequence
from enu_lib.es import ES
from enu_lib.network import CHAINED, ORDERED, PUBLISHED, Network
from enu_lib.tasks.discrimination import Discrimination
from enu_lib.tasks.geometry import Layout
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.maze import Maze, Shuffle
from enu_lib.tasks.stdp import STDP

PROFILES, MODELS, NAMES = names.PROFILES, names.MODELS, names.EXPERIMENTS


def _check_contract(name: str, value: object, contract: Callable[[object], object]) -> None:
    try:
        contract(value)
    except TypeError as error:
        raise ValueError(f"{name} cannot be used: {error}") from None


@dataclass(frozen=True)
class Stage:
    """One stage of a curriculum: a different task, or several in turn, for the first generations of a run (reconstruction)."""

    until: Annotated[int, Between(0, 10**9)]  # generations from the start of the first stage to the end of this one, at most
    task: Any  # a `contracts.Task`: see `Experiment`
    target: Real | None = None  # end the stage once the parent's held-out fitness on `task` reaches this
    es: ES | None = None  # evolution strategy of this stage; None: the experiment's
    environments: Batch | None = None  # per generation of this stage; None: the experiment's
    others: tuple[Any, ...] = ()  # more tasks, which take turns with `task`: see `tasks`
    restart: bool = False  # restart from another random genome, or the given one, if the stage misses its target

    former_names: ClassVar[tuple[str, ...]] = ("Lesson",)

    def __post_init__(self) -> None:
        check(self)
        _check_contract("task", self.task, is_sequence)
        for other in self.others:
            _check_contract("others", other, is_sequence)
        if self.restart and self.target is None:
            raise ValueError("restart=True needs a target: without one, no stage fails")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that take turns: generation g has `tasks[g % len(tasks)]`."""
        return self.task, *self.others


class Current(NamedTuple):
    """A stage, with the experiment's settings where it has none of its own."""

    until: int
    tasks: tuple[Task, ...]  # they take turns; `target` is for the first
    target: float | None
    es: ES
    environments: int
    restart: bool


@dataclass(frozen=True)
class Experiment:
    """All settings of a run except the seed: the two together determine the run."""

    name: str
    task: Any  # a `contracts.Task`; Any, since its class depends on the experiment, and has more settings than the protocol
    model: Any  # a `contracts.Model`
    es: ES = field(default_factory=ES)
    generations: Count = 1000
    environments: Batch = 32  # per generation
    evaluate_every: Count = 25  # generations between held-out evaluations of the parent
    evaluate_environments: Batch = 256
    target: Real | None = None  # held-out fitness at which to stop early
    model_name: str = "enu"
    profile: str = "custom"
    stages: tuple[Stage, ...] = ()  # curriculum before `task`, in order; held-out evaluations always use `task`

    renamed: ClassVar[dict[str, str]] = {"lessons": "stages"}

    def __post_init__(self) -> None:
        check(self)
        _check_contract("task", self.task, is_sequence)
        _check_contract("model", self.model, check_model)
        ends = [stage.until for stage in self.stages]
        if ends != sorted(set(ends)):
            raise ValueError(f"stages must end one after the other, got ends at generations {shown(ends)}")

    @property
    def total_episodes(self) -> int:
        """Total number of episodes, if no stage reaches its target early, and none restarts."""
        return self.episodes(self.generations)

    def episodes(self, generations: int, ends: Sequence[int] = (), restarts: Sequence[int] = ()) -> int:
        """Number of episodes in the first `generations`: one per offspring and environment.

        ends, restarts: generations at which stages ended, and at which evolution restarted; later stages are taken to run
        their full length.
        """
        total = 0
        for first, over in pairwise((0, *(r for r in restarts if r < generations), generations)):
            begun, own = first, [end for end in ends if first < end <= over]
            for i in range(len(self.stages) + 1):
                stage, last = self.stage(i, first), i == len(self.stages)
                end = over if last else min(over, own[i] if i < len(own) else stage.until)
                total += max(0, end - begun) * stage.es.population * stage.environments
                begun = max(begun, end)
        return total

    @property
    def populations(self) -> tuple[int, ...]:
        """Population sizes of the run: that of `es`, and those of stages with an evolution strategy of their own."""
        return tuple(es.population for es in (self.es, *(stage.es for stage in self.stages)) if es)

    @property
    def bytes(self) -> int:
        """Lower bound on memory in bytes: genomes and mutations, and a sequence task's inputs and outputs."""
        held_out, sequences = self.evaluate_environments, 0
        n_in, n_out = (int(getattr(self.model, name, 1)) for name in ("n_in", "n_out"))
        for stage in map(self.stage, range(len(self.stages) + 1)):
            for task in filter(is_sequence, stage.tasks):
                outputs = max(stage.es.population * stage.environments, held_out) * n_out
                inputs = max(stage.environments, held_out) * n_in
                sequences = max(sequences, 2 * (outputs + inputs) * int(task.steps))
        return 4 * (max(self.populations) * int(self.model.n_params) * 5 // 2 + sequences)

    def stage(self, ended: int, begun: int = 0) -> Current:
        """The current stage once `ended` stages are over; after the last one, the task itself.

        begun: generation at which the first stage began: 0, or that of the last restart.
        """
        curriculum = ended < len(self.stages)
        stage = self.stages[ended] if curriculum else Stage(self.generations, self.task)
        until = begun + stage.until if curriculum else stage.until
        es, environments = stage.es or self.es, stage.environments or self.environments
        return Current(until, stage.tasks, stage.target, es, environments, stage.restart)


for _cls in (ENU, GRU, LSTM, Network, IAF, STDP, Maze, Discrimination, ES, Stage, Experiment):
    register(_cls)

# Our settings for single units: half the published memory size, and mutations that shrink over the run.
_UNIT: dict[str, Changes] = {
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

_MAZE: dict[str, Changes] = {
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

_UNIT_TASKS: dict[str, IAF | STDP] = {
    "iaf": IAF(),
    "stdp": STDP("neuromodulated"),
    "plain-stdp": STDP("plain"),
    "complex-stdp": STDP("complex"),
}
# The authors' code shuffles the meaning of the sensors; whether it also shuffles the actions cannot be determined from it.
# So each maze's plain name shuffles the sensors only; its two variants shuffle nothing, or sensors and actions.
LAYOUTS: dict[str, Layout] = {"tmaze": "t", "double-tmaze": "double-t"}
_SHUFFLES: dict[str, Shuffle] = {"": "sensors", "-none": "none", "-actions": "sensors+actions"}
_MAZE_TASKS = {
    name + suffix: Maze(layout, shuffle) for name, layout in LAYOUTS.items() for suffix, shuffle in _SHUFFLES.items()
}

# Three variants of the published T-maze (reconstructions).  Volatile: food and poison may swap after every food, so that
# remembering an arm is useless and the agent must know what the sensors mean.  Harmless: poison never kills, so that an
# agent can switch many times.  Hidden: no sensor shows food or poison, so that only memory and switching help.  Places change
# after each food with probability 1/5, so that counting foods is useless, and the fourth poison kills, so that only an agent
# that eats no more than one poison after each change lives long.
# The scripted agents of `analysis.agents` show which strategies fail in them.
_MAZE_TASKS["tmaze-volatile"] = Maze("t", "sensors", foods_per_period=1, alive_bonus=0.0)
_MAZE_TASKS["tmaze-harmless"] = Maze("t", "sensors", deadly_poisons=1000)
_MAZE_TASKS["tmaze-hidden"] = Maze(
    "t", "sensors", steps=600, foods_per_period=1, change=0.2, deadly_poisons=4, meals_visible=False
)

# Held-out fitness at which evolution ends.  In the T-maze, the scripted agent `looking` earns 25.6; where food and poison are
# hidden, `memory-only` earns 24.6, a latch 11.4.
_TARGETS = {"tmaze": 24.8, "tmaze-none": 24.8, "tmaze-harmless": 23.2, "tmaze-hidden": 24.0}


def attempt_began(restarts: Sequence[int], generation: float = math.inf) -> int:
    """The generation at which the attempt that a generation belongs to began: the last of `restarts` before it, or 0."""
    return max((restart for restart in restarts if restart < generation), default=0)


def _curriculum(task: Maze) -> tuple[Stage, ...]:
    """Stages before the T-maze: learn what the sensors mean, then walk, avoid poison, and remember the arm as well.

    (1) Discrimination: the network is shown food or poison, whatever it does, and learns which sensor announces which.  (2, 3)
    A T-maze in which food and poison may swap after every food.  Some networks never reach a meal there, so in every second
    generation of (2) a teacher moves in their place; (2) ends once the parent finds food without the teacher.  (4) The same
    with fewer swaps: recognising poison remains necessary, and remembering the arm of the last food pays, too.  In the mazes
    alone, a little use of the sensors affects fitness less than chance and other habits do; most evolutions that began there
    never led to networks that use them.

    In five runs without restarts, networks that evolved to avoid poison in (3) did so soon after their first meal; the others
    forgot what they had learnt in (1).  So if (3) has not reached its target after 400 generations, evolution restarts from
    another genome.

    Targets: (1) an agent that has learnt nothing earns at most 0.844; (2) one that never eats earns 1.8 before it starves; (3)
    the scripted agent `once-bitten` earns about 22.  Variants of the T-maze have the same stages, `tmaze-hidden` only the
    first three (`_hidden_curriculum`): the sensors are shuffled in (1) even if nothing is shuffled later; in (2) to (4), poison
    kills, and food and poison are visible, even if not in the variant.
    """
    often = replace(task, foods_per_period=1)
    led = replace(often, steps=240, alive_bonus=0.0, teacher_bonus=1.0, led=True)
    walk, remember = (ES(population=256, sigma=s, breadth=0.0) for s in (0.012, 0.015))
    return (
        Stage(300, Discrimination(turning=0.5), target=0.94, es=ES(population=256, sigma=0.025), environments=12),
        Stage(360, often, others=(led,), target=4.0, es=walk, environments=12),
        Stage(400, often, target=20.5, es=walk, restart=True),
        Stage(800, replace(often, change=0.25), es=remember),
    )


def _hidden_curriculum(task: Maze, before: Sequence[Stage]) -> tuple[Stage, ...]:
    """The T-maze's first three stages, then three in which food and poison are hidden.

    (4) Places never change within an episode, and poison does not kill, so that it pays most to stay at the second arm after
    poison at the first, as a latch does.  In such stages, the networks of seeds 60, 61, 63 and 64 became latches after 30 to
    100 generations; that of seed 62 did not, and that of seed 170 evolved to go to the second arm only directly after poison,
    and stayed that way.  (5) The same, but the second poison kills, so that such a network has to stay, too.  A latch has the
    target from the start.  (6) Places change, so that poison has to send them back as well.  Of four networks that evolved in
    (6) without (4) and (5), one became a reversal learner (`tmaze-hidden-enu-reverses`).

    Targets: (4) a latch earns 26, and an agent that goes to the second arm only directly after poison 19; (5) a latch earns
    26, a fixed arm 13.6; (6) see `_TARGETS`.
    """
    fixed = replace(task, steps=400, change=0.0, deadly_poisons=1000)
    return (
        *before,
        Stage(460, fixed, target=25.0),
        Stage(560, replace(fixed, deadly_poisons=2), target=23.5, restart=True),
        Stage(1000, task, target=_TARGETS["tmaze-hidden"], restart=True),
    )


def get(name: str, model: str = "enu", profile: str = "laptop", settings: Changes | None = None, **short: Any) -> Experiment:
    """An experiment by name, model and profile.

    settings: fields by path, e.g. {"es.sigma": 0.02, "task.shuffle": "none"}.  short: common fields by bare name:
    population, sigma, hidden, channels, generations, environments, target, ...
    Raises ValueError naming the unknown value and the valid choices.
    """
    names.one_of("experiment", name, NAMES)
    names.one_of("model", model, MODELS)
    names.one_of("profile", profile, PROFILES)
    sizes = dict((_UNIT if name in _UNIT_TASKS else _MAZE)[profile])
    hidden, channels = sizes.pop("hidden"), sizes.pop("channels", None)
    task: IAF | STDP | Maze
    cell: Cell | Network
    if name in _UNIT_TASKS:
        if model in ("shared", names.ONE_GRU):
            raise ValueError(f"model {model!r} is for mazes: choose tmaze or double-tmaze, or another model")
        task = _UNIT_TASKS[name]
        if isinstance(task, IAF) and profile != "paper":
            task = replace(task, input_scale=5.0, before=10)
        cell = make_cell(model, task.n_in, task.n_out, short.pop("hidden", hidden))
        if isinstance(task, IAF) and isinstance(cell, ENU):
            cell = replace(cell, gain=1000.0)  # a spiking unit: a nearly binary output (as in the public code)
    else:
        if model in get_args(UnitName):
            raise ValueError(f"model {model!r} is a single unit: choose {', '.join(_UNIT_TASKS)}, or another model")
        task = _MAZE_TASKS[name]
        # The first stage does not shuffle the outputs, so the curriculum is of no use where the maze does.
        has_curriculum = profile == "laptop" and task.layout == "t" and task.shuffle != "sensors+actions"
        ours = CHAINED if has_curriculum else ORDERED
        cell = Network(PUBLISHED if profile == "paper" else ours, channels=channels, hidden=hidden)
        if model == names.ONE_GRU:
            cell = _one_gru(task, cell, short.pop("hidden", None))
        else:
            kind = cast(CellName, "enu" if model == "shared" else model)
            sizes_given = {size: short.pop(size) for size in ("hidden", "channels") if size in short}
            cell = replace(cell, cell=kind, shared=model == "shared", **sizes_given)
        if has_curriculum:
            stages = _curriculum(Maze(task.layout, task.shuffle))
            if not task.meals_visible:
                stages = _hidden_curriculum(task, stages[:3])
            es = ES(population=256, sigma=0.01 if task.meals_visible else 0.025, breadth=0.0)
            sizes |= dict(es=es, generations=2000, evaluate_every=10, target=_TARGETS.get(name), stages=stages)
    experiment = Experiment(name, task, cell, model_name=model, profile=profile, **sizes)
    return with_settings(experiment, {**{_path(experiment, k): v for k, v in short.items()}, **(settings or {})})


def with_wiring(experiment: Experiment, other: object) -> Experiment:
    """The experiment with the connections of another network; unchanged unless its model and `other` are networks."""
    if not isinstance(experiment.model, Network) or not isinstance(other, Network):
        return experiment
    return replace(experiment, model=replace(experiment.model, connections=other.connections))


def _one_gru(maze: Maze, network: Network, hidden: int | None) -> GRU:
    """A GRU from a maze's inputs to its outputs, by default with about as many parameters as a network, and as much noise."""

    def size(h: int) -> GRU:
        return GRU(maze.n_values, maze.n_outputs, h, noise=network.noise)

    if hidden is None:
        hidden = min(range(1, 65), key=lambda h: abs(size(h).n_params - network.n_params))
    return size(hidden)


def _path(experiment: Experiment, name: str) -> str:
    """The path of a setting given by its bare name."""
    return f"es.{name}" if hasattr(experiment.es, name) else name
