"""Output folders of pages: the checkout's build/, whatever the current folder."""

from pathlib import Path

import pytest

import enu_lib as enu
from enu_lib.figures import save_table
from enu_lib.storage import places
from enu_lib.study import sweep


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a book; its name has a space and a non-ASCII letter."""
    folder = tmp_path / "é checkout"
    (folder / "book").mkdir(parents=True)
    (folder / "book/run.py").touch()
    monkeypatch.delenv("ENU_BUILD", raising=False)
    monkeypatch.chdir(folder)
    return folder


def test_every_folder_of_a_checkout_uses_the_same_build_folder(checkout, monkeypatch):
    for folder in (checkout, checkout / "book", checkout / "book/deeper"):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        assert places.build("runs") == checkout / "build/runs"
        save_table("t", {"csv": "x\n"}, caption="One.")
    assert {p.name for p in (checkout / "build/figures").iterdir()} >= {"t.csv", "manifest.json"}
    assert not (checkout / "book/build").exists() and not (checkout / "book/figures").exists()


def test_outside_a_checkout_the_library_s_own_checkout_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert places.root() == Path(__file__).parents[1]


def test_a_given_folder_is_used_unchanged(checkout, monkeypatch):
    monkeypatch.chdir(checkout / "book")
    assert save_table("t", {"csv": "x\n"}, "mine", caption="One.") == [Path("mine/t.csv")]
    assert (checkout / "book/mine/t.csv").exists()


def test_runs_evolved_from_one_folder_are_reused_from_another(checkout, monkeypatch):
    first = enu.zoo.obtain("stdp-enu", "smoke", seed=3)
    log = checkout / "build/runs/stdp-enu-smoke-3/log.csv"
    written = log.read_bytes()  # with the seconds that each generation took
    monkeypatch.chdir(checkout / "book")
    assert (enu.zoo.obtain("stdp-enu", "smoke", seed=3).genome == first.genome).all()
    assert log.read_bytes() == written and not (checkout / "book/build").exists()


def test_an_unwritable_build_folder_names_the_remedy_for_pages(checkout, monkeypatch):
    (checkout / "build").write_text("a file where a folder should be")
    for need in (
        lambda: enu.zoo.obtain("stdp-enu", "smoke"),
        lambda: sweep.obtain("smoke"),
        lambda: save_table("t", {}, caption=""),
    ):
        with pytest.raises(places.PlaceError) as error:
            need()
        assert str(checkout / "build") in str(error.value) and "ENU_BUILD" in str(error.value)
        assert "--out" not in str(error.value)
    assert enu.zoo.obtain("stdp-enu").scores, "what ships needs no place"
    monkeypatch.setenv("ENU_BUILD", str(checkout / "other"))
    assert enu.zoo.obtain("stdp-enu", "smoke").genome.numel() and (checkout / "other/runs/stdp-enu-smoke-0").is_dir()


def test_an_unusable_run_folder_of_a_page_is_named_with_the_remedy(checkout):
    folder = checkout / "build/runs/stdp-enu-smoke-0"
    enu.evolve("stdp", model="lstm", profile="smoke", out=folder, progress=False)
    with pytest.raises(places.PlaceError) as error:
        enu.zoo.obtain("stdp-enu", "smoke")
    assert str(folder) in str(error.value) and "ENU_BUILD" in str(error.value) and "--out" not in str(error.value)
