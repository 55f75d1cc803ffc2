"""The GPU kernel on the CPU: life.cu compiled as C++, with one CPU thread per GPU thread (emulated_gpu.cpp)."""

import ctypes
from pathlib import Path

from enu_lib.kernels import MazeScores, build, cpu, cuda
from enu_lib.tasks.maze import geometry

SOURCE = Path(__file__).with_suffix(".cpp")
HOPPER = 227 * 1024  # bytes of shared memory per block
FLAGS = ("-std=c++20", "-O1", "-fno-strict-aliasing", "-fPIC", "-shared", "-pthread", "-Wno-unknown-pragmas")


def library(defines, flags=()):
    """Compile the kernel with the defines of a layout."""
    flags = (*FLAGS, *flags, f"-I{cuda.KERNEL.parent}", *defines)
    compiled = build.library(SOURCE, (cuda.KERNEL, cuda.KERNEL.with_name(cpu.MAZE.name)), flags, ("launch",))
    compiled.launch.restype = ctypes.c_bool
    return compiled


def launcher(layout, flags=(), without=0):
    """A function that launches the kernel.  without: line of life.cu whose barrier is removed."""

    def launch(grid, structures):
        kernel = library(layout.defines, flags)
        ctypes.c_int.in_dll(kernel, "without").value = without
        within = kernel.launch(*map(ctypes.byref, structures), *grid)
        assert within, "the kernel wrote beyond its shared memory"

    return launch


def layout(network, maze, state, shared=HOPPER):
    """The layout of episodes on a GPU with the given bytes of shared memory per block."""
    return cuda.plan(network, len(geometry(maze).cells), state.places.shape[1], shared)


def maze_lives(network, genomes, maze, state, noise, shared=HOPPER, flags=(), without=0):
    """As `kernels.maze_lives` with `record=True`, on the emulated GPU."""
    plan = layout(network, maze, state, shared)
    return MazeScores(*cuda.run(launcher(plan, flags, without), plan, network, genomes, maze, state, noise, record=True))
