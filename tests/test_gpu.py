"""On a GPU: the same episodes as on the CPU, and moves are recorded as graphs.  Skipped without a GPU."""

from contextlib import closing

import pytest
import torch

import enu_lib as enu
from enu_lib import es, kernels
from enu_lib.kernels import packing
from enu_lib.network import ORDERED, Network
from enu_lib.parallel import ahead
from enu_lib.streams import draw_noise, stream
from enu_lib.tasks.maze import Maze

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def _genomes(model, population, seed):
    spread = 0.2 * torch.randn(population, model.n_params, generator=stream(seed, "spread"))
    return model.init(stream(seed, "genome")) + spread


KINDS = [("enu", 16, 4), ("enu", 32, 16), ("nfenu", 24, 3), ("gru", 16, 4), ("lstm", 16, 4)]


@pytest.mark.parametrize("backend, kind, hidden, channels", [(backend, *k) for k in KINDS for backend in ("torch", "cuda")])
@pytest.mark.parametrize("layout", ["t", "double-t"])
def test_maze_episodes_equal_the_cpu_over_generations(backend, kind, hidden, channels, layout, capsys):
    network = Network(ORDERED, channels=channels, hidden=hidden, cell=kind, noise=0.02)
    maze = Maze(layout, "sensors", steps=200)
    for seed, environments in ((1, 8), (2, 8), (3, 8), (4, 21)):  # the first compiles or records; the last has other blocks
        genomes, noise = _genomes(network, 16, seed), draw_noise(maze.steps, environments, stream(seed, "noise"))
        state = maze.reset(1, environments, stream(seed, "maze"))
        there = type(state)(*(v.cuda() for v in state))
        reference = kernels.maze_episodes(network, genomes, maze, state, noise, backend="torch", record=True)
        lives = network, genomes.cuda(), maze, there, noise.to("cuda")
        found, recorded = (
            kernels.maze_episodes(*lives, backend=backend),
            kernels.maze_episodes(*lives, backend=backend, record=True),
        )
        same = (found.fitness.cpu() - reference.fitness).abs() < 1e-3
        assert same.float().mean() >= 0.8, "votes nearly tie at times; most lives are the same to the last"
        assert torch.allclose(recorded.outputs[:, :, :4].cpu(), reference.outputs[:, :, :4], atol=1e-3)
    assert "could not record" not in capsys.readouterr().err


@pytest.mark.parametrize("kind, hidden", [("enu", 16), ("enu", 32), ("gru-gain", 9), ("lstm-clip", 50)])
@pytest.mark.parametrize("backend", ["torch", "cuda"])
def test_single_units_equal_the_cpu(backend, kind, hidden):
    cell = enu.make_cell(kind, 4, 1, hidden, noise=0.1)
    genomes, inputs, noise = _genomes(cell, 8, 1), torch.rand(5, 60, 4), draw_noise(60, 5, stream(1, "noise"))
    reference = kernels.unit_outputs(cell, genomes, inputs, noise, 1, "reference")
    found = kernels.unit_outputs(cell, genomes.cuda(), inputs.cuda(), noise.to("cuda"), backend=backend)
    assert torch.allclose(found.cpu(), reference, atol=1e-3)


def test_an_evolution_stays_close_to_the_cpu(capsys):
    runs = [enu.evolve("tmaze", profile="smoke", device=device, progress=False) for device in ("cpu", "cuda")]
    assert torch.allclose(runs[0].parent, runs[1].parent.cpu(), atol=0.2)
    assert runs[0].generation == runs[1].generation
    assert "no kernel" not in capsys.readouterr().err


def test_mutations_drawn_ahead_arrive_unchanged():
    settings, mutations = es.ES(population=256, sigma=0.1), ahead.Threaded(4001, 7, threads=3, ahead=4, pinned=True)
    state = es.init(torch.zeros(4001, device="cuda"))
    with closing(mutations):
        for g in range(30):
            state = state._replace(generation=g)
            there = es.breed(settings, state, 7, mutations.take(settings, g)).mutations
            mutations.draw(settings, g)
            assert torch.equal(there.cpu(), es.sample_mutations(settings, 4001, 7, g))


@pytest.mark.parametrize("model", [enu.make_cell("enu", 4), enu.make_cell("gru-gain", 2, 3, 9), Network(channels=4, hidden=9)])
def test_packed_rules_are_those_of_the_cpu(model):
    genomes = _genomes(model, 8, 1)
    for found, wanted in zip(packing.rules(model, genomes.cuda()), packing.rules(model, genomes), strict=True):
        assert torch.equal(found.cpu(), wanted)
