"""A sweep: its order and sizes, equal conditions, kill and resume, nothing run twice; results stored and read again."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

import enu_lib
from enu_lib import experiments
from enu_lib.cli import main
from enu_lib.config import from_config, to_config
from enu_lib.storage.folder import RunFolderError
from enu_lib.study import claims, evidence, results, sweep
from enu_lib.study.sweep import Cell

ROOT = Path(__file__).parents[1]
FOUR = sweep.cells("smoke", ("complex-stdp",), seeds=1, checks=False)


def _records(out, without=("seconds", "date")):
    found = {p.parent.name: json.loads(p.read_text()) for p in sorted(out.glob("*/evaluation.json"))}
    return {name: {k: v for k, v in record.items() if k not in without} for name, record in found.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small sweep that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    assert sweep.run("smoke", sweep.cells("smoke", ("complex-stdp",), checks=False), out, jobs=1, progress=False) == []
    return out


def test_seeds_come_whole_and_what_the_claims_need_comes_first():
    cells = sweep.cells("laptop")
    assert len(cells) == len(set(cells))
    main_cells = [c for c in cells if c.model in claims.MAIN[c.experiment]]
    assert cells[: len(main_cells)] == main_cells
    assert [c.seed for c in main_cells] == sorted(c.seed for c in main_cells)
    for seed in range(5):
        pairs = {(c.experiment, c.model) for c in main_cells if c.seed == seed}
        assert pairs == {(e, m) for e, models in claims.MAIN.items() for m in models}
    counted = {e: len([c for c in main_cells if c.experiment == e]) / len(claims.MAIN[e]) for e in claims.MAIN}
    assert counted == {"iaf": 10, "stdp": 10, "complex-stdp": 10, "tmaze": 5, "double-tmaze": 5}


@pytest.mark.parametrize("profile", experiments.PROFILES)
@pytest.mark.parametrize("name", sweep.ORDER)
def test_all_models_of_an_experiment_have_the_same_conditions(name, profile):
    first = sweep.build(name, "enu", profile)
    for model in (*claims.MAIN[name], *sweep.GROUPS["checks"].models.get(name, ())):
        e = sweep.build(name, model, profile)
        same = dataclasses.replace(e, model=first.model, model_name="enu")
        assert same == first, model
        if not model.endswith(sweep.MATCHED):
            assert e.model.hidden == first.model.hidden


def test_matched_models_are_as_near_as_whole_memory_values_allow():
    seen = 0
    for name in sweep.GROUPS["checks"].models:
        wanted = sweep.build(name, "enu", "laptop").model.n_params
        for model in sweep.GROUPS["checks"].models[name]:
            if model.endswith(sweep.MATCHED):
                found = sweep.build(name, model, "laptop").model
                for hidden in (found.hidden - 1, found.hidden + 1):
                    other = dataclasses.replace(found, hidden=hidden)
                    assert abs(other.n_params - wanted) >= abs(found.n_params - wanted)
                seen += 1
    assert seen >= 3
    for name in sweep.UNITS:  # so that no matched GRU is needed
        assert sweep.build(name, "gru", "laptop").model.n_params == sweep.build(name, "enu", "laptop").model.n_params


def test_the_laptop_sweep_takes_ten_hours_on_two_cores_by_our_estimate(tmp_path):
    plans = sweep.plan("laptop", sweep.cells("laptop"), tmp_path)
    assert sweep.hours(plans, 2) <= 10
    assert sweep.hours(plans, 1) == pytest.approx(2 * sweep.hours(plans, 2))


def test_strategies_stop_at_the_level_and_all_but_one_may_use_as_many_lives():
    seen = set()
    for name in sweep.ORDER:
        for model in sweep.strategies(name):
            own, e = sweep.build(name, model.partition("@")[0], "laptop"), sweep.build(name, model, "laptop")
            assert e.model == own.model and e.task == own.task and e.target == results.references()["level"][name]
            lives, as_many = (x.generations * x.es.population * x.environments for x in (e, own))
            assert lives / as_many == (4 if model == "enu@published" else 1)
            seen.add((name, model))
    assert len(seen) == 14


def test_a_choice_undone_is_the_only_thing_that_changes():
    own = sweep.build("iaf", "enu", "laptop")
    undone = {model: sweep.build("iaf", model, "laptop") for model in sweep.GROUPS["choices"].models["iaf"]}
    assert undone["enu@unscaled"].task == dataclasses.replace(own.task, input_scale=1.0)
    assert undone["enu@unrested"].task == dataclasses.replace(own.task, before=0)
    assert undone["enu@large"].model == dataclasses.replace(own.model, hidden=32)
    assert undone["enu@constant"].es == dataclasses.replace(own.es, sigma_final=None)
    for e in undone.values():
        assert dataclasses.replace(e, task=own.task, model=own.model, es=own.es) == own and e.target is None


def test_pages_of_the_laptop_profile_draw_stored_runs_and_those_of_this_machine(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    (tmp_path / "book/run.py").touch()  # a checkout, whose runs and build these are
    monkeypatch.chdir(tmp_path)
    stored = results.load("laptop")
    assert sweep.obtain("laptop") == stored
    run = stored.runs[0]
    folder = tmp_path / "runs/sweep-laptop/one"
    folder.mkdir(parents=True)
    config = {"experiment": stored.configs[f"{run.experiment}-{run.model}"]}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evaluation.json").write_text(json.dumps(run._replace(seed=99)._asdict()))
    found = sweep.obtain("laptop")
    assert len(found.runs) == len(stored.runs) + 1 and any(r.seed == 99 for r in found.runs)
    assert results.load("laptop") == stored  # what ships is left as it is


def test_the_published_sizes_have_no_variants():
    assert not any("@" in cell.model for cell in sweep.cells("paper"))
    assert any("@" in cell.model for cell in sweep.cells("laptop"))


def test_dry_run_says_what_is_left_and_runs_nothing(tmp_path, capsys):
    arguments = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--jobs", "1", "--quiet"]
    assert main([*arguments, "--out", str(tmp_path / "s"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "runs left" in said and "0/2" in said and not (tmp_path / "s").exists()
    assert main([*arguments, "--out", str(tmp_path / "s"), "--no-checks", "--seeds", "1"]) == 0
    assert "0 runs left" in capsys.readouterr().out
    assert main([*arguments, "--out", str(tmp_path / "s"), "--dry-run"]) == 0
    assert "1/2" in capsys.readouterr().out


def test_killed_and_resumed_it_ends_the_same_and_repeats_nothing(whole, tmp_path):
    out = tmp_path / "s"
    command = [sys.executable, "-m", "enu_lib", "sweep", "--profile", "smoke", "--experiments", "complex-stdp"]
    command += ["--no-checks", "--jobs", "2", "--quiet", "--out", str(out)]
    at_work = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
    deadline = time.time() + 120
    while not _records(out) and time.time() < deadline:
        time.sleep(0.01)
    os.killpg(at_work.pid, signal.SIGKILL)
    at_work.wait()
    done = {p: p.stat().st_mtime_ns for p in out.glob("*/*.safetensors") if (p.parent / "evaluation.json").exists()}
    finished = _records(out)
    assert 1 <= len(finished) < 8, "killed too early or too late to show anything"
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=240)
    assert {p: p.stat().st_mtime_ns for p in done} == done  # what was done has not been touched
    assert _records(out) == _records(whole)


def test_a_kill_in_the_middle_of_the_first_write_is_no_obstacle(tmp_path):
    (tmp_path / FOUR[0].name).mkdir()
    (tmp_path / FOUR[0].name / ".config.json.x1y2").write_text('{"exper')
    assert sweep.run("smoke", FOUR[:1], tmp_path, jobs=1, progress=False) == []
    assert set(_records(tmp_path)) == {FOUR[0].name}


def test_a_worker_whose_parent_was_killed_saves_and_ends(tmp_path):
    out = tmp_path / "s"
    parent = _at_work(out)
    parent.kill()
    parent.wait()

    def free():
        return all(_free(out / ".locks" / name) for name in ("complex-stdp-enu-0", "complex-stdp-nfenu-0"))

    _wait(free, "a worker went on without its parent")
    assert len(list(out.glob("*/checkpoint.safetensors"))) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_only_the_parent_hears_ends_all_of_it(number, tmp_path):
    out = tmp_path / "s"
    parent = _at_work(out)
    try:
        parent.send_signal(number)
        assert parent.wait(timeout=120) == 0
    finally:
        parent.kill()
    assert len(list(out.glob("*/checkpoint.safetensors"))) == 2 and not list(out.glob("*/evaluation.json"))


def test_what_is_stored_is_not_run_again_unless_it_is_asked_for(tmp_path, capsys):
    command = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--seeds", "1", "--no-checks", "--jobs", "1"]
    command += ["--quiet", "--results", str(tmp_path / "kept"), "--out"]
    assert main([*command, str(tmp_path / "first")]) == 0
    assert main([*command, str(tmp_path / "first"), "--collect"]) == 0
    assert main([*command, str(tmp_path / "second")]) == 0
    assert "0 runs left" in capsys.readouterr().out and not (tmp_path / "second").exists()
    assert main([*command, str(tmp_path / "second"), "--again", "--dry-run"]) == 0
    assert "4 runs left" in capsys.readouterr().out


def _at_work(out):
    """A sweep whose two workers have begun a long run each."""
    command = [sys.executable, "-m", "enu_lib", "sweep", "--profile", "laptop", "--experiments", "complex-stdp"]
    command += ["--jobs", "2", "--seeds", "1", "--again", "--quiet", "--out", str(out)]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs inherit that it is ignored
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=heard)
    _wait(lambda: len(list(out.glob("*/config.json"))) == 2, "the workers began nothing")
    return parent


def _wait(what, otherwise, seconds=120):
    deadline = time.time() + seconds
    while not what():
        assert time.time() < deadline, otherwise
        time.sleep(0.1)


def _free(lock):
    try:
        with FileLock(lock, timeout=0):
            return True
    except TimeoutError:
        return False


def test_time_is_up_and_it_goes_on_later(whole, tmp_path):
    assert sweep.run("smoke", FOUR, tmp_path, jobs=1, time_limit=0, progress=False) == []
    assert _records(tmp_path) == {}
    assert sweep.run("smoke", FOUR, tmp_path, jobs=1, progress=False) == []
    expected = _records(whole)
    assert _records(tmp_path) == {cell.name: expected[cell.name] for cell in FOUR}


def test_a_cell_that_another_process_holds_is_left_to_it(tmp_path):
    (tmp_path / ".locks").mkdir()
    with FileLock(tmp_path / ".locks" / FOUR[0].name):
        assert sweep.run("smoke", FOUR, tmp_path, jobs=1, progress=False) == []
    assert set(_records(tmp_path)) == {cell.name for cell in FOUR[1:]}


def test_the_double_maze_goes_on_from_the_simple_one(tmp_path):
    """The simple maze is evolved first where it is not there, and left alone where it is."""
    cell, before = Cell("double-tmaze", "shared", 0), Cell("tmaze", "shared", 0)
    assert sweep.run("smoke", [cell], tmp_path, jobs=1, progress=False) == []
    found = _records(tmp_path)
    assert set(found) == {cell.name, before.name}
    assert found[cell.name]["begun_from"] == found[before.name]["genome"]
    assert found[before.name]["begun_from"] is None
    written = (tmp_path / before.name / "checkpoint.safetensors").stat().st_mtime_ns
    (tmp_path / cell.name / "evaluation.json").unlink()
    assert sweep.run("smoke", [cell], tmp_path, jobs=1, progress=False) == []
    assert (tmp_path / before.name / "checkpoint.safetensors").stat().st_mtime_ns == written
    assert _records(tmp_path) == found


def test_while_another_process_is_at_what_it_goes_on_from_a_cell_waits_and_others_do_not(tmp_path):
    (tmp_path / ".locks").mkdir()
    before, begun = Cell("tmaze", "enu", 0), time.time()
    with FileLock(tmp_path / ".locks" / before.name):
        todo = [Cell("double-tmaze", "enu", 0), FOUR[0]]
        assert sweep.run("smoke", todo, tmp_path, jobs=1, time_limit=4, progress=False) == []
    assert time.time() - begun >= 4
    assert set(_records(tmp_path)) == {FOUR[0].name}


def test_a_cell_does_not_go_on_from_a_run_of_other_settings(tmp_path):
    before = Cell("tmaze", "enu", 0)
    enu_lib.evolve(before.experiment, profile="smoke", out=tmp_path / before.name, progress=False, generations=2)
    (tmp_path / before.name / "evaluation.json").write_text("{}")
    errors = sweep.run("smoke", [Cell("double-tmaze", "enu", 0)], tmp_path, jobs=1, progress=False)
    assert len(errors) == 1 and "holds a run of other settings" in errors[0]


def test_what_goes_wrong_in_one_cell_is_said_and_the_others_are_run(tmp_path, capsys):
    (tmp_path / FOUR[1].name).mkdir(parents=True)
    (tmp_path / FOUR[1].name / "notes.txt").write_text("mine")
    arguments = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--seeds", "1", "--no-checks", "--jobs", "1"]
    assert main([*arguments, "--quiet", "--out", str(tmp_path)]) == 1
    assert f"{FOUR[1].name}: " in capsys.readouterr().err
    assert set(_records(tmp_path)) == {c.name for c in FOUR if c != FOUR[1]}


def test_a_folder_of_other_settings_is_refused(tmp_path):
    cell = Cell("complex-stdp", "enu", 0)
    other = dataclasses.replace(sweep.build(cell.experiment, cell.model, "smoke"), environments=9)
    (tmp_path / cell.name).mkdir()
    (tmp_path / cell.name / "config.json").write_text(json.dumps({"experiment": to_config(other), "seed": 0}))
    with pytest.raises(RunFolderError, match="holds a run of other settings"):
        sweep.run("smoke", [cell], tmp_path, jobs=1, progress=False)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--profile", "huge"], "unknown profile 'huge'"),
        (["--experiments", "walk"], "experiment 'walk' is not in the sweep: choose of complex-stdp,"),
        (["--models", "enu,crow"], "model 'crow' is not among these runs: choose of enu,"),
        (["--jobs", "0"], "--jobs takes an integer from 1 to 4096, got 0"),
        (["--seeds", "0"], "seeds must be at least 1, got 0"),
    ],
)
def test_bad_input_gets_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *arguments]) == 2
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_results_are_stored_and_read_again(whole, tmp_path):
    stored = results.collect("smoke", whole, tmp_path)
    assert results.load("smoke", tmp_path) == stored and len(stored.runs) == 8
    assert results.collect("smoke", whole, tmp_path) == stored  # nothing twice
    first = results.path("smoke", tmp_path).read_bytes()
    results.collect("smoke", whole, tmp_path)
    assert results.path("smoke", tmp_path).read_bytes() == first
    run = stored.runs[0]
    assert from_config(stored.configs[f"{run.experiment}-{run.model}"]) == sweep.build(run.experiment, run.model, "smoke")
    found = evidence.gather(stored=stored.runs)
    assert found.final["complex-stdp", "enu"][0] == pytest.approx(sum(run.trials) / len(run.trials))
    assert set(found.reached["complex-stdp", "enu"]) == {float("inf")}


def test_other_settings_are_not_mixed_in_and_damage_is_named(whole, tmp_path):
    results.collect("smoke", whole, tmp_path)
    other = tmp_path / "runs" / "complex-stdp-enu-7"
    other.mkdir(parents=True)
    source = whole / "complex-stdp-enu-0"
    config = json.loads((source / "config.json").read_text())
    config["experiment"]["environments"] = 99
    (other / "config.json").write_text(json.dumps(config))
    (other / "evaluation.json").write_text((source / "evaluation.json").read_text())
    with pytest.raises(RunFolderError, match="has other settings than the stored runs"):
        results.collect("smoke", tmp_path / "runs", tmp_path)
    results.path("smoke", tmp_path).write_bytes(b"not ours")
    with pytest.raises(RunFolderError, match="is damaged"):
        results.load("smoke", tmp_path)
    assert results.load("paper", tmp_path) == results.Stored([], {})


def test_the_results_that_ship_are_those_of_the_tree():
    stored = results.load("laptop")
    assert len(stored.runs) == len({(r.experiment, r.model, r.seed) for r in stored.runs})
    cells = {(c.experiment, c.model, c.seed) for c in sweep.cells("laptop")}
    for run in stored.runs:
        assert (run.experiment, run.model, run.seed) in cells
        e = sweep.build(run.experiment, run.model, "laptop")
        assert from_config(stored.configs[f"{run.experiment}-{run.model}"]) == e
        assert (run.n_params, run.hidden) == (e.model.n_params, e.model.hidden)
        assert len(run.trials) == results.TRIALS and len(run.generation) == len(run.held_out)
        assert run.generations == e.generations or max(run.held_out) >= e.target
        assert run.scores["n"] == 1024 and run.seconds > 0
    assert sum(p.stat().st_size for p in results.FOLDER.iterdir()) < 20e6


def test_the_level_is_a_tenth_of_what_learning_nothing_costs():
    level = results.references()["level"]
    for name in sweep.UNITS:
        assert evidence.unit_level(experiments.get(name).task, 512) == pytest.approx(level[name], rel=0.15)
    for name, layout in (("tmaze", "t"), ("double-tmaze", "double-t")):
        assert level[name] == results.references()["agents"][layout]["fixed-arm"]["fitness"]


def test_generations_to_a_level():
    run = results.Record(*["x"] * 3, *[0] * 4, 1.0, *["x"] * 4, [10, 20, 30], [None, -0.5, -0.1], [], {})
    assert evidence.generations_to(run, -0.5) == 20
    assert evidence.generations_to(run, -0.2) == 30
    assert evidence.generations_to(run, 0.0) == float("inf")
