"""Where there is a GPU: it lives the same lives as the CPU, and a move of theirs is really recorded.  Skipped elsewhere."""

import pytest
import torch

import enu_lib as enu
from enu_lib import kernels
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import _outputs
from enu_lib.streams import draw_noise, stream
from enu_lib.tasks.maze import Maze

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def _genomes(model, population, seed):
    spread = 0.2 * torch.randn(population, model.n_params, generator=stream(seed, "spread"))
    return model.init(stream(seed, "genome")) + spread


@pytest.mark.parametrize("kind", ["enu", "nfenu", "gru", "lstm"])
@pytest.mark.parametrize("layout", ["t", "double-t"])
def test_lives_in_mazes_one_generation_after_another(kind, layout, capsys):
    network, maze = Network(ORDERED, channels=4, hidden=16, cell=kind, noise=0.02), Maze(layout, "sensors", steps=200)
    for seed in (1, 2, 3):  # the first records, the others replay
        genomes, noise = _genomes(network, 16, seed), draw_noise(maze.steps, 8, stream(seed, "noise"))
        state = maze.reset(1, 8, stream(seed, "maze"))
        there = type(state)(*(v.cuda() for v in state))
        reference = kernels.fast_torch.maze_lives(network, genomes, maze, state, noise, record=False)
        found = kernels.maze_lives(network, genomes.cuda(), maze, there, noise.to("cuda"))
        same = (found.fitness.cpu() - reference[0]).abs() < 1e-3
        assert same.float().mean() >= 0.9, "votes nearly tie at times; nearly all lives are the same to the last"
    assert "could not record" not in capsys.readouterr().err


def test_single_units():
    cell = enu.ENU(4, 1, 16, noise=0.1)
    genomes, inputs, noise = _genomes(cell, 8, 1), torch.rand(5, 60, 4), draw_noise(60, 5, stream(1, "noise"))
    reference = _outputs(cell, genomes, inputs, noise, 1, "reference")
    found = kernels.unit_outputs(cell, genomes.cuda(), inputs.cuda(), noise.to("cuda"))
    assert torch.allclose(found.cpu(), reference, atol=1e-3)


def test_an_evolution_is_nearly_the_cpus():
    runs = [enu.evolve("tmaze", profile="smoke", device=device, progress=False) for device in ("cpu", "cuda")]
    assert torch.allclose(runs[0].parent, runs[1].parent.cpu(), atol=0.2)
    assert runs[0].generation == runs[1].generation
