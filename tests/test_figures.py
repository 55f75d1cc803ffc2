"""Figure files: identical bytes on the same kind of machine, matching pictures on others, and the manifest."""

import hashlib
import io
import json
import shutil
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import enu_lib as enu
from enu_lib.figures import drawn_on, panel_letters, read_manifest, save_figure, save_table, use_style, write_manifest
from enu_lib.figures.data import as_csv
from enu_lib.figures.formats import paletted
from enu_lib.study import evidence, results, tables

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book"))
import gather  # noqa: E402
from run import run  # noqa: E402

MANIFEST = read_manifest(ROOT / "figures")
WAVES = {"waves.svg", "waves.png", "waves.narrow.svg", "waves.csv"}


def _draw(folder, name="waves", caption="Two\n   waves, n = 1.", moved=0.0, label="a wave", waves=2, bare=True):
    """Draw and save two waves; bare: without ticks, which take most of the time."""
    use_style()
    fig, axes = plt.subplots(1, 2)
    for k, ax in enumerate(axes):
        ax.axison = not bare
        ax.plot(np.sin(np.linspace(0, 6, 50) * (k + 1)) + moved, label=label)
        ax.fill_between(np.arange(50), 0.2, 0.4, alpha=0.2, lw=0)
        ax.set(ylim=(-1.5, 1.5))
        ax.legend()
    for line in axes[1].lines[waves - 1 :]:
        line.remove()
    panel_letters(axes)
    table = pd.DataFrame({"x": np.arange(50), "wave": np.sin(np.linspace(0, 6, 50)) + moved})
    paths = save_figure(fig, name, folder, caption=caption, data=table, zoo=["stdp-enu"])
    plt.close(fig)
    return paths


def test_the_same_figure_has_the_same_bytes(tmp_path):
    once, again = _draw(tmp_path / "a", bare=False), _draw(tmp_path / "b", bare=False)
    assert [p.suffix for p in once] == [".svg", ".png", ".csv", ".svg"]
    for a, b in zip(once, again, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_a_picture_with_a_palette_is_smaller_and_looks_the_same(tmp_path):
    png = next(path for path in _draw(tmp_path, bare=False) if path.suffix == ".png").read_bytes()
    small = paletted(png)
    shown, before = (np.asarray(Image.open(io.BytesIO(p)).convert("RGB"), dtype=int) for p in (small, png))
    assert len(small) < 0.7 * len(png) and paletted(png) == small
    assert shown.shape == before.shape and abs(shown - before).mean() < 1 and (shown[before == 255] == 255).mean() > 0.99


def test_the_manifest_lists_figures_and_replaces_old_entries(tmp_path):
    _draw(tmp_path, "b")
    _draw(tmp_path, "a")
    _draw(tmp_path, "b", caption="Later.")
    entries = json.loads((tmp_path / "manifest.json").read_text())
    assert [(e["figure"], e["caption"]) for e in entries] == [("a", "Two waves, n = 1."), ("b", "Later.")]
    for e in entries:
        assert e["library"] == enu.__version__ and e["zoo"] == ["stdp-enu"]
        for name, digest in e["files"].items():
            assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_a_table_is_recorded_in_the_manifest(tmp_path):
    _draw(tmp_path, "b")
    paths = save_table("a", {"csv": "x\n1\n", "md": "| x |\n"}, tmp_path, caption="One.", zoo=["stdp-enu"])
    assert [p.name for p in paths] == ["a.csv", "a.md"] and paths[0].read_text() == "x\n1\n"
    entries = json.loads((tmp_path / "manifest.json").read_text())
    assert [e["figure"] for e in entries] == ["a", "b"]
    assert entries[0]["files"]["a.md"] == hashlib.sha256(b"| x |\n").hexdigest()


def test_figures_match_up_to_rounding_only(tmp_path):
    as_it_was = _draw(tmp_path / "a", bare=False)
    rounded = _draw(tmp_path / "b", bare=False, moved=1e-3)
    assert as_it_was[0].read_bytes() != rounded[0].read_bytes()
    assert all(gather.alike(a, b) for a, b in zip(as_it_was, rounded, strict=True))
    for name, change in (("moved", {"moved": 0.05}), ("label", {"label": "a wage"}), ("lost", {"waves": 1})):
        for a, b in zip(as_it_was, _draw(tmp_path / name, bare=False, **change), strict=True):
            assert gather.alike(a, b) == (b.suffix == ".csv" and name != "moved"), b


@pytest.mark.parametrize("changed, alike", [("| a | 1.2341 |", True), ("| a | 1.24 |", False), ("| b | 1.234 |", False)])
def test_tables_match_if_text_is_equal_and_numbers_nearly(tmp_path, changed, alike):
    (one := tmp_path / "a.md").write_text("| a | 1.234 |")
    (other := tmp_path / "b.md").write_text(changed)
    assert gather.alike(one, other) == alike


DATA = "x,y,z\na,100,0\nb,-100,0\nc,0.001,0\n"


@pytest.mark.parametrize(
    "old, new, alike",
    [
        ("0.001", "0.1", True),  # little in the range of its column
        ("100", "100.1", True),
        ("100", "101", False),
        ("b", "d", False),
        ("b,-100,0", "b,-100,", False),
        ("b,-100,0\n", "", False),
        (",0\n", "\n", False),
    ],
)
def test_data_match_if_they_differ_by_little_in_the_range_of_their_column(tmp_path, old, new, alike):
    (one := tmp_path / "a.csv").write_text(DATA)
    (other := tmp_path / "b.csv").write_text(DATA.replace(old, new))
    assert gather.alike(one, other) == alike


def _elsewhere(folder):
    """Mark a folder's figures as drawn on another kind of machine."""
    write_manifest(folder, [{**entry, "drawn_on": "another machine"} for entry in read_manifest(folder)])


def test_matching_figures_of_another_machine_are_kept(tmp_path):
    kept, drawn = tmp_path / "kept", tmp_path / "drawn"
    for name in ("a", "b"):
        _draw(kept, name)
    _draw(kept, "gone")
    _elsewhere(kept)
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    _draw(drawn, "a", moved=1e-3)
    _draw(drawn, "b", moved=0.05)
    said = gather.keep(drawn, kept)
    assert "b" in said and "1 of 2" in said and str(drawn) in said and "\n" not in said
    assert (kept / "a.svg").read_bytes() == before["a.svg"] and (kept / "b.svg").read_bytes() == (drawn / "b.svg").read_bytes()
    assert [e["drawn_on"] for e in read_manifest(kept)] == ["another machine", drawn_on()]
    assert not (kept / "gone.svg").exists(), "no page draws it any more"
    settled = {path.name: path.read_bytes() for path in kept.iterdir()}
    gather.keep(drawn, kept)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == settled


def test_on_the_same_kind_of_machine_any_difference_is_a_new_figure(tmp_path):
    _draw(tmp_path / "kept")
    _draw(tmp_path / "drawn", moved=1e-3)
    gather.keep(tmp_path / "drawn", tmp_path / "kept")
    for name in (*WAVES, "manifest.json"):
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "drawn" / name).read_bytes()


def _page(folder, name="13_single_units", shows="waves"):
    output = {"output_type": "display_data", "metadata": {"figure": shows}, "data": {}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [{"outputs": [output]}]}))


def test_figures_of_a_page_are_gathered_all_or_none(tmp_path):
    pages, out = tmp_path / "pages", tmp_path / "figures"
    _page(pages)
    _draw(pages / "13_single_units.figures")
    _page(pages, "99_no_page_of_the_book", "ghost")
    _draw(out, "of_an_earlier_page")
    gather.gather(pages, out)
    assert {p.name for p in out.iterdir()} == WAVES | {"manifest.json"}
    (pages / "13_single_units.figures/waves.svg").write_text("not what the page drew")
    with pytest.raises(ValueError, match="waves.svg.*delete .*13_single_units.ipynb"):
        gather.gather(pages, out)
    shutil.rmtree(pages / "13_single_units.figures")
    with pytest.raises(ValueError, match="waves.*delete .*13_single_units.ipynb"):
        gather.gather(pages, out)
    assert {p.name for p in out.iterdir()} == WAVES | {"manifest.json"}


@pytest.mark.parametrize("page", ["13_single_units", "16_fig5_behaviour"])
@pytest.mark.usefixtures("forked_kernels")
def test_committed_figures_are_reproduced(page, tmp_path):
    """Identical bytes on the kind of machine in the manifest, matching pictures on others.

    One page on single units and one on network episodes; `make figures` draws and compares all pages.
    """
    run(ROOT / f"book/{page}.py", tmp_path, {})
    committed = {entry["figure"]: entry for entry in MANIFEST if entry["notebook"] == page}
    drawn = {entry["figure"]: entry for entry in read_manifest(tmp_path / f"{page}.figures")}
    assert committed.keys() == drawn.keys() and committed
    for name, entry in drawn.items():
        if committed[name]["drawn_on"] == entry["drawn_on"]:
            assert committed[name]["files"] == entry["files"], name
        for file in entry["files"]:
            assert gather.alike(ROOT / "figures" / file, tmp_path / f"{page}.figures" / file), file


def test_the_manifest_records_the_machine_but_no_time():
    for entry in MANIFEST:
        assert "torch " in entry["drawn_on"] and "matplotlib " in entry["drawn_on"] and "Python 3." in entry["drawn_on"]
        assert entry.keys() <= {"figure", "files", "caption", "alt", "notebook", "zoo", "library", "drawn_on"}


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda e: e["figure"])
def test_committed_figures_match_the_manifest(entry):
    for name, digest in entry["files"].items():
        assert hashlib.sha256((ROOT / "figures" / name).read_bytes()).hexdigest() == digest
    assert (ROOT / f"book/{entry['notebook']}.py").exists()
    assert entry["caption"].endswith(".") and set(entry["zoo"]) <= set(enu.zoo.names())


def test_every_committed_figure_is_made_by_a_page():
    listed = {name for entry in MANIFEST for name in entry["files"]}
    assert {p.name for p in (ROOT / "figures").iterdir()} == listed | {"manifest.json"}


def test_the_committed_table_follows_from_the_stored_runs():
    """After new runs, `make figures` updates the table and the figures."""
    runs = results.load("laptop").runs
    table = as_csv(pd.DataFrame(tables.final_table(runs, evidence.gather(stored=runs))))
    assert (ROOT / "figures/ed_table1.csv").read_text() == table
