"""Random streams: numbers depend on their keys only, and noise can be computed for any step alone."""

import pytest
import torch

import enu_lib as enu
from enu_lib import streams


def drawn(*keys):
    return streams.normal(4, generator=enu.stream(*keys)).tolist()


def test_numbers_depend_on_the_keys_and_on_nothing_else():
    first = drawn(3, "mutation", 7)
    torch.manual_seed(1)
    torch.rand(100)
    assert drawn(3, "mutation", 7) == first
    others = [(4, "mutation", 7), (3, "environment", 7), (3, "mutation", 8), (3, "mutation"), (3, 7, "mutation")]
    assert len({tuple(drawn(*keys)) for keys in [(3, "mutation", 7), *others]}) == 6


@pytest.mark.parametrize("key", [-1, 2**63, 1.5])
def test_a_key_out_of_bounds_is_an_error_that_names_it(key):
    with pytest.raises(ValueError, match=f"0 to {2**63 - 1}.*{key}"):
        enu.stream(0, "mutation", key)


def test_numbers_are_float32_and_int64_on_the_cpu_whatever_torch_s_default():
    torch.set_default_dtype(torch.float64)
    try:
        generator = enu.stream(0, "x")
        real = [streams.uniform(3, 2, generator=generator), streams.normal(3, 2, generator=generator)]
        whole = [streams.integers(2, 5, (50,), generator), streams.balanced(6, 6, generator)]
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(v.dtype == torch.float32 and v.device.type == "cpu" and v.shape == (3, 2) for v in real)
    assert all(v.dtype == torch.int64 for v in whole)
    assert set(whole[0].tolist()) == {2, 3, 4} and sorted(whole[1].tolist()) == list(range(6))


def test_noise_continues_at_the_start_of_its_table():
    noise = streams.Noise(torch.arange(5.0), torch.tensor([[0, 3], [4, 1]]))
    assert noise.at(0, (2, 2)).tolist() == [[[0, 1], [2, 3]], [[3, 4], [0, 1]]]
    assert noise.at(1, (3,)).tolist() == [[4, 0, 1], [1, 2, 3]]


def test_drawn_noise_is_standard_normal_and_differs_between_steps_and_environments():
    noise = streams.draw_noise(20, 3, enu.stream(0, "noise"))
    assert noise.offsets.shape == (20, 3) and abs(noise.table.mean()) < 0.02 and abs(noise.table.std() - 1) < 0.02
    values = torch.stack([noise.at(t, (2,)) for t in range(20)]).flatten(0, 1)
    assert len(values.unique(dim=0)) == 60


def test_branches_of_a_generator_differ_and_their_draws_do_not_affect_it():
    trunk, same = enu.stream(0, "x"), enu.stream(0, "x")
    drawn = [streams.uniform(5, generator=streams.branch(trunk, purpose)) for purpose in "aab"]
    few = [streams.uniform(1, generator=streams.branch(same, purpose)) for purpose in "cab"]
    assert len({tuple(x.tolist()) for x in drawn}) == 3 and torch.equal(drawn[1][:1], few[1]) and drawn[0][0] != few[0][0]
    assert torch.equal(streams.uniform(4, generator=trunk), streams.uniform(4, generator=same))
