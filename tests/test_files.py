"""Damaged, foreign and unreadable files, full disks, read-only folders: a one-line error naming the file, and no damage."""

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import forks
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import enu_lib as enu
from enu_lib.cli import main
from enu_lib.figures import read_manifest
from enu_lib.storage.folder import RunFolderError, locked
from enu_lib.storage.log import read_log
from enu_lib.storage.seal import sealed
from enu_lib.study import results, sweep

ROOT = Path(__file__).parents[1]
SMOKE = ["evolve", "stdp", "--profile", "smoke", "--quiet", "--generations", "9", "--out"]
NO_JSON = {
    "deep": b'{"experiment":' * 50_000,
    "list": b"[1, 2]",
    "number": b"7",
    "empty": b"",
    "object without keys": b"{}",
    "no UTF-8": b'{"experiment": "\xff\xfe"}',
    "type is a list": b'{"experiment": {"type": []}, "seed": 0, "parent": null}',
    "an experiment that is none": b'{"experiment": {"type": "ES"}, "seed": 0, "parent": null}',
    "an experiment without type": b'{"experiment": {"es": 3}, "seed": 0, "parent": null}',
    "experiment is a word": b'{"experiment": "stdp", "seed": 0, "parent": null}',
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "run"
    enu.evolve("stdp", profile="smoke", out=out, progress=False)
    return out


@pytest.fixture
def folder(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "run"))


def _one_line(arguments, file, capsys, code=2):
    before = _files(file.parent)
    assert main(arguments) == code
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("enu_lib: ") and str(file) in lines[0] and len(lines[0]) < 700
    assert _files(file.parent) == before
    return lines[0]


def _files(folder):
    return {f.name: f.read_bytes() for f in sorted(folder.iterdir()) if f.is_file()}


@pytest.mark.parametrize("damage", NO_JSON)
@pytest.mark.parametrize("command", ["evaluate", "parent"])
def test_an_invalid_configuration_is_an_error(damage, command, folder, tmp_path, capsys):
    config = folder / "config.json"
    config.write_bytes(NO_JSON[damage])
    into = [*SMOKE, str(tmp_path / "new"), "--parent", str(folder)]
    _one_line(["evaluate", str(folder)] if command == "evaluate" else into, config, capsys)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("damage", ["deep", "list", "number", "empty", "object without keys", "no UTF-8"])
def test_a_run_does_not_resume_with_an_invalid_configuration(damage, folder, capsys):
    (folder / "config.json").write_bytes(NO_JSON[damage])
    assert "--out" in _one_line([*SMOKE, str(folder)], folder / "config.json", capsys)


@pytest.mark.parametrize("seed", ["3", 2.5, -1, 2**63, None, True])
def test_a_configuration_s_seed_is_checked(seed, folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(sealed({**config, "seed": seed})))
    with pytest.raises(RunFolderError, match="config.json: seed .*0 to 9223372036854775807"):
        enu.load_run(folder)


HEAD = b"generation,fitness_mean,fitness_sd,fitness_max,parent,held_out,sigma,seconds\n"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe" + HEAD,
        HEAD.replace(b"generation", b"era"),
        HEAD + b"0,1,2,3,4,,0.03,fast\n",
        HEAD + b",1,2,3,4,,0.03,1.0\n",
        HEAD + b"nan,1,2,3,4,,0.03,1.0\n",
        HEAD + b"0," + b"1" * 200_000 + b",2,3,4,,0.03,1.0\n",
        HEAD + b"0,1,2,3\x00,4,,0.03,1.0\n",
    ],
    ids=["empty", "no UTF-8", "columns", "a word", "no generation", "NaN", "long", "NUL"],
)
def test_an_invalid_log_is_named(text, folder, capsys):
    (folder / "log.csv").write_bytes(text)
    for arguments in (["evaluate", str(folder)], [*SMOKE, str(folder)]):
        assert "--out" in _one_line(arguments, folder / "log.csv", capsys)


@pytest.mark.parametrize(
    "change",
    [
        {"generation": -1},
        {"generation": 2.5},
        {"generation": "6"},
        {"score": "good"},
        {"seconds": None},
        {"seconds": -1},
        {"format": 2},
        {"format": "1"},
    ],
    ids=str,
)
def test_the_metadata_of_a_checkpoint_is_checked(change, folder, capsys):
    file = folder / "checkpoint.safetensors"
    meta = {"format": 1, "generation": 6, "score": -1.0, "seconds": 1.0, **change}
    save_file(load_file(file), file, {"enu": json.dumps(meta)})
    _one_line([*SMOKE, str(folder)], file, capsys)


@pytest.mark.parametrize("words", [b"[" * 50_000, b"[]", b"", b"{}", b"3"], ids=["deep", "list", "empty", "no keys", "number"])
def test_a_checkpoint_with_invalid_metadata_is_an_error(words, folder, capsys):
    file = folder / "checkpoint.safetensors"
    save_file(load_file(file), file, {"enu": words.decode()})
    _one_line(["evaluate", str(folder)], file, capsys)
    save_file(load_file(file), file)
    _one_line(["evaluate", str(folder)], file, capsys)


def test_the_tensors_of_a_checkpoint_are_checked(folder, capsys):
    file = folder / "checkpoint.safetensors"
    tensors, words = load_file(file), {"enu": '{"format": 1, "generation": 6, "score": -1.0, "seconds": 1.0}'}
    for other in (
        {"genome": tensors["parent"]},
        {**tensors, "velocity": tensors["velocity"].int()},
        {**tensors, "parent": tensors["parent"][:-1].clone()},
    ):
        save_file(other, file, words)
        _one_line(["evaluate", str(folder)], file, capsys)


@pytest.mark.parametrize("name", ["config.json", "checkpoint.safetensors", "log.csv"])
def test_an_unreadable_file_is_not_reported_as_missing(name, folder, capsys):
    (folder / name).unlink()
    (folder / name).mkdir()  # unreadable as a file, also for the superuser
    said = _one_line(["evaluate", str(folder)], folder / name, capsys)
    assert "cannot read" in said and "Is a directory" in said and "exist" not in said
    (folder / name).rmdir()
    (folder / name).touch()
    (folder / name).chmod(0)
    with _nobody(folder):
        said = _one_line_quietly(["evaluate", str(folder)], capsys)
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


def _one_line_quietly(arguments, capsys):
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    out = tmp_path_factory.mktemp("swept")
    jobs = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)[:1]
    assert sweep.run("smoke", jobs, out / "runs", jobs=1, progress=False) == []
    results.collect("smoke", out / "runs", out / "kept")
    return out


@pytest.fixture
def collected(swept, tmp_path):
    return Path(shutil.copytree(swept, tmp_path / "swept"))


def _collect(folder, to=None):
    return ["sweep", "--profile", "smoke", "--out", str(folder / "runs"), "--results", str(to or folder / "kept"), "--collect"]


@pytest.mark.parametrize("damage", [*NO_JSON, "a record's entry"])
def test_an_invalid_record_is_an_error(damage, collected, capsys):
    (file,) = (collected / "runs").glob("*/evaluation.json")
    record = {**json.loads(file.read_text()), "held_out": ["x"]}
    file.write_bytes(NO_JSON[damage] if damage in NO_JSON else json.dumps(record).encode())
    again = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--no-checks", "--out", str(collected / "runs")]
    for arguments in (_collect(collected), [*again, "--results", str(collected / "none"), "--dry-run"]):
        assert "delete" in _one_line(arguments, file, capsys)


@pytest.mark.parametrize("damage", NO_JSON)
def test_a_record_with_an_invalid_configuration_is_an_error(damage, collected, capsys):
    (file,) = (collected / "runs").glob("*/config.json")
    file.write_bytes(NO_JSON[damage])
    _one_line(_collect(collected), file, capsys)


@pytest.mark.parametrize("damage", [*NO_JSON, "a list of runs", "a run that lacks a key", "a run's entry", "another format"])
def test_invalid_results_are_an_error(damage, collected, capsys):
    file = results.path("smoke", collected / "kept")
    stored = json.loads(gzip.decompress(file.read_bytes()))
    others = {
        "a list of runs": {**stored, "runs": [[]]},
        "a run that lacks a key": {**stored, "runs": [{"seed": 3}]},
        "a run's entry": {**stored, "runs": [{**stored["runs"][0], "trials": ["x"]}]},
        "another format": {**stored, "format": 2},
    }
    file.write_bytes(gzip.compress(json.dumps(others[damage]).encode() if damage in others else NO_JSON[damage]))
    assert "delete" in _one_line(_collect(collected), file, capsys)


def test_corrupted_compressed_results_never_give_a_traceback(collected):
    file = results.path("smoke", collected / "kept")
    whole, stored = file.read_bytes(), results.load("smoke", collected / "kept")
    damaged = [whole[:k] for k in range(0, len(whole), 37)]
    damaged += [whole[:k] + bytes([whole[k] ^ (1 << k % 8)]) + whole[k + 1 :] for k in range(len(whole))]
    refused = 0
    for data in damaged:
        file.write_bytes(data)
        try:
            assert results.load("smoke", collected / "kept") == stored  # a flipped bit of the header without meaning
        except RunFolderError as error:
            assert str(file) in str(error)
            refused += 1
    assert refused > 0.95 * len(damaged)


def test_invalid_zoo_entries_are_errors(tmp_path, monkeypatch, capsys):
    source = enu.zoo.FOLDER / "stdp-enu.safetensors"
    tensors, entry = load_file(source), enu.zoo.load("stdp-enu")
    monkeypatch.setattr(enu.zoo, "FOLDER", tmp_path)
    file = tmp_path / "stdp-enu.safetensors"
    words = {name: text.decode("latin-1") for name, text in NO_JSON.items() if name != "no UTF-8"}
    words |= {"no scores": json.dumps({**entry.provenance, "scores": 3})}
    for text in words.values():
        save_file(tensors, file, {"enu": text})
        for arguments in (["zoo", "list"], ["zoo", "show", "stdp-enu"], [*SMOKE, str(tmp_path / "r"), "--parent", "stdp-enu"]):
            said = _one_line(arguments, file, capsys)
            assert "--out" not in said
    for other in ({"other": tensors["genome"]}, {"genome": tensors["genome"][:-1].clone()}):
        save_file(other, file, {"enu": json.dumps(entry.provenance)})
        _one_line(["zoo", "show", "stdp-enu"], file, capsys)


def test_unwritable_places_name_the_remedy_of_their_command(collected, folder, monkeypatch, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    said = _one_line_quietly(_collect(collected, blocked / "z"), capsys)
    assert str(blocked / "z") in said and "--results" in said and "--out" not in said
    monkeypatch.setattr(enu.zoo, "FOLDER", blocked / "zoo")
    said = _one_line_quietly(["zoo", "add", str(folder), "stdp-enu"], capsys)
    assert str(blocked / "zoo") in said and "pip install -e" in said and "--out" not in said


def test_a_full_disk_is_a_one_line_error_and_keeps_the_checkpoint(folder):
    before = _files(folder)
    checkpoint = folder / "checkpoint.safetensors"
    room = checkpoint.stat().st_size - 1
    assert all(f.stat().st_size <= room for f in folder.iterdir() if f.name != checkpoint.name)
    limited = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))  # maximal file size in bytes
    done = forks.run(["-m", "enu_lib", *SMOKE, folder], prepare=limited)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert str(checkpoint) in done.stderr and "space" in done.stderr and "--out" not in done.stderr
    assert checkpoint.read_bytes() == before[checkpoint.name] and set(_files(folder)) == set(before)
    assert main([*SMOKE, str(folder)]) == 0
    assert [row["generation"] for row in read_log(folder)] == list(range(9))


@pytest.mark.parametrize("take", [lambda: torch.zeros(2**52), lambda: np.zeros(2**52)], ids=["torch", "numpy"])
def test_out_of_memory_is_a_one_line_error(take, folder, monkeypatch, capsys):
    monkeypatch.setattr(enu.STDP, "sample", lambda *_: take())
    before = _files(folder)
    said = _one_line_quietly([*SMOKE, str(folder)], capsys)
    assert "out of memory" in said and "population" in said
    names = [f"{name}.safetensors" for name in ("checkpoint", "genome")]
    assert all(_files(folder)[name] == before[name] for name in names)


def test_an_unavailable_compiled_kernel_is_a_one_line_error(tmp_path):
    variables = {"ENU_KERNEL": "cpp", "CXX": "no-such-compiler", "ENU_CACHE": str(tmp_path)}
    done = forks.run(["-m", "enu_lib", *SMOKE, tmp_path / "r"], environment=variables)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "compiler" in done.stderr and "ENU_KERNEL=torch" in done.stderr


@pytest.mark.parametrize("damage", NO_JSON)
def test_an_invalid_manifest_of_figures_is_an_error(damage, tmp_path):
    (tmp_path / "manifest.json").write_bytes(NO_JSON[damage])
    with pytest.raises(ValueError, match=f"{tmp_path}/manifest.json .*delete"):
        read_manifest(tmp_path)


def test_the_next_run_removes_leftovers_of_killed_runs_and_nothing_else(folder):
    left = [".checkpoint.safetensors.ab12cd_x", ".genome.safetensors.zzzzzzzz", ".config.json.00000000", ".log.csv.abcdefgh"]
    kept = [".checkpoint.safetensors.mine", "notes.txt", ".config.json.backup-of-may"]
    for name in (*left, *kept):
        (folder / name).write_text("x")
    enu.load_run(folder)
    assert all((folder / name).exists() for name in left)  # readers hold no lock and leave them
    enu.evolve("stdp", profile="smoke", out=folder, progress=False)
    assert not any((folder / name).exists() for name in left) and all((folder / name).exists() for name in kept)


def test_leftovers_in_the_zoo_and_in_results_are_removed(collected, folder, monkeypatch, tmp_path):
    monkeypatch.setattr(enu.zoo, "FOLDER", tmp_path / "zoo")
    (tmp_path / "zoo").mkdir()
    left = [tmp_path / "zoo/.stdp-enu.safetensors.ab12cd_x", collected / "kept/.sweep-smoke.json.gz.ab12cd_x"]
    for file in left:
        file.write_text("x")
    enu.zoo.add(enu.load_run(folder), "stdp-enu", n=4)
    assert main(_collect(collected)) == 0
    assert not any(file.exists() for file in left)


def test_a_folder_that_is_not_a_run_keeps_all_its_files(tmp_path):
    names = [".checkpoint.safetensors.ab12cd_x", "thesis.txt"]
    for name in names:
        (tmp_path / name).write_text("x")
    with pytest.raises(RunFolderError, match=f"{tmp_path} .*--out"):
        enu.evolve("stdp", profile="smoke", out=tmp_path, progress=False)
    assert all((tmp_path / name).exists() for name in names)


def test_a_lock_error_names_the_given_remedy(tmp_path):
    with locked(tmp_path), pytest.raises(RunFolderError) as error:
        locked(tmp_path, remedy="go away").__enter__()
    assert str(tmp_path) in str(error.value) and str(error.value).endswith("go away")


def test_the_temporary_folder_is_left_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "enu_lib", *SMOKE, str(tmp_path / "r")]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    assert not list((tmp_path / "tmp").iterdir())
