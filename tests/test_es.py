"""The evolution strategy: tabulated weights, antithetic pairs, convergence on a sphere."""

import math

import pytest
import torch

import enu_lib as enu
from enu_lib import es
from enu_lib.es import ES


def test_power_rank_weights_equal_a_table():
    settings = ES(population=4)
    weight = es.fitness_shaping(settings, torch.tensor([3.0, -1.0, 10.0, 2.0]))  # ranks 2, 0, 3, 1
    table = torch.tensor([2.0, 0.0, 3.0, 1.0]) ** 5 / (1 + 32 + 243)
    assert torch.allclose(weight, table)


def test_the_best_fifth_gets_about_four_fifths_of_the_published_weight():
    weight = es.fitness_shaping(ES(population=512), torch.arange(512.0))
    assert weight.sum().item() == pytest.approx(1) and 0.7 < weight[-102:].sum() < 0.8


def test_centred_ranks_equal_a_table():
    weight = es.fitness_shaping(ES(population=4, shaping="centred"), torch.tensor([3.0, -1.0, 10.0, 2.0]))
    assert weight.tolist() == pytest.approx([(2 / 3 - 0.5) / 4, -0.5 / 4, 0.5 / 4, (1 / 3 - 0.5) / 4])


def test_nan_and_infinity_rank_last_and_ties_rank_by_index():
    weight = es.fitness_shaping(ES(population=4), torch.tensor([math.nan, 1.0, 1.0, -5.0]))
    assert weight[0] == 0 and weight[2] > weight[1] > weight[3] > weight[0]
    worst = es.fitness_shaping(ES(population=6), torch.tensor([math.nan, 3.0, -math.inf, math.inf, 1.0, 2.0]))
    assert set(worst.argsort()[:3].tolist()) == {0, 2, 3}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_finite_fitness_is_an_error_with_a_remedy(value):
    with pytest.raises(FloatingPointError, match="NaN.*sigma"):
        es.fitness_shaping(ES(population=4), torch.full((4,), value))


def test_offspring_zero_is_the_parent_and_pairs_are_antithetic():
    state = es.init(torch.arange(6.0))
    genomes, mutations = es.ask(ES(population=8, sigma=0.1), state, seed=3)
    assert genomes.shape == (8, 6) and mutations.shape == (4, 6)
    assert torch.equal(genomes[0], state.parent) and torch.equal(genomes[4], state.parent)
    assert torch.allclose((genomes[:4] + genomes[4:]) / 2, state.parent.expand(4, -1), atol=1e-6)
    many = es.ask(ES(population=2000, sigma=0.1), state, seed=3)[1][1:]
    assert many.std().item() == pytest.approx(0.1, rel=0.03)


def test_pairs_with_equal_fitness_cancel():
    """Exchanging the fitness of the two signs reverses the step, so that the two steps cancel."""
    settings, state = ES(population=8, shaping="centred"), es.init(torch.zeros(5))
    _, mutations = es.ask(settings, state, seed=0)
    aggregated = torch.tensor([0.1, 0.9, 0.4, 0.3, 0.2, 0.6, 0.8, 0.7])
    there = es.tell(settings, state, mutations, aggregated).parent
    back = es.tell(settings, state, mutations, aggregated.roll(4)).parent
    assert there.norm() > 1e-4 and torch.allclose(there, -back, atol=1e-9)


def test_a_step_with_momentum_equals_a_hand_computation():
    settings = ES(population=4, sigma=0.1)
    state = es.ESState(torch.zeros(2), torch.tensor([1.0, 0.0]), torch.zeros(2), 0)
    mutations = torch.tensor([[0.0, 0.0], [0.1, 0.2]])
    after = es.tell(settings, state, mutations, torch.tensor([1.0, 3.0, 2.0, 0.0]))  # ranks 1, 3, 2, 0
    weight = 3**5 / (1 + 2**5 + 3**5)
    velocity = torch.tensor([0.9 + weight * 0.1, weight * 0.2])
    assert torch.allclose(after.velocity, velocity) and torch.allclose(after.parent, velocity)
    assert after.generation == 1


@pytest.mark.parametrize(
    "settings",
    [
        ES(population=64, sigma=0.05),
        ES(population=64, sigma=0.05, shaping="centred", optimizer="adam", learning_rate=0.05),
        ES(population=64, sigma=0.1, sigma_final=0.01, decay_generations=100),
    ],
    ids=["published", "centred ranks and Adam", "decaying mutations"],
)
def test_the_strategy_converges_on_a_sphere(settings):
    centre = torch.randn(10, generator=enu.stream(0, "centre"))
    state = es.init(torch.zeros(10))
    begun = (state.parent - centre).norm()
    for _ in range(150):
        genomes, mutations = es.ask(settings, state, seed=1)
        state = es.tell(settings, state, mutations, -(genomes - centre).square().sum(1))
    assert (state.parent - centre).norm() < 0.1 * begun


def test_mutations_depend_on_seed_and_generation_only():
    settings, state = ES(population=8), es.init(torch.zeros(3))
    first = es.ask(settings, state, seed=5)[1]
    torch.manual_seed(0)
    assert torch.equal(first, es.ask(settings, state, seed=5)[1])
    ahead = es.sample_mutations(settings, len(state.parent), 5, state.generation)  # drawn in advance, as during GPU work
    assert torch.equal(first, ahead)
    assert torch.equal(es.ask(settings, state, seed=5)[0], es.breed(settings, state, 5, ahead).genomes)
    later = state._replace(generation=1)
    assert not torch.equal(first, es.ask(settings, later, seed=5)[1])
    assert not torch.equal(first, es.ask(settings, state, seed=6)[1])


def test_mutation_sd_decays_exponentially_to_its_final_value():
    settings = ES(sigma=0.04, sigma_final=0.01, decay_generations=100)
    assert [settings.sigma_at(g) for g in (0, 50, 100, 900)] == pytest.approx([0.04, 0.02, 0.01, 0.01])
    assert ES(sigma=0.04).sigma_at(900) == 0.04


def test_breadth_prefers_many_fair_episodes_to_few_excellent_ones():
    fitness = torch.tensor([[10.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0]])
    mean, broad = es.aggregate_fitness(ES(), fitness), es.aggregate_fitness(ES(breadth=1.0), fitness)
    assert mean[0] > mean[1] and broad[1] > broad[0]
    assert broad[0].item() == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"population": -4}, "population .* 4 .*got -4"),
        ({"population": 7}, "got 7: try 8"),
        ({"sigma": 0.0}, "sigma .*above 0 .*got 0.0"),
        ({"sigma_final": -1.0}, "sigma_final .*above 0 .*got -1.0"),
        ({"shaping": "linear"}, "shaping .*power, centred.*got 'linear'"),
        ({"optimizer": "adam", "momentum": 1}, "momentum .*got 1.0"),
        ({"optimizer": "sgd"}, "optimizer .*momentum, adam.*got 'sgd'"),
    ],
)
def test_bad_settings_name_the_value(change, message):
    with pytest.raises(ValueError, match=message):
        ES(**change)


def test_a_very_high_power_gives_all_weight_to_the_best():
    for population in (4, 512):
        weight = es.fitness_shaping(es.ES(population=population, power=1e5), torch.arange(population).float())
        assert weight[-1] == 1 and weight[:-1].sum() == 0
