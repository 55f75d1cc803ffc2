"""The GPU's kernel on the CPU: life.cu compiled as C++ with a thread for each of a block's (emulated_gpu.cpp)."""

import ctypes
import hashlib
import subprocess
from functools import lru_cache
from pathlib import Path

from enu_lib.kernels import MazeScores, cpu, cuda
from enu_lib.tasks.maze import geometry

SOURCE = Path(__file__).with_suffix(".cpp")
HOPPER = 227 * 1024  # bytes of shared memory that a block may have there
FLAGS = ["-std=c++20", "-O1", "-fno-strict-aliasing", "-fPIC", "-shared", "-pthread", "-Wno-unknown-pragmas"]


@lru_cache
def _library(defines, flags):
    path = cpu.cache() / f"emulated-{hashlib.sha256(' '.join([*defines, *flags]).encode()).hexdigest()[:16]}.so"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [cpu.compiler(), *FLAGS, *flags, f"-I{cuda.KERNEL.parent}", *defines, str(SOURCE), "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    library = ctypes.CDLL(str(path))
    library.launch.restype = ctypes.c_bool
    return library


def launcher(layout, flags=()):
    """What on a GPU launches the kernel."""

    def launch(grid, structures):
        within = _library(layout.defines, tuple(flags)).launch(*map(ctypes.byref, structures), *grid)
        assert within, "the kernel wrote beyond its shared memory"

    return launch


def maze_lives(network, genomes, maze, state, noise, shared=HOPPER, flags=()):
    """As `kernels.maze_lives`, recorded, for networks that `cuda.supports`."""
    layout = cuda.plan(network, len(geometry(maze).cells), state.places.shape[1], shared)
    return MazeScores(*cuda._lives(launcher(layout, flags), layout, network, genomes, maze, state, noise, record=True))
