"""Whole lives, fast: the same as `enu_lib.rollout`'s reference, on whatever the machine has.

    unit_outputs(cell, genomes, inputs, noise)               single units on given inputs
    maze_lives(network, genomes, maze, state, noise)         networks in a maze
    stepper(model, genomes, environments)                    any model, one step after another

backend: "reference" is the definition and serves any model; "cpp" is the compiled kernel of the CPU; "torch" needs no
compiler and serves all processors; "auto" takes the fastest that can be had: "cpp", on an Nvidia GPU "cuda", else "torch"
(the environment variable ENU_KERNEL=cpp|torch decides for a whole process).  Where "auto" misses a compiler, or a GPU's
kernel, one line on stderr says so, once.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from enu_lib.cells import Cell
from enu_lib.contracts import Model, Stepper
from enu_lib.kernels import cpu, cuda, door, fused, graph, reference
from enu_lib.kernels.build import Unavailable
from enu_lib.network import Network
from enu_lib.precision import in_float32
from enu_lib.streams import Noise

BACKENDS = ("auto", "cpp", "cuda", "torch", "reference")


class MazeScores(NamedTuple):
    """What is left of lives in a maze; all (P, B)."""

    fitness: Tensor
    foods: Tensor
    poisons: Tensor
    steps_alive: Tensor
    outputs: Tensor | None = None  # (P, B, T, 3) if recorded; zero after death


def default_threads() -> int:
    """All cores that this process may use, or ENU_THREADS."""
    if os.environ.get("ENU_THREADS"):
        return max(1, int(os.environ["ENU_THREADS"]))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose(backend: str, model: Any, genomes: Tensor) -> str:
    """The backend for this model and these genomes (P, D): `backend` itself, or what "auto" comes to."""
    if backend == "auto":
        backend = os.environ.get("ENU_KERNEL") or "auto"
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}: choose one of {', '.join(BACKENDS)}")
    suits_gpu = genomes.device.type == "cuda" and cuda.supports(model)
    if backend == "cpp" and genomes.device.type != "cpu":
        raise Unavailable(f"the compiled kernel is for genomes on the CPU, not on {genomes.device}: use .cpu() or --device cpu")
    if backend == "cuda" and not suits_gpu:
        raise Unavailable(
            f"the kernel of GPUs is for networks of ENUs on one, not for {type(model).__name__} on {genomes.device}"
        )
    if backend != "auto":
        return backend
    if genomes.device.type != "cpu":
        return "cuda" if suits_gpu else "torch"
    return "cpp" if cpu.supports(model) and compiled(model) else "torch"


def compiled(model: Any) -> bool:
    """Whether the CPU's compiled kernel can be had for a model; if not, a line on stderr says why, once."""
    try:
        cpu.compiled(model)
    except Unavailable as error:
        _without_compiled(str(error))
        return False
    return True


@lru_cache
def _without_compiled(reason: str) -> None:
    print(f"enu_lib: {reason}; the slower torch path is used instead", file=sys.stderr)


@lru_cache
def _without_kernel(reason: str) -> None:
    print(f"enu_lib: no kernel on this GPU ({reason}); the slower torch path is used instead", file=sys.stderr)


def count_threads(threads: int | None) -> int:
    """A given number of threads, or `default_threads`."""
    if threads is not None and threads < 0:
        raise ValueError(f"threads must not be negative, got {threads}")
    return int(threads or default_threads())


@in_float32
def unit_outputs(
    cell: Cell,
    genomes: Tensor,
    inputs: Tensor,
    noise: Noise | None = None,
    threads: int | None = None,
    backend: str = "auto",
) -> Tensor:
    """Outputs (P, B, T, C) of single units with genomes (P, D) for inputs (B, T, n_in), the same for all offspring."""
    genomes, inputs, noise = door.units(cell, genomes, inputs, noise)
    chosen = choose(backend, cell, genomes)
    if chosen == "cpp":
        return cpu.unit_outputs(cell, genomes, inputs, noise, count_threads(threads))
    if chosen == "reference":
        units = reference.Stepper(cell, genomes, len(inputs))
        return torch.stack([units.step(x[None], noise, t) for t, x in enumerate(inputs.unbind(1))], 2)
    return fused.unit_outputs(cell, genomes, inputs, noise)


@in_float32
def maze_lives(
    network: Network,
    genomes: Tensor,
    maze: Any,
    state: Any,
    noise: Noise | None = None,
    threads: int | None = None,
    backend: str = "auto",
    record: bool = False,
) -> MazeScores:
    """Lives of genomes (P, D) in the B environments of `state`, as `maze.reset` draws it."""
    genomes, state, noise = door.lives(network, genomes, maze, state, noise)
    chosen = choose(backend, network, genomes)
    if chosen == "cpp":
        lives = cpu.maze_lives(network, genomes, maze, state, noise, count_threads(threads), record)
        return MazeScores(*lives)
    if chosen == "cuda":
        try:
            return MazeScores(*cuda.maze_lives(network, genomes, maze, state, noise, record))
        except Unavailable as error:
            if backend == chosen:
                raise
            _without_kernel(str(error))
    if graph.serves(maze, genomes, record):
        return MazeScores(*graph.maze_lives(network, genomes, maze, state, noise))
    return MazeScores(*fused.maze_lives(network, genomes, maze, state, noise, record))


@in_float32
def stepper(
    model: Model,
    genomes: Tensor,
    environments: int,
    threads: int | None = None,
    backend: str = "auto",
    settable: bool = False,
) -> Stepper:
    """Steps of a model for all offspring in B environments.  settable: its `state` will be read and set between steps.

    A model of your own, and a network whose state is to be set where there is no compiler, get the reference's.
    """
    door.fits(model)
    genomes, environments = door.genomes(model, genomes), door.environments(environments)
    if type(model) is not Network:
        return reference.Stepper(model, genomes, environments)
    chosen = choose(backend, model, genomes)
    if chosen == "cpp":
        return cpu.Stepper(model, genomes, environments, count_threads(threads))
    if chosen == "reference" or settable:
        return reference.Stepper(model, genomes, environments)
    return fused.Stepper(model, genomes, environments)
