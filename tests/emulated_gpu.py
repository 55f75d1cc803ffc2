"""The GPU kernels on the CPU: life.cu and units.cu compiled as C++, with one CPU thread per GPU thread (emulated_gpu.cpp)."""

import ctypes
from pathlib import Path

from enu_lib.kernels import MazeScores, build, cuda, nvidia
from enu_lib.tasks.maze import geometry

SOURCE = Path(__file__).with_suffix(".cpp")
HOPPER = 227 * 1024  # bytes of shared memory per block
FLAGS = ("-std=c++20", "-O1", "-fno-strict-aliasing", "-fPIC", "-shared", "-pthread", "-Wno-unknown-pragmas")


def library(layout, flags=()):
    """Compile the kernel of a layout."""
    flags = (*FLAGS, *flags, f"-I{nvidia.FOLDER}", *layout.defines)
    compiled = build.library(SOURCE, (layout.source, *nvidia.INCLUDES), flags, ("launch",))
    compiled.launch.restype = ctypes.c_bool
    return compiled


def launcher(layout, flags=(), without=0):
    """A function that launches the kernel.  without: line of its source whose barrier is removed."""

    def launch(grid, structures):
        kernel = library(layout, flags)
        ctypes.c_int.in_dll(kernel, "without").value = without
        arguments = (ctypes.c_void_p * len(structures))(*map(ctypes.addressof, structures))
        assert kernel.launch(arguments, *grid), "the kernel wrote beyond its shared memory"

    return launch


def layout(network, maze, state, shared=HOPPER):
    """The layout of episodes on a GPU with the given bytes of shared memory per block."""
    return cuda.plan(network, len(geometry(maze).squares), state.places.shape[1], shared)


def maze_episodes(network, genomes, maze, state, noise, shared=HOPPER, flags=(), without=0):
    """As `kernels.maze_episodes` with `record=True`, on the emulated GPU."""
    plan = layout(network, maze, state, shared)
    return MazeScores(*cuda.run(launcher(plan, flags, without), plan, network, genomes, maze, state, noise, record=True))


def unit_outputs(cell, genomes, inputs, noise):
    """As `kernels.unit_outputs`, on the emulated GPU."""
    plan = cuda.unit_plan(cell, len(inputs), HOPPER)
    return cuda.run_units(launcher(plan), plan, cell, genomes, inputs, noise)
