"""Discrimination: trials by hand, what trivial and ideal agents earn, and a network evolved in it."""

import pytest
import torch
from exact import Exact

import enu_lib as enu
from enu_lib.es import ES
from enu_lib.experiments import Experiment, Stage
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import draw
from enu_lib.tasks.discrimination import Discrimination
from enu_lib.tasks.maze import FOOD, POISON, WALL, Maze

TASK = Discrimination()


def batch(task=TASK, environments=1200, seed=0):
    return task.sample(environments, enu.stream(seed, "discrimination"))


def says(task, expected):
    """Outputs (1, B, T, 3): the first is 1 in each approach and `expected` (B, K) during each cue; the others are 0."""
    ahead = torch.ones(*expected.shape, task.approach_steps)
    forward = torch.cat([ahead, expected[..., None].expand(-1, -1, task.cue_steps)], -1).flatten(1)
    return torch.stack([forward, torch.zeros_like(forward), torch.zeros_like(forward)], -1)[None]


def earned(task, drawn, expected):
    return task.score(drawn, says(task, expected)).mean().item()


def test_inputs_and_scores_of_two_trials_equal_values_computed_by_hand():
    task = Discrimination(trials=2, approach_steps=3, cue_steps=2)
    sensors = torch.tensor([[1, 2, 0]])  # the third neuron detects food, the first one poison
    drawn = task.present(sensors, torch.tensor([[FOOD, POISON]]), torch.tensor([[True, True]]))
    active = [(t, i, c) for t, i, c in drawn.inputs[0].nonzero().tolist()]
    assert active == [(3, 2, 0), (4, 2, 0), (5, 3, 1), (6, 3, 1), (7, 3, 1), (8, 0, 0), (9, 0, 0)]
    outputs = torch.zeros(1, 1, 10, 3)
    outputs[0, 0, :, 0] = torch.tensor([1, 1, 0.7, 0.5, 1, 1, 1, 1, 0.5, 0.5])  # means 0.9, then 0.75; 1, then 0.5
    assert task.score(drawn, outputs)[0, 0].tolist() == pytest.approx(
        [1 - 0.1**2] * 3 + [1 - 0.25**2] * 2 + [1] * 3 + [0.75] * 2
    )


def test_an_omitted_outcome_is_not_shown():
    task = Discrimination(trials=2)
    drawn = task.present(torch.tensor([[0, 1, 2]]), torch.tensor([[FOOD, FOOD]]), torch.tensor([[False, True]]))
    assert not drawn.inputs[0, :, 3].any()
    assert not batch(Discrimination(omit=1.0)).inputs[:, :, 3].any()
    shown = batch().shown.float().mean()
    assert 0.47 < shown < 0.53


def test_environments_come_in_pairs_with_food_and_poison_exchanged():
    drawn = batch(environments=13)
    assert drawn.inputs.shape == (13, TASK.steps, 4, 3)
    assert torch.equal(drawn.sensor_of[0:12:2], drawn.sensor_of[1:12:2])
    assert torch.equal(drawn.cue[0:12:2] == FOOD, drawn.cue[1:12:2] == POISON)
    assert torch.equal(drawn.shown[0:12:2], drawn.shown[1:12:2])
    assert len(drawn.sensor_of[0:12:2].unique(dim=0)) == 6  # every shuffle once


@pytest.mark.parametrize("change", [0.0, 0.25, 1.0])
def test_cues_change_as_often_as_asked_and_begin_with_food_or_poison(change):
    cue = batch(Discrimination(change=change)).cue
    assert (cue[:, 1:] != cue[:, :-1]).float().mean().item() == pytest.approx(change, abs=0.02)
    assert {batch(environments=1, seed=k).cue[0, 0].item() for k in range(30)} == {FOOD, POISON}


def test_one_sensor_at_a_time_and_walls_on_request_without_an_outcome():
    for walls in (0.0, 0.3):
        task = Discrimination(walls=walls)
        drawn = batch(task)
        sensors = drawn.inputs[:, :, :3, 0].unflatten(1, (task.trials, -1))
        assert not sensors[:, :, : task.approach_steps].any()
        assert (sensors[:, :, task.approach_steps :].sum(-1) == 1).all()
        detected = drawn.sensor_of.gather(1, drawn.cue)[..., None, None].expand(-1, -1, task.cue_steps, 1)
        assert sensors[:, :, task.approach_steps :].gather(3, detected).all()
        wall = drawn.cue == WALL
        assert abs(wall.float().mean() - walls) < 0.03
        assert not (wall & drawn.shown).any()


def test_turning_adds_the_error_of_the_other_outputs():
    task = Discrimination(trials=2, approach_steps=1, cue_steps=1, turning=0.5)
    drawn = task.present(torch.tensor([[0, 1, 2]]), torch.tensor([[FOOD, WALL]]), torch.tensor([[True, False]]))
    outputs = torch.tensor([[1, 0, 0], [0.5, 0.2, 0], [1, 0.6, 0.4], [0.1, 0.7, 0.3]])[None, None]
    errors = [0, 0.5**2 + 0.25 * 0.2**2, 0.25 * (0.6**2 + 0.4**2), 0.1**2 + 0.25 * (0.3**2 + 0.3**2)]
    assert task.score(drawn, outputs)[0, 0].tolist() == pytest.approx([1 - e for e in errors])


def test_choosing_adds_an_error_unless_the_right_output_is_the_largest():
    task = Discrimination(trials=2, approach_steps=1, cue_steps=1, choosing=0.6)
    drawn = task.present(torch.tensor([[0, 1, 2]]), torch.tensor([[FOOD, POISON]]), torch.tensor([[True, True]]))
    outputs = torch.tensor([[1, 0.9, 0.9], [1, 1, 1], [1, 1, 0], [0, 0.1, 0.2]])[None, None]
    errors = [0, 0.6 * 2 / 3, 0.6 / 2, 0.6]
    assert task.score(drawn, outputs)[0, 0].tolist() == pytest.approx([1 - e for e in errors])


@pytest.mark.parametrize("more", [{}, {"turning": 0.5}, {"choosing": 0.5}])
@pytest.mark.parametrize("output", [0, 1, 2])
def test_nan_in_any_output_gives_nan(output, more):
    task = Discrimination(trials=2, **more)
    outputs = torch.full((1, 1, task.steps, 3), 0.5)
    outputs[0, 0, 9, output] = torch.nan  # in the second approach
    assert task.score(batch(task, 1), outputs)[0, 0].isnan().nonzero()[:, 0].tolist() == [8, 9, 10, 11]


def test_what_scripted_agents_earn():
    """A response that ignores outcomes earns at most 0.875; the last outcome or trial alone earns less than memory."""
    task = Discrimination(change=0.25)
    drawn, b, k = batch(task, 4800), 4800, task.trials
    half = torch.full((b, k), 0.5)
    cue = drawn.sensor_of.gather(1, drawn.cue)
    assert earned(task, drawn, half) == pytest.approx(0.875)
    assert earned(task, drawn, torch.ones(b, k)) == pytest.approx(0.75)
    liked, twelve = torch.tensor([0.2, 0.9, 0.4]), batch(task, 12)  # every sensor shows food as often as poison
    by_sensor = liked[twelve.sensor_of.gather(1, twelve.cue)]
    assert earned(task, twelve, by_sensor) == pytest.approx(1 - (liked.square() + (1 - liked).square()).mean().item() / 4)
    forward = torch.full((1, b, task.steps, 3), 0.75)  # the same, whether there is a cue or not
    assert task.score(drawn, forward).mean().item() == pytest.approx(1 - 0.25**2 / 2 - (0.25**2 + 0.75**2) / 4)
    food, shown = (drawn.cue == FOOD).float(), drawn.shown
    last_outcome, last_trial, memory = half.clone(), half.clone(), half.clone()
    meaning = torch.full((b, 3), 0.5)
    for i in range(1, k):
        told, before = shown[:, i - 1], cue[:, i - 1 : i]
        last_outcome[:, i] = torch.where(told, 0.25 + 0.5 * food[:, i - 1], 0.5)
        last_trial[:, i] = torch.where(told & (cue[:, i] == before[:, 0]), food[:, i - 1], 0.5)
        learnt = (1 - food[:, i - 1 : i]).expand(-1, 3).scatter(1, before, food[:, i - 1 : i])  # the other cue: by elimination
        meaning = torch.where(told[:, None], learnt, meaning)
        memory[:, i] = meaning.gather(1, cue[:, i : i + 1])[:, 0]
    ranked = [earned(task, drawn, expected) for expected in (half, last_outcome, last_trial, memory)]
    assert min(b - a for a, b in zip(ranked, ranked[1:], strict=False)) > 0.01
    unknown = sum(0.5**i for i in range(k)) / k  # share of trials before the first outcome that is shown
    assert ranked[-1] == pytest.approx(1 - 0.125 * unknown, abs=0.002)


@pytest.mark.parametrize("wrong", [{"trials": 0}, {"omit": 1.5}, {"cue_steps": 0}, {"change": -0.1}])
def test_bad_settings_name_the_value(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} .*{value}"):
        Discrimination(**wrong)


@pytest.mark.parametrize("unit", [False, True])
def test_networks_and_single_units_evolve_in_it_and_then_in_a_maze(unit, tmp_path, near):
    maze = Maze("t", "sensors", steps=8)
    model = enu.GRU(maze.n_values, maze.n_outputs, 4) if unit else Network(ORDERED, channels=3, hidden=4)
    short = Discrimination(trials=2)
    stages = (Stage(2, short, environments=4),)
    experiment = Experiment("d", maze, model, ES(population=4), 3, environments=2, evaluate_every=1, stages=stages)
    run = enu.evolve(experiment, out=tmp_path / "run", progress=False)
    assert run.stage_ends == (2,)
    assert enu.load_run(tmp_path / "run").experiment == experiment
    _, drawn = draw(model, run.genome[None], short, 6, enu.stream(2, "rollout"))
    traces = [enu.rollout(model, run.genome, short, 6, seed=2, backend=name) for name in ("reference", "auto")]
    exact = Exact(model, run.genome[None], 6)
    for t, x in enumerate(short.sample(6, enu.stream(2, "rollout")).inputs.unbind(1)):
        noise = None if drawn.noise is None else drawn.noise.at(t, model.noise_shape)
        y, bound = exact.step((x.flatten(1) if unit else x)[None], noise)
        for trace in traces:
            near((trace.y[:, :, t] - y).abs(), bound)
