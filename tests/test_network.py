"""The network against a worked example computed unit by unit in plain Python."""

import math

import pytest
import torch
from exact import MARGIN, Exact

import enu_lib as enu
from enu_lib.network import CHAINED, ORDERED, PUBLISHED, Network, random_connections

# Extended data Fig. 6: 4 synapses, 2 neurons, 3 channels; one input neuron (0), neurons 1 and 2.
SMALL = Network(((0, 2), (1, 1)), n_inputs=1, n_outputs=1, channels=3, hidden=2, noise=0.0)


def _enu(genome, n_in, h, o, x):
    """One ENU step in plain Python for H = 2, C = 3; returns h, o."""
    k = n_in + 3 + 2 + 1
    gates, cell, output = genome[: 4 * k], genome[4 * k : 6 * k], genome[6 * k :]
    row = [*x, *o, *h, 1.0]
    a = [sum(row[i] * gates[4 * i + j] for i in range(k)) for j in range(4)]
    r = [1 / (1 + math.exp(-3 * (v - 1))) for v in a[:2]]
    z = [1 / (1 + math.exp(-3 * v)) for v in a[2:]]
    row = [*x, *o, *(r[i] * h[i] for i in range(2)), 1.0]
    c = [math.tanh(3 * sum(row[i] * cell[2 * i + j] for i in range(k))) for j in range(2)]
    h = [(1 - z[j]) * h[j] + z[j] * c[j] for j in range(2)]
    return h, [min(max(sum(v * output[3 * i + j] for i, v in enumerate([*h, 1.0])), 0.0), 1.0) for j in range(3)]


def test_a_step_equals_a_worked_example_of_four_synapses_and_two_neurons(near):
    genome = 0.4 * torch.randn(SMALL.n_params, generator=enu.stream(4, "worked"))
    n = SMALL.neuron_cell.n_params
    neuron_rules, synapse_rules = genome[:n].tolist(), genome[n:].tolist()
    inputs = [0.9, 0.0, 0.4, 1.0]
    zero = lambda count, size: [[0.0] * size for _ in range(count)]  # noqa: E731
    nh, no, sh, so = zero(2, 2), zero(2, 3), zero(4, 2), zero(4, 3)
    weights, state = SMALL.unpack(genome[None]), SMALL.reset(1, 1)
    for value in inputs:
        sources = [[value, 0.0, 0.0], *no]
        for s, (post, pre) in enumerate([(0, 0), (0, 2), (1, 1), (1, 1)]):
            sh[s], so[s] = _enu(synapse_rules, 6, sh[s], so[s], [*sources[pre], *no[post]])
        for i in range(2):
            mean = [(so[2 * i][j] + so[2 * i + 1][j]) / 2 for j in range(3)]
            nh[i], no[i] = _enu(neuron_rules, 3, nh[i], no[i], mean)
        state, y = SMALL.step(weights, state, torch.tensor([[[[value]]]]))
        near((state.output[0, 0] - torch.tensor(no)).abs(), 1e-5)
        near((state.synapse[1][0] - torch.tensor(so)).abs(), 1e-5)
        near(abs(y.item() - no[1][0]), 1e-5)
    assert state.output.abs().sum() > 0.1


def test_shared_rules_use_one_genome_for_synapses_and_neurons(near):
    shared = Network(SMALL.connections, 1, 1, channels=3, hidden=4, shared=True)
    genome = 0.4 * torch.randn(1, shared.n_params, generator=enu.stream(5, "shared"))
    weights = shared.unpack(genome)
    assert torch.equal(weights.neuron.gates, weights.synapse.gates)
    assert shared.n_params == shared.synapse_cell.n_params < Network(SMALL.connections, 1, 1, 3, 4).n_params
    state, _ = shared.step(weights, shared.reset(1, 1), torch.ones(1, 1, 1, 1))
    by_hand, _ = shared.synapse_cell.step(weights.synapse, shared.neuron_cell.reset(1, 2), torch.cat(
        [state.synapse[1].unflatten(1, (2, 2)).mean(2), torch.zeros(1, 2, 3)], -1))  # fmt: skip
    near((state.neuron[0] - by_hand[0]).abs(), 2e-6)


def test_units_with_equal_wiring_differ_only_with_noise(near):
    """Three output neurons with the same inputs apart from their own output; noise makes them differ."""
    alike = tuple((0, 1, 2, 3, *others, i) for i in range(4, 10) for others in [(7, 8, 9) if i < 7 else (4, 5, 6)])
    for noise, equal in ((0.0, True), (0.01, False)):
        network = Network(alike, channels=4, hidden=8, noise=noise)
        genome = 0.5 * torch.randn(1, network.n_params, generator=enu.stream(6, "noise"))
        weights, state, exact = network.unpack(genome), network.reset(1, 1), Exact(network, genome, 1)
        table = enu.streams.draw_noise(30, 1, enu.stream(7, "noise"))
        for t in range(30):
            drawn = table.at(t, network.noise_shape) if noise else None
            state, _ = network.step(weights, state, torch.ones(1, 1, 4, 1), drawn)
            exact.step(torch.ones(1, 1, 4, 1), drawn)
        memory, (one, *rounded) = state.neuron[0][0], exact.state.neuron[0].split(len(alike), 1)
        bound = 2 * MARGIN * max((copy - one).abs().max() for copy in rounded)
        apart = (memory[3] - memory[4]).abs().max()
        if equal:
            near(apart, bound)
        else:
            assert apart > max(bound, 1e-3)


def test_our_wiring_treats_the_sensors_alike_until_they_have_shown_something(near):
    """Exchanged sensors give the same outputs, whatever the genome: so a preference among them can only be learnt."""
    order = [2, 0, 1, 3]
    x = (torch.rand(12, 1, 1, 4, 3, generator=enu.stream(8, "sensors")) < 0.5).float()
    for wiring, alike in ((ORDERED, True), (CHAINED, True), (PUBLISHED, False)):
        network = Network(wiring, channels=4, hidden=8, noise=0.0)
        weights = network.unpack(0.5 * torch.randn(64, network.n_params, generator=enu.stream(9, "sensors")))
        y = []
        for inputs in (x, x[:, :, :, order]):
            state, out = network.reset(64, 1), []
            for row in inputs:
                state, now = network.step(weights, state, row.expand(64, -1, -1, -1))
                out.append(now)
            y.append(torch.stack(out))
        assert y[0].std() > 0.01
        if alike:  # to rounding: sums of eight terms in another order, 1e-7 each, in twelve steps
            near((y[0] - y[1]).abs(), 1e-5)
        else:
            assert (y[0] - y[1]).abs().max() > 1e-3


def test_wirings_have_eight_synapses_per_neuron():
    for table in (PUBLISHED, ORDERED, CHAINED):
        assert len(table) == 6 and all(len(row) == 8 for row in table)
    assert all(3 in row for table in (PUBLISHED, ORDERED) for row in table)  # 3: the reward
    assert all(len(set(row)) == 8 and i in row for i, row in enumerate(PUBLISHED, 4))  # i: the neuron itself
    assert all(set(row) >= {0, 1, 2} for row in ORDERED)  # the sensors
    received = [{*row[:4]} == {0, 1, 2, 3} for row in CHAINED]
    assert received == [True] * 4 + [False] * 2 and not {0, 1, 2, 3} & {*CHAINED[4], *CHAINED[5]}
    drawn = random_connections(5, 12, 3, enu.stream(0, "wiring"))
    assert drawn == random_connections(5, 12, 3, enu.stream(0, "wiring"))
    assert all(set(row) == set(range(8)) for row in drawn)


def test_outputs_that_are_alike_in_our_wiring_differ_in_the_chained_one(near):
    """With the same genomes and no noise, what sensors and reward show reaches the outputs by different routes."""
    x = (torch.rand(12, 1, 1, 4, 3, generator=enu.stream(8, "sensors")) < 0.5).float()
    for wiring, alike in ((ORDERED, True), (CHAINED, False)):
        network = Network(wiring, channels=4, hidden=8, noise=0.0)
        weights = network.unpack(0.5 * torch.randn(64, network.n_params, generator=enu.stream(9, "sensors")))
        state, apart = network.reset(64, 1), torch.zeros(64)
        for row in x:
            state, y = network.step(weights, state, row.expand(64, -1, -1, -1))
            apart = torch.maximum(apart, (y.amax(-1) - y.amin(-1))[:, 0])
        if alike:
            near(apart, 1e-5)  # as above: sums of eight terms in another order
        else:
            assert (apart > 0.01).float().mean() > 0.5


def test_published_network_has_two_sets_of_rules():
    network = Network()
    assert (network.neurons, network.synapses) == (6, 8)
    neuron, synapse = (16 + 16 + 32 + 1) * 96 + 33 * 16, (32 + 16 + 32 + 1) * 96 + 33 * 16
    assert network.n_params == neuron + synapse


@pytest.mark.parametrize(
    "change, message",
    [
        ({"connections": ((0, 1), (0,))}, "connections "),
        ({"connections": ((0, 99),)}, "0 to 4.* 99"),
        ({"n_outputs": 7}, "n_outputs .*6"),
        ({"cell": "rnn"}, "cell .*enu, nfenu.*got 'rnn'"),
    ],
)
def test_bad_networks_name_the_value(change, message):
    with pytest.raises(ValueError, match=message):
        Network(**change).n_params  # noqa: B018
