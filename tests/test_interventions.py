"""Interventions have the described effect and no other."""

import pytest
import torch
from needs import NEEDS_COMPILER

import enu_lib as enu
from enu_lib.analysis import interventions as iv
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import record_episodes
from enu_lib.streams import draw_noise
from enu_lib.tasks.maze import Maze

NETWORK, MAZE = Network(ORDERED, channels=4, hidden=8, noise=0.1), Maze(steps=40)
GENOME = NETWORK.init(enu.stream(0, "genome"))


def _live(intervene=None):
    return enu.rollout(NETWORK, GENOME, MAZE, 6, seed=2, memory=True, intervene=intervene)


@pytest.mark.parametrize("nothing", [lambda t, s: s, iv.reset("synapses", 40), iv.freeze("neurons", 40), iv.silence([])])
def test_an_intervention_that_changes_nothing_gives_identical_bits(nothing):
    plain, same = _live(), _live(nothing)
    assert torch.equal(plain.y, same.y) and torch.equal(plain.fitness, same.fitness)
    assert all(torch.equal(plain.model[k], same.model[k]) for k in plain.model)


@pytest.mark.parametrize("compartment, other", [("synapses", "neuron_memory"), ("neurons", "synapse_memory")])
@pytest.mark.parametrize("make", [iv.reset, iv.freeze])
def test_interventions_affect_later_steps_only(make, compartment, other):
    plain, changed = _live(), _live(make(compartment, 20))
    for name in plain.model:
        assert torch.equal(plain.model[name][:, :, :20], changed.model[name][:, :, :20])
    assert not torch.equal(plain.model[other], changed.model[other])


def test_a_frozen_compartment_keeps_its_memory():
    """Frozen at zero after a reset, so that each step equals the first step of an episode."""
    seen = []
    freeze = iv.freeze("synapses", 10)

    def watch(t, state):
        state = freeze(t, state)
        seen.append(state.synapse[0].clone())
        return state

    _live(watch)
    assert all(torch.equal(seen[10], h) for h in seen[10:]) and not torch.equal(seen[9], seen[10])


def test_scramble_permutes_memories_among_units():
    seen = {}

    def watch(t, state):
        if t == 15:
            seen["before"] = state.synapse[0].unflatten(1, (6, 48))
        state = iv.scramble("synapses", 15, units=48)(t, state)
        if t == 15:
            seen["after"] = state.synapse[0].unflatten(1, (6, 48))
        return state

    _live(watch)
    before, after = seen["before"], seen["after"]
    assert not torch.equal(before, after)
    for b in range(6):
        assert torch.equal(before[0, b].flatten().sort().values, after[0, b].flatten().sort().values)
        rows = {tuple(r) for r in before[0, b].tolist()}
        assert {tuple(r) for r in after[0, b].tolist()} == rows


def test_outputs_of_silenced_neurons_are_not_transmitted():
    plain, silent = _live(), _live(iv.silence([0, 1, 2], since=5))
    a, b = plain.model["synapse_memory"], silent.model["synapse_memory"]
    assert torch.equal(a[:, :, :5], b[:, :, :5]) and not torch.equal(a, b)
    with pytest.raises(ValueError, match="axons.*synapses.*neurons"):
        iv.reset("axons", 1)


@pytest.mark.parametrize("cell", ["enu", "nfenu", "gru", "lstm"])
@pytest.mark.parametrize(
    "what", [iv.reset("synapses", 15), iv.freeze("neurons", 15), iv.scramble("synapses", 15, 48), lambda t, s: s]
)
@pytest.mark.parametrize("backend", ["torch", pytest.param("cpp", marks=NEEDS_COMPILER)])
def test_fast_episodes_with_interventions_equal_the_network_s_steps(near, monkeypatch, backend, cell, what):
    """From each state of the fast backend after the intervention, the network makes the same step."""
    monkeypatch.setenv("ENU_KERNEL", backend)
    network = Network(ORDERED, channels=4, hidden=12, cell=cell, noise=0.1)
    genome = network.init(enu.stream(3, "genome"))
    genome = genome + 0.3 * torch.randn(genome.shape, generator=enu.stream(4, "genome"))
    before, after = [], []

    def watch(t, state):
        before.append(state)
        after.append(what(t, state))
        return after[-1]

    fast = record_episodes(network, genome, MAZE, 6, seed=2, intervene=watch)
    generator, weights = enu.stream(2, "rollout"), network.unpack(genome[None])
    MAZE.reset(1, 6, generator)
    noise = draw_noise(MAZE.steps, 6, generator)
    for t in range(MAZE.steps - 1):
        state, y = network.step(weights, after[t], fast.x[:, :, t], noise.at(t, network.noise_shape))
        near((fast.y[:, :, t] - y).abs(), 2e-5)
        for unit in ("neuron", "synapse"):
            for mine, theirs in zip(getattr(before[t + 1], unit), getattr(state, unit), strict=True):
                near((mine - theirs).abs(), 2e-5)


@NEEDS_COMPILER
def test_unsupported_interventions_are_an_error(monkeypatch):
    monkeypatch.setenv("ENU_KERNEL", "cpp")
    with pytest.raises(ValueError, match="rollout"):
        record_episodes(NETWORK, GENOME, MAZE, 2, intervene=iv.silence([4, 5]))
