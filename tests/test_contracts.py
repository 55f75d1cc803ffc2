"""Contracts: which kind a task is, and errors that name the part that is missing or that breaks the contract."""

import pytest
import torch
from misfits import one_error
from own_task import Copy, Follow
from random_lives import BACKENDS

import enu_lib as enu
from enu_lib.contracts import ClosedLoopTask, Model, SequenceTask, check_model, is_sequence
from enu_lib.rollout import turns


class Part:
    """An object that has the given methods and nothing else."""

    def __init__(self, *names):
        for name in names:
            setattr(self, name, lambda *_: None)


def test_every_task_and_model_of_the_package_satisfies_its_contract():
    for task in (enu.IAF(), enu.STDP(), Copy()):
        assert is_sequence(task) and isinstance(task, SequenceTask)
    for task in (enu.Maze(), Follow()):
        assert not is_sequence(task) and isinstance(task, ClosedLoopTask)
    for model in (enu.ENU(1), enu.GRU(1), enu.LSTM(1), enu.Network()):
        check_model(model)
        assert isinstance(model, Model)


@pytest.mark.parametrize(
    "part, contract, missing",
    [
        (Part("sample"), "SequenceTask", ["steps", "score"]),
        (Part("score", "steps"), "SequenceTask", ["sample"]),
        (Part("steps", "reset", "step"), "ClosedLoopTask", ["observe"]),
    ],
)
def test_an_incomplete_task_is_an_error_that_names_the_missing_parts(part, contract, missing):
    with pytest.raises(TypeError, match=f"Part .*lacks {', '.join(missing)} .*{contract}"):
        is_sequence(part)


def test_an_object_that_is_no_task_is_told_what_each_kind_of_task_needs():
    with pytest.raises(TypeError) as refused:
        is_sequence(object())
    words = str(refused.value)
    assert words.startswith("object ") and "SequenceTask" in words and "ClosedLoopTask" in words
    assert "steps, sample, score" in words and "steps, reset, observe, step" in words
    words = one_error(lambda: evolution(Leaky(), Part()))
    assert words.startswith("task ") and "Part" in words and "0x" not in words, "no address in memory"


def test_a_class_in_place_of_an_instance_is_an_error_that_says_so():
    genomes = torch.ones(2, 3)
    for call in (
        lambda: is_sequence(Copy),
        lambda: check_model(Leaky),
        lambda: enu.fitness(Leaky(), genomes, Follow, 5, enu.stream(0, "x")),
        lambda: enu.fitness(Leaky, genomes, Follow(), 5, enu.stream(0, "x")),
    ):
        with pytest.raises(TypeError, match=r"(Copy|Follow|Leaky) is a class.*\1\("):
            call()
    for model, task, name in ((enu.ENU, Copy(), "model"), (Leaky(), Copy, "task")):
        assert one_error(lambda model=model, task=task: evolution(model, task)).startswith(name)


def test_an_incomplete_model_is_an_error_that_names_the_missing_parts():
    with pytest.raises(TypeError, match=r"Part .*lacks n_params, noise_shape, unpack .*Model"):
        check_model(Part("init", "reset", "step"))
    with pytest.raises(TypeError, match=r"Part .*lacks n_params, noise_shape, unpack .*Model"):
        enu.fitness(Part("reset", "step"), torch.ones(2, 3), Copy(), 5, enu.stream(0, "x"))


class Leaky:
    """A model of our own: a leaky sum of its inputs."""

    n_params = 3
    noise_shape = (3,)

    def init(self, generator):
        return torch.randn(3, generator=generator)

    def unpack(self, genomes):
        return genomes[:, None]

    def reset(self, population, environments, device="cpu"):
        return torch.zeros(population, environments, 3, device=device)

    def step(self, weights, state, x, noise=None):
        state = 0.9 * state + weights * x.flatten(2).sum(-1, keepdim=True)
        return state, state if noise is None else state + 0.1 * noise


class Brief(Follow):
    """A closed loop that can end early."""

    def done(self, state):
        return torch.zeros(state.lit.shape, dtype=torch.bool)


def changed(kind, part, value):
    """An object of a class `Mine` that is like `kind` in all but one part."""
    return type("Mine", (kind,), {part: value})()


def altered(kind, part, change):
    """An object of a class `Mine` whose method returns `change` of what that of `kind` returns."""
    return changed(kind, part, lambda self, *arguments: change(getattr(kind, part)(self, *arguments)))


def lives(model, task):
    """Calls of `fitness` on every backend."""
    genomes = torch.rand(2, 3, generator=enu.stream(0, "genomes"))
    return [lambda p=p: enu.fitness(model, genomes, task, 5, enu.stream(0, "x"), backend=p) for p in BACKENDS]


def evolution(model, task, **others):
    return enu.evolve(enu.Experiment("x", task, model, es=enu.ES(4), generations=1), progress=False, **others)


def test_a_model_and_tasks_of_our_own_that_keep_their_contracts_run():
    for task in (Copy(), Follow(), Brief()):
        same = [life() for life in lives(Leaky(), task)]
        assert all(torch.equal(f, same[0]) for f in same) and same[0].shape == (2, 5)
        assert evolution(Leaky(), task).generation == 1


@pytest.mark.parametrize(
    "kind, part, value", [(Brief, "done", True), (Follow, "observe", 3), (Copy, "score", None), (Leaky, "unpack", 0.5)]
)
def test_a_value_in_place_of_a_method_is_an_error_that_names_it(kind, part, value):
    mine = changed(kind, part, value)
    model, task = (mine, Copy()) if kind is Leaky else (Leaky(), mine)
    words = one_error(*lives(model, task), lambda: evolution(model, task))
    assert "Mine" in words and f"`{part}`" in words and f"got {value!r}" in words and "method" in words


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda r: (r[0], r[1][..., 0]), "(2, 5)"),
        (lambda r: (r[0], r[1][:1]), "(1, 5, 3)"),
        (lambda r: (r[0], r[1][:, 1:]), "(2, 4, 3)"),
        (lambda r: (r[0], r[1].numpy()), "ndarray"),
        (lambda r: (r[1].tolist(), None), "None"),
        (lambda r: r[1], "torch.float32 (2, 5, 3)"),
        (lambda r: (r[0], r[1], 1.0), "(Tensor, Tensor, float)"),
        (lambda r: None, "None"),
    ],
)
def test_a_models_step_must_return_the_next_state_and_outputs(change, told):
    model, genome = altered(Leaky, "step", change), torch.ones(2, 3)
    for task in (Copy(), Follow()):
        words = one_error(*lives(model, task), lambda task=task: enu.rollout(model, genome, task, 5))
        assert "Mine" in words and "`step`" in words and told in words and "\n" not in words


@pytest.mark.parametrize(
    "part, value, told",
    [
        ("n_params", 2.5, "2.5"),
        ("n_params", 0, "0"),
        ("n_params", True, "True"),
        ("noise_shape", 3, "3"),
        ("noise_shape", (2.5,), "(2.5,)"),
        ("noise_shape", (-1,), "(-1,)"),
        ("noise_shape", None, "None"),
    ],
)
def test_a_models_sizes_must_be_whole_numbers(part, value, told):
    model = changed(Leaky, part, value)
    words = one_error(*lives(model, Copy()), lambda: evolution(model, Copy()))
    assert "Mine" in words and f"`{part}`" in words and f"got {told}" in words and "\n" not in words


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda g: g.tolist(), "list"),
        (lambda g: g[1:], "(2,)"),
        (lambda g: g.long(), "int64"),
        (lambda g: g * torch.nan, "nan"),
    ],
)
def test_a_models_first_genome_must_have_its_size_and_be_finite(change, told):
    words = one_error(lambda: evolution(altered(Leaky, "init", change), Copy()))
    assert "Mine" in words and "`init`" in words and told in words and "(3,)" in words and "parent" not in words
    given = one_error(lambda: evolution(Leaky(), Copy(), parent=change(torch.ones(3))))
    assert "parent" in given and told in given and "(3,)" in given and "`init`" not in given


@pytest.mark.parametrize("kind", [Copy, Follow])
@pytest.mark.parametrize("steps", ["ten", 0, -3, 2.5, None])
def test_a_tasks_steps_must_be_a_whole_number(kind, steps):
    task = type("Mine", (kind,), {})(steps)
    words = one_error(*lives(Leaky(), task), lambda: evolution(Leaky(), task), lambda: enu.Stage(3, task))
    assert "Mine" in words and "`steps`" in words and f"got {steps!r}" in words


@pytest.mark.parametrize(
    "change, told", [(lambda r: r[1], "torch.float32 (2, 5)"), (lambda r: (*r, r[1]), "(Lights, Tensor, Tensor)")]
)
def test_a_closed_loops_step_must_return_the_next_state_and_fitness(change, told):
    task = altered(Follow, "step", change)
    words = one_error(*lives(Leaky(), task), lambda: enu.rollout(Leaky(), torch.ones(2, 3), task, 5))
    assert "Mine" in words and "`step`" in words and told in words
    state, y = task.reset(2, 5, enu.stream(0, "x")), torch.zeros(2, 5, 3)
    assert words == one_error(lambda: list(turns(task, state, lambda state, t: (state, y))))


@pytest.mark.parametrize("state, told", [(None, "None"), (torch.zeros(2, 5), "torch.float32 (2, 5)")])
def test_a_closed_loops_next_state_must_be_a_named_tuple(state, told):
    words = one_error(*lives(Leaky(), altered(Follow, "step", lambda r: (state, r[1]))))
    assert "Mine" in words and "`step`" in words and "Lights" in words and f"got {told}" in words


@pytest.mark.parametrize(
    "change, told",
    [
        (lambda d: True, "True"),
        (lambda d: d.all(), "torch.bool ()"),
        (lambda d: d[0], "torch.bool (5,)"),
        (lambda d: d.float(), "torch.float32 (2, 5)"),
    ],
)
def test_a_closed_loops_done_must_say_which_episodes_have_ended(change, told):
    words = one_error(*lives(Leaky(), altered(Brief, "done", change)))
    assert "Mine" in words and "`done`" in words and told in words and "(2, 5)" in words


@pytest.mark.parametrize("part, change", [("observe", lambda x: x[:, 1:]), ("step", lambda r: (r[0], r[1][:, 1:]))])
def test_errors_about_values_of_a_closed_loop_name_the_method(part, change):
    words = one_error(*lives(Leaky(), altered(Follow, part, change)))
    assert f"`{part}`" in words and "'follow'" in words


@pytest.mark.parametrize(
    "model", [enu.ENU(1), enu.GRU(1), enu.LSTM(1), enu.ENU(1, 2, feedback=False, noise=0.1), enu.Network()]
)
def test_every_model_of_the_package_returns_outputs_of_the_contract(model):
    network = isinstance(model, enu.Network)
    task, outputs = (enu.Maze(steps=4), model.n_outputs) if network else (Copy(4), model.n_out)
    trace = enu.rollout(model, model.init(enu.stream(0, "genome")).repeat(3, 1), task, 5)
    assert trace.y.shape == (3, 5, 4, outputs)
