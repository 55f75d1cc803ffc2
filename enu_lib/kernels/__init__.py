"""Whole lives, fast: the same as `enu_lib.rollout`'s reference, on whatever the machine has.

    unit_outputs(cell, genomes, inputs, noise)               single units on given inputs
    maze_lives(network, genomes, maze, state, noise)         networks in a maze
    network_stepper(network, genomes, environments)          a network's steps, for a task written in Python

path: "cpp" is the compiled kernel of the CPU, "torch" needs no compiler and serves all processors, "auto" takes the fastest
that can be had: "cpp", on an Nvidia GPU "cuda", else "torch" (the environment variable ENU_KERNEL=cpp|torch decides for a
whole process).  Where "auto" misses a compiler, or a GPU's kernel, one line on stderr says so, once.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import Any, NamedTuple

from torch import Tensor

from enu_lib.cells import Cell
from enu_lib.kernels import cpu, cuda, door, fused, graph
from enu_lib.network import Network
from enu_lib.precision import in_float32
from enu_lib.streams import Noise

PATHS = ("auto", "cpp", "cuda", "torch", "reference")


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


def choose(path: str, model: Any, genomes: Tensor) -> str:
    """cpp, cuda or torch, for this model and these genomes (P, D)."""
    if path == "auto":
        path = os.environ.get("ENU_KERNEL") or "auto"
    if path not in PATHS:
        raise ValueError(f"unknown kernel path {path!r}: choose one of {', '.join(PATHS)}")
    suits_gpu = genomes.device.type == "cuda" and cuda.supports(model)
    if path == "cpp" and genomes.device.type != "cpu":
        raise cpu.Unavailable(
            f"the compiled kernel is for genomes on the CPU, not on {genomes.device}: use .cpu() or --device cpu"
        )
    if path == "cuda" and not suits_gpu:
        raise cpu.Unavailable(
            f"the kernel of GPUs is for networks of ENUs on one, not for {type(model).__name__} on {genomes.device}"
        )
    if path in ("cpp", "cuda", "torch"):
        return path
    if genomes.device.type != "cpu":
        return "cuda" if suits_gpu else "torch"
    if not cpu.supports(model):
        return "torch"
    return "cpp" if _compiled() else "torch"


@lru_cache
def _compiled() -> bool:
    try:
        cpu.library(1)
    except cpu.Unavailable as error:
        print(f"enu_lib: {error}; the slower torch path is used instead", file=sys.stderr)
        return False
    return True


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
    path: str = "auto",
) -> Tensor:
    """Outputs (P, B, T, C) of single units with genomes (P, D) for inputs (B, T, n_in), the same for all offspring."""
    genomes, inputs, noise = door.units(cell, genomes, inputs, noise)
    if choose(path, cell, genomes) == "cpp":
        return cpu.unit_outputs(cell, genomes, inputs, noise, count_threads(threads))
    return fused.unit_outputs(cell, genomes, inputs, noise)


@in_float32
def maze_lives(
    network: Network,
    genomes: Tensor,
    maze: Any,
    state: Any,
    noise: Noise | None = None,
    threads: int | None = None,
    path: str = "auto",
    record: bool = False,
) -> MazeScores:
    """Lives of genomes (P, D) in the B environments of `state`, as `maze.reset` draws it."""
    genomes, state, noise = door.lives(network, genomes, maze, state, noise)
    chosen = choose(path, network, genomes)
    if chosen == "cpp":
        lives = cpu.maze_lives(network, genomes, maze, state, noise, count_threads(threads), record)
        return MazeScores(*lives)
    if chosen == "cuda":
        try:
            return MazeScores(*cuda.maze_lives(network, genomes, maze, state, noise, record))
        except cuda.Unavailable as error:
            if path == chosen:
                raise
            _without_kernel(str(error))
    if graph.serves(maze, genomes, record):
        return MazeScores(*graph.maze_lives(network, genomes, maze, state, noise))
    return MazeScores(*fused.maze_lives(network, genomes, maze, state, noise, record))


@in_float32
def network_stepper(
    network: Network, genomes: Tensor, environments: int, threads: int | None = None, path: str = "auto"
) -> Any:
    """An object whose `step(x, noise, t)` is a network's next step for all offspring, as fast as there is one."""
    door.fits(network)
    genomes, environments = door.genomes(network, genomes), door.environments(environments)
    if choose(path, network, genomes) == "cpp":
        return cpu.Stepper(network, genomes, environments, count_threads(threads))
    return fused.Stepper(network, genomes, environments)
