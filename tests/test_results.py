"""Stored results of a sweep: collecting, loading, and rejection of runs with other settings."""

import gzip
import json
import math

import pytest

from enu_lib.config import from_config
from enu_lib.storage.folder import RunFolderError
from enu_lib.study import design, evidence, results


def test_collected_results_can_be_loaded(whole, tmp_path):
    stored = results.collect("smoke", whole, tmp_path)
    assert results.load("smoke", tmp_path) == stored and len(stored.runs) == 8
    assert results.collect("smoke", whole, tmp_path) == stored  # no duplicates
    first = results.path("smoke", tmp_path).read_bytes()
    results.collect("smoke", whole, tmp_path)
    assert results.path("smoke", tmp_path).read_bytes() == first
    run = stored.runs[0]
    assert from_config(stored.configs[f"{run.experiment}-{run.model}"]) == design.build(run.experiment, run.model, "smoke")
    found = evidence.gather(stored=stored.runs)
    assert found.final["complex-stdp", "enu"][0] == pytest.approx(sum(run.trials) / len(run.trials))
    assert set(found.reached["complex-stdp", "enu"]) == {float("inf")}


def test_other_settings_and_damaged_files_are_errors(whole, tmp_path):
    results.collect("smoke", whole, tmp_path)
    other = tmp_path / "runs" / "complex-stdp-enu-7"
    other.mkdir(parents=True)
    source = whole / "complex-stdp-enu-0"
    config = json.loads((source / "config.json").read_text())
    config["experiment"]["environments"] = 99
    (other / "config.json").write_text(json.dumps(config))
    (other / "evaluation.json").write_text((source / "evaluation.json").read_text())
    with pytest.raises(RunFolderError, match="complex-stdp-enu-7.*delete"):
        results.collect("smoke", tmp_path / "runs", tmp_path)
    file = results.path("smoke", tmp_path)
    stored = json.loads(gzip.decompress(file.read_bytes()))
    stored["runs"][3]["trials"][0] += 1
    file.write_bytes(gzip.compress(json.dumps(stored).encode()))
    with pytest.raises(RunFolderError, match="run 3 .*checksum.*collect"):
        results.load("smoke", tmp_path)
    results.path("smoke", tmp_path).write_bytes(b"not ours")
    with pytest.raises(RunFolderError, match="sweep-smoke.json.gz"):
        results.load("smoke", tmp_path)
    assert results.load("paper", tmp_path) == results.Stored([], {})


def test_shipped_results_match_the_current_design():
    stored = results.load("laptop")
    assert len(stored.runs) == len({(r.experiment, r.model, r.seed) for r in stored.runs})
    jobs = {(j.experiment, j.model, j.seed) for j in design.jobs("laptop")}
    for run in stored.runs:
        assert (run.experiment, run.model, run.seed) in jobs
        e = design.build(run.experiment, run.model, "laptop")
        assert from_config(stored.configs[f"{run.experiment}-{run.model}"]) == e
        assert (run.n_params, run.hidden) == (e.model.n_params, e.model.hidden)
        assert len(run.trials) == results.TRIALS and len(run.generation) == len(run.held_out)
        assert run.generations == e.generations or max(run.held_out) >= e.target
        assert run.scores["n"] == 1024 and run.seconds > 0
    assert sum(p.stat().st_size for p in results.FOLDER.iterdir()) < 20e6


def test_numbers_are_stored_with_five_digits_and_nan_as_none():
    assert [results.five_digits(v) for v in (1.234567, -0.000123456, math.inf, 2048)] == [1.2346, -0.00012346, math.inf, 2048]
    assert results.five_digits(math.nan) is None and isinstance(results.five_digits(123456), int)
