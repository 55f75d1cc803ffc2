"""What is eaten in mazes: scripted agents whose episodes are known, and how parts add up to the whole."""

import math

import pytest

from enu_lib import zoo
from enu_lib.analysis import agents
from enu_lib.rollout import record_episodes
from enu_lib.study import evidence, mazes
from enu_lib.study.results import Record, Stored, load
from enu_lib.tasks.maze import Maze

DOUBLE = Maze("double-t", "none")


def run(model, seed, food, alive, fitness, experiment="tmaze"):
    return Record(
        experiment=experiment, model=model, seed=seed, hidden=16, n_params=1, generations=20, evaluations=100, seconds=1.0,
        processor="cpu", version="0", date="d", genome="g", generation=[20], held_out=[1.0], trials=[fitness] * 3,
        scores={"food": food, "steps alive": alive},
    )  # fmt: skip


def test_an_agent_that_stays_ahead_never_eats_what_is_behind_it():
    rows = mazes.by_side(agents.play(DOUBLE, "fixed-arm", 60, seed=1), DOUBLE)
    ahead, behind = rows["food ahead"], rows["food behind"]
    assert (
        ahead["episodes"] + behind["episodes"] == 60 and ahead["ever behind the start"] == behind["ever behind the start"] == 0
    )
    assert ahead["food"] > behind["food"]
    everywhere = mazes.by_side(agents.play(DOUBLE, "omniscient", 60, seed=1), DOUBLE)
    assert everywhere["food behind"]["ever behind the start"] == 1 and everywhere["food behind"]["poison"] == 0


def test_food_by_wall_and_by_placement_average_to_all_food():
    entry = zoo.load("tmaze-enu-published-wiring")
    row = mazes.by_wall({"network": entry}, n=36, seed=4)["network"]
    food = record_episodes(entry.model, entry.genome, entry.task, 36, seed=4).task["foods"][0, :, -1].float()
    assert row.pop("generations") == entry.provenance["generations"]
    assert sum(row.values()) / 3 == pytest.approx(food.mean().item(), abs=1e-5), "a batch holds every shuffle equally often"
    placed = mazes.by_placement(entry, n=36, seed=4)
    values = [v for line in placed.values() for v in line.values()]
    assert len(placed) == 2 and sum(math.isnan(v) for v in values) == 2, "food and poison are never in one place"


def test_shuffles_are_measured_one_by_one():
    maze = Maze("t", "none")
    episodes = {("none", a): agents.play(maze, a, 24, seed=2) for a in ("omniscient", "fixed-arm")}
    rows = mazes.by_shuffle(episodes)
    assert list(rows) == list(episodes)
    assert rows["none", "omniscient"]["poison"] == 0 < rows["none", "fixed-arm"]["poison"]
    assert rows["none", "omniscient"]["food"] == episodes["none", "omniscient"].task["foods"][0, :, -1].float().mean().item()


def test_all_evolutions_that_are_kept_are_listed():
    entry = zoo.load("tmaze-enu")
    rows = mazes.independent_evolutions(entry, load("laptop"))
    curriculum = [n for n in zoo.names() if n == "tmaze-enu" or n.startswith("tmaze-enu-seed")]
    named = [*curriculum, "tmaze-enu-latch", "tmaze-enu-lesson-seed1", "tmaze-enu-three-runs"]
    swept = [r for r in load("laptop").runs if (r.experiment, r.model) == ("tmaze", "enu")]
    assert len(rows) == len(named) + len(swept) and all(set(row) == set(mazes.EVOLUTION) for row in rows.values())
    assert len(mazes.independent_evolutions(entry, load("laptop"), from_zoo=False)) == len(swept)
    assert mazes.independent_evolutions(entry, Stored([], {}), from_zoo=False) == {}


def test_evaluations_are_generations_times_offspring_times_environments_of_all_evolutions():
    entry = zoo.load("tmaze-enu-three-runs")
    latch, volatile, last = chain = zoo.ancestry(entry)
    found = mazes.costs_of({"ours": entry})["ours"]
    each = [e.experiment.es.population * e.experiment.environments for e in chain]
    spent = sum(e.provenance["generations"] * n for e, n in zip(chain[:2], each[:2], strict=True))
    rest = last.provenance["progress"]["generation"][-1]
    assert found["evaluations"][-1] == pytest.approx((spent + rest * each[2]) / 1e6)
    assert found["evaluations"] == sorted(found["evaluations"]) and found["generation"] == sorted(found["generation"])
    own = [e.provenance["progress"]["held_out"] for e in (latch, last)]
    assert found["held_out"] == [*own[0], *own[1]], "the maze with swaps after every food has other rules"
    assert found["minutes"][-1] == pytest.approx(found["seconds"][-1] / 60)


def test_models_by_food_and_what_of_their_fitness_is_survival():
    runs = [run("enu", s, food, 400.0, 12.0 + s) for s, food in enumerate((1.0, 3.0, 8.0))]
    runs += [run("lstm", 0, 2.0, 200.0, 7.0)]
    rows = {row["maze"]: row for row in mazes.model_table(runs, evidence.gather(stored=runs))}
    assert rows["T-maze"]["ENU"] == "3.00, 8.00" and rows["T-maze"]["GRU"] == "not run yet"
    found = mazes.survival_table(runs, ("enu", "lstm"), "tmaze", alive_bonus=0.025)
    assert found["fitness"] == {"ENU": 13.0, "LSTM": 7.0, "difference": 6.0}
    assert found["for steps alive"]["ENU"] == pytest.approx(10.0) and found["for steps alive"]["difference"] == pytest.approx(
        5.0
    )


def test_the_ancestry_of_a_network_is_read_from_its_genomes():
    latch = zoo.load("tmaze-enu-latch")
    assert [e.name for e in zoo.ancestry(latch)] == ["tmaze-enu-latch"]
    for name in zoo.names():
        chain = zoo.ancestry(zoo.load(name))
        assert chain[-1].name == name and len({e.name for e in chain}) == len(chain)
        for before, after in zip(chain, chain[1:], strict=False):
            assert after.provenance["begun_from"] == before.provenance["sha256"]
    assert len(zoo.ancestry(zoo.load("tmaze-enu-three-runs"))) == 3
