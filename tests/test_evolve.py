"""Runs: identical bits after a kill and resume, held-out evaluation, clean stops."""

import dataclasses
import importlib
import json
import random
import signal
import subprocess
import time
from functools import partial

import forks
import pytest
import torch

import enu_lib as enu
from enu_lib.base.interrupt import SIGNALS, SoftInterrupt
from enu_lib.experiments import Stage
from enu_lib.storage.folder import read_tensors
from enu_lib.storage.log import read_log
from enu_lib.tasks.stdp import STDP

LONG = dict(profile="smoke", seed=4, generations=400, population=32)
HANG = 240  # seconds after which a test is taken to hang, even on a slow machine


def _command(out):
    """A run with a checkpoint after every generation, so that a kill can hit a write."""
    code = f"import enu_lib as enu; enu.evolve('stdp', out={str(out)!r}, checkpoint_every=0.0, progress=False, **{LONG})"
    return ["-c", code]


def _same(a, b):
    assert torch.equal(a.parent, b.parent) and torch.equal(a.genome, b.genome) and a.score == b.score
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in run.log] for run in (a, b)]
    assert len(rows[0]) == len(rows[1])
    for x, y in zip(*rows, strict=True):
        assert x.keys() == y.keys() and all(x[k] == pytest.approx(y[k], rel=1e-6) for k in x)


def test_killed_and_resumed_runs_give_identical_bits(tmp_path):
    whole = enu.evolve("stdp", progress=False, **LONG)
    out, moments, kills = tmp_path / "run", random.Random(), 0
    for _ in range(12):
        process = forks.Program(_command(out))
        begun = time.monotonic()
        while not (out / "checkpoint.safetensors").exists() and process.poll() is None and time.monotonic() - begun < HANG:
            time.sleep(0.01)
        try:
            process.wait(moments.uniform(0.0, 0.4) if kills else 0.0)  # the first at once, lest a fast machine finish unkilled
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        if enu.load_run(out).generation >= 400:
            break
    resumed = enu.evolve("stdp", out=out, progress=False, **LONG)
    assert kills >= 1 and resumed.generation == 400
    _same(whole, resumed)
    assert [row["generation"] for row in read_log(out)] == list(range(400))


def test_time_limited_slices_give_identical_bits(tmp_path, small):
    whole = enu.evolve(small, progress=False)
    part = enu.evolve(small, out=tmp_path / "r", progress=False, time_limit=0.0)
    assert part.stopped == "time limit" and 0 < part.generation < small.generations
    while part.stopped != "finished":
        part = enu.evolve(small, out=tmp_path / "r", progress=False, time_limit=0.0)
    _same(whole, part)
    _same(whole, enu.load_run(tmp_path / "r"))


def test_a_finished_run_can_be_extended(tmp_path, small):
    short = enu.evolve(small, out=tmp_path / "r", progress=False)
    longer = dataclasses.replace(small, generations=9)
    run = enu.evolve(longer, out=tmp_path / "r", progress=False)
    assert (short.generation, run.generation) == (6, 9)
    assert torch.equal(run.parent, enu.evolve(longer, progress=False).parent)


def _begun(out, process):
    """Wait until a process has started its generations; compiling the kernel may take a while."""
    deadline = time.monotonic() + HANG
    while not (out / "checkpoint.safetensors").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


CODE = """
import sys, enu_lib as enu
run = enu.evolve("stdp", profile="smoke", generations=100000, out=sys.argv[1], checkpoint_every=0.1, progress=False)
print(run.stopped, run.generation)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_stops_cleanly_and_the_same_command_resumes(name, tmp_path):
    out = tmp_path / "run"
    process = forks.Program(["-c", CODE, out])
    _begun(out, process)
    process.send_signal(getattr(signal, name))
    stdout, _ = process.communicate(timeout=HANG)
    stopped, generation = stdout.split()
    run = enu.load_run(out)
    assert process.returncode == 0 and stopped == "interrupted"
    assert run.generation == int(generation) > 0 and (out / "genome.safetensors").exists()  # no generation is lost
    assert [row["generation"] for row in read_log(out)] == list(range(run.generation))
    longer = enu.evolve("stdp", profile="smoke", generations=100000, out=out, time_limit=0.0, progress=False)
    assert longer.generation == run.generation + 1


def test_a_signal_while_the_run_folder_is_opened_stops_cleanly_too(tmp_path, small, monkeypatch):
    module = importlib.import_module("enu_lib.storage.checkpoint")
    opened = module.open_folder

    def signalled(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return opened(*arguments)

    monkeypatch.setattr(module, "open_folder", signalled)
    run = enu.evolve(small, out=tmp_path / "r", progress=False)
    assert (run.stopped, run.generation) == ("interrupted", 1) and enu.load_run(tmp_path / "r").generation == 1


def test_the_command_says_how_to_resume_and_shows_no_bar_without_a_terminal(tmp_path):
    out = tmp_path / "run"
    process = forks.Program(["-m", "enu_lib", "evolve", "stdp", "--profile", "smoke", "--generations", "100000", "--out", out])
    while not (out / "config.json").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=HANG)
    assert process.returncode == 0 and stdout.startswith("interrupted after") and "same command" in stdout
    assert enu.load_run(out).stopped == "unfinished"
    assert "\r" not in stderr and len(stderr.splitlines()) <= 2  # no bar: at most two notices


def test_a_run_with_nohup_survives_its_terminal(tmp_path):
    out = tmp_path / "run"
    process = forks.Program(["-c", CODE, out], prepare=partial(signal.signal, signal.SIGHUP, signal.SIG_IGN))  # as with nohup
    try:
        _begun(out, process)
        process.send_signal(signal.SIGHUP)
        written = (out / "checkpoint.safetensors").stat().st_mtime_ns
        deadline = time.monotonic() + HANG
        while (out / "checkpoint.safetensors").stat().st_mtime_ns == written and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() is None and (out / "checkpoint.safetensors").stat().st_mtime_ns > written
    finally:
        process.kill()
        process.wait()


def test_signal_handlers_are_restored(small):
    def own(*_):
        pass

    before = {number: signal.signal(number, own) for number in SIGNALS}
    try:
        enu.evolve(small, progress=False)
        assert all(signal.getsignal(number) is own for number in SIGNALS)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_the_first_signal_finishes_the_generation_and_the_second_stops_at_once():
    with pytest.raises(KeyboardInterrupt), SoftInterrupt() as soft:
        assert not soft.asked
        signal.raise_signal(signal.SIGTERM)
        assert soft.asked
        signal.raise_signal(signal.SIGTERM)
        time.sleep(10)


def test_evolution_improves_held_out_fitness():
    run = enu.evolve("stdp", profile="smoke", seed=0, generations=200, progress=False)
    generations, held_out = run.column("held_out")
    assert run.score == pytest.approx(max(held_out), rel=1e-5)
    first = run.model.init(enu.stream(0, "genome"))
    fresh = [
        enu.fitness(run.model, g[None], run.task, 512, enu.stream(123, "fresh")).mean().item() for g in (first, run.genome)
    ]
    assert fresh[1] > 0.5 * fresh[0]  # losses: reduced to less than half


def test_held_out_environments_differ_from_those_of_evolution(monkeypatch, small):
    seen = []
    sample = type(small.task).sample

    def record(task, environments, generator):
        batch = sample(task, environments, generator)
        seen.append((environments, batch.inputs[0, :, 0].tolist()))
        return batch

    monkeypatch.setattr(type(small.task), "sample", record)
    enu.evolve(small, progress=False)
    held_out = [x for n, x in seen if n == small.evaluate_environments]
    training = [x for n, x in seen if n == small.environments]
    assert len(training) == 6 and len(held_out) == 2
    assert held_out[0] == held_out[1] and held_out[0] not in training
    assert len({tuple(x) for x in training}) == 6  # and differ between generations


def test_stages_come_first_and_held_out_fitness_is_measured_on_the_task(monkeypatch, small):
    wide = STDP("complex", spike_sd=9.0)
    taught = dataclasses.replace(small, stages=(Stage(2, wide), Stage(4, STDP("complex"), environments=5)))
    seen = []
    sample = STDP.sample

    def record(task, environments, generator):
        seen.append(((task.rule, task.spike_sd), environments))
        return sample(task, environments, generator)

    monkeypatch.setattr(STDP, "sample", record)
    enu.evolve(taught, progress=False)
    own, n = ("neuromodulated", 7.0), small.environments
    lived = [draws for draws in seen if draws[1] != small.evaluate_environments]
    assert lived == [(("complex", 9.0), n)] * 2 + [(("complex", 7.0), 5)] * 2 + [(own, n)] * 2
    assert {which for which, n in seen if n == small.evaluate_environments} == {own}


def test_tasks_that_take_turns_give_the_bits_of_stages_of_one_generation_each(small):
    other = STDP("complex")
    turns = (Stage(5, small.task, others=(other,)),)
    one_each = tuple(Stage(g + 1, other if g % 2 else small.task) for g in range(5))
    runs = [enu.evolve(dataclasses.replace(small, stages=stages), progress=False) for stages in (turns, one_each, turns[:0])]
    assert torch.equal(runs[0].parent, runs[1].parent) and not torch.equal(runs[0].parent, runs[2].parent)


def test_a_run_interrupted_within_a_stage_gives_identical_bits(tmp_path, small):
    taught = dataclasses.replace(small, stages=(Stage(3, STDP("complex")),))
    whole = enu.evolve(taught, progress=False)
    part = enu.evolve(taught, out=tmp_path / "r", progress=False, time_limit=0.0)
    assert part.generation < 3
    while part.stopped != "finished":
        part = enu.evolve(taught, out=tmp_path / "r", progress=False, time_limit=0.0)
    _same(whole, part)
    assert not torch.equal(whole.parent, enu.evolve(small, progress=False).parent)
    with pytest.raises(ValueError, match=r"\[3, 3\]"):
        dataclasses.replace(small, stages=(Stage(3, small.task),) * 2)


def test_evolution_restarts_from_another_genome_if_a_stage_misses_its_target(tmp_path, small, capsys):
    """Stopped and resumed after every generation, too; the second attempt reaches no target, either, and the run ends in it."""
    hard = (Stage(1, STDP("complex")), Stage(3, small.task, target=1e9, restart=True))
    staged = dataclasses.replace(small, stages=hard, generations=8, evaluate_every=1)
    parents = []
    whole = enu.evolve(staged, progress=False, each=lambda run: parents.append(run.parent.clone()))
    assert whole.stage_ends == (1, 3, 4, 6, 7) and whole.restarts == (3, 6) and whole.generation == 8
    assert whole.score == max(row["held_out"] for row in whole.log)  # the best parent of all attempts
    firsts = [small.model.init(enu.stream(0, "genome", k)) for k in (1, 2)]
    assert all(torch.equal(parents[g], x) for g, x in zip((2, 5), firsts, strict=True))
    assert capsys.readouterr().err.count("restarts at generation") == 2
    part = enu.evolve(staged, out=tmp_path / "r", progress=False, time_limit=0.0)
    while part.stopped != "finished":
        part = enu.evolve(staged, out=tmp_path / "r", progress=False, time_limit=0.0)
    _same(whole, part)
    assert (part.stage_ends, part.restarts) == (whole.stage_ends, whole.restarts)


def test_evolution_does_not_restart_if_a_stage_reaches_its_target(small):
    """Its target counts in its last generation, too, even if no held-out evaluation is due then."""
    easy = (Stage(2, small.task, target=-1e9, restart=True),)
    run = enu.evolve(dataclasses.replace(small, stages=easy, evaluate_every=5), progress=False)
    assert run.stage_ends == (2,) and run.restarts == ()


def test_evolution_restarts_from_the_given_parent(small):
    given = small.model.init(enu.stream(9, "given"))
    staged = dataclasses.replace(small, stages=(Stage(2, small.task, target=1e9, restart=True),), evaluate_every=1)
    parents = []
    enu.evolve(staged, parent=given, progress=False, each=lambda run: parents.append(run.parent.clone()))
    assert torch.equal(parents[1], given) and torch.equal(parents[3], given) and not torch.equal(parents[0], given)


def test_target_and_each_can_stop_a_run(small):
    run = enu.evolve(dataclasses.replace(small, target=-100.0, generations=1000), progress=False)
    assert run.stopped == "target" and run.generation == small.evaluate_every
    told = []
    run = enu.evolve(small, progress=False, each=lambda r: told.append(r.generation) or True)
    assert told == [3] and run.generation == 3


def test_a_run_can_start_from_a_given_parent(small):
    parent = 0.1 * torch.ones(small.model.n_params)
    run = enu.evolve(small, progress=False, parent=parent)
    assert (run.parent - parent).abs().max() < 1 and not torch.equal(run.parent, parent)
    with pytest.raises(ValueError, match=rf"parent.*{small.model.n_params}.*\(3,\)"):
        enu.evolve(small, progress=False, parent=torch.zeros(3))


def test_nan_fitness_of_all_offspring_stops_the_run_without_damage(tmp_path, small, monkeypatch):
    enu.evolve(small, out=tmp_path / "r", progress=False)
    before = (tmp_path / "r/checkpoint.safetensors").read_bytes()
    monkeypatch.setattr(STDP, "score", lambda self, batch, outputs: outputs[..., 0] * torch.nan)
    with pytest.raises(FloatingPointError, match="NaN .* STDP"):
        enu.evolve(dataclasses.replace(small, generations=9), out=tmp_path / "r", progress=False, backend="torch")
    assert (tmp_path / "r/checkpoint.safetensors").read_bytes() == before


def test_a_run_folder_has_no_pickle_and_describes_itself(tmp_path, small):
    run = enu.evolve(small, out=tmp_path / "r", progress=False)
    assert {f.name for f in (tmp_path / "r").iterdir()} == {
        "config.json", "log.csv", "checkpoint.safetensors", "genome.safetensors", ".lock",
    }  # fmt: skip
    config = json.loads((tmp_path / "r/config.json").read_text())
    assert enu.config.from_config(config["experiment"]) == small
    tensors, meta = read_tensors(tmp_path / "r/genome.safetensors")
    assert torch.equal(tensors["genome"], run.genome) and meta["generations"] == 6


def test_a_truncated_log_line_is_dropped(tmp_path, small):
    out = tmp_path / "r"
    enu.evolve(small, out=out, progress=False)
    text = (out / "log.csv").read_text()
    (out / "log.csv").write_text(text[:-20])
    assert len(read_log(out)) == 5


def test_a_user_s_own_experiment_evolves_resumes_and_loads(tmp_path):
    from own_task import Copy

    task = Copy()
    experiment = enu.Experiment("copy", task, enu.ENU(1, 1, 4), es=enu.ES(population=16), generations=4, evaluate_every=2)
    run = enu.evolve(experiment, out=tmp_path / "r", progress=False)
    assert enu.load_run(tmp_path / "r").experiment == experiment and run.generation == 4
