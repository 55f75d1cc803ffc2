"""The README and CONTRIBUTING: commands and code work, files exist, numbers and the caution about the T-maze are true.

The README's generated parts: tests/test_ledger.py.
"""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_layers import LEVELS

from enu_lib import evolve, load_run, zoo
from enu_lib.analysis import learning
from enu_lib.cli import main
from enu_lib.rollout import record_episodes
from enu_lib.study import abilities, evidence, ledger
from enu_lib.tasks.altered import Altered

ROOT = Path(__file__).parents[1]
README, CONTRIBUTING = (ROOT / "README.md").read_text(), (ROOT / "CONTRIBUTING.md").read_text()
PAGES = pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
PATH = re.compile(r"`((?:enu_lib|book|tests|figures|runs)/[\w./-]*)`")


def code_in(page):
    """Blocks of code and what stands between backquotes: where a command is a command."""
    return re.findall(r"^    [^\n]*|```.*?```|`[^`]+`", page, re.M | re.S)


@PAGES
def test_every_make_target_exists(page):
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    targets = {line.split()[0] for line in said.splitlines()}
    named = {target for code in code_in(page) for target in re.findall(r"\bmake ([a-z-]+)", code)}
    assert {"figures", "test"} <= named <= targets | {"help"}


def test_every_command_of_the_library_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [line.split() for code in code_in(README) for line in re.findall(r"-m enu_lib ([^`#\n]+)", code)]
    assert {"evolve", "evaluate"} <= {arguments[0] for arguments in lines}
    for arguments in lines:
        short = {"evolve": ["--profile", "smoke", "--quiet"], "bench": ["--quick"]}.get(arguments[0], [])
        if arguments[0] == "evolve" and "--out" not in arguments:  # where the command as written has it
            short += ["--out", f"runs/{arguments[1]}-enu-laptop-0"]
        assert main([*arguments, *short]) == 0, capsys.readouterr().err


def test_the_example_of_an_own_task_works_as_written(tmp_path):
    code = re.search(r"```python\n(.*?)```", README, re.S)[1]
    names = {}
    exec(re.sub(r"generations=\d+", "generations=30", code), names)
    run, trace = names["run"], names["trace"]
    scores = run.column("parent")[1]
    assert run.generation == 30 and scores[-1] > scores[0]
    assert trace.y.shape == (1, 64, run.task.steps, run.model.n_out)
    saved = evolve(run.experiment, out=tmp_path / "run", progress=False)
    assert load_run(tmp_path / "run").experiment == run.experiment and saved.score == run.score


@PAGES
def test_every_file_it_names_exists(page):
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert link.startswith("http") or (ROOT / link).exists(), link
    for path in PATH.findall(page):
        assert path.startswith("runs/") or (ROOT / path).exists(), path


def test_readme_has_at_most_600_words_and_contributing_at_most_120_lines():
    begin, end = ledger.marks("claims")
    before, after = README.split(begin)[0], README.split(end)[1]
    assert len(re.sub(r"<!--.*?-->", "", before + after).split()) <= 600
    assert len(CONTRIBUTING.splitlines()) <= 120


def test_the_numbers_to_expect_agree_with_what_ships():
    figures = json.loads((ROOT / "figures/manifest.json").read_text())
    assert f"{len(figures)} figures" in README
    at_first, above = (-float(x) for x in re.search(r"from -([\d.]+) to above -([\d.]+)", README).groups())
    runs = evidence.gather().scores["stdp", "enu"]  # of the sweep: half as many generations
    assert runs and all(run["fitness"] > above for run in runs)
    start = zoo.load("stdp-enu").provenance["progress"]["held_out"][0]
    assert start == pytest.approx(at_first, rel=0.1) and start < above


def test_the_caution_on_the_curriculum_agrees_with_its_networks():
    words = ("no", "one", "two", "three", "four", "five")
    assert "{} of {} seeds".format(*(words[n] for n in abilities.of_seeds(evidence.RESTARTS))) in " ".join(README.split())


def test_the_reading_path_is_as_long_as_the_readme_says():
    stated = {name: int(lines) for name, lines in re.findall(r"`([\w/]+\.py)` \((\d+)\)", README)}
    actual = {name: len((ROOT / "enu_lib" / name).read_text().splitlines()) for name in stated}
    assert len(stated) == 6 and sum(actual.values()) <= 1000
    assert stated == pytest.approx(actual, abs=10)
    path = re.findall(r"^\d\. `enu_lib/([\w/]+\.py)`", CONTRIBUTING, re.M)
    assert path == list(stated)


def test_the_levels_in_contributing_are_those_of_the_layers_test():
    rows = re.findall(r"^\d+\. (.*)$", CONTRIBUTING.split("## Levels")[1].split("\n## ")[0], re.M)
    assert [tuple(re.findall(r"`([\w.]+)`", row)) for row in rows] == [rooms for rooms in LEVELS]


def test_the_latch_of_the_zoo_is_one():
    """Right after the first poison, wrong after later ones; as good where its sensors show neither food nor poison."""
    entry = zoo.load("tmaze-enu-latch")
    harmless = replace(entry.task, deadly_poisons=1000)
    v = learning.visits(record_episodes(entry.model, entry.genome, harmless, 48, seed=5))
    eaten = np.array(
        [(~v.food[(v.episode == life) & (v.step < step)]).sum() for life, step in zip(v.episode, v.step, strict=True)]
    )
    after_poison = np.concatenate([[False], ~v.food[:-1]]) & (v.number > 0) & (v.since_change != 0)
    assert v.food[after_poison & (eaten == 1)].mean() > 0.9
    assert v.food[after_poison & (eaten > 1)].mean() < 0.1
    seen, hidden = (
        learning.measures(record_episodes(entry.model, entry.genome, task, 48, seed=6))
        for task in (entry.task, Altered(entry.task, hide=("food", "poison")))
    )
    assert hidden["food"] > 0.9 * seen["food"]
