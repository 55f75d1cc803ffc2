"""Unreadable files, unwritable folders, full disks and memory: a one-line error and nothing lost; leftovers are removed."""

import os
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import forks
import numpy as np
import pytest
import torch
from refusals import SMOKE, collect, files, one_line, one_line_and_no_change

import enu_lib as enu
from enu_lib.cli import main
from enu_lib.storage.log import read_log

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["config.json", "checkpoint.safetensors", "log.csv"])
def test_an_unreadable_file_is_not_reported_as_missing(name, folder, capsys):
    (folder / name).unlink()
    (folder / name).mkdir()  # unreadable as a file, also for the superuser
    said = one_line_and_no_change(["evaluate", str(folder)], folder / name, capsys)
    assert "cannot read" in said and "Is a directory" in said and "exist" not in said
    (folder / name).rmdir()
    (folder / name).touch()
    (folder / name).chmod(0)
    with _nobody(folder):
        said = one_line(["evaluate", str(folder)], capsys)
    assert str(folder / name) in said and "Permission denied" in said and "exist" not in said


class _nobody:
    """Run as a user bound by permissions, who can enter the folder's parents."""

    def __init__(self, folder):
        self.folder, self.superuser = folder, os.geteuid() == 0

    def __enter__(self):
        if self.superuser:
            self.modes = {p: p.stat().st_mode for p in [self.folder, *self.folder.parents][:5]}
            for path, mode in self.modes.items():
                path.chmod(mode | 0o555)
            os.seteuid(65534)

    def __exit__(self, *_):
        if self.superuser:
            os.seteuid(0)
            for path, mode in self.modes.items():
                path.chmod(mode)


def test_unwritable_places_name_the_remedy_of_their_command(collected, folder, monkeypatch, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    said = one_line(collect(collected, blocked / "z"), capsys)
    assert str(blocked / "z") in said and "--results" in said and "--out" not in said
    monkeypatch.setattr(enu.zoo, "FOLDER", blocked / "zoo")
    said = one_line(["zoo", "add", str(folder), "stdp-enu"], capsys)
    assert str(blocked / "zoo") in said and "pip install -e" in said and "--out" not in said


def test_a_full_disk_is_a_one_line_error_and_keeps_the_checkpoint(folder):
    before = files(folder)
    checkpoint = folder / "checkpoint.safetensors"
    room = checkpoint.stat().st_size * 9 // 10  # its words differ in length by some bytes from one checkpoint to the next
    assert all(f.stat().st_size <= room for f in folder.iterdir() if f.name != checkpoint.name)
    limited = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))  # maximal file size in bytes
    done = forks.run(["-m", "enu_lib", *SMOKE, folder], prepare=limited)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert str(checkpoint) in done.stderr and "space" in done.stderr and "--out" not in done.stderr
    assert checkpoint.read_bytes() == before[checkpoint.name] and set(files(folder)) == set(before)
    assert main([*SMOKE, str(folder)]) == 0
    assert [row["generation"] for row in read_log(folder)] == list(range(9))


@pytest.mark.parametrize("take", [lambda: torch.zeros(2**52), lambda: np.zeros(2**52)], ids=["torch", "numpy"])
def test_out_of_memory_is_a_one_line_error(take, folder, monkeypatch, capsys):
    monkeypatch.setattr(enu.STDP, "sample", lambda *_: take())
    before = files(folder)
    said = one_line([*SMOKE, str(folder)], capsys)
    assert "out of memory" in said and "population" in said
    names = [f"{name}.safetensors" for name in ("checkpoint", "genome")]
    assert all(files(folder)[name] == before[name] for name in names)


def test_an_unavailable_compiled_kernel_is_a_one_line_error(tmp_path):
    variables = {"ENU_KERNEL": "cpp", "CXX": "no-such-compiler", "ENU_CACHE": str(tmp_path)}
    done = forks.run(["-m", "enu_lib", *SMOKE, tmp_path / "r"], environment=variables)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "compiler" in done.stderr and "ENU_KERNEL=torch" in done.stderr


def test_leftovers_in_the_zoo_and_in_results_are_removed(collected, folder, monkeypatch, tmp_path):
    monkeypatch.setattr(enu.zoo, "FOLDER", tmp_path / "zoo")
    (tmp_path / "zoo").mkdir()
    left = [tmp_path / "zoo/.stdp-enu.safetensors.ab12cd_x", collected / "kept/.sweep-smoke.json.gz.ab12cd_x"]
    for file in left:
        file.write_text("x")
    enu.zoo.add(enu.load_run(folder), "stdp-enu", n=4)
    assert main(collect(collected)) == 0
    assert not any(file.exists() for file in left)


def test_the_temporary_folder_is_left_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "enu_lib", *SMOKE, str(tmp_path / "r")]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    assert not list((tmp_path / "tmp").iterdir())
