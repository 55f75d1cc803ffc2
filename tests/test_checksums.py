"""Checksums and checks of stored files: what was changed, damaged or made up is noticed when it is loaded."""

import gzip
import json
import os
import random
import shutil

import pytest
import torch
from mutations import flipped
from safetensors.torch import load_file, save, save_file

import enu_lib as enu
from enu_lib.base.notices import tell
from enu_lib.storage.folder import LARGEST_JSON, RunFolderError, read_record, read_tensors, write_tensors
from enu_lib.storage.seal import checksum, mention, sealed, verify
from enu_lib.study import results

NEWEST, PREVIOUS = "checkpoint.safetensors", "checkpoint.previous.safetensors"


def test_a_checksum_notices_any_change():
    tensors = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([3.0])}
    words = sealed({"x": [1, (2, "y")], "z": float("nan")}, tensors)
    verify(json.loads(json.dumps(words)), tensors)
    others = [
        ({**words, "x": [1, [2, "Y"]]}, tensors),
        ({**words, "more": 0}, tensors),
        ({key: value for key, value in words.items() if key != "z"}, tensors),
        (words, {"b": tensors["a"], "a": tensors["b"]}),
        (words, {**tensors, "b": torch.tensor([3.0000002])}),
        (words, {**tensors, "b": torch.tensor([3])}),
        (words, {"a": tensors["a"]}),
    ]
    for changed, its in others:
        with pytest.raises(ValueError, match="checksum"):
            verify(changed, its)
    assert len({checksum(w, t) for w, t in [(words, tensors), *others]}) == 1 + len(others)


def test_every_flipped_bit_of_a_genome_or_checkpoint_is_noticed(saved, tmp_path):
    rng = random.Random(1)
    for name in (NEWEST, "genome.safetensors"):
        whole = (saved / name).read_bytes()
        tensors, words = read_tensors(saved / name)
        file = tmp_path / name
        for k in rng.sample(range(8 * len(whole)), 400):
            file.write_bytes(flipped(whole, k))
            try:
                found, its = read_tensors(file)
            except RunFolderError as error:
                assert str(file) in str(error)
            else:  # a bit without meaning, such as a kind of blank, or of the checksum's own name
                same = {key: value for key, value in its.items() if key in words} | {"checksum": words["checksum"]}
                assert same == words and all(torch.equal(found[key], tensors[key]) for key in tensors)


def test_files_of_earlier_versions_load_with_a_line_each(saved, capsys):
    whole = enu.load_run(saved)
    config = json.loads((saved / "config.json").read_text())
    del config["checksum"]
    (saved / "config.json").write_text(json.dumps(config))
    (saved / PREVIOUS).unlink()
    words = {"format": 1, "generation": 6, "score": whole.score, "seconds": 1.0, "lesson_ends": []}
    save_file(load_file(saved / NEWEST), saved / NEWEST, {"enu": json.dumps(words)})
    run = enu.load_run(saved)
    lines = capsys.readouterr().err.splitlines()
    assert torch.equal(run.parent, whole.parent) and len(lines) == 2 and all("checksum" in line for line in lines)
    assert {str(saved / "config.json"), str(saved / NEWEST)} == {line.split()[1] for line in lines}
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
        {"format": "2"},
    ],
    ids=str,
)  # fmt: skip
def test_the_words_of_a_checkpoint_are_checked_whatever_their_checksum(change, saved):
    (saved / PREVIOUS).unlink()
    tensors, words = read_tensors(saved / NEWEST)
    write_tensors(saved / NEWEST, tensors, {**words, **change})
    with pytest.raises(RunFolderError, match=f"{saved}.*--out"):
        enu.load_run(saved)


@pytest.mark.parametrize("damage", ["swapped", "int32", "float64", "nan", "inf", "matrix", "short", "one more", "one less"])
def test_the_tensors_of_a_checkpoint_are_checked_whatever_their_checksum(damage, saved):
    (saved / PREVIOUS).unlink()
    tensors, words = read_tensors(saved / NEWEST)
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
    (saved / NEWEST).write_bytes(save(new, {"enu": json.dumps(its)}))
    with pytest.raises(RunFolderError, match=f"{saved / NEWEST} .*--out"):
        enu.load_run(saved)


def test_a_changed_word_of_a_zoo_entry_is_noticed(tmp_path, monkeypatch, capsys):
    source = enu.zoo.FOLDER / "stdp-enu.safetensors"
    tensors, words = read_tensors(source)
    monkeypatch.setattr(enu.zoo, "FOLDER", tmp_path)
    file, scores = tmp_path / source.name, {**words["scores"], "fitness": -1e-9}
    save_file(tensors, file, {"enu": json.dumps({**words, "scores": scores})})
    with pytest.raises(RunFolderError, match=f"{file} .*checksum"):
        enu.zoo.load("stdp-enu")
    del words["checksum"]
    save_file(tensors, file, {"enu": json.dumps(words)})  # an entry of an earlier version
    enu.zoo.load("stdp-enu")
    (line,) = capsys.readouterr().err.splitlines()
    assert str(file) in line and "checksum" in line
    save_file({"genome": -tensors["genome"]}, file, {"enu": json.dumps(words)})
    with pytest.raises(RunFolderError, match=f"{file} .*checksum"):
        enu.zoo.load("stdp-enu")


def test_every_entry_of_the_zoo_has_a_checksum(capsys):
    tell.cache_clear()  # another test may have loaded an entry, and a notice is printed only once
    for name in enu.zoo.names():
        enu.zoo.load(name)
    assert not capsys.readouterr().err


def test_a_changed_record_of_a_run_is_noticed(whole, tmp_path, capsys):
    shutil.copytree(whole, tmp_path / "runs")
    file = sorted((tmp_path / "runs").glob("*/evaluation.json"))[0]
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "generations": record["generations"] + 1}))
    with pytest.raises(RunFolderError, match=f"{file} .*delete"):
        results.collect("smoke", tmp_path / "runs", tmp_path / "kept")
    del record["checksum"]
    file.write_text(json.dumps(record))
    results.collect("smoke", tmp_path / "runs", tmp_path / "kept")
    (line,) = capsys.readouterr().err.splitlines()
    assert str(file) in line and "checksum" in line


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


def test_huge_files_are_refused_before_they_are_read(saved, tmp_path):
    with (saved / "config.json").open("r+b") as file:
        file.truncate(2**40)  # sparse
    with pytest.raises(RunFolderError, match=rf"config.json .*{2**40}.*{LARGEST_JSON}"):
        enu.load_run(saved)
    packed = gzip.compress(bytes(LARGEST_JSON + 1))
    assert len(packed) < LARGEST_JSON / 500
    results.path("smoke", tmp_path).write_bytes(packed)
    with pytest.raises(RunFolderError, match=rf"sweep-smoke.json.gz .*{LARGEST_JSON}"):
        results.load("smoke", tmp_path)


def test_a_genome_of_another_size_is_refused_before_it_is_read(saved):
    (saved / PREVIOUS).unlink()
    header = {
        name: {"dtype": "F32", "shape": [2**36], "data_offsets": [2**38 * k, 2**38 * (k + 1)]}
        for k, name in enumerate(["parent", "velocity", "variance", "best"])
    }
    header["__metadata__"] = {"enu": json.dumps({"format": 2, "checksum": "0"})}
    text = json.dumps(header).encode()
    with (saved / NEWEST).open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 4 * 2**38)  # a terabyte, sparse
    with pytest.raises(RunFolderError, match=rf"{saved / NEWEST} .*{2**36} values"):
        enu.load_run(saved)


def test_a_file_is_mentioned_once(tmp_path, capsys):
    for _ in range(3):
        mention(tmp_path / "x.json", {})
    mention(tmp_path / "y.json", {"checksum": "0"})
    assert capsys.readouterr().err.count("\n") == 1


def test_a_record_without_checksum_is_read_as_before(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}')
    assert read_record(tmp_path / "x.json", {"a": int}) == {"a": 1}
