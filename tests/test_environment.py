"""pyproject.toml, the lock file and environment.yml agree on packages and versions."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def _lock():
    lines = (ROOT / "requirements/constraints.txt").read_text().splitlines()
    pins: dict[str, set[str]] = {}
    for line in lines:
        if match := re.match(r"([\w.-]+)==([^ ;]+)", line):
            pins.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return pins


def _required():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return [Requirement(r) for r in [*project["dependencies"], *extras["book"], *extras["test"]]]


def test_the_lock_pins_every_requirement_within_its_bounds():
    pins = _lock()
    for requirement in _required():
        versions = pins[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(v) for v in versions), requirement


def test_environment_yml_has_the_versions_of_the_lock():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = dict(line.split("=") for line in listed if isinstance(line, str) and "=" in line)
    conda |= dict(line.split(" ;")[0].split("==") for line in listed[-1]["pip"] if "==" in line)  # not on conda-forge
    conda["torch"] = conda.pop("pytorch")
    conda.pop("python")
    assert set(conda) == {canonicalize_name(r.name) for r in _required()}
    pins = _lock()
    for name, version in conda.items():
        assert version in pins[name], (name, version, pins[name])


def test_the_lock_has_no_local_builds_and_no_addresses():
    text = (ROOT / "requirements/constraints.txt").read_text()
    assert "torch==2.13.0" in text.splitlines()
    assert "+cpu" not in text and "://" not in text


def test_readme_and_installer_name_the_supported_python_versions():
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    least, beyond = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", allowed).groups()
    assert f"Python 3.{least} to 3.{int(beyond) - 1}" in (ROOT / "README.md").read_text()
    done = subprocess.run(["sh", ROOT / "requirements/install.sh"], env={"PYTHON": "false"}, capture_output=True, text=True)
    assert done.returncode == 1 and f"3.{least}" in done.stderr and f"3.{int(beyond) - 1}" in done.stderr
