"""Shipped genomes: complete provenance, and scores that hold in new environments."""

import math
import shlex
from dataclasses import replace

import pytest
import torch

import enu_lib as enu
from enu_lib.analysis import learning
from enu_lib.cli import main
from enu_lib.rollout import record_episodes
from enu_lib.storage.folder import GENOME, read_tensors, write_tensors
from enu_lib.storage.run import fingerprint, load_run
from enu_lib.study import evidence, results

NAMES = enu.zoo.names()
UNITS = ["iaf-enu", "stdp-enu", "complex-stdp-enu", "complex-stdp-enu-1000", "complex-stdp-enu-3000"]
MAZES = [name for name in NAMES if "tmaze" in name]


def test_the_single_units_of_the_paper_are_in_the_zoo():
    assert set(UNITS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_provenance_is_complete(name):
    entry = enu.zoo.load(name)
    assert entry.genome.shape == (entry.model.n_params,) and entry.genome.dtype == torch.float32
    wanted = {"format", "experiment", "seed", "generations", "seconds", "processor", "version", "date", "scores", "sha256"}
    assert wanted <= set(entry.provenance) and entry.provenance["format"] == 1
    assert fingerprint(entry.genome) == entry.provenance["sha256"]
    assert name.startswith(f"{entry.experiment.name}-{entry.experiment.model_name}")


@pytest.mark.parametrize("name", UNITS)
def test_stored_scores_hold_on_new_sequences(near, name):
    entry = enu.zoo.load(name)
    pairs = enu.zoo.verify(name, n=1024, seed=901)
    for key, (stored, again) in pairs.items():
        if key != "n":
            assert math.isnan(again) == math.isnan(stored), key
            if not math.isnan(stored):
                near(abs(again - stored), max(0.25 * abs(stored), 0.03))
    assert entry.scores["n"] >= 1000


@pytest.mark.parametrize("name", MAZES)
def test_stored_scores_hold_in_new_episodes(near, name):
    """Food and proportions within five standard errors of the difference of two samples, on any processor.

    A proportion's standard error is that of independent cases, with two successes and two failures added (Agresti and
    Coull), so that it is not 0 for a proportion of 0 or 1.  Visits of one episode are not independent: they count as one case.
    Events so rare that fewer than 20 cases are expected are not compared.
    """
    stored, again = zip(*enu.zoo.verify(name, n=512, seed=902).values(), strict=True)
    was, now = (dict(zip(enu.zoo.load(name).scores, values, strict=True)) for values in (stored, again))
    assert was["n"] >= 2048 and now["n"] == 512
    near(abs(now["food"] - was["food"]), 5 * math.hypot(was["food s.e."], now["food s.e."]))
    visits = [m["n"] * m["episodes with two meals"] for m in (was, now)]
    changes = [m["changes met"] for m in (was, now)]
    mistakes = [m["changes met"] * (1 - m["no mistake after a change"]) if m["changes met"] else 0 for m in (was, now)]
    for keys, (then, later) in (
        (("second visit right", "later visits right"), visits),
        (("no mistake after a change",), changes),
        (("right again after one mistake",), mistakes),
    ):
        for key in keys if then * 512 / was["n"] >= 20 else ():
            assert later, f"no case of {key}"
            p = (then * was[key] + 2) / (then + 4)
            near(abs(now[key] - was[key]), 5 * math.sqrt(p * (1 - p) * (1 / then + 1 / later)))


def test_the_tmaze_network_learns_within_an_episode():
    entry = enu.zoo.load("tmaze-enu")
    assert entry.task.shuffle == "sensors"
    scores = enu.analysis.scores(entry.model, entry.genome, entry.task, n=512, seed=31)
    assert scores["food"] >= 14
    assert scores["second visit right after poison"] >= 0.95
    assert scores["no mistake after a change"] >= 0.95 and scores["changes met"] > 100


def test_the_stdp_synapse_follows_the_rule_within_the_claimed_error():
    scores = enu.analysis.scores(*_parts("stdp-enu"), n=1000, seed=31)
    assert scores["window correlation with NT"] >= 0.999
    assert scores["output RMSE"] <= 0.006
    assert scores["mean |change| without NT, %"] <= 0.5


def test_the_complex_rule_is_approximated_better_after_3000_than_after_1000_generations():
    early, late, best = (
        enu.analysis.scores(*_parts(f"complex-stdp-enu{end}"), n=1000, seed=31) for end in ("-1000", "-3000", "")
    )
    for key in ("window correlation with NT", "window correlation without NT"):
        assert late[key] >= 0.99 and best[key] >= 0.99 and late[key] > early[key]
    assert enu.zoo.load("complex-stdp-enu-1000").provenance["generations"] == 1000
    assert enu.zoo.load("complex-stdp-enu-3000").provenance["generations"] == 3000


def test_verify_rejects_a_genome_with_another_checksum(tmp_path, monkeypatch):
    from enu_lib.storage.folder import read_tensors, write_tensors

    tensors, meta = read_tensors(enu.zoo.FOLDER / "stdp-enu.safetensors")
    write_tensors(tmp_path / "stdp-enu.safetensors", {"genome": tensors["genome"] + 1e-3}, meta)
    monkeypatch.setattr(enu.zoo, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="stdp-enu.*checksum"):
        enu.zoo.verify("stdp-enu")


def test_add_stores_a_run_and_obtain_evolves_it_again(tmp_path, monkeypatch, small):
    monkeypatch.setattr(enu.zoo, "FOLDER", tmp_path / "zoo")
    run = enu.evolve(small, progress=False)
    best = enu.zoo.add(run, "stdp-enu", n=8, note="a test")
    latest = enu.zoo.add(run, "stdp-enu-6", n=8, latest=True)
    assert torch.equal(best.genome, run.genome) and best.provenance["note"] == "a test"
    assert torch.equal(latest.genome, run.parent) and enu.zoo.names() == ["stdp-enu", "stdp-enu-6"]
    assert best.experiment == small
    again = enu.zoo.obtain("stdp-enu", "smoke", runs=tmp_path / "runs")
    assert torch.equal(again.genome, run.genome)


def test_an_entry_names_the_machine_on_which_it_evolved_not_the_one_that_stores_it(tmp_path, monkeypatch, small):
    monkeypatch.setattr(enu.zoo, "FOLDER", tmp_path / "zoo")
    enu.evolve(small, progress=False, out=tmp_path / "run")
    tensors, meta = read_tensors(tmp_path / "run" / GENOME)
    write_tensors(tmp_path / "run" / GENOME, tensors, {**meta, "processor": "abacus", "date": "1970-01-01"})
    stored = enu.zoo.add(load_run(tmp_path / "run"), "stdp-enu", n=8).provenance
    assert (stored["processor"], stored["date"]) == ("abacus", "1970-01-01")


def _parts(name):
    entry = enu.zoo.load(name)
    return entry.model, entry.genome, entry.task


def test_a_network_finds_the_output_that_moves_forward_within_its_first_visit():
    entry = enu.zoo.load("tmaze-actions-enu")
    assert entry.task.shuffle == "sensors+actions"
    lives = record_episodes(entry.model, entry.genome, entry.task, 512, seed=33)
    measures = learning.measures(lives)
    assert measures["food"] - 2 * measures["food s.e."] >= 5
    shortest = entry.task.corridor + 1 + entry.task.arm
    rows = learning.walking(lives, entry.task)
    assert 0.8 < measures["episodes with a meal"] < 0.95 and rows[2] == min(rows, key=lambda row: row["episodes with a meal"])
    for row in rows:
        assert row["moves, first visit"] > shortest + 2 and row["moves, second visit"] == shortest


def test_the_evolutions_by_the_curriculum_have_the_settings_of_the_command():
    """Of the command as it is now, or as it was before its third stage could restart."""
    command = enu.experiments.get("tmaze")
    walk, avoid, often, remember = command.stages
    former = replace(command, generations=1000, stages=(walk, avoid, replace(often, until=600, restart=False), remember))
    continued = {"tmaze-enu": 51, "tmaze-enu-relearns": 63}
    for name in (*evidence.CURRICULUM, *evidence.RESTARTS, *continued):
        entry = enu.zoo.load(name)
        assert entry.experiment == (former if name in evidence.CURRICULUM and name not in continued else command)
        assert continued.get(name) == entry.provenance["seed"] or name.endswith(f"-seed{entry.provenance['seed']}")
        assert entry.provenance.get("begun_from") is None
        assert entry.provenance["generations"] < entry.experiment.generations, "the pages say that it ended before"


def test_the_evolutions_in_the_hidden_maze_have_the_settings_that_the_page_names():
    hidden = {"task": replace(enu.experiments.get("tmaze-harmless").task, meals_visible=False)}
    command = enu.experiments.get("tmaze-hidden", settings={"stages": (), "target": 22.5, "es.sigma": 0.012, **hidden})
    for name, parent in {**evidence.HIDDEN, "tmaze-hidden-enu": "tmaze-enu"}.items():
        entry = enu.zoo.load(name)
        assert replace(entry.experiment, generations=2000) == command
        assert entry.provenance["begun_from"] == fingerprint(enu.zoo.load(parent).genome)
        if name != "tmaze-hidden-enu":
            assert name.endswith(f"-seed{entry.provenance['seed']}") and entry.experiment.generations == 150


@pytest.mark.parametrize(
    "name, commands, parent",
    [
        ("tmaze-enu-three-runs", "tmaze-steps", "tmaze-enu-latch"),
        ("tmaze-harmless-enu-seed1", "tmaze-reversal-steps", None),
        ("tmaze-hidden-enu-seed160", "tmaze-hidden-steps", "tmaze-enu-seed60"),
        ("tmaze-hidden-enu-reverses", "tmaze-reverses-steps", "tmaze-enu-relearns"),
        ("double-tmaze-enu", "double-tmaze-steps", "tmaze-enu-latch"),
        ("tmaze-actions-enu", "tmaze-actions-steps", "tmaze-actions-enu-one-output"),
    ],
)
def test_the_recorded_commands_lead_to_the_settings_of_the_zoo_entry(name, commands, parent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = "--population 4 --generations 1 --environments 2 --set evaluate_environments=2 --quiet --device cpu"
    before = fingerprint(enu.zoo.load(parent).genome) if parent else None
    for command in results.attempts(commands):
        arguments = shlex.split(f"{command} {small}")[3:]  # without python -m enu_lib
        assert main(arguments) == 0
        run = load_run(arguments[arguments.index("--out") + 1])
        assert run.begun_from == before
        before = fingerprint(run.genome)
    entry = enu.zoo.load(name)
    assert (run.task, run.model) == (entry.task, entry.model)
    assert run.experiment.es.sigma == entry.experiment.es.sigma
    assert (run.seed, run.experiment.stages) == (entry.provenance["seed"], entry.experiment.stages)
