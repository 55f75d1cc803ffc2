"""All results are float32 results, for any precision of genomes and tasks and any torch settings."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from own_task import Copy, Follow
from random_lives import BACKENDS, population, weighing

import enu_lib as enu
from enu_lib import analysis, es
from enu_lib.analysis import agents, conditioning, generalise, interventions
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import record_episodes
from enu_lib.streams import stream
from enu_lib.widgets import life

NOISY = enu.ENU(1, 1, hidden=8, noise=0.1)
NETWORK = Network(ORDERED, channels=4, hidden=8)
MAZE = enu.Maze(steps=20)


class Lit(NamedTuple):
    lit: torch.Tensor


@contextmanager
def _default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


HABITS = {
    "float64 by default": lambda: _default_dtype(torch.float64),
    "float16 by default": lambda: _default_dtype(torch.float16),
    "another device by default": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", torch.float16),
}


def _numbers():
    """All measures, as (name, tensor or numbers)."""
    for name in ("iaf-enu", "stdp-enu", "tmaze-enu"):
        entry = enu.zoo.load(name)
        task = replace(entry.task, steps=40) if name == "tmaze-enu" else entry.task
        for backend in BACKENDS:
            yield (
                f"fitness, {name}, {backend}",
                enu.fitness(entry.model, torch.stack([entry.genome] * 2), task, 4, stream(0, "x"), backend=backend),
            )
        trace = enu.rollout(entry.model, entry.genome, task, 4)
        yield f"rollout, {name}", torch.cat([trace.x.flatten(), trace.y.flatten(), trace.fitness.flatten()])
    for backend in BACKENDS:
        yield f"follow, {backend}", enu.fitness(NETWORK, population(NETWORK), Loop(), 6, stream(0, "x"), backend=backend)
    for cell in ("gru", "lstm"):
        unit = enu.make_cell(cell, 4, hidden=8, noise=0.1)
        for backend in BACKENDS:
            yield f"{cell}, {backend}", enu.fitness(unit, population(unit), enu.STDP(), 4, stream(0, "x"), backend=backend)
    for name in ("stdp", "tmaze"):
        run = enu.evolve(name, profile="smoke", progress=False, device="cpu")
        yield f"evolve {name}", run.genome
        yield f"evolve {name}, score", run.score
    adam = enu.ES(population=8, optimizer="adam", shaping="centred")
    parent = enu.ENU(1).init(stream(0, "genome"))
    offspring, mutations = es.ask(adam, es.init(parent), 0)
    yield "ask", offspring
    yield "tell", es.tell(adam, es.init(parent), mutations, offspring.sum(1)).parent
    network, genome = NETWORK, population(NETWORK)[0]
    maze = enu.Maze(steps=60, explore_bonus=0.1)
    for intervene in (None, interventions.scramble("synapses", 5, 48)):
        lives = record_episodes(network, genome, maze, 12, intervene=intervene)
        yield "live", torch.cat([lives.y.flatten(), lives.fitness.flatten()])
    yield "agents", list(agents.scores(maze, "looking", 50).values())
    yield "conditioning", conditioning.conditioning(network, genome, (0, 8), 2).outputs
    for name in ("iaf-enu", "stdp-enu"):
        entry = enu.zoo.load(name)
        yield f"scores, {name}", [v for v in analysis.scores(entry.model, entry.genome, entry.task, 16).values() if v == v]
        yield f"noise, {name}", generalise.noise_curve(entry, [0.1], 16)
    now = life.begin(network, genome, maze)
    for _ in range(6):
        now = life.step(now)
    yield "life", now.y


@dataclass(frozen=True)
class Loop:
    """A closed loop that uses the package's random streams."""

    steps: int = 12
    name: str = "loop"

    def reset(self, population, environments, generator):
        return Lit(enu.streams.integers(0, 3, (1, environments), generator))

    def observe(self, state, t):
        x = torch.zeros(*state.lit.shape, 4, 1, dtype=torch.float32, device="cpu")
        return x.scatter(2, state.lit[..., None, None], 1.0)

    def step(self, state, y, t):
        return Lit((state.lit + 1) % 3), y @ weighing(3)


@pytest.fixture(scope="module")
def plain():
    return dict(_numbers())


@pytest.mark.parametrize("habit", HABITS)
def test_torch_settings_do_not_change_any_bit(habit, plain):
    with HABITS[habit]():
        found = dict(_numbers())
    assert found.keys() == plain.keys() and len(plain) > 20
    for name, value in plain.items():
        mine = found[name]
        if isinstance(value, torch.Tensor):
            assert mine.dtype == value.dtype and value.isfinite().all(), name
            assert torch.equal(mine, value), name
        else:
            assert mine == value, name


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_genomes_of_another_precision_equal_their_float32_versions(backend, dtype):
    for model, task in ((NOISY, Copy()), (NETWORK, MAZE), (NETWORK, Follow())):
        other = population(model).to(dtype)
        right, found = (enu.fitness(model, g, task, 5, stream(0, "x"), backend=backend) for g in (other.float(), other))
        assert found.dtype == torch.float32 and torch.equal(found, right)
        a, b = (enu.rollout(model, g, task, 5) for g in (other.float(), other))
        assert torch.equal(a.y, b.y) and torch.equal(a.fitness, b.fitness) and b.y.dtype == torch.float32


class Batch(NamedTuple):
    inputs: torch.Tensor
    target: torch.Tensor


@dataclass(frozen=True)
class Measured:
    """A task from numpy data, by default float64."""

    dtype: str = "f8"
    steps: int = 30
    name: str = "measured"

    def sample(self, environments, generator):
        x = np.random.default_rng(0).random((environments, self.steps, 2)).astype("f4").astype(self.dtype)
        return Batch(torch.from_numpy(x[..., :1]), torch.from_numpy(x[..., 1]))

    def score(self, batch, outputs):
        return -((batch.target - outputs[..., 0]) ** 2)


@dataclass(frozen=True)
class Precise(Follow):
    """A closed loop in float64."""

    def observe(self, *arguments):
        return super().observe(*arguments).double()

    def step(self, *arguments):
        state, f = super().step(*arguments)
        return state, f.double()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_float64_task_equals_its_float32_version(backend):
    for model, tasks in ((NOISY, (Measured("f4"), Measured())), (NETWORK, (Follow(), Precise()))):
        right, found = (enu.fitness(model, population(model), task, 5, stream(0, "x"), backend=backend) for task in tasks)
        assert found.dtype == torch.float32 and torch.equal(found, right) and right.std() > 0
        a, b = (enu.rollout(model, population(model), task, 5) for task in tasks)
        assert torch.equal(a.y, b.y) and torch.equal(a.fitness, b.fitness) and b.fitness.dtype == torch.float32


def test_evolution_on_numpy_data():
    es_small = enu.ES(population=8, sigma=0.03)
    runs = [
        enu.evolve(enu.Experiment("x", Measured(dtype), NOISY, es_small, generations=3, environments=4), progress=False)
        for dtype in ("f4", "f8")
    ]
    assert torch.equal(runs[0].genome, runs[1].genome) and runs[0].score == runs[1].score


def test_a_float64_parent_starts_the_same_run_as_its_float32_version():
    experiment = enu.experiments.get("stdp", profile="smoke")
    parent = experiment.model.init(stream(3, "genome"))
    runs = [enu.evolve(experiment, parent=p, progress=False) for p in (parent, parent.double())]
    assert torch.equal(runs[0].genome, runs[1].genome) and runs[0].begun_from == runs[1].begun_from
