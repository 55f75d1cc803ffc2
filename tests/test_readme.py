"""The commands and links in the README work."""

import re
import subprocess
from pathlib import Path

import pytest

from enu_lib.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_make_target_in_the_readme_exists():
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    targets = {line.split()[0] for line in said.splitlines()}
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert {"figures", "test", "lab"} <= named <= targets | {"help"}


def test_every_command_of_the_library_parses_and_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"-m enu_lib ([^`#\n]+)", README)
    assert any(line.startswith("evolve") for line in lines) and any(line.startswith("evaluate") for line in lines)
    for line in lines:
        arguments = line.split()
        if "--help" in arguments:
            with pytest.raises(SystemExit) as end:
                main(arguments)
            assert end.value.code == 0
        elif arguments[:2] == ["zoo", "verify"]:
            continue  # tests/test_zoo.py, entry by entry
        else:
            short = ["--profile", "smoke", "--quiet"] if arguments[0] == "evolve" else []
            assert main([*arguments, *short]) == 0, capsys.readouterr().err


def test_the_example_of_an_own_task_works(tmp_path, monkeypatch):
    from own_task import Copy

    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", README, re.S)[1].replace("generations=500", "generations=2")
    names = {"MyTask": Copy}
    exec(code, names)
    assert names["trace"].y.shape[1] == 64 and (tmp_path / "runs/mine/genome.safetensors").exists()


def test_every_linked_file_exists():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert link.startswith("http") or (ROOT / link).exists(), link
    for folder in re.findall(r"^    (\w+/)  ", README, re.M):
        assert (ROOT / folder).is_dir(), folder
