"""Figures as files: the same bytes again, and a manifest that says where each comes from."""

import hashlib
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import enu_lib as enu
from enu_lib.figures import panel_letters, save_figure, save_table, use_style
from enu_lib.study import evidence, results, tables

ROOT = Path(__file__).parents[1]
MANIFEST = json.loads((ROOT / "figures/manifest.json").read_text())


def _draw(folder, name="waves", caption="Two\n   waves, n = 1."):
    use_style()
    fig, axes = plt.subplots(1, 2)
    for k, ax in enumerate(axes):
        ax.plot(np.sin(np.linspace(0, 6, 50) * (k + 1)), label="a wave")
        ax.legend()
    panel_letters(axes)
    paths = save_figure(fig, name, folder, caption=caption, zoo=["stdp-enu"])
    plt.close(fig)
    return paths


def test_the_same_figure_has_the_same_bytes(tmp_path):
    once, again = _draw(tmp_path / "a"), _draw(tmp_path / "b")
    assert [p.suffix for p in once] == [".svg", ".png"]
    for a, b in zip(once, again, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_the_manifest_gathers_figures_and_replaces_old_ones(tmp_path):
    _draw(tmp_path, "b")
    _draw(tmp_path, "a")
    _draw(tmp_path, "b", caption="Later.")
    entries = json.loads((tmp_path / "manifest.json").read_text())
    assert [(e["figure"], e["caption"]) for e in entries] == [("a", "Two waves, n = 1."), ("b", "Later.")]
    for e in entries:
        assert e["library"] == enu.__version__ and e["zoo"] == ["stdp-enu"]
        for name, digest in e["files"].items():
            assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_a_table_is_noted_beside_the_figures(tmp_path):
    _draw(tmp_path, "b")
    paths = save_table("a", {"csv": "x\n1\n", "md": "| x |\n"}, tmp_path, caption="One.", zoo=["stdp-enu"])
    assert [p.name for p in paths] == ["a.csv", "a.md"] and paths[0].read_text() == "x\n1\n"
    entries = json.loads((tmp_path / "manifest.json").read_text())
    assert [e["figure"] for e in entries] == ["a", "b"]
    assert entries[0]["files"]["a.md"] == hashlib.sha256(b"| x |\n").hexdigest()


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda e: e["figure"])
def test_committed_figures_are_those_of_the_manifest(entry):
    for name, digest in entry["files"].items():
        assert hashlib.sha256((ROOT / "figures" / name).read_bytes()).hexdigest() == digest
    assert (ROOT / f"book/{entry['notebook']}.py").exists()
    assert entry["caption"].endswith(".") and set(entry["zoo"]) <= set(enu.zoo.names())


def test_no_figure_lies_about_that_no_page_makes():
    listed = {name for entry in MANIFEST for name in entry["files"]}
    assert {p.name for p in (ROOT / "figures").iterdir()} == listed | {"manifest.json"}


def test_the_committed_table_is_what_the_stored_runs_give():
    """And so are the figures, which the same command draws: after new runs, `make figures`."""
    runs = results.load("laptop").runs
    table = tables.csv(tables.final_table(runs, evidence.gather(stored=runs)))
    assert (ROOT / "figures/ed_table1.csv").read_text() == table
