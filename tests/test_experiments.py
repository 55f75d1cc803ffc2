"""The paper's experiments by name, model and profile, and what an experiment of one's own has to be."""

from dataclasses import replace

import pytest
import torch

import enu_lib as enu
from enu_lib import experiments
from enu_lib.analysis import agents
from enu_lib.base import names
from enu_lib.es import ES
from enu_lib.evolve import evolve
from enu_lib.experiments import Experiment, Stage
from enu_lib.network import CHAINED, ORDERED, PUBLISHED
from enu_lib.tasks.discrimination import Discrimination
from enu_lib.tasks.maze import Maze


@pytest.mark.parametrize("name", names.EXPERIMENTS)
def test_the_paper_profile_has_the_published_sizes(name):
    e = experiments.get(name, profile="paper")
    assert (e.es, e.model_name, e.stages, e.target) == (
        ES(population=512, sigma=0.01, momentum=0.9, power=5.0),
        "enu",
        (),
        None,
    )
    if "maze" in name:
        assert (e.generations, e.environments) == (30_000, 8) and e.model.connections == PUBLISHED
        steps = 600 if name == "tmaze-hidden" else 400  # of ours, not of the paper's
        assert (e.model.hidden, e.model.channels, e.task.steps, e.task.move_every) == (32, 16, steps, 4)
    else:
        assert (e.generations, e.environments, e.model.hidden, e.task.steps) == (10_000, 32, 32, 100)
        assert e.model.gain == (1000.0 if name == "iaf" else 1.0)


def test_a_name_says_which_maze_and_what_is_shuffled():
    for name, layout in experiments.LAYOUTS.items():
        shuffles = {suffix: experiments.get(name + suffix).task.shuffle for suffix in ("", "-none", "-actions")}
        assert shuffles == {"": "sensors", "-none": "none", "-actions": "sensors+actions"}
        assert experiments.get(name).task.layout == layout
    assert experiments.get("tmaze-volatile").task.foods_per_period == 1
    assert experiments.get("tmaze-harmless").task.deadly_poisons > 100  # more than an episode has moves
    assert not experiments.get("tmaze-hidden").task.meals_visible


def test_settings_by_path_and_common_ones_by_bare_name():
    e = experiments.get("tmaze", "gru", sigma=0.05, population=64, hidden=8, generations=7, settings={"task.arm": 3})
    assert (e.es.sigma, e.es.population, e.model.hidden, e.generations, e.task.arm, e.model.cell) == (0.05, 64, 8, 7, 3, "gru")
    first = e.stages[0]  # with a strategy and a number of environments of its own
    assert e.total_episodes == 7 * first.es.population * first.environments


def test_the_curriculum_of_the_tmaze_ends_in_the_tmaze():
    e = experiments.get("tmaze")
    tasks = [e.stage(ended).tasks[0] for ended in range(len(e.stages) + 1)]
    assert isinstance(tasks[0], Discrimination) and tasks[-1] == e.task == Maze("t", "sensors")
    assert all(task.foods_per_period == 1 for task in tasks[1:-1]) and e.stages[-1].until < e.generations
    assert e.populations == (256,) * 5


def test_the_curriculum_of_the_hidden_maze_hides_food_and_poison_once_the_network_knows_how_to_find_them():
    e = experiments.get("tmaze-hidden")
    assert e.stages[:3] == experiments.get("tmaze").stages[:3] and all(task.meals_visible for task in e.stages[2].tasks)
    *fixed, last = e.stages[3:]
    assert last.task == e.task and last.target == e.target
    for stage in fixed:
        assert not stage.task.meals_visible and stage.task.change == 0
        latch, arm = (agents.scores(stage.task, agent, 500)["fitness"] for agent in ("latch", "fixed-arm"))
        assert latch > stage.target > 1.5 * arm


@pytest.mark.parametrize("model", ["enu", "gru", "shared", "one-gru"])
def test_every_stage_of_the_curriculum_runs_with_every_kind_of_model(model):
    e = experiments.get("tmaze", model, settings={"evaluate_every": 1, "evaluate_environments": 2, "target": None})
    es = ES(population=4, sigma=0.1)
    stages = tuple(
        replace(s, until=2 * k + 2, target=None, restart=False, es=es, environments=2) for k, s in enumerate(e.stages)
    )
    run = evolve(replace(e, es=es, environments=2, generations=9, stages=stages), progress=False)
    assert run.stage_ends == (2, 4, 6, 8) and run.generation == 9 and torch.isfinite(run.parent).all()
    # the teacher eats, whatever the network does: it moves in every second generation of the second stage only
    assert run.log[3]["fitness_max"] > 20 > max(run.log[2]["fitness_max"], run.log[4]["fitness_max"])


def test_scripted_agents_and_a_constant_response_earn_what_the_targets_are_compared_with():
    volatile = replace(Maze("t", "sensors"), foods_per_period=1)
    assert agents.scores(Maze("t", "sensors"), "looking", 2000)["fitness"] == pytest.approx(25.6, abs=0.2)
    assert agents.scores(volatile, "once-bitten", 2000)["fitness"] == pytest.approx(22, abs=0.3)
    assert volatile.alive_bonus * volatile.full / volatile.energy_cost == pytest.approx(1.8)
    task = experiments.get("tmaze").stages[0].task
    drawn = task.sample(12, enu.stream(0, "constant"))
    y = torch.zeros(1, 12, task.trials, task.approach_steps + task.cue_steps, 3)
    y[..., : task.approach_steps, 0] = 1
    y[..., task.approach_steps :, :2] = 0.5
    assert task.score(drawn, y.flatten(2, 3)).mean().item() == pytest.approx(0.84375)


def test_a_run_or_zoo_entry_as_parent_brings_its_wiring():
    latch = enu.zoo.load("tmaze-enu-latch")
    small = dict(population=4, generations=1, environments=2, progress=False, device="cpu")
    few = {"stages": (), "evaluate_environments": 2}
    assert evolve("tmaze", parent=latch, settings=few, **small).model.connections == ORDERED
    assert evolve("tmaze", parent=latch, settings={**few, "model.connections": CHAINED}, **small).model.connections == CHAINED
    assert evolve("tmaze", parent=latch.genome, settings=few, **small).model.connections == CHAINED


def test_mazes_with_a_curriculum_have_the_chained_wiring():
    for name in ("tmaze", "tmaze-none", "tmaze-volatile", "tmaze-harmless", "tmaze-actions", "double-tmaze"):
        e = experiments.get(name)
        assert e.model.connections == (CHAINED if e.stages else ORDERED)
        assert bool(e.stages) == (name not in ("tmaze-actions", "double-tmaze"))


@pytest.mark.parametrize(
    "ask, says",
    [
        (("tmase",), "tmaze"),
        (("tmaze", "gru2"), "lstm"),
        (("tmaze", "enu", "fast"), "laptop"),
        (("stdp", "shared"), "for mazes"),
        (("tmaze", "gru-gain"), "single unit"),
    ],
)
def test_unknown_and_impossible_combinations_are_refused(ask, says):
    with pytest.raises(ValueError, match=says):
        experiments.get(*ask)


def test_stages_end_one_after_the_other():
    e, task = experiments.get("tmaze", profile="smoke"), Maze("t", "sensors", arm=1)
    assert replace(e, stages=(Stage(2, task), Stage(5, task))).stage(1).until == 5
    for ends in ((5, 2), (3, 3)):
        with pytest.raises(ValueError, match="one after the other"):
            replace(e, stages=tuple(Stage(end, task) for end in ends))


def test_a_stage_without_a_target_cannot_restart():
    with pytest.raises(ValueError, match="restart=True needs a target"):
        Stage(5, Maze("t", "sensors"), restart=True)


def test_what_is_no_task_or_no_model_is_refused():
    unit, task = enu.ENU(4, 1, 3), enu.STDP("plain")
    assert Experiment("own", task, unit).generations == 1000
    with pytest.raises(ValueError, match="model"):
        Experiment("own", task, object())
    with pytest.raises(ValueError, match="task"):
        Experiment("own", object(), unit)
    with pytest.raises(ValueError, match="task"):
        Stage(5, object())


def test_memory_grows_with_the_largest_population_of_any_stage():
    small = experiments.get("stdp", profile="smoke")
    wide = replace(small, stages=(Stage(2, small.task, es=ES(population=4096)),))
    assert wide.bytes > 50 * small.bytes


def test_memory_counts_the_largest_stage_and_sequences_before_a_maze():
    small = experiments.get("stdp", profile="smoke")
    wide = replace(small, stages=(Stage(2, small.task, es=ES(population=4096), environments=1),))
    assert wide.bytes < replace(small, es=ES(population=4096)).bytes
    maze = experiments.get("tmaze", profile="smoke")
    trials = Stage(1, Discrimination(trials=1000), environments=1000)
    assert replace(maze, stages=(trials,)).bytes - maze.bytes > 4 * maze.es.population * 1000 * 8000


def test_episodes_follow_the_stages():
    task = Maze("t", "sensors")
    stages = (Stage(3, task, es=ES(population=8)), Stage(5, task, environments=2))
    e = replace(experiments.get("tmaze", profile="smoke"), es=ES(population=4), environments=10, generations=7, stages=stages)
    assert e.episodes(2) == 2 * 8 * 10
    assert e.total_episodes == 3 * 80 + 2 * 8 + 2 * 40
    assert e.episodes(7, ends=(1, 2)) == 80 + 8 + 5 * 40
    assert e.episodes(2, ends=(1,)) == 80 + 8


def test_episodes_of_all_attempts_count():
    stages = (Stage(3, Maze("t", "sensors"), es=ES(population=8)), Stage(5, Maze("t", "sensors"), target=9.0, restart=True))
    e = replace(experiments.get("tmaze", profile="smoke"), es=ES(population=4), environments=10, generations=12, stages=stages)
    ends, restarts = (2, 5, 8, 10), (5,)  # generations of the first stage: 0 and 1; 5, 6 and 7
    assert e.episodes(12, ends, restarts) == 5 * 80 + 7 * 40
    assert e.episodes(5, ends, restarts) == 2 * 80 + 3 * 40
    assert e.episodes(9, (2, 5), restarts) == 2 * 80 + 3 * 40 + 3 * 80 + 40
