"""Fitness that is NaN or infinite: an error or a notice that names the part of the task or model that it comes from."""

import math
from dataclasses import replace

import pytest
import torch
from own_task import Copy, Follow
from test_contracts import Leaky, altered, changed

import enu_lib as enu
from enu_lib.base.notices import tell


@pytest.fixture(autouse=True)
def nothing_told():
    tell.cache_clear()


def experiment(task, model=None, **changes):
    model = model or Leaky()
    return enu.Experiment("x", task, model, es=enu.ES(8, sigma=0.5), generations=3, evaluate_every=1, environments=5, **changes)


def evolve(*what, **changes):
    return enu.evolve(experiment(*what, **changes), progress=False)


class Blind(Follow):
    """A closed loop that shows NaN from step 3 on, and whose fitness depends on the outputs' values."""

    def observe(self, state, t):
        return super().observe(state, t) * (math.nan if t >= 3 else 1)

    def step(self, state, y, t):
        return super().step(state, y, t)[0], y.sum(-1)


@pytest.mark.parametrize(
    "task, model, part, owner",
    [
        (altered(Copy, "score", lambda f: f * math.nan), Leaky(), "`score`", "Mine"),
        (altered(Copy, "score", lambda f: f / 0), Leaky(), "`score`", "Mine"),
        (altered(Copy, "score", lambda f: f.abs() / 0), enu.ENU(1, 1, 4), "`score`", "Mine"),
        (altered(Follow, "step", lambda r: (r[0], r[1] * math.nan)), Leaky(), "`step`", "Mine"),
        (Copy(), altered(Leaky, "step", lambda r: (r[0], r[1] * math.nan)), "`step`", "Mine"),
        (Blind(), altered(Leaky, "step", lambda r: (r[0], r[1] / 0)), "`step`", "Mine"),
        (Blind(), Leaky(), "`observe`", "Blind"),
    ],
)
def test_the_error_names_the_part_that_returned_it(task, model, part, owner):
    with pytest.raises(FloatingPointError) as refused:
        evolve(task, model)
    words = str(refused.value)
    assert f"from {part} of {owner} " in words and "generation 0" in words and "overflow" not in words and "\n" not in words


def test_a_genome_that_has_overflowed_is_named_as_the_cause():
    with pytest.raises(FloatingPointError, match="generation 0.*float32.*sigma"):
        enu.evolve(experiment(Copy()), progress=False, parent=torch.full((3,), 1e30))


LIMIT = 1.3  # the outputs of a parent near zero are smaller


class Fragile(Copy):
    """The score of an output beyond `LIMIT` is NaN."""

    def score(self, batch, outputs):
        return super().score(batch, outputs).where(outputs[..., 0].abs() < LIMIT, math.nan)


class FragileLoop(Follow):
    """The same, with infinite fitness."""

    def step(self, state, y, t):
        size = y.abs().sum(-1)
        return super().step(state, y, t)[0], (-size).where(size < LIMIT, math.inf)


@pytest.mark.parametrize("task, part", [(Fragile(), "score"), (FragileLoop(), "step")])
def test_such_offspring_rank_last_and_one_notice_says_where_it_comes_from(task, part, capsys):
    # mutations large enough for some offspring beyond the limit, and steps so small that the parent stays within it: in all of
    # 1,000 seeds
    e = replace(experiment(task), es=enu.ES(8, sigma=10.0, learning_rate=1e-4))
    run = enu.evolve(e, progress=False, parent=torch.full((3,), 0.01))
    (line,) = capsys.readouterr().err.splitlines()
    assert "in generation 0" in line and f"`{part}` of {type(task).__name__}" in line and "last" in line
    assert run.generation == 3 and math.isfinite(run.score)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_parent_whose_held_out_fitness_is_not_finite_is_never_the_best(bad, capsys):
    held = []  # one number per held-out evaluation

    def score(self, batch, outputs):
        f = Copy.score(self, batch, outputs)
        if len(outputs) == 1 and f.shape[1] == 7:
            held.append(f.mean().item())
        return torch.full_like(f, bad) if len(held) == 2 and len(outputs) == 1 else f

    run = evolve(changed(Copy, "score", score), evaluate_environments=7)
    values = run.column("held_out")[1]
    assert not math.isfinite(values[1]) and run.score == max(values[0], values[2])
    (line,) = capsys.readouterr().err.splitlines()
    assert "held-out" in line and "generation 1" in line


@pytest.mark.parametrize("breadth", [None, 0.0])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_offspring_whose_fitness_is_not_finite_in_one_environment_evolves_like_the_worst(bad, breadth, capsys):
    def parent(first, others):
        def score(self, batch, outputs):
            f = 50 + Copy.score(self, batch, outputs)
            if len(outputs) > 1:
                f[3, :1], f[3, 1:] = first, others
            return f

        e = experiment(changed(Copy, "score", score))
        return enu.evolve(replace(e, es=replace(e.es, breadth=breadth)), progress=False).parent

    assert torch.equal(parent(bad, 100.0), parent(-1e6, -1e6))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_no_stage_ends_by_held_out_fitness_that_is_not_finite(bad, capsys):
    task = altered(Copy, "score", lambda f: torch.full_like(f, bad) if len(f) == 1 else f)
    run = evolve(Copy(), stages=(enu.Stage(2, task, target=0.5),))
    assert run.stage_ends == (2,)


def test_numbers_whose_sum_is_too_large_are_the_cause():
    with pytest.raises(FloatingPointError) as refused:
        evolve(altered(Copy, "score", lambda f: f - 3e38))
    assert "together" in str(refused.value) and "Mine" in str(refused.value)


def test_a_task_that_mixes_offspring_is_told_so(capsys):
    task = altered(Copy, "score", lambda f: f.where(torch.arange(len(f))[:, None, None] != 2, math.nan))
    evolve(task)
    (line,) = capsys.readouterr().err.splitlines()
    assert "1 of 8" in line and "Mine or Leaky" in line


def test_a_sum_that_selection_does_not_take_may_be_too_large():
    """With `breadth`, selection averages square roots: five environments with fitness near the largest float32 are fine."""
    one_step = changed(Copy, "score", lambda self, batch, outputs: torch.full_like(outputs[..., 0], 2.5e38))
    e = experiment(replace(one_step, steps=1))
    assert enu.evolve(replace(e, es=replace(e.es, breadth=0.0)), progress=False).generation == 3
