"""The files of a run folder: replaced as a whole, checked when read, and used by one process at a time."""

import dataclasses
import errno
import itertools
import json
import os
import threading
from pathlib import Path

import forks
import kills
import pytest
import torch
from safetensors.torch import load_file, save_file

import enu_lib as enu
from enu_lib.config import to_config, to_json
from enu_lib.storage.folder import (
    RunFolderError,
    cannot,
    locked,
    open_folder,
    read_experiment,
    read_file,
    read_header,
    read_record,
    read_tensors,
    user_path,
    write_atomically,
    write_config,
    write_tensors,
)

NEWEST, PREVIOUS = "checkpoint.safetensors", "checkpoint.previous.safetensors"


def test_unusable_folders_are_named_and_not_changed(tmp_path, small):
    out = tmp_path / "r"
    enu.evolve(small, out=out, progress=False)
    other = dataclasses.replace(small, environments=9)
    files = {f.name: f.read_bytes() for f in out.iterdir()}
    with pytest.raises(RunFolderError, match="environments .*8 .*9 .*--out"):
        enu.evolve(other, out=out, progress=False)
    with pytest.raises(RunFolderError, match="seed .*0 .*1 .*--out"):
        enu.evolve(small, out=out, seed=1, progress=False)
    assert {f.name: f.read_bytes() for f in out.iterdir()} == files
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("do not touch")
    with pytest.raises(RunFolderError, match="mine.*--out"):
        enu.evolve(small, out=tmp_path / "mine", progress=False)
    (out / "checkpoint.safetensors").write_bytes(files["checkpoint.safetensors"][:100])
    with pytest.raises(RunFolderError, match="checkpoint.safetensors"):
        enu.evolve(dataclasses.replace(small, generations=9), out=out, progress=False)
    assert (out / "checkpoint.safetensors").read_bytes() == files["checkpoint.safetensors"][:100]


def test_a_folder_without_a_newer_setting_resumes_with_its_default(tmp_path, small):
    out = tmp_path / "r"
    enu.evolve(dataclasses.replace(small, generations=3), out=out, progress=False)
    config = json.loads((out / "config.json").read_text())
    del config["experiment"]["stages"], config["experiment"]["task"]["spike_sd"], config["checksum"]
    (out / "config.json").write_text(json.dumps(config))
    assert torch.equal(enu.evolve(small, out=out, progress=False).parent, enu.evolve(small, progress=False).parent)


def test_a_run_folder_is_locked(tmp_path, small):
    with locked(tmp_path / "r"):
        code = f"import enu_lib as enu; enu.evolve('stdp', profile='smoke', out={str(tmp_path / 'r')!r}, progress=False)"
        done = forks.run(["-c", code])
    said = done.stderr.splitlines()[-1]
    assert done.returncode and f"another process is using {tmp_path / 'r'}" in said and "--out" in said


def test_the_next_run_removes_leftovers_of_killed_runs_and_nothing_else(folder):
    left = [".checkpoint.safetensors.ab12cd_x", ".genome.safetensors.zzzzzzzz", ".config.json.00000000", ".log.csv.abcdefgh"]
    kept = [".checkpoint.safetensors.mine", "notes.txt", ".config.json.backup-of-may"]
    for name in (*left, *kept):
        (folder / name).write_text("x")
    enu.load_run(folder)
    assert all((folder / name).exists() for name in left)  # readers hold no lock and leave them
    enu.evolve("stdp", profile="smoke", out=folder, progress=False)
    assert not any((folder / name).exists() for name in left) and all((folder / name).exists() for name in kept)


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


def test_a_hand_edited_configuration_says_what_to_do(saved):
    file = saved / "config.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(RunFolderError, match=f"{file} .*checksum.*edited"):
        enu.load_run(saved)


@pytest.mark.parametrize("name", ["config.json", "log.csv", NEWEST])
def test_a_pipe_in_place_of_a_file_is_an_error_and_not_waited_for(name, saved):
    if (saved / PREVIOUS).exists():
        (saved / PREVIOUS).unlink()
    (saved / name).unlink()
    os.mkfifo(saved / name)
    with pytest.raises(RunFolderError, match=f"{saved / name} .*regular"):
        enu.load_run(saved)


def test_a_record_without_checksum_is_read_as_before(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}')
    assert read_record(tmp_path / "x.json", {"a": int}) == {"a": 1}


def test_a_tilde_stands_for_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert user_path("~/runs") == Path("/home/someone/runs") and user_path("runs/~") == Path("runs/~")


def test_a_full_disk_needs_space_and_any_other_problem_its_remedy(tmp_path):
    full = cannot("write", tmp_path, OSError(errno.ENOSPC, "Disk full"), "go away")
    other = cannot("write", tmp_path, OSError(errno.EACCES, "Permission denied"), "go away")
    assert str(tmp_path) in str(full) and "space" in str(full) and "go away" not in str(full)
    assert str(tmp_path) in str(other) and "Permission denied" in str(other) and str(other).endswith("go away")


def test_a_file_is_replaced_and_may_be_kept(tmp_path):
    file, before = tmp_path / "x.json", tmp_path / "before.json"
    write_atomically(file, b"one", previous=before)
    assert file.read_bytes() == b"one" and not before.exists() and file.stat().st_mode & 0o777 == 0o644
    for old, new in ((b"one", b"two"), (b"two", b"three")):
        write_atomically(file, new, previous=before)
        assert file.read_bytes() == new and before.read_bytes() == old
    write_atomically(file, b"four")
    assert file.read_bytes() == b"four" and before.read_bytes() == b"two"
    assert sorted(tmp_path.iterdir()) == [before, file]


@pytest.mark.parametrize("links", [True, False])
def test_a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one(links, tmp_path, monkeypatch):
    old, new, found = b"old" * 9999, b"new" * 9999, set()
    if not links:
        monkeypatch.setattr(os, "link", _refused)
    for moment in itertools.count():
        (tmp_path / str(moment)).mkdir()
        file, before = tmp_path / f"{moment}/x.json", tmp_path / f"{moment}/before.json"
        file.write_bytes(old)
        killed = kills.at_call(lambda file=file, before=before: write_atomically(file, new, previous=before), moment)
        whole = file if links or file.exists() else before  # it has been moved, and the new one is not there yet
        found.add(whole.read_bytes())
        if not killed:
            break
    assert moment >= 4 and found == {old, new} and file.read_bytes() == new and before.read_bytes() == old


def _refused(*_):
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("call", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "Disk full"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_a_writer_that_fails_leaves_the_old_file_and_no_other(call, problem, tmp_path, monkeypatch):
    def fails(*_):
        raise problem

    file = tmp_path / "x.json"
    file.write_bytes(b"old")
    monkeypatch.setattr(os, call, fails)
    with pytest.raises(RunFolderError if isinstance(problem, OSError) else KeyboardInterrupt) as failed:
        write_atomically(file, b"new", "go away")
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]
    assert isinstance(problem, KeyboardInterrupt) or (str(file) in str(failed.value) and "space" in str(failed.value))


def test_a_missing_folder_is_named_with_the_remedy(tmp_path):
    with pytest.raises(RunFolderError, match=f"{tmp_path / 'none'} .*go away"):
        write_atomically(tmp_path / "none/x.json", b"new", "go away")


def test_a_missing_or_large_file_is_named_with_the_remedy(tmp_path):
    file = tmp_path / "x.json"
    with pytest.raises(RunFolderError, match=f"{file} .*go away"):
        read_file(file, "go away")
    file.write_bytes(b"12345")
    assert read_file(file, largest=5) == read_file(file, largest=None) == b"12345"
    with pytest.raises(RunFolderError, match=f"{file} .*5 .*4 .*go away"):
        read_file(file, "go away", largest=4)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"a": "x"}', '{"a": 1', '{"a": 1, "checksum": "0"}'])
def test_an_unusable_record_is_named_with_the_remedy(text, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(RunFolderError, match=f"{tmp_path / 'x.json'}.*go away"):
        read_record(tmp_path / "x.json", {"a": int}, "go away")


def test_reading_a_record_keeps_fields_that_were_not_asked_for(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1, "more": [2]}')
    assert read_record(tmp_path / "x.json", {"a": float}) == {"a": 1.0, "more": [2]}


def test_an_experiment_is_read_from_its_record_and_others_are_refused(tmp_path, small):
    assert read_experiment({"experiment": to_config(small)}, tmp_path) == small
    others = [{}, {"experiment": 3}, {"experiment": to_config(small.es)}, {"experiment": {"type": "Nobody"}}]
    for record in others:
        with pytest.raises(RunFolderError, match=f"{tmp_path}"):
            read_experiment(record, tmp_path)


def test_vectors_and_words_are_read_back_bit_for_bit(tmp_path):
    vectors = {"a": torch.tensor([0.1, -0.0, 1e-45]), "b": torch.zeros(0), "c": torch.arange(6.0)[::2]}
    write_tensors(tmp_path / "x", vectors, {"words": [1, None, "\u00e9"]})
    found, words = read_tensors(tmp_path / "x")
    assert {name: vector.view(torch.int32).tolist() for name, vector in found.items()} == {
        name: vector.contiguous().view(torch.int32).tolist() for name, vector in vectors.items()
    }
    assert words["words"] == [1, None, "\u00e9"] and read_header(tmp_path / "x") == words


def test_the_words_alone_are_read_whatever_follows_them(tmp_path):
    write_tensors(tmp_path / "x", {"a": torch.ones(1000)}, {"n": 3})
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:-2000])
    assert read_header(tmp_path / "x")["n"] == 3
    with pytest.raises(RunFolderError, match=f"{tmp_path / 'x'} .*go away"):
        read_tensors(tmp_path / "x", "go away")


def test_a_missing_file_of_vectors_says_that_none_was_saved(tmp_path):
    for read in (read_tensors, read_header):
        with pytest.raises(RunFolderError, match=f"{tmp_path / 'x'} .*saved"):
            read(tmp_path / "x")


@pytest.mark.parametrize("other", [torch.ones(2).double(), torch.ones(2, 2), torch.tensor([1.0, torch.nan])], ids=str)
def test_only_vectors_of_finite_float32_are_read(other, tmp_path):
    write_tensors(tmp_path / "x", {"a": other}, {})
    with pytest.raises(RunFolderError, match=f"{tmp_path / 'x'} .*a.*go away"):
        read_tensors(tmp_path / "x", "go away")


def test_vectors_that_do_not_fit_are_refused_before_they_are_read(tmp_path):
    write_tensors(tmp_path / "x", {"a": torch.ones(5)}, {"n": 3})
    vectors = load_file(tmp_path / "x")
    save_file({"a": -vectors["a"]}, tmp_path / "x", {"enu": json.dumps(read_header(tmp_path / "x"))})

    def fits(words, lengths):
        raise RunFolderError(f"{words['n']} words, {lengths} values")

    with pytest.raises(RunFolderError, match="^3 words, {'a': 5} values"):
        read_tensors(tmp_path / "x", fits=fits)
    with pytest.raises(RunFolderError, match="checksum"):
        read_tensors(tmp_path / "x")


def test_a_lock_is_released_whatever_happens(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a/b"):
        _ = 1 / 0
    with locked(tmp_path / "a/b"):
        assert (tmp_path / "a/b").is_dir()


def test_a_lock_can_be_waited_for(tmp_path):
    order, begun = [], threading.Event()

    def waits():
        begun.set()
        try:
            with locked(tmp_path, wait=True):
                order.append("locked")
        except RunFolderError:
            order.append("refused")

    other = threading.Thread(target=waits)
    with locked(tmp_path):
        other.start()
        assert begun.wait(60)
        other.join(0.2)  # time to try
        order.append("released")
    other.join(60)
    assert order == ["released", "locked"]


def test_a_folder_that_cannot_be_made_is_named_with_the_remedy(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RunFolderError, match=f"{tmp_path / 'file'}.*go away"), locked(tmp_path / "file/r", remedy="go away"):
        pass


def _config(experiment, seed=0):
    return to_json({"experiment": experiment, "seed": seed, "parent": None})


@pytest.mark.parametrize("name", [NEWEST, PREVIOUS])
def test_a_folder_is_new_then_known_then_resumed(name, tmp_path, small):
    assert not open_folder(tmp_path, _config(small))
    written = (tmp_path / "config.json").read_bytes()
    longer = dataclasses.replace(small, generations=small.generations + 1, target=0.5)
    assert not open_folder(tmp_path, _config(small)) and not open_folder(tmp_path, _config(longer))
    (tmp_path / name).touch()
    assert open_folder(tmp_path, _config(small)) and (tmp_path / "config.json").read_bytes() == written
    record = read_record(tmp_path / "config.json", {"seed": int})
    assert read_experiment(record, tmp_path) == small and record["seed"] == 0
    write_config(tmp_path, _config(longer, seed=3))
    record = read_record(tmp_path / "config.json", {"seed": int})
    assert read_experiment(record, tmp_path) == longer and record["seed"] == 3


def test_the_lock_and_leftovers_of_a_killed_process_do_not_make_a_folder_foreign(tmp_path, small):
    for name in (".lock", ".config.json.ab12cd_x"):
        (tmp_path / name).touch()
    assert not open_folder(tmp_path, _config(small)) and (tmp_path / "config.json").exists()
