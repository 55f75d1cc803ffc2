"""A driven neuron equals one neuron of a network that receives the same current."""

from types import SimpleNamespace

import torch
from exact import Exact

import enu_lib as enu
from enu_lib.analysis import drive
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze


def test_a_settled_neuron_repeats_the_cell_s_own_steps(near):
    network = Network(channels=4, hidden=8, noise=0.0)
    genome = network.init(enu.stream(1, "genome"))
    current, drives = torch.tensor([0.2, 0.5, 0.1, 0.9]), torch.tensor([0.0, 1.0, 2.5])
    found = drive.bifurcation(network, genome, current, drives, steps=30, keep=5)
    assert found.shape == (3, 5)
    cell = network.neuron_cell
    neuron = SimpleNamespace(unpack=lambda genomes: network.unpack(genomes).neuron, reset=cell.reset, step=cell.step)
    for a, strength in enumerate(drives):
        exact = Exact(neuron, genome[None], 1)
        steps = [exact.step((strength * current)[None, None]) for _ in range(30)][-5:]
        for kept, (y, bound) in zip(found[a], steps, strict=True):
            near((kept - y[0, 0, 0]).abs(), bound)


def test_the_mean_current_is_that_of_living_agents():
    network = Network(channels=4, hidden=8)
    genome = network.init(enu.stream(2, "genome"))
    lives = enu.rollout(network, genome, Maze(steps=90), 3, memory=True)
    sent, alive = lives.model["transmitted"][0], lives.task["alive"][0]
    each = [sent[b, t].mean((0, 1)) for b in range(3) for t in range(90) if alive[b, t]]
    assert len(each) < 3 * 90, "some starve"
    assert torch.allclose(drive.mean_current(lives), torch.stack(each).mean(0), atol=1e-6)
