"""Checkpoints: stored and read bit for bit, whole after a kill, checked whoever wrote them, and read in their older format."""

import dataclasses
import itertools
import json
import math
import shutil

import kills
import pytest
import torch
from mutations import flipped
from refusals import SMOKE, one_line_and_no_change
from safetensors.torch import load_file, save, save_file

import enu_lib as enu
from enu_lib import es
from enu_lib.storage.checkpoint import NAMES, Progress, load_checkpoint, read_checkpoint, save_checkpoint
from enu_lib.storage.folder import CHECKPOINT, PREVIOUS, RunFolderError, read_tensors, write_tensors
from enu_lib.storage.log import read_log
from enu_lib.storage.seal import sealed


def _evolve(saved, generations=6):
    return enu.evolve("stdp", profile="smoke", generations=generations, out=saved, progress=False)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "missing", "nan"])
def test_a_damaged_checkpoint_is_replaced_by_the_previous_one(damage, saved, capsys):
    whole, file = enu.load_run(saved), saved / CHECKPOINT
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
    for name in (CHECKPOINT, PREVIOUS):
        (saved / name).write_bytes((saved / name).read_bytes()[:-1])
    with pytest.raises(RunFolderError, match=f"{saved / CHECKPOINT} .*--out"):
        _evolve(saved)


def test_a_checkpoint_of_a_later_version_is_not_replaced(saved):
    tensors, words = read_tensors(saved / CHECKPOINT)
    write_tensors(saved / CHECKPOINT, tensors, {**words, "format": words["format"] + 1})
    before = (saved / CHECKPOINT).read_bytes()
    with pytest.raises(RunFolderError, match=f"{saved / CHECKPOINT} .*format {words['format'] + 1}"):
        _evolve(saved)
    assert (saved / CHECKPOINT).read_bytes() == before


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
    shutil.copy(saved / PREVIOUS, saved / CHECKPOINT)  # as if the run had been killed between log and checkpoint
    assert len(enu.load_run(saved).log) == 6 and log.read_bytes() == data  # readers change nothing
    log.write_bytes(data + b"7,0.1,0.")
    assert torch.equal(_evolve(saved, 7).parent, whole.parent)
    assert [row["generation"] for row in read_log(saved)] == list(range(7))


def test_a_kill_before_the_first_checkpoint_leaves_no_row_twice(saved):
    whole = enu.load_run(saved)
    for name in (CHECKPOINT, PREVIOUS):
        (saved / name).unlink()
    again = _evolve(saved)
    assert torch.equal(again.parent, whole.parent) and [row["generation"] for row in read_log(saved)] == list(range(6))


def test_files_of_earlier_versions_load_with_a_line_each(saved, capsys):
    whole = enu.load_run(saved)
    config = json.loads((saved / "config.json").read_text())
    del config["checksum"]
    (saved / "config.json").write_text(json.dumps(config))
    (saved / PREVIOUS).unlink()
    words = {"format": 1, "generation": 6, "score": whole.score, "seconds": 1.0, "lesson_ends": []}
    save_file(load_file(saved / CHECKPOINT), saved / CHECKPOINT, {"enu": json.dumps(words)})
    run = enu.load_run(saved)
    lines = capsys.readouterr().err.splitlines()
    assert torch.equal(run.parent, whole.parent) and len(lines) == 2 and all("checksum" in line for line in lines)
    assert {str(saved / "config.json"), str(saved / CHECKPOINT)} == {line.split()[1] for line in lines}
    longer = enu.evolve("stdp", profile="smoke", generations=7, out=saved, progress=False)
    capsys.readouterr()
    assert torch.equal(enu.load_run(saved).parent, longer.parent) and not capsys.readouterr().err
    lines = (saved / "log.csv").read_bytes().splitlines(keepends=True)
    (saved / "log.csv").write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(RunFolderError, match="log.csv .*generation 2"):
        enu.load_run(saved)


@pytest.mark.parametrize(
    "change",
    [
        {"generation": -1}, {"generation": 2.5}, {"generation": float("nan")}, {"generation": 10**30}, {"generation": None},
        {"generation": True}, {"score": "good"}, {"score": []}, {"seconds": float("inf")}, {"stage_ends": [3]},
        {"stage_ends": [9]}, {"stage_ends": [4, 2]}, {"stage_ends": 3}, {"log": 3}, {"log": "0"}, {"format": 0},
        {"format": "2"}, {"restarts": [2]},
    ],
    ids=str,
)  # fmt: skip
def test_the_words_of_a_checkpoint_are_checked_whatever_their_checksum(change, saved):
    (saved / PREVIOUS).unlink()
    tensors, words = read_tensors(saved / CHECKPOINT)
    write_tensors(saved / CHECKPOINT, tensors, {**words, **change})
    with pytest.raises(RunFolderError, match=f"{saved}.*--out"):
        enu.load_run(saved)


@pytest.mark.parametrize("damage", ["swapped", "int32", "float64", "nan", "inf", "matrix", "short", "one more", "one less"])
def test_the_tensors_of_a_checkpoint_are_checked_whatever_their_checksum(damage, saved):
    (saved / PREVIOUS).unlink()
    tensors, words = read_tensors(saved / CHECKPOINT)
    parent = tensors["parent"]
    changed = {
        "swapped": {"parent": tensors["velocity"], "velocity": parent},
        "int32": {"parent": parent.int()},
        "float64": {"best": parent.double()},
        "nan": {"velocity": parent * torch.nan},
        "inf": {"parent": torch.cat([parent[1:], torch.tensor([torch.inf])])},
        "matrix": {"parent": parent[None].clone()},
        "short": {key: tensor[1:].clone() for key, tensor in tensors.items()},
        "one more": {"genome": parent.clone()},
    }
    new = {**tensors, **changed[damage]} if damage in changed else {"parent": parent}
    its = words if damage == "swapped" else sealed(words, new)
    (saved / CHECKPOINT).write_bytes(save(new, {"enu": json.dumps(its)}))
    with pytest.raises(RunFolderError, match=f"{saved / CHECKPOINT} .*--out"):
        enu.load_run(saved)


def test_a_genome_of_another_size_is_refused_before_it_is_read(saved):
    (saved / PREVIOUS).unlink()
    header = {
        name: {"dtype": "F32", "shape": [2**36], "data_offsets": [2**38 * k, 2**38 * (k + 1)]}
        for k, name in enumerate(["parent", "velocity", "variance", "best"])
    }
    header["__metadata__"] = {"enu": json.dumps({"format": 2, "checksum": "0"})}
    text = json.dumps(header).encode()
    with (saved / CHECKPOINT).open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 4 * 2**38)  # a terabyte, sparse
    with pytest.raises(RunFolderError, match=rf"{saved / CHECKPOINT} .*{2**36} values"):
        enu.load_run(saved)


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
    one_line_and_no_change([*SMOKE, str(folder)], file, capsys)


@pytest.mark.parametrize("words", [b"[" * 50_000, b"[]", b"", b"{}", b"3"], ids=["deep", "list", "empty", "no keys", "number"])
def test_a_checkpoint_with_invalid_metadata_is_an_error(words, folder, capsys):
    file = folder / "checkpoint.safetensors"
    save_file(load_file(file), file, {"enu": words.decode()})
    one_line_and_no_change(["evaluate", str(folder)], file, capsys)
    save_file(load_file(file), file)
    one_line_and_no_change(["evaluate", str(folder)], file, capsys)


def test_the_tensors_of_a_checkpoint_are_checked(folder, capsys):
    file = folder / "checkpoint.safetensors"
    tensors, words = load_file(file), {"enu": '{"format": 1, "generation": 6, "score": -1.0, "seconds": 1.0}'}
    for other in (
        {"genome": tensors["parent"]},
        {**tensors, "velocity": tensors["velocity"].int()},
        {**tensors, "parent": tensors["parent"][:-1].clone()},
    ):
        save_file(other, file, words)
        one_line_and_no_change(["evaluate", str(folder)], file, capsys)


def _progress(experiment, generation, score=-math.inf, ends=(), restarts=()):
    """Invented progress whose tensors tell the generation."""
    parent = torch.full((experiment.model.n_params,), 0.1 + generation)
    state = es.ESState(parent, parent / 3, parent / 7, generation)
    return Progress(state, parent / 9, score, 1.5 * generation, list(ends), list(restarts))


def _row(generation):
    return {"generation": generation, "fitness_mean": -0.5, "seconds": 1.5 * generation}


@pytest.mark.parametrize("score", [-math.inf, -0.1, 1 / 3])
def test_progress_is_read_back_bit_for_bit(score, tmp_path, small):
    staged = dataclasses.replace(small, stages=(enu.Stage(1, small.task), enu.Stage(5, small.task)))
    now = _progress(staged, 3, score, ends=[1, 2, 3], restarts=[2])
    rows = [_row(k) for k in range(3)]
    save_checkpoint(tmp_path, now, rows)
    found, log = load_checkpoint(tmp_path, staged)
    for name in ("parent", "velocity", "variance"):
        assert torch.equal(getattr(found.state, name), getattr(now.state, name))
    assert torch.equal(found.best, now.best) and found.state.generation == 3 and log == rows
    assert (found.score, found.seconds, found.ends, found.restarts) == (score, 4.5, [1, 2, 3], [2])
    save_checkpoint(tmp_path, dataclasses.replace(found, state=_progress(staged, 4).state), [_row(3)])  # the log goes on
    assert [row["generation"] for row in load_checkpoint(tmp_path, staged)[1]] == list(range(4))


def test_the_checkpoint_that_is_replaced_becomes_the_previous_one(tmp_path, small):
    now = _progress(small, 1)
    save_checkpoint(tmp_path, now, [_row(0)])
    first = (tmp_path / CHECKPOINT).read_bytes()
    assert not (tmp_path / PREVIOUS).exists()
    now.state = _progress(small, 2).state
    save_checkpoint(tmp_path, now, [_row(1)])
    assert (tmp_path / PREVIOUS).read_bytes() == first != (tmp_path / CHECKPOINT).read_bytes()


def test_a_writer_killed_at_any_moment_leaves_the_earlier_checkpoint_or_the_new_one(saved_once, tmp_path, small):
    now, log = load_checkpoint(saved_once, small, write=False)
    now.state = _progress(small, 7).state
    row = {**log[-1], "generation": 6}
    found = set()
    for moment in itertools.count():
        folder = tmp_path / str(moment)
        shutil.copytree(saved_once, folder)
        killed = kills.at_call(lambda folder=folder: save_checkpoint(folder, now, [row]), moment)
        again, rows = load_checkpoint(folder, small)
        assert again.state.generation == len(rows) and rows[:6] == log
        found.add(again.state.generation)
        if not killed:
            break
    assert moment >= 4 and found == {6, 7} and again.state.generation == 7


def test_a_folder_without_a_checkpoint_says_that_none_was_saved(tmp_path, small):
    with pytest.raises(RunFolderError, match=f"{tmp_path / CHECKPOINT} .*saved"):
        load_checkpoint(tmp_path, small)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_model_names_both_sizes_and_the_remedy(saved, small):
    size = small.model.n_params
    tensors, words = read_checkpoint(saved / CHECKPOINT, size)
    assert set(tensors) == set(NAMES) and words["generation"] == 6
    with pytest.raises(RunFolderError, match=f"{saved / CHECKPOINT} .*{saved / 'config.json'} .*{size}.*{size + 1}.*--out"):
        read_checkpoint(saved / CHECKPOINT, size + 1)


def test_a_checkpoint_of_the_first_format_tells_where_stages_ended(saved, small):
    words = {"format": 1, "generation": 6, "score": None, "seconds": 2.0, "lesson_ends": [2, 4]}
    save_file(load_file(saved / CHECKPOINT), saved / CHECKPOINT, {"enu": json.dumps(words)})
    staged = dataclasses.replace(small, stages=(enu.Stage(2, small.task), enu.Stage(5, small.task)))
    now, rows = load_checkpoint(saved, staged)
    assert (now.ends, now.score, now.seconds, len(rows)) == ([2, 4], -math.inf, 2.0, 6)


def test_stages_after_a_restart_are_counted_from_it(small):
    staged = dataclasses.replace(small, stages=(enu.Stage(2, enu.STDP("complex")), enu.Stage(5, small.task)), generations=50)
    seen = []
    for generation in (10, 11, 12, 14, 15):
        now = _progress(staged, generation, ends=[2, 10], restarts=[10])
        stage = now.stage(staged)
        seen.append((stage.until, stage.tasks[0], now.ends[2:]))
    complex_rule, rule = enu.STDP("complex"), small.task
    first, second = (12, complex_rule, []), (15, rule, [12])
    assert seen == [first, first, second, second, (50, rule, [12, 15])]


def test_stages_end_when_their_generations_are_over(small):
    staged = dataclasses.replace(small, stages=(enu.Stage(2, enu.STDP("complex")), enu.Stage(5, enu.STDP("neuromodulated"))))
    rules, ends = [], []
    for generation in (1, 2, 4, 5):
        now = _progress(staged, generation)
        rules.append(now.stage(staged).tasks[0])
        ends.append(now.ends)
    assert rules == [enu.STDP("complex"), enu.STDP("neuromodulated"), enu.STDP("neuromodulated"), small.task]
    assert ends == [[], [2], [2], [2, 5]]
    early = _progress(staged, 1, ends=[1])  # a stage that ended at its target
    assert early.stage(staged).tasks[0] == enu.STDP("neuromodulated") and early.ends == [1]
