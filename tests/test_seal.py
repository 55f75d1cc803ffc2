"""Checksums and checks of stored files: what was changed, damaged or made up is noticed when it is loaded."""

import gzip
import json
import random
import shutil

import pytest
import torch
from mutations import flipped
from safetensors.torch import save_file

import enu_lib as enu
from enu_lib.base.notices import tell
from enu_lib.storage.folder import CHECKPOINT, LARGEST_JSON, RunFolderError, read_tensors
from enu_lib.storage.seal import checksum, mention, sealed, verify
from enu_lib.study import results


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
    for name in (CHECKPOINT, "genome.safetensors"):
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


def test_a_file_is_mentioned_once(tmp_path, capsys):
    for _ in range(3):
        mention(tmp_path / "x.json", {})
    mention(tmp_path / "y.json", {"checksum": "0"})
    assert capsys.readouterr().err.count("\n") == 1
