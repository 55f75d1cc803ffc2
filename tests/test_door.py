"""Models, genomes and tasks that do not fit are rejected before any memory is read, with the same error on every backend."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest
import torch
from misfits import MAZE, NETWORK, NOISY, Batch, Wrong, one_error
from own_task import Copy, Follow
from random_lives import BACKENDS, FAST, population

import enu_lib as enu
from enu_lib import cli, kernels
from enu_lib.network import ORDERED
from enu_lib.rollout import record_episodes
from enu_lib.streams import stream
from enu_lib.widgets import life


def _fitness_error(model, x, task, environments=5):
    """The error of `fitness` and `rollout`, which must be the same on every backend."""
    lives = [lambda p=p: enu.fitness(model, x, task, environments, stream(0, "x"), backend=p) for p in BACKENDS]
    return one_error(*lives, lambda: enu.rollout(model, x, task, environments))


# --- A model and a task that do not fit


@pytest.mark.parametrize(
    "name, value, needed, table",
    [
        ("n_inputs", 1, 4, ((0, 1), (0, 1), (1, 0))),
        ("n_inputs", 5, 4, ORDERED),
        ("n_outputs", 2, 3, ORDERED),
        ("channels", 2, 3, ORDERED),
    ],
)
def test_a_network_must_fit_the_maze(name, value, needed, table):
    network = replace(NETWORK, connections=table, **{name: value})
    genomes, state = population(network), MAZE.reset(1, 2, stream(0, "x"))
    words = _fitness_error(network, genomes, MAZE)
    assert name in words and str(value) in words and f"model.{name}={needed}" in words
    others = [lambda p=p: kernels.maze_episodes(network, genomes, MAZE, state, backend=p) for p in FAST]
    assert words == one_error(
        *others,
        lambda: record_episodes(network, genomes[0], MAZE, 2),
        lambda: life.begin(network, genomes[0], MAZE),
        lambda: enu.evolve(enu.Experiment("x", MAZE, network), progress=False),
    )


@pytest.mark.parametrize("setting", ["model.n_inputs=5", "model.n_outputs=2", "model.channels=2"])
def test_the_command_line_rejects_a_misfit_before_creating_a_folder(setting, tmp_path, capsys):
    out = tmp_path / "run"
    assert cli.main(["evolve", "tmaze", "--profile", "smoke", "--out", str(out), "--set", setting]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and setting.partition("=")[0] in told[0] and not out.exists()


def test_a_single_unit_of_other_sizes_is_rejected_in_a_maze():
    for unit in (enu.ENU(11, 3, 4), enu.ENU(12, 2, 4)):
        message = _fitness_error(unit, population(unit), MAZE)
        assert "n_in=12" in message and "n_out=3" in message and f"{unit.n_in} and {unit.n_out}" in message


def test_a_model_too_large_for_the_kernels_is_rejected():
    model = enu.ENU(2**16, 1, 2**16)
    assert "hidden=65536" in one_error(
        lambda: enu.fitness(model, torch.zeros(1, 1), Copy(), 1, stream(0, "x")),
        lambda: enu.evolve(enu.Experiment("x", Copy(), model), progress=False),
    )


# --- A task that returns invalid values


class Lit(NamedTuple):
    lit: torch.Tensor


@dataclass(frozen=True)
class WrongLoop(Follow):
    """A closed loop that applies `change` to what one of its methods returns."""

    place: str = "reset"
    change: object = lambda v: v

    def reset(self, *arguments):
        state = super().reset(*arguments)
        return self.change(state) if self.place == "reset" else state

    def observe(self, *arguments):
        x = super().observe(*arguments)
        return self.change(x) if self.place == "observe" else x

    def step(self, *arguments):
        state, f = super().step(*arguments)
        return state, self.change(f) if self.place == "step" else f


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda b: Batch(torch.cat([b.inputs, b.inputs], 1)), "(5, 60, 1)"),
        (lambda b: Batch(b.inputs[:, 1:]), "(5, 29, 1)"),
        (lambda b: Batch(b.inputs[:3]), "(3, 30, 1)"),
        (lambda b: Batch(b.inputs[..., None].expand(-1, -1, -1, 2)), "(5, 30, 1, 2)"),
        (lambda b: Batch(torch.cat([b.inputs, b.inputs], 2)), "(5, 30, 2)"),
        (lambda b: Batch(b.inputs.numpy()), "ndarray"),
        (lambda b: Batch(b.inputs.log().log()), "nan"),
        (lambda b: Batch(b.inputs / 0), "inf"),
        (lambda b: b.inputs, "Tensor"),
        (lambda b: {"inputs": b.inputs}, "dict"),
    ],
)
def test_errors_about_inputs_name_the_task(change, told):
    words = _fitness_error(NOISY, population(NOISY), Wrong(change))
    assert told in words and "'wrong'" in words


@pytest.mark.parametrize(
    "model, task, remedy",
    [
        (enu.ENU(2), Copy(), "n_in=1"),
        (enu.Network(), WrongLoop(place="observe", change=lambda x: x[:, :, 1:]), "n_inputs=3"),
        (enu.Network(), WrongLoop(place="observe", change=lambda x: x.expand(-1, -1, -1, 99)), "channels=99"),
        (enu.Network(), Copy(), "axis"),
    ],
)
def test_a_model_of_other_sizes_than_the_tasks_inputs_is_told_which_to_set(model, task, remedy):
    assert remedy in _fitness_error(model, population(model), task)


def test_a_given_batch_is_checked_too():
    genome, steps = population(NOISY)[0], 70
    right = Batch(torch.rand(4, steps, 1))
    longer = enu.rollout(NOISY, genome, Wrong(lambda b: b), batch=right)
    assert longer.y.shape == (1, 4, steps, 1), "a given batch may be longer than the task's own"
    for inputs in (right.inputs[..., 0], right.inputs.expand(-1, -1, 2), right.inputs * torch.nan):
        with pytest.raises(ValueError, match="'wrong'"):
            enu.rollout(NOISY, genome, Wrong(lambda b: b), batch=Batch(inputs))


@pytest.mark.parametrize("score", [lambda y: y, lambda y: y.mean((1, 2, 3)), lambda y: 0.0])
def test_fitness_must_have_the_shape_of_the_contract(score):
    x = population(NOISY)
    words = _fitness_error(NOISY, x, Wrong(lambda b: b, score))
    assert "'wrong'" in words and f"({len(x)}, 5, 30)" in words and "offspring, environments, steps" in words


@pytest.mark.parametrize(
    "place, change, told",
    [
        ("reset", lambda s: Lit(s.lit[:, 1:]), "(1, 4)"),
        ("reset", lambda s: s.lit, "Tensor"),
        ("reset", lambda s: Lit(s.lit.expand(2, -1)), "(2, 5)"),
        ("observe", lambda x: x[:, 1:], "4, 4, 1)"),
        ("observe", lambda x: x[:, :, 1:], "5, 3, 1)"),
        ("observe", lambda x: x.expand(-1, -1, -1, 5), "5, 4, 5)"),
        ("observe", lambda x: x[..., 0], "5, 4)"),
        ("observe", lambda x: x / 0, "nan"),
        ("observe", lambda x: x.numpy(), "ndarray"),
        ("step", lambda f: f[:, 1:], "(3, 4)"),
        ("step", lambda f: f.mean(), "()"),
    ],
)
def test_a_closed_loop_that_breaks_its_contract_is_an_error(place, change, told):
    assert told in _fitness_error(NETWORK, population(NETWORK), WrongLoop(place=place, change=change))


@pytest.mark.parametrize("count", [0, -1, 2.5, None])
def test_environments_must_be_a_positive_integer(count):
    assert str(count) in _fitness_error(NOISY, population(NOISY), Copy(), count)


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda g: g[:, 1:], "(3, "),
        (lambda g: g[:0], "(0, "),
        (lambda g: g.long(), "int64"),
        (lambda g: g.numpy(), "ndarray"),
        (lambda g: g.to("meta"), "meta"),
        (lambda g: g.to(torch.complex64), "complex64"),
    ],
)
def test_invalid_genomes_are_errors(change, told):
    for model, task in ((NOISY, Copy()), (NETWORK, MAZE), (NETWORK, Follow())):
        assert told in _fitness_error(model, change(population(model)), task)
