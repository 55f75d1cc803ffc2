"""Sweeps: kill and resume without repeats, jobs that start from others, errors that name the job."""

import dataclasses
import json
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import forks
import psutil
import pytest
from filelock import FileLock

import enu_lib
from enu_lib.cli import main
from enu_lib.config import to_config
from enu_lib.storage.folder import RunFolderError
from enu_lib.study import results, sweep
from enu_lib.study.sweep import Job

FOUR = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)


def records(out, without=("seconds", "date", "checksum")):
    found = {p.parent.name: json.loads(p.read_text()) for p in sorted(out.glob("*/evaluation.json"))}
    return {name: {k: v for k, v in record.items() if k not in without} for name, record in found.items()}


def test_the_estimate_for_the_laptop_sweep_is_ten_hours_on_two_cores(tmp_path):
    plans = sweep.plan("laptop", sweep.jobs("laptop"), tmp_path)
    assert sweep.hours(plans) <= 20


def test_the_laptop_profile_combines_stored_and_local_runs(tmp_path, monkeypatch):
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
    assert results.load("laptop") == stored  # shipped results are unchanged


def test_dry_run_prints_the_remaining_runs_and_runs_nothing(tmp_path, capsys):
    arguments = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--jobs", "1", "--quiet"]
    assert main([*arguments, "--out", str(tmp_path / "s"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "runs left" in said and "0/2" in said and not (tmp_path / "s").exists()
    assert main([*arguments, "--out", str(tmp_path / "s"), "--no-checks", "--seeds", "1"]) == 0
    assert "0 runs left" in capsys.readouterr().out
    assert main([*arguments, "--out", str(tmp_path / "s"), "--dry-run"]) == 0
    assert "1/2" in capsys.readouterr().out


@pytest.mark.parametrize("study", ["first", "second"])
@pytest.mark.parametrize(
    "options, workers",
    [
        (["--jobs", "1"], "h on 1 core;"),
        (["--jobs", "3"], "h on 3 cores;"),
        (["--scheduler", "tcp://somewhere"], "core-hours;"),
        (["--device", "cuda", "--per-device", "2"], "4 GPU workers;"),
    ],
)
def test_the_time_left_names_the_workers_that_share_it(options, workers, study, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    command = ["sweep", "--study", study, "--profile", "smoke", "--dry-run", "--out", str(tmp_path / "s")]
    assert main([*command, *options]) == 0
    assert workers in capsys.readouterr().out.splitlines()[-1]


def test_a_killed_and_resumed_sweep_gives_the_same_results_without_repeats(whole, tmp_path):
    out = tmp_path / "s"
    command = ["-m", "enu_lib", "sweep", "--profile", "smoke", "--experiments", "complex-stdp"]
    command += ["--no-checks", "--jobs", "2", "--quiet", "--out", out]
    (out / ".locks").mkdir(parents=True)
    with FileLock(out / ".locks" / FOUR[-1].name):  # this job cannot begin, so the sweep is not finished when it is killed
        at_work = forks.Program(command)
        wait_for(lambda: records(out), "no job was done")
        os.killpg(at_work.pid, signal.SIGKILL)
        at_work.wait()
    done = {p: p.stat().st_mtime_ns for p in out.glob("*/*.safetensors") if (p.parent / "evaluation.json").exists()}
    finished = records(out)
    assert 1 <= len(finished) < 8
    assert forks.run(command).returncode == 0
    assert {p: p.stat().st_mtime_ns for p in done} == done  # finished jobs are not touched
    assert records(out) == records(whole)


def test_a_sweep_resumes_after_a_kill_during_its_first_write(tmp_path):
    (tmp_path / FOUR[0].name).mkdir()
    (tmp_path / FOUR[0].name / ".config.json.x1y2").write_text('{"exper')
    assert sweep.run("smoke", FOUR[:1], tmp_path, jobs=1, progress=False) == []
    assert set(records(tmp_path)) == {FOUR[0].name}


def ended(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_workers_save_and_stop_when_their_parent_is_killed(tmp_path):
    out = tmp_path / "s"
    parent = _at_work(out)
    workers = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()

    def free():
        return all(_free(out / ".locks" / name) for name in ("complex-stdp-enu-0", "complex-stdp-nfenu-0"))

    wait_for(free, "a worker went on without its parent")
    assert len(list(out.glob("*/checkpoint.safetensors"))) == 2
    wait_for(lambda: all(map(ended, workers)), "a process of a worker was left")


def test_a_worker_without_an_evolution_ends_with_its_parent():
    code = """if True:
        import time
        from enu_lib.study import executors
        with executors.local([None, None]) as submit:
            submit(time.sleep, 1000)
            time.sleep(1000)"""
    parent = forks.Program(["-c", code])
    own = psutil.Process(parent.pid)

    def grandchildren():  # a worker is a child of the server that forks it
        return [process for child in own.children() for process in child.children()]

    wait_for(grandchildren, "no worker began")
    family = own.children(recursive=True)
    parent.kill()
    parent.wait()
    wait_for(lambda: all(map(ended, family)), "a process of a worker was left")


def test_only_the_locks_of_killed_sweeps_are_deleted(whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / "s")
    dead, alive = (out / ".locks" / f".sweep-{name}" for name in ("dead", "alive"))
    dead.touch()
    with FileLock(alive):
        assert sweep.run("smoke", sweep.jobs("smoke", ("complex-stdp",), checks=False), out, jobs=1, progress=False) == []
        assert set(out.glob(".locks/.sweep-*")) == {alive}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_the_parent_stops_all_workers(number, tmp_path):
    out = tmp_path / "s"
    parent = _at_work(out)
    try:
        parent.send_signal(number)
        assert parent.wait(timeout=240) == 0
    finally:
        parent.kill()
    assert len(list(out.glob("*/checkpoint.safetensors"))) == 2 and not list(out.glob("*/evaluation.json"))


def test_stored_jobs_run_again_only_on_request(tmp_path, capsys):
    command = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--seeds", "1", "--no-checks", "--jobs", "1"]
    command += ["--quiet", "--results", str(tmp_path / "kept"), "--out"]
    assert main([*command, str(tmp_path / "first")]) == 0
    assert main([*command, str(tmp_path / "first"), "--collect"]) == 0
    assert main([*command, str(tmp_path / "second")]) == 0
    assert "0 runs left" in capsys.readouterr().out and not (tmp_path / "second").exists()
    assert main([*command, str(tmp_path / "second"), "--again", "--dry-run"]) == 0
    assert "4 runs left" in capsys.readouterr().out


def _at_work(out):
    """Start a sweep and wait until each of its two workers runs a long job."""
    command = ["-m", "enu_lib", "sweep", "--profile", "laptop", "--experiments", "complex-stdp"]
    command += ["--jobs", "2", "--seeds", "1", "--again", "--quiet", "--out", out]
    parent = forks.Program(command)
    wait_for(lambda: len(list(out.glob("*/config.json"))) == 2, "the workers began nothing")
    return parent


def wait_for(what, otherwise, seconds=240):
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


def test_a_sweep_stops_at_its_time_limit_and_resumes(whole, tmp_path):
    assert sweep.run("smoke", FOUR, tmp_path, jobs=1, time_limit=0, progress=False) == []
    assert records(tmp_path) == {}
    assert sweep.run("smoke", FOUR, tmp_path, jobs=1, progress=False) == []
    expected = records(whole)
    assert records(tmp_path) == {job.name: expected[job.name] for job in FOUR}


def test_a_job_locked_by_another_process_waits_while_the_others_run(whole, tmp_path):
    (tmp_path / ".locks").mkdir()
    others = {job.name for job in FOUR[1:]}
    with ThreadPoolExecutor(1) as thread:
        with FileLock(tmp_path / ".locks" / FOUR[0].name):
            errors = thread.submit(sweep.run, "smoke", FOUR, tmp_path, jobs=1, progress=False)
            wait_for(lambda: set(records(tmp_path)) == others, "the others did not run")
        assert errors.result(timeout=240) == []
    expected = records(whole)
    assert records(tmp_path) == {job.name: expected[job.name] for job in FOUR}


def test_a_double_tmaze_job_starts_from_its_tmaze_job(tmp_path):
    """The T-maze job runs first if it is missing, and is not run again if it is finished."""
    job, before = Job("double-tmaze", "shared", 0), Job("tmaze", "shared", 0)
    assert sweep.run("smoke", [job], tmp_path, jobs=1, progress=False) == []
    found = records(tmp_path)
    assert set(found) == {job.name, before.name}
    assert found[job.name]["begun_from"] == found[before.name]["genome"]
    assert found[before.name]["begun_from"] is None
    written = (tmp_path / before.name / "checkpoint.safetensors").stat().st_mtime_ns
    (tmp_path / job.name / "evaluation.json").unlink()
    assert sweep.run("smoke", [job], tmp_path, jobs=1, progress=False) == []
    assert (tmp_path / before.name / "checkpoint.safetensors").stat().st_mtime_ns == written
    assert records(tmp_path) == found


def test_only_jobs_with_a_locked_prerequisite_wait(tmp_path):
    (tmp_path / ".locks").mkdir()
    before, then = Job("tmaze", "enu", 0), Job("double-tmaze", "enu", 0)
    with ThreadPoolExecutor(1) as thread:
        with FileLock(tmp_path / ".locks" / before.name):
            errors = thread.submit(sweep.run, "smoke", [then, FOUR[0]], tmp_path, jobs=1, progress=False)
            wait_for(lambda: set(records(tmp_path)) == {FOUR[0].name}, "the other job did not run")
        assert errors.result(timeout=240) == []
    assert set(records(tmp_path)) == {FOUR[0].name, before.name, then.name}


def test_a_sweep_that_waits_for_another_process_stops_at_its_time_limit(tmp_path):
    (tmp_path / ".locks").mkdir()
    before, then = Job("tmaze", "enu", 0), Job("double-tmaze", "enu", 0)
    with FileLock(tmp_path / ".locks" / before.name):
        assert sweep.run("smoke", [then], tmp_path, jobs=1, time_limit=1, progress=False) == []
    assert records(tmp_path) == {}


def test_a_job_does_not_start_from_a_run_with_other_settings(tmp_path):
    before = Job("tmaze", "enu", 0)
    enu_lib.evolve(before.experiment, profile="smoke", out=tmp_path / before.name, progress=False, generations=2)
    (tmp_path / before.name / "evaluation.json").write_text("{}")
    errors = sweep.run("smoke", [Job("double-tmaze", "enu", 0)], tmp_path, jobs=1, progress=False)
    assert len(errors) == 1 and "--out" in errors[0]


def test_an_error_in_one_job_is_reported_and_the_others_run(tmp_path, capsys):
    (tmp_path / FOUR[1].name).mkdir(parents=True)
    (tmp_path / FOUR[1].name / "notes.txt").write_text("mine")
    arguments = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--seeds", "1", "--no-checks", "--jobs", "1"]
    assert main([*arguments, "--quiet", "--out", str(tmp_path)]) == 1
    assert f"{FOUR[1].name}: " in capsys.readouterr().err
    assert set(records(tmp_path)) == {c.name for c in FOUR if c != FOUR[1]}


def test_a_folder_with_other_settings_is_an_error(tmp_path):
    job = Job("complex-stdp", "enu", 0)
    other = dataclasses.replace(sweep.build(job.experiment, job.model, "smoke"), environments=9)
    (tmp_path / job.name).mkdir()
    (tmp_path / job.name / "config.json").write_text(json.dumps({"experiment": to_config(other), "seed": 0}))
    with pytest.raises(RunFolderError, match="--out"):
        sweep.run("smoke", [job], tmp_path, jobs=1, progress=False)


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--profile", "huge"], "huge smoke"),
        (["--experiments", "walk"], "walk complex-stdp"),
        (["--models", "enu,crow"], "crow enu"),
        (["--jobs", "0"], "--jobs 4096 0"),
        (["--seeds", "0"], "seeds 1 0"),
        (["--profile", "smoke", "--out", "/dev/null/sweep"], "/dev/null/sweep --out"),
    ],
)
def test_invalid_input_is_a_one_line_error(arguments, named, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *arguments]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in named.split()) and error.count("\n") == 1 and not list(tmp_path.iterdir())
