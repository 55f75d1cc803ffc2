"""Run the CPU kernel on random cases, valid and invalid, and then out of bounds; started by tests/test_sanitizers.py."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import random_lives
import torch

import enu_lib as enu
from enu_lib import es, kernels
from enu_lib.kernels import cpu
from enu_lib.streams import draw_noise, stream

VECTORS = range(1, cpu.MAX_HIDDEN // cpu.PAD + 1)


def units_and_networks(seed, network):
    """Run one valid and one invalid case; the number of accepted and of rejected ones."""
    good = random_lives.case(seed, network)
    done = [0, 0]
    for case in (good, random_lives.spoilt(good, seed)[1]):
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


def mazes(seed):
    """Run episodes in a maze, and with the state of another maze."""
    network, genomes, maze = random_lives.maze(seed)
    *_, other = random_lives.maze(seed + 1)
    noise = draw_noise(maze.steps, 5, stream(seed, "noise"))
    done = [0, 0]
    for drawn in (maze, other):
        try:
            state = drawn.reset(1, 5, stream(seed, "maze"))
            kernels.maze_lives(network, genomes, maze, state, noise, 2, "cpp", record=bool(seed % 2))
            done[0] += 1
        except ValueError:
            done[1] += 1
    return done


def generation(seed):
    """A share of a generation, added up in the kernel, in the tasks that it scores and in a maze."""
    rng = random.Random(seed)
    steps, hidden, pairs = rng.randint(4, 20), rng.randint(1, cpu.MAX_HIDDEN), rng.randint(2, 5)
    low = rng.randrange(2 * pairs)
    rows = low, rng.randint(low + 1, 2 * pairs)
    for task in (enu.STDP(steps=steps, spike_mean=steps / 2), enu.IAF(steps=steps), enu.Maze(steps=steps)):
        kind, network = rng.choice(random_lives.KINDS), isinstance(task, enu.Maze)
        model = enu.Network(channels=4, hidden=hidden, cell=kind) if network else enu.make_cell(kind, task.n_in, 1, hidden)
        offspring = es.breed(enu.ES(population=2 * pairs), es.init(model.init(stream(seed, "genome"))), seed, rows=rows)
        enu.fitness(model, offspring, task, rng.randint(1, 9), stream(seed, "x"), 2, "cpp")


def main(cases):
    torch.set_num_threads(1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cpu.library, VECTORS))
    parts = [units_and_networks(seed, network) for seed in range(cases) for network in (False, True)]
    parts += [mazes(seed) for seed in range(cases)]
    for seed in range(cases):
        generation(seed)
    lived, refused = (sum(part) for part in zip(*parts, strict=True))
    print(f"lived {lived}, refused {refused}", flush=True)
    print("NOW WHAT IS WRONG", file=sys.stderr, flush=True)
    good = random_lives.case(1, False)
    memory = torch.zeros(good.genomes.numel() + 1)
    crooked = memory[1:].view(good.genomes.shape)  # on the right boundary of floats, and then beside it
    crooked.copy_(good.genomes)
    cell = cpu.cell_struct(good.model)
    x, y = good.inputs, torch.zeros(len(good.genomes), *good.inputs.shape[:2], good.model.n_out)
    library, (b, t, _) = cpu.library(-(-good.model.hidden // cpu.PAD)), x.shape
    for genomes, steps in ((crooked.data_ptr() - 2, t), (good.genomes.data_ptr(), t + 100)):
        library.unit_outputs(
            cpu.ctypes.byref(cell), cpu.i64(len(good.genomes)), cpu.i64(b), cpu.i64(steps), cpu.pointer(genomes),
            cpu.pointer(x.data_ptr()), None, None, cpu.pointer(y.data_ptr()), 1,
        )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]))
