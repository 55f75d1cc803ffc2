"""Faults that a run survives or names: a damaged log, a lost terminal, a read-only folder, a clock that jumps."""

import dataclasses
import fcntl
import itertools
import json
import os
import pty
import re
import signal
import termios
import time
from functools import partial

import forks
import pytest
import torch
from mutations import flipped

import enu_lib as enu
from enu_lib.storage.folder import CHECKPOINT, RunFolderError
from enu_lib.storage.log import read_log
from enu_lib.storage.seal import sealed
from enu_lib.study import results, sweep


def _evolve(saved, generations=6):
    return enu.evolve("stdp", profile="smoke", generations=generations, out=saved, progress=False)


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


def test_a_sweep_goes_on_after_damage_to_a_checkpoint(whole, tmp_path, capsys):
    job = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)[0]
    out, experiment = tmp_path / job.name, sweep.build(job.experiment, job.model, "smoke")
    for generations in (experiment.generations - 2, experiment.generations - 1):
        part = dataclasses.replace(experiment, generations=generations)
        enu.evolve(part, seed=job.seed, out=out, progress=False)
    config = json.loads((out / "config.json").read_text())
    config["experiment"]["generations"] = experiment.generations
    (out / "config.json").write_text(json.dumps(sealed(config)))
    (out / CHECKPOINT).write_bytes((out / CHECKPOINT).read_bytes()[:-3])
    assert sweep.run("smoke", [job], tmp_path, jobs=1, progress=False) == []
    assert str(out / CHECKPOINT) in capsys.readouterr().err
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
