"""The CPU kernel under address and undefined-behaviour sanitizers, on random cases, valid and invalid, and then out of bounds.

test_sanitizers and torture start it as a separate program, since the sanitizers must be loaded before Python.
"""

import math
import os
import random
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import random_lives
import torch

import enu_lib as enu
from enu_lib import es, kernels
from enu_lib.kernels import build, cpu
from enu_lib.streams import draw_noise, stream

HERE = Path(__file__).parent
FLAGS = "-O0 -g1 -fsanitize=address,undefined"  # -O0 compiles fastest and keeps every read


@cache
def sanitizer():
    """The libraries to preload for the address sanitizer, or None if the compiler has none.

    The C++ library is needed too, since the sanitizer looks for C++ exceptions at start, before Python has loaded it.
    """
    if build.compiler() is None:
        return None
    ask = [[*build.compiler(), f"-print-file-name={name}"] for name in ("libasan.so", "libstdc++.so.6")]
    told = [subprocess.run(command, capture_output=True, text=True).stdout.strip() for command in ask]
    return " ".join(told) if all(Path(path).is_file() for path in told) else None


def check(cases, largest, folder):
    """Run this program on `cases` cases of each kind with up to `largest` hidden units; the number of all cases.

    Raises AssertionError if a sanitizer reports anything there, or does not report each of two deliberate faults.
    """
    env = {**os.environ, "LD_PRELOAD": sanitizer(), "ASAN_OPTIONS": "detect_leaks=0", "ENU_CXXFLAGS": FLAGS}
    env |= {"ENU_CACHE": str(folder), "ENU_KERNEL": "cpp", "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}"}
    env["CXX"] = shlex.join(["env", "-u", "LD_PRELOAD", *build.compiler()])  # do not preload the sanitizer into the compiler
    command = [sys.executable, __file__, str(cases), str(largest)]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    lived = re.fullmatch(r"lived (\d+), refused (\d+)\s*", done.stdout)
    before, marker, after = done.stderr.partition("NOW WHAT IS WRONG")
    assert lived and marker, done.stderr[-3000:]
    assert "runtime error" not in before and "Sanitizer" not in before, before[-3000:]
    counts = [int(n) for n in lived.groups()]
    assert sum(counts) == 8 * cases and min(counts) > 2 * cases
    assert "runtime error: load of misaligned address" in after
    assert done.returncode and "ERROR: AddressSanitizer: heap-" in after, after[-3000:]
    return sum(counts)


def units_and_networks(seed, network, largest):
    """Run one valid and two invalid cases; the number of accepted and of rejected ones.  Ten seeds have all twenty defects."""
    good = random_lives.case(seed, network, largest)
    done = [0, 0]
    for case in (good, *(random_lives.spoilt(good, seed + more)[1] for more in (0, 10))):
        try:
            if network:
                enu.fitness(case.model, case.genomes, case.task, case.environments, stream(seed, "x"), 2, "cpp")
                stepper = kernels.stepper(case.model, case.genomes, case.environments, 2, "cpp")
                for t in range(case.steps):
                    stepper.step(case.inputs[None, :, t], case.noise, t)
            else:
                enu.fitness(case.model, case.genomes, case.task, case.environments, stream(seed, "x"), 2, "cpp")
                kernels.unit_outputs(case.model, case.genomes, case.inputs, case.noise, 2, "cpp")
            done[0] += 1
        except (ValueError, TypeError, IndexError):
            done[1] += 1
    return done


def mazes(seed, largest):
    """Run episodes in a maze, and with the state of another maze."""
    network, genomes, maze = random_lives.maze(seed, largest)
    *_, other = random_lives.maze(seed + 1)
    noise = draw_noise(maze.steps, 5, stream(seed, "noise"), (0, 3) if seed % 3 else None)
    done = [0, 0]
    for drawn in (maze, other):
        try:
            state = drawn.reset(3, 5, stream(seed, "maze"))
            kernels.maze_episodes(network, genomes, maze, state, noise, 2, "cpp", record=bool(seed % 2))
            done[0] += 1
        except ValueError:
            done[1] += 1
    return done


def generation(seed, largest):
    """A share of a generation, added up in the kernel, in the tasks that it scores and in a maze."""
    rng = random.Random(seed)
    steps, hidden, pairs = rng.randint(4, 20), rng.randint(1, largest), rng.randint(2, 5)
    low = rng.randrange(2 * pairs)
    rows = low, rng.randint(low + 1, 2 * pairs)
    for task in (enu.STDP(steps=steps, spike_mean=steps / 2), enu.IAF(steps=steps), enu.Maze(steps=steps)):
        kind, network = rng.choice(random_lives.KINDS), isinstance(task, enu.Maze)
        model = enu.Network(channels=4, hidden=hidden, cell=kind) if network else enu.make_cell(kind, task.n_in, 1, hidden)
        offspring = es.breed(enu.ES(population=2 * pairs), es.init(model.init(stream(seed, "genome"))), seed, rows=rows)
        enu.fitness(model, offspring, task, rng.randint(1, 9), stream(seed, "x"), 2, "cpp")


def main(cases, largest):
    torch.set_num_threads(1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cpu.library, range(1, largest // cpu.PAD + 1)))
    parts = [units_and_networks(seed, network, largest) for seed in range(cases) for network in (False, True)]
    parts += [mazes(seed, largest) for seed in range(cases)]
    for seed in range(cases):
        generation(seed, largest)
    lived, refused = (sum(part) for part in zip(*parts, strict=True))
    print(f"lived {lived}, refused {refused}", flush=True)
    print("NOW WHAT IS WRONG", file=sys.stderr, flush=True)
    good = random_lives.case(1, False, largest)
    memory = torch.zeros(good.genomes.numel() + 1)
    crooked = memory[1:].view(good.genomes.shape)  # on the right boundary of floats, and then beside it
    crooked.copy_(good.genomes)
    cell = cpu.cell_struct(good.model)
    x, y = good.inputs, torch.zeros(len(good.genomes), *good.inputs.shape[:2], good.model.n_out)
    library, (b, t, _) = cpu.library(math.ceil(good.model.hidden / cpu.PAD)), x.shape
    for genomes, steps in ((crooked.data_ptr() - 2, t), (good.genomes.data_ptr(), t + 100)):
        library.unit_outputs(
            cpu.ctypes.byref(cell), cpu.i64(len(good.genomes)), cpu.i64(b), cpu.i64(steps), cpu.pointer(genomes),
            cpu.pointer(x.data_ptr()), None, cpu.pointer(y.data_ptr()), 1,
        )  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
