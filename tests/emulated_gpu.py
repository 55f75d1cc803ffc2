"""The GPU's kernel on the CPU: life.cu compiled as C++ with a thread for each of a block's (emulated_gpu.cpp)."""

import ctypes
from pathlib import Path

from enu_lib.kernels import MazeScores, build, cpu, cuda
from enu_lib.tasks.maze import geometry

SOURCE = Path(__file__).with_suffix(".cpp")
HOPPER = 227 * 1024  # bytes of shared memory that a block may have there
FLAGS = ("-std=c++20", "-O1", "-fno-strict-aliasing", "-fPIC", "-shared", "-pthread", "-Wno-unknown-pragmas")


def library(defines, flags=()):
    """The kernel compiled with a layout's defines."""
    flags = (*FLAGS, *flags, f"-I{cuda.KERNEL.parent}", *defines)
    found = build.library(SOURCE, (cuda.KERNEL, cuda.KERNEL.with_name(cpu.MAZE.name)), flags, ("launch",))
    found.launch.restype = ctypes.c_bool
    return found


def launcher(layout, flags=(), without=0):
    """What on a GPU launches the kernel; `without` the barrier on that line of life.cu."""

    def launch(grid, structures):
        kernel = library(layout.defines, flags)
        ctypes.c_int.in_dll(kernel, "without").value = without
        within = kernel.launch(*map(ctypes.byref, structures), *grid)
        assert within, "the kernel wrote beyond its shared memory"

    return launch


def layout(network, maze, state, shared=HOPPER):
    """How lives are laid out on a card with so many bytes of shared memory a block."""
    return cuda.plan(network, len(geometry(maze).cells), state.places.shape[1], shared)


def maze_lives(network, genomes, maze, state, noise, shared=HOPPER, flags=(), without=0):
    """As `kernels.maze_lives`, recorded, for networks that `cuda.supports`."""
    plan = layout(network, maze, state, shared)
    return MazeScores(*cuda._lives(launcher(plan, flags, without), plan, network, genomes, maze, state, noise, record=True))
