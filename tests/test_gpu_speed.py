"""The stored measurement of the GPU kernels: its tables, a file that is missing or wrong, and the README's numbers."""

import json
import re
from pathlib import Path

import pytest

from enu_lib.cli import main
from enu_lib.study import gpu_speed

SIZE = {"population": 6, "environments": 5, "steps": 4}
NETWORKS = [
    {"model": "shared enu H32 C16", "backend": "cuda", **SIZE, "seconds": 0.002, "gflops": 3000.0},
    {"model": "shared enu H32 C16", "backend": "torch", **SIZE, "seconds": 0.1, "gflops": 60.0},
    {"model": "gru H32 C16", "backend": "cuda", **SIZE, "seconds": 0.004, "gflops": None},
    {"model": "gru H32 C16", "backend": "torch", **SIZE, "seconds": 0.1, "gflops": None},
]
WHOLE = [{"model": "tmaze, laptop: as evolved", "backend": "auto", **SIZE, "seconds": 0.02, "gflops": None}]
MACHINE = {"processor": "P", "threads": 3, "gpu": "A card", "torch": "9", "python": "4"}
MADE = {
    "machine": MACHINE,
    "products": 4000.0,
    "tables": {"networks in mazes": NETWORKS, "single units": NETWORKS[2:], "whole generations": WHOLE},
}


def test_episodes_compare_the_kernel_with_torch_and_with_matrix_products():
    enu, gru = (list(row.values()) for row in gpu_speed.episodes(MADE, "networks in mazes"))
    assert enu == ["shared ENU H32 C16", "P6 B5 T4", "2.0", "100.0", "50 times", "3.0 (75%)"]
    assert gru == ["GRU H32 C16", "P6 B5 T4", "4.0", "100.0", "25 times", ""]


def test_evolutions_per_minute_follow_from_the_time_of_a_generation():
    (row,) = gpu_speed.generations(MADE)
    assert list(row.values())[2:] == ["20.0", "2.00", "30"]  # ms, seconds of 100 generations, how many fit in a minute


def test_the_section_shows_every_table_and_the_machine():
    words = gpu_speed.in_words(MADE)
    assert "A card" in words and "4.0 TFLOP/s" in words and "25 to 50 times" in words
    assert all(text in words for text in ("shared ENU H32 C16", "GRU H32 C16", "tmaze, laptop: as evolved"))


def test_without_a_stored_run_the_section_says_how_to_make_one(tmp_path):
    assert gpu_speed.load(tmp_path / "none.json") is None
    assert gpu_speed.MEASURE in gpu_speed.in_words(None)


def test_a_run_at_tiny_sizes_can_be_shown_and_says_so(tmp_path):
    file = tmp_path / "gpu.json"
    assert main(["bench", "--gpu", "--quick", "--json", str(file)]) == 0
    assert "--quick" in gpu_speed.in_words(gpu_speed.load(file))


def test_a_file_that_holds_no_measurement_is_named(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"machine": MACHINE, "tables": {}}))
    with pytest.raises(ValueError, match=r"x\.json.*products"):
        gpu_speed.load(tmp_path / "x.json")


def test_the_times_in_the_readme_are_the_stored_ones():
    section = (Path(__file__).parents[1] / "README.md").read_text().split("## On a GPU")[1].split("\n## ")[0]
    kernel, torch = re.search(r"(\d+) ms at published sizes \(torch: (\d+) ms\)", section).groups()
    low, high = re.search(r"(\d+) to (\d+) ms", section).groups()
    tables = gpu_speed.load()["tables"]
    stored = {(row["model"], row["backend"]): f"{1000 * row['seconds']:.0f}" for rows in tables.values() for row in rows}
    assert (kernel, torch) == (stored["enu H32 C16", "cuda"], stored["enu H32 C16", "torch"])
    assert (low, high) == tuple(stored[f"tmaze, laptop: {kind}", "auto"] for kind in ("as evolved", "none ends early"))
