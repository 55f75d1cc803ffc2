"""Fast backends for whole episodes, equivalent to the reference.

    unit_outputs(cell, genomes, inputs, noise)               single units on given inputs
    unit_scores(cell, genomes, task, batch, noise)           their fitness in a sequence task
    maze_episodes(model, genomes, maze, state, noise)        networks, or single units, in a maze
    stepper(model, genomes, environments)                    any model, step by step

backend: "reference" is the definition and runs any model; "cpp" is the compiled CPU kernel; "cuda" is the compiled kernel
for Nvidia GPUs; "torch" needs no compiler and runs on any device; "auto" is the fastest one available ("cpp" on a CPU,
"cuda" on an Nvidia GPU, else "torch").  The environment variable ENU_KERNEL=cpp|torch overrides "auto" for a process.  If
no compiler or no GPU kernel is available, "auto" prints one line on stderr, once.
"""

from __future__ import annotations

import os
from typing import Annotated, NamedTuple, TypeGuard, cast, get_args

import torch
from torch import Tensor

from enu_lib.base.faults import Unavailable
from enu_lib.base.kinds import Between, conform, from_environment
from enu_lib.base.names import Backend
from enu_lib.base.notices import tell
from enu_lib.base.precision import in_float32
from enu_lib.cells import Cell
from enu_lib.contracts import AnyModel, B, SequenceTask, Stepper
from enu_lib.kernels import cpu, cuda, door, fused, graph, reference, scoring
from enu_lib.network import Network
from enu_lib.offspring import Offspring
from enu_lib.streams import Noise
from enu_lib.tasks.maze import Maze, MazeState

BACKENDS: tuple[Backend, ...] = get_args(Backend)
Threads = Annotated[int, Between(0, 4096)]  # 0: one per core


class MazeScores(NamedTuple):
    """Results of episodes in a maze, all (P, B) unless noted."""

    fitness: Tensor
    foods: Tensor
    poisons: Tensor
    steps_alive: Tensor
    outputs: Tensor | None = None  # (P, B, T, 3) if recorded; zero after death


def default_threads() -> int:
    """The number of threads: ENU_THREADS if set, else all cores available to this process."""
    given: int | None = from_environment(Annotated[int, Between(1, 4096)], "ENU_THREADS")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return given or cores or 1


def choose(backend: Backend, model: Cell | Network, genomes: Tensor | Offspring) -> Backend:
    """The backend for a model and its genomes (P, D), with "auto" resolved.  Raises Unavailable if it cannot run them."""
    chosen = os.environ.get("ENU_KERNEL") if backend == "auto" else None
    backend = cast(Backend, chosen or backend)
    if backend not in BACKENDS:
        raise ValueError(f"unknown {'ENU_KERNEL' if chosen else 'backend'} {backend!r}: choose one of {', '.join(BACKENDS)}")
    suits_gpu = genomes.device.type == "cuda" and cuda.supports(model)
    if backend == "cpp" and genomes.device.type != "cpu":
        raise Unavailable(f"the compiled kernel needs genomes on the CPU, not on {genomes.device}: use .cpu() or --device cpu")
    if backend == "cuda" and not suits_gpu:
        raise Unavailable(
            "the GPU kernel runs cells, and networks with a maze's inputs and outputs and at least 3 channels, on a GPU, "
            f'not this {type(model).__name__} on {genomes.device}: use backend="auto"'
        )
    if backend != "auto":
        return backend
    if genomes.device.type != "cpu":
        return "cuda" if suits_gpu else "torch"
    return "cpp" if cpu.supports(model) and compiled(model) else "torch"


def runs_mazes(model: object, genomes: Tensor | Offspring, backend: Backend = "auto") -> TypeGuard[Cell | Network]:
    """Whether `maze_episodes` serves a model on this backend: networks on all, single units only where there is a compiler."""
    return type(model) is Network or (door.is_cell(model) and choose(backend, model, genomes) == "cpp")


def compiled(model: Cell | Network) -> bool:
    """Whether the compiled CPU kernel is available for a model; if not, prints the reason on stderr, once."""
    try:
        cpu.compiled(model)
    except Unavailable as error:
        tell(f"{error}; using the slower torch backend instead")
        return False
    return True


def count_threads(threads: int | None) -> int:
    """The given number of threads, or `default_threads` for None or 0."""
    given: int | None = conform(Threads | None, threads, "threads")
    return given or default_threads()


@in_float32
def unit_outputs(
    cell: Cell,
    genomes: Tensor,
    inputs: Tensor,
    noise: Noise | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
) -> Tensor:
    """Outputs (P, B, T, C) of single units with genomes (P, D), for inputs (B, T, n_in) that all offspring share."""
    genomes, inputs, noise = door.units(cell, genomes, inputs, noise)
    return _unit_outputs(cell, genomes, inputs, noise, count_threads(threads), backend)


def _unit_outputs(cell: Cell, genomes: Tensor, inputs: Tensor, noise: Noise | None, threads: int, backend: Backend) -> Tensor:
    """As `unit_outputs`, for arguments that `door.units` has checked."""
    chosen = choose(backend, cell, genomes)
    if chosen == "cpp":
        return cpu.unit_outputs(cell, genomes, inputs, noise, threads)
    if chosen == "reference":
        units = reference.Stepper(cell, genomes, len(inputs))
        return torch.stack([units.step(x[None], noise, t) for t, x in enumerate(inputs.unbind(1))], 2)
    if chosen == "cuda":
        try:
            return cuda.unit_outputs(cell, genomes, inputs, noise)
        except Unavailable as error:
            _without_gpu_kernel(error, backend)
    return fused.unit_outputs(cell, genomes, inputs, noise)


@in_float32
def unit_scores(
    cell: Cell,
    genomes: Tensor | Offspring,
    task: SequenceTask[B],
    batch: B,
    noise: Noise | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
) -> Tensor:
    """Fitness (P, B, T) of every step of single units in a task, for a batch that its `sample` returned."""
    genomes, inputs, noise = door.units(cell, genomes, batch.inputs, noise)
    threads = count_threads(threads)
    within = scoring.of(task, batch, cell) if choose(backend, cell, genomes) == "cpp" else None
    if within is not None:
        return cpu.unit_scores(cell, genomes, inputs, noise, within, threads)
    outputs = _unit_outputs(cell, door.matrix(cell, genomes), inputs, noise, threads, backend)
    return door.reward(task, task.score(batch, outputs), outputs.shape[:3])


@in_float32
def maze_episodes(
    model: Cell | Network,
    genomes: Tensor | Offspring,
    maze: Maze,
    state: MazeState,
    noise: Noise | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
    record: bool = False,
) -> MazeScores:
    """Episodes of genomes (P, D) in the B environments of `state`, which comes from `maze.reset`.

    A single unit receives what all input neurons show, and its outputs choose the actions.  Raises Unavailable for one on any
    backend but cpp: `enu_lib.fitness` simulates it step by step.
    """
    genomes, state, noise = door.episodes(model, genomes, maze, state, noise)
    threads = count_threads(threads)
    chosen = choose(backend, model, genomes)
    if chosen == "cpp":
        scores = cpu.maze_episodes(model, genomes, maze, state, noise, threads, record)
        return MazeScores(*scores)
    if not isinstance(model, Network):
        raise Unavailable(f"backend {chosen!r} has no kernel for single units in mazes: use enu_lib.fitness")
    network, genomes = model, door.matrix(model, genomes)
    if chosen == "cuda":
        try:
            return MazeScores(*cuda.maze_episodes(network, genomes, maze, state, noise, record))
        except Unavailable as error:
            _without_gpu_kernel(error, backend)
    if graph.serves(maze, genomes, record):
        return MazeScores(*graph.maze_episodes(network, genomes, maze, state, noise))
    return MazeScores(*fused.maze_episodes(network, genomes, maze, state, noise, record))


def _without_gpu_kernel(error: Unavailable, backend: Backend) -> None:
    """Raise the error if the backend cuda was asked for; else print it on stderr, once."""
    if backend == "cuda":
        raise error
    tell(f"no kernel on this GPU ({error}); using the slower torch backend instead")


@in_float32
def stepper(
    model: AnyModel,
    genomes: Tensor,
    environments: int,
    threads: int | None = None,
    backend: Backend = "auto",
    settable: bool = False,
) -> Stepper:
    """A stepper of a model for all offspring in B environments.  settable: its `state` can be read and set between steps.

    Models other than `Network` get the reference stepper, and so do networks if `settable` and no compiler is available.
    """
    door.fits(model)
    genomes, environments = door.genomes(model, genomes), door.environments(environments)
    threads = count_threads(threads)
    if type(model) is not Network:
        return reference.Stepper(model, genomes, environments)
    chosen = choose(backend, model, genomes)
    if chosen == "cpp":
        return cpu.Stepper(model, genomes, environments, threads)
    if chosen == "reference" or settable:
        return reference.Stepper(model, genomes, environments)
    return fused.Stepper(model, genomes, environments)
