"""Damaged and foreign files of runs, sweeps, the zoo and figures: a one-line error that names the file, and no damage."""

import gzip
import json

import pytest
from refusals import SMOKE, collect, one_line_and_no_change
from safetensors.torch import load_file, save_file

import enu_lib as enu
from enu_lib.figures import read_manifest
from enu_lib.storage.folder import RunFolderError
from enu_lib.storage.seal import sealed
from enu_lib.study import results

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


@pytest.mark.parametrize("damage", NO_JSON)
@pytest.mark.parametrize("command", ["evaluate", "parent"])
def test_an_invalid_configuration_is_an_error(damage, command, folder, tmp_path, capsys):
    config = folder / "config.json"
    config.write_bytes(NO_JSON[damage])
    into = [*SMOKE, str(tmp_path / "new"), "--parent", str(folder)]
    one_line_and_no_change(["evaluate", str(folder)] if command == "evaluate" else into, config, capsys)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("damage", ["deep", "list", "number", "empty", "object without keys", "no UTF-8"])
def test_a_run_does_not_resume_with_an_invalid_configuration(damage, folder, capsys):
    (folder / "config.json").write_bytes(NO_JSON[damage])
    assert "--out" in one_line_and_no_change([*SMOKE, str(folder)], folder / "config.json", capsys)


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
        assert "--out" in one_line_and_no_change(arguments, folder / "log.csv", capsys)


@pytest.mark.parametrize("damage", [*NO_JSON, "a record's entry"])
def test_an_invalid_record_is_an_error(damage, collected, capsys):
    (file,) = (collected / "runs").glob("*/evaluation.json")
    record = {**json.loads(file.read_text()), "held_out": ["x"]}
    file.write_bytes(NO_JSON[damage] if damage in NO_JSON else json.dumps(record).encode())
    again = ["sweep", "--profile", "smoke", "--experiments", "complex-stdp", "--no-checks", "--out", str(collected / "runs")]
    for arguments in (collect(collected), [*again, "--results", str(collected / "none"), "--dry-run"]):
        assert "delete" in one_line_and_no_change(arguments, file, capsys)


@pytest.mark.parametrize("damage", NO_JSON)
def test_a_record_with_an_invalid_configuration_is_an_error(damage, collected, capsys):
    (file,) = (collected / "runs").glob("*/config.json")
    file.write_bytes(NO_JSON[damage])
    one_line_and_no_change(collect(collected), file, capsys)


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
    assert "delete" in one_line_and_no_change(collect(collected), file, capsys)


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
            said = one_line_and_no_change(arguments, file, capsys)
            assert "--out" not in said
    for other in ({"other": tensors["genome"]}, {"genome": tensors["genome"][:-1].clone()}):
        save_file(other, file, {"enu": json.dumps(entry.provenance)})
        one_line_and_no_change(["zoo", "show", "stdp-enu"], file, capsys)


@pytest.mark.parametrize("damage", NO_JSON)
def test_an_invalid_manifest_of_figures_is_an_error(damage, tmp_path):
    (tmp_path / "manifest.json").write_bytes(NO_JSON[damage])
    with pytest.raises(ValueError, match=f"{tmp_path}/manifest.json .*delete"):
        read_manifest(tmp_path)
