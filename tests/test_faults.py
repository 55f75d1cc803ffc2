"""Faults that a run survives: a damaged checkpoint or log, a kill, a lost terminal, a read-only folder."""

import dataclasses
import fcntl
import itertools
import json
import os
import pty
import re
import shutil
import signal
import termios
import time
from functools import partial

import forks
import pytest
import torch
from mutations import flipped

import enu_lib as enu
from enu_lib.storage.folder import RunFolderError, read_tensors, write_tensors
from enu_lib.storage.log import read_log
from enu_lib.storage.seal import sealed
from enu_lib.study import results, sweep

NEWEST, PREVIOUS = "checkpoint.safetensors", "checkpoint.previous.safetensors"


def _evolve(saved, generations=6):
    return enu.evolve("stdp", profile="smoke", generations=generations, out=saved, progress=False)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "missing", "nan"])
def test_a_damaged_checkpoint_is_replaced_by_the_previous_one(damage, saved, capsys):
    whole, file = enu.load_run(saved), saved / NEWEST
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "nan":
        tensors, words = read_tensors(file)
        write_tensors(file, {**tensors, "parent": tensors["parent"] * torch.nan}, words)
    else:
        damaged = {"flipped": flipped(data, 8 * len(data) - 100), "truncated": data[:-1], "empty": b""}
        file.write_bytes(damaged[damage])
    before = {f.name: f.read_bytes() for f in saved.iterdir()}
    run = enu.load_run(saved)
    (line,) = capsys.readouterr().err.splitlines()
    assert str(file) in line and str(saved / PREVIOUS) in line and "generation 5" in line
    assert run.generation == len(run.log) == 5 and {f.name: f.read_bytes() for f in saved.iterdir()} == before
    again = _evolve(saved)
    assert torch.equal(again.genome, whole.genome) and torch.equal(again.parent, whole.parent) and again.generation == 6
    assert [row["generation"] for row in read_log(saved)] == list(range(6))
    capsys.readouterr()
    assert enu.load_run(saved).generation == 6 and not capsys.readouterr().err
    assert read_tensors(saved / PREVIOUS)[1]["generation"] == 5


def test_two_damaged_checkpoints_are_an_error_that_names_the_newest(saved):
    for name in (NEWEST, PREVIOUS):
        (saved / name).write_bytes((saved / name).read_bytes()[:-1])
    with pytest.raises(RunFolderError, match=f"{saved / NEWEST} .*--out"):
        _evolve(saved)


def test_a_checkpoint_of_a_later_version_is_not_replaced(saved):
    tensors, words = read_tensors(saved / NEWEST)
    write_tensors(saved / NEWEST, tensors, {**words, "format": words["format"] + 1})
    before = (saved / NEWEST).read_bytes()
    with pytest.raises(RunFolderError, match=f"{saved / NEWEST} .*format {words['format'] + 1}"):
        _evolve(saved)
    assert (saved / NEWEST).read_bytes() == before


def _rows(change):
    def changed(data):
        lines = data.splitlines(keepends=True)
        change(lines)
        return b"".join(lines)

    return changed


def _swap(lines):
    lines[2], lines[3] = lines[3], lines[2]


LOGS = {
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "a row is missing": _rows(lambda lines: lines.pop(3)),
    "a row is repeated": _rows(lambda lines: lines.insert(3, lines[3])),
    "reordered": _rows(_swap),
    "altered": _rows(lambda lines: lines.__setitem__(2, lines[2].replace(b",", b",1", 1))),
    "a digit is altered": lambda data: flipped(data, 8 * data.index(b"\n1,") + 8 * 5),
}


@pytest.mark.parametrize("damage", LOGS)
def test_a_damaged_log_is_noticed(damage, saved, capsys):
    log = saved / "log.csv"
    log.write_bytes(LOGS[damage](log.read_bytes()))
    before = {f.name: f.read_bytes() for f in saved.iterdir()}
    for load in (enu.load_run, _evolve):
        with pytest.raises(RunFolderError, match=f"{log} .*--out"):
            load(saved)
    assert {f.name: f.read_bytes() for f in saved.iterdir()} == before


def test_a_missing_log_is_noticed(saved):
    (saved / "log.csv").unlink()
    with pytest.raises(RunFolderError, match=f"{saved / 'log.csv'} .*--out"):
        _evolve(saved)


@pytest.mark.parametrize("cut", [1, 20])
def test_damage_to_the_last_rows_of_the_log_goes_back_to_the_previous_checkpoint(cut, saved, capsys):
    whole, log = enu.load_run(saved), saved / "log.csv"
    data = log.read_bytes()
    log.write_bytes(data[:-cut])
    assert enu.load_run(saved).generation == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert str(log) in line and "generation 5" in line
    assert torch.equal(_evolve(saved).parent, whole.parent)
    assert [row["generation"] for row in read_log(saved)] == list(range(6))


def test_rows_beyond_the_checkpoint_are_cut(saved):
    whole, log = _evolve(saved, 7), saved / "log.csv"
    data = log.read_bytes()
    shutil.copy(saved / PREVIOUS, saved / NEWEST)  # as if the run had been killed between log and checkpoint
    assert len(enu.load_run(saved).log) == 6 and log.read_bytes() == data  # readers change nothing
    log.write_bytes(data + b"7,0.1,0.")
    assert torch.equal(_evolve(saved, 7).parent, whole.parent)
    assert [row["generation"] for row in read_log(saved)] == list(range(7))


def test_a_kill_before_the_first_checkpoint_leaves_no_row_twice(saved):
    whole = enu.load_run(saved)
    for name in (NEWEST, PREVIOUS):
        (saved / name).unlink()
    again = _evolve(saved)
    assert torch.equal(again.parent, whole.parent) and [row["generation"] for row in read_log(saved)] == list(range(6))


def test_a_sweep_goes_on_after_damage_to_a_checkpoint(whole, tmp_path, capsys):
    job = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)[0]
    out, experiment = tmp_path / job.name, sweep.build(job.experiment, job.model, "smoke")
    for generations in (experiment.generations - 2, experiment.generations - 1):
        part = dataclasses.replace(experiment, generations=generations)
        enu.evolve(part, seed=job.seed, out=out, progress=False)
    config = json.loads((out / "config.json").read_text())
    config["experiment"]["generations"] = experiment.generations
    (out / "config.json").write_text(json.dumps(sealed(config)))
    (out / NEWEST).write_bytes((out / NEWEST).read_bytes()[:-3])
    assert sweep.run("smoke", [job], tmp_path, jobs=1, progress=False) == []
    assert str(out / NEWEST) in capsys.readouterr().err
    assert results.read_evaluation(out).genome == results.read_evaluation(whole / job.name).genome


def test_a_read_only_run_folder_can_be_evaluated_and_not_resumed(saved):
    superuser, places = os.geteuid() == 0, [saved, *saved.parents][:5]
    modes = {place: place.stat().st_mode for place in places}
    for place in places[1:]:
        place.chmod(modes[place] | 0o555)
    saved.chmod(0o555)
    (saved / ".lock").unlink()
    if superuser:
        os.seteuid(65534)
    try:
        assert enu.load_run(saved).generation == 6
        with pytest.raises(RunFolderError, match=f"{saved} .*--out"):
            _evolve(saved)
    finally:
        if superuser:
            os.seteuid(0)
        for place, mode in modes.items():
            place.chmod(mode)


def test_a_clock_that_jumps_changes_nothing(saved, whole, tmp_path, monkeypatch):
    now, jumps = time.time, itertools.cycle([0.0, 1e9, -1e9])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    run = enu.evolve(
        "stdp", profile="smoke", generations=6, out=tmp_path / "r", progress=False, time_limit=3600.0, checkpoint_every=0.0
    )
    assert run.stopped == "finished" and torch.equal(run.parent, enu.load_run(saved).parent)
    seconds = [row["seconds"] for row in read_log(tmp_path / "r")]
    assert seconds == sorted(seconds) and 0 < seconds[-1] < 3600
    job = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)[0]
    assert sweep.run("smoke", [job], tmp_path / "s", jobs=1, time_limit=3600.0, progress=False) == []
    found, expected = (results.read_evaluation(out / job.name) for out in (tmp_path / "s", whole))
    assert found.genome == expected.genome


def test_a_lost_terminal_stops_a_run_which_saves(tmp_path):
    terminal, its = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    command = ["-m", "enu_lib", "evolve", "stdp", "--profile", "smoke", "--generations", "1000000", "--out", tmp_path / "r"]
    controlled = partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0)  # as in a terminal's own shell
    process = forks.Program(command, stdin=its, stdout=its, stderr=its, prepare=controlled)
    os.close(its)
    shown = b""
    while not re.search(rb"\b[1-9]\d*/1000000", shown):  # the first generations are done
        shown += os.read(terminal, 4096)
    os.close(terminal)  # the kernel sends SIGHUP, and writing to the terminal fails from now on
    process.wait()
    run = enu.load_run(tmp_path / "r")
    assert process.returncode != -signal.SIGHUP and run.generation == len(run.log) > 0
    assert (tmp_path / "r/genome.safetensors").exists()
