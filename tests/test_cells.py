"""Cells: hand-computed steps, batches equal single genomes, textbook cells equal torch.nn."""

import math

import pytest
import torch

import enu_lib as enu
from enu_lib.cells import ENU, GRU, LSTM, make_cell

KINDS = ("enu", "nfenu", "gru", "lstm", "gru-clip", "lstm-clip", "gru-gain", "enu-plain")


def _random(cell, population=1, seed=0, scale=0.3):
    return scale * torch.randn(population, cell.n_params, generator=enu.stream(seed, "test"))


def _run(cell, genomes, x):
    """x (P, B, T, n_in) -> y (P, B, T, C)"""
    weights, state, ys = cell.unpack(genomes), cell.reset(*x.shape[:2]), []
    for t in range(x.shape[2]):
        state, y = cell.step(weights, state, x[:, :, t])
        ys.append(y)
    return torch.stack(ys, 2)


def test_two_steps_of_an_enu_equal_a_hand_computation(near):
    """H = C = n_in = 1, so that each gate is a sum of four products; the second step has feedback of the first output."""
    sigmoid = lambda a: 1 / (1 + math.exp(-a))  # noqa: E731
    # gates (K, 2): rows x, o, h, 1; columns reset, update.  cell (K, 1).  output (2, 1): h, 1.
    reset, update = (0.7, 0.2, -0.4, 0.1), (0.5, -0.3, 0.6, 0.2)
    cell, output = (0.9, 0.8, -0.5, 0.05), (0.6, 0.1)
    genome = torch.tensor([v for pair in zip(reset, update, strict=True) for v in pair] + [*cell, *output])
    h = o = 0.0
    expected = []
    for x in (0.8, -0.2):
        r = sigmoid(3 * (reset[0] * x + reset[1] * o + reset[2] * h + reset[3] - 1))
        z = sigmoid(3 * (update[0] * x + update[1] * o + update[2] * h + update[3]))
        c = math.tanh(3 * (cell[0] * x + cell[1] * o + cell[2] * r * h + cell[3]))
        h = (1 - z) * h + z * c
        o = min(max(output[0] * h + output[1], 0.0), 1.0)
        expected.append(o)
    y = _run(ENU(1, 1, 1), genome[None], torch.tensor([0.8, -0.2]).reshape(1, 1, 2, 1))
    near((y.flatten() - torch.tensor(expected)).abs(), 1e-6)
    assert 0 < expected[1] < expected[0] < 1  # not clipped, so that every weight matters


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_genomes_equals_single_genomes(near, kind):
    cell = make_cell(kind, 3, 2, 5)
    genomes = _random(cell, 4)
    x = torch.randn(4, 6, 7, 3, generator=enu.stream(1, "x"))
    together = _run(cell, genomes, x)
    for p in range(4):
        for b in range(6):
            alone = _run(cell, genomes[p : p + 1], x[p : p + 1, b : b + 1])
            near((together[p, b] - alone[0, 0]).abs(), 1e-5)


@pytest.mark.parametrize("cell, module", [(GRU(3, 2, 5), torch.nn.GRUCell(3, 5)), (LSTM(3, 2, 5), torch.nn.LSTMCell(3, 5))])
def test_textbook_cells_equal_torch_nn(near, cell, module):
    genome = _random(cell)
    weights = cell.unpack(genome)
    with torch.no_grad():
        module.weight_ih.copy_(weights.w_ih[0].T)
        module.weight_hh.copy_(weights.w_hh[0].T)
        module.bias_ih.copy_(weights.b_ih[0, 0])
        module.bias_hh.copy_(weights.b_hh[0, 0])
        x = torch.randn(9, 4, 3, generator=enu.stream(2, "x"))
        state, found, hidden = None, cell.reset(1, 4), None
        for step in x:
            state = module(step, state)
            hidden = state[0] if isinstance(state, tuple) else state
            found, y = cell.step(weights, found, step[None])
            near((found[0][0] - hidden).abs(), 2e-6)
    near((y[0] - (hidden @ weights.output[0, :-1] + weights.output[0, -1])).abs(), 5e-6)


def test_gain_and_reset_bias_of_the_gates_equal_textbook_cells_with_other_weights(near):
    """The gain is a factor of all weights of the gates; the reset bias is a part of one of their biases."""
    x = torch.randn(1, 4, 12, 3, generator=enu.stream(4, "x"))
    gained, textbook = make_cell("gru-gain", 3, 2, 5), GRU(3, 2, 5, clip=True)
    assert (gained.gate_gain, gained.reset_bias) == (ENU(3).gate_gain, ENU(3).reset_bias) == (3, -1)
    genome = _random(gained)
    scaled = textbook.unpack(genome.clone())
    for rule in scaled[:4]:
        rule *= 3
    scaled.b_ih[..., :5] -= 3
    same = torch.cat([rule.flatten() for rule in scaled])[None]
    near((_run(gained, genome, x) - _run(textbook, same, x)).abs(), 2e-6)
    plain, own = make_cell("enu-plain", 3, 2, 5), ENU(3, 2, 5)
    genome = _random(plain)
    scaled = own.unpack(genome.clone())
    for rule in scaled[:2]:
        rule /= 3
    scaled.gates[:, -1, :5] += 1
    same = torch.cat([rule.flatten() for rule in scaled])[None]
    near((_run(plain, genome, x) - _run(own, same, x)).abs(), 2e-6)


def test_variants_of_the_gates_are_single_units_only():
    for model in ("gru-gain", "enu-plain"):
        assert enu.experiments.get("complex-stdp", model, "smoke").model == make_cell(model, 4, 1, 8)
        with pytest.raises(ValueError, match=f"{model}.*complex-stdp"):
            enu.experiments.get("tmaze", model, "smoke")


@pytest.mark.parametrize("feedback", [True, False])
def test_only_the_unit_with_feedback_depends_on_its_last_output(feedback):
    cell = ENU(2, 1, 4, feedback=feedback)
    weights = cell.unpack(_random(cell))
    h, o = cell.reset(1, 1)
    x = torch.ones(1, 1, 2)
    quiet, loud = (cell.step(weights, (h, last), x)[0][0] for last in (o, o + 1))
    assert torch.equal(quiet, loud) != feedback


@pytest.mark.parametrize("kind", ("enu", "nfenu", "gru-clip", "lstm-clip"))
def test_clipped_outputs_reach_exactly_zero_and_one(kind):
    cell = make_cell(kind, 3, 1, 8)
    y = _run(cell, _random(cell, 32, scale=1.0), torch.randn(1, 4, 20, 3, generator=enu.stream(3, "x")).expand(32, -1, -1, -1))
    assert (y == 0).any() and (y == 1).any() and ((y > 0) & (y < 1)).any()
    assert y.min() == 0 and y.max() == 1


def test_gain_and_noise_act_before_the_clip(near):
    plain, steep = ENU(1, 1, 3), ENU(1, 1, 3, gain=1000)
    genomes = _random(plain, 16)
    x = torch.ones(16, 1, 1, 1)
    before, after = _run(plain, genomes, x), _run(steep, genomes, x)
    assert ((after == 1) == (before >= 1e-3)).all() and ((after == 0) == (before == 0)).all()
    noisy = ENU(1, 1, 3, noise=0.5)
    (h, o), y = noisy.step(noisy.unpack(genomes), noisy.reset(16, 1), x[:, :, 0], torch.tensor([[[2.0]]]))
    weights = noisy.unpack(genomes).output
    expected = (h @ weights[:, :-1] + weights[:, -1:] + 1.0).clamp(0, 1)
    near((y - expected).abs(), 2e-6)
    assert torch.equal(o, y)


@pytest.mark.parametrize("kind", KINDS)
def test_initial_genomes_are_orthogonal_with_zero_biases(near, kind):
    cell = make_cell(kind, 3, 2, 6)
    genome = cell.init(enu.stream(0, "genome"))
    assert genome.shape == (cell.n_params,) and torch.equal(genome, cell.init(enu.stream(0, "genome")))
    weights = cell.unpack(genome[None])
    eye = torch.eye(2)
    near((weights.output[0, :-1].T @ weights.output[0, :-1] - eye).abs(), 1e-5)
    assert not weights.output[0, -1].any()
    if isinstance(cell, ENU):
        for gate in (*weights.gates[0].split(6, 1), weights.cell[0]):
            near((gate[:-1].T @ gate[:-1] - torch.eye(6)).abs(), 1e-5)
            assert not gate[-1].any()


def test_parameter_counts_of_the_published_units():
    assert ENU(4).rows == 4 + 1 + 32 + 1
    assert ENU(4).n_params == 38 * 96 + 33
    assert ENU(4, feedback=False).n_params == 37 * 96 + 33


def test_bad_sizes_name_the_value():
    with pytest.raises(ValueError, match="hidden .*from 1 .*got 0"):
        ENU(1, 1, 0)
    with pytest.raises(ValueError, match="noise .*from 0 .*got -1"):
        GRU(1, noise=-1)
    with pytest.raises(ValueError, match="rnn"):
        make_cell("rnn", 1)
    with pytest.raises(ValueError, match=r"\(P, 89\).*\(2, 3\)"):
        ENU(1, 1, 4).unpack(torch.zeros(2, 3))
