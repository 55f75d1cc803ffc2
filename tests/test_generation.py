"""A generation on every backend: adding up and scoring inside the kernel gives the same bits as doing so outside."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

import enu_lib as enu
from enu_lib import es, experiments, kernels
from enu_lib.base.names import CellName, UnitName
from enu_lib.es import ES
from enu_lib.kernels import cpu
from enu_lib.streams import draw_noise, stream

BACKENDS = ("reference", "torch", "cpp") if enu.kernels.compiled(enu.ENU(1)) else ("reference", "torch")
TASKS = {
    "neuromodulated": enu.STDP(steps=40, spike_mean=20.0),
    "plain": enu.STDP("plain", steps=40, spike_mean=20.0),
    "complex": enu.STDP("complex", steps=40, spike_mean=20.0),
    "iaf": enu.IAF(steps=40),
    "iaf, scaled": enu.IAF(steps=40, input_scale=5.0, before=10, fires_above=0.2),
}
CELLS = (*get_args(CellName), *get_args(UnitName))


def _offspring(model, population=12, rows=None, sigma=0.3):
    parent = model.init(stream(0, "genome"))
    return es.breed(ES(population=population, sigma=sigma), es.init(parent), 3, rows=rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("name", TASKS)
def test_scores_are_those_of_the_task_bit_for_bit(name, kind, backend):
    task = TASKS[name]
    cell = replace(enu.make_cell(kind, task.n_in, 1, hidden=7), noise=0.2)
    batch, noise = task.sample(11, stream(1, "batch")), draw_noise(task.steps, 11, stream(1, "noise"))
    offspring = _offspring(cell)
    outputs = kernels.unit_outputs(cell, offspring.genomes, batch.inputs, noise, 2, backend)
    expected = task.score(batch, outputs)
    assert torch.equal(kernels.unit_scores(cell, offspring, task, batch, noise, 2, backend), expected)
    assert torch.equal(kernels.unit_scores(cell, offspring.genomes, task, batch, noise, 1, backend), expected)
    assert expected.unique().numel() > 100


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("rows", [(0, 12), (0, 4), (4, 9), (6, 12), (11, 12)])
def test_any_share_of_the_offspring_equals_these_genomes(rows, backend, near):
    task, maze = TASKS["neuromodulated"], enu.Maze(steps=30)
    unit, network = enu.ENU(4, hidden=5), enu.Network(channels=4, hidden=5)
    for model, where in ((unit, task), (network, maze)):
        every, some = _offspring(model), _offspring(model, rows=rows)
        expected, found = (
            enu.fitness(model, x, where, 5, stream(2, "environment"), backend=backend) for x in (every.genomes, some)
        )
        assert len(some) == rows[1] - rows[0] and torch.equal(some.genomes, every.genomes[rows[0] : rows[1]])
        if backend == "cpp":
            assert torch.equal(found, expected[rows[0] : rows[1]])
        else:  # matrix products of other sizes add in another order: 30 steps of sums of 14 terms, 1e-7 each
            near((found - expected[rows[0] : rows[1]]).abs(), 1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["neuromodulated", "iaf"])
def test_offspring_that_overflow_are_nan_and_the_others_are_not(name, backend):
    task = TASKS[name]
    cell = enu.ENU(task.n_in, hidden=5)
    offspring = _offspring(cell)
    for row, value in ((2, torch.nan), (3, torch.inf), (4, 2e18)):
        offspring.mutations[row, 17] = value
    found, expected = (enu.fitness(cell, x, task, 4, stream(2, "x"), backend=backend) for x in (offspring, offspring.genomes))
    assert torch.equal(found.isnan(), expected.isnan()) and torch.equal(found.nan_to_num(), expected.nan_to_num())
    assert found.isnan().all(1).nonzero()[:, 0].tolist() == [2, 3, 4, 8, 9, 10]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["stdp", "iaf", "tmaze"])
def test_evolution_is_ask_fitness_and_tell(name, backend):
    e = experiments.get(name, profile="smoke", generations=3)
    state = es.init(e.model.init(stream(5, "genome")))
    for g in range(e.generations):
        genomes, mutations = es.ask(e.es, state, 5)
        f = enu.fitness(e.model, genomes, e.task, e.environments, stream(5, "environment", g), backend=backend)
        state = es.tell(e.es, state, mutations, es.aggregate_fitness(e.es, f))
    assert torch.equal(enu.evolve(e, seed=5, progress=False, backend=backend).parent, state.parent)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_task_of_ones_own_scores_itself(backend):
    class Kind(enu.STDP):
        def score(self, batch, outputs):
            return super().score(batch, outputs) + 3

    task, kind = TASKS["plain"], Kind("plain", steps=40, spike_mean=20.0)
    cell = enu.ENU(3, hidden=5)
    strict, kinder = (enu.fitness(cell, _offspring(cell), t, 4, stream(2, "x"), backend=backend) for t in (task, kind))
    assert torch.allclose(kinder, strict + 3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_outputs_and_foreign_batches_are_scored_by_the_task(backend):
    task = TASKS["plain"]
    two, batch = enu.ENU(3, n_out=2, hidden=5), task.sample(4, stream(1, "batch"))
    outputs = kernels.unit_outputs(two, _offspring(two).genomes, batch.inputs, backend=backend)
    assert torch.equal(kernels.unit_scores(two, _offspring(two), task, batch, backend=backend), task.score(batch, outputs))
    one, constant = enu.ENU(3, hidden=5), batch._replace(target=batch.target[:1, :1])
    outputs = kernels.unit_outputs(one, _offspring(one).genomes, batch.inputs, backend=backend)
    assert torch.equal(
        kernels.unit_scores(one, _offspring(one), task, constant, backend=backend), task.score(constant, outputs)
    )


def test_offspring_that_do_not_fit_are_refused():
    cell, task = enu.ENU(4, hidden=5), TASKS["neuromodulated"]
    good = _offspring(cell)
    bad = {
        "mutations": replace(good, mutations=good.mutations[:, :-1]),
        str(cell.n_params): replace(good, parent=good.parent[:-1]),
        "(5, 13)": replace(good, rows=(5, 13)),
        "(4, 4)": replace(good, rows=(4, 4)),
    }
    for word, offspring in bad.items():
        with pytest.raises(ValueError) as error:
            enu.fitness(cell, offspring, task, 4, stream(2, "x"))
        assert word in str(error.value)


def test_the_kernels_limit_is_that_of_the_other_backends():
    assert cpu.supports(enu.ENU(1, hidden=64)) and not cpu.supports(enu.ENU(1, hidden=65))
    offspring, task = _offspring(enu.ENU(4, hidden=65), 4), TASKS["neuromodulated"]
    found = enu.fitness(enu.ENU(4, hidden=65), offspring, task, 2, stream(2, "x"))
    assert torch.equal(found, enu.fitness(enu.ENU(4, hidden=65), offspring.genomes, task, 2, stream(2, "x")))
