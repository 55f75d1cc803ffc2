"""The script that times the GPU kernels: it runs anywhere at tiny sizes, and refuses real ones without a GPU."""

import json

import pytest
import torch

from enu_lib.cli import main


def test_every_table_has_its_rows(tmp_path, capsys):
    assert main(["bench", "--gpu", "--quick", "--json", str(tmp_path / "gpu.json")]) == 0
    found, printed = json.loads((tmp_path / "gpu.json").read_text()), capsys.readouterr().out
    assert set(found["tables"]) == {"networks in mazes", "single units", "whole generations"}
    for name, rows in found["tables"].items():
        assert name in printed and all(row["seconds"] > 0 and row["model"] in printed for row in rows)
    models = {row["model"] for row in found["tables"]["networks in mazes"]}
    assert {f"{cell} H32 C16" for cell in ("enu", "nfenu", "gru", "lstm", "shared enu")} <= models


def test_without_a_gpu_it_says_so_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # also where there is one
    assert main(["bench", "--gpu"]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "GPU" in error and "--quick" in error


@pytest.mark.parametrize("others", [["--processes", "2"], ["--only", "peak"], ["--without", "JAX"]])
def test_options_that_would_be_ignored_are_an_error_that_names_them(others, capsys):
    assert main(["bench", "--gpu", "--quick", *others]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "--gpu" in error and others[0] in error
