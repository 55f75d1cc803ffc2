"""The files for hosts (continuous integration, Binder, development containers) agree with Makefile, lock and README."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.load((ROOT / ".github/workflows/test.yml").read_text(), yaml.BaseLoader)  # `on` stays a word
CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
BINDER = yaml.safe_load((ROOT / "binder/environment.yml").read_text())


def pythons():
    """The minor versions of Python 3 that pyproject.toml allows."""
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    return range(*map(int, re.fullmatch(r">=3\.(\d+),<3\.(\d+)", allowed).groups()))


def commands():
    """All shell commands that the hosts run."""
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step] + [v for k, v in CONTAINER.items() if k.endswith("Command")]


def test_the_ci_of_this_host_tests_everything_and_says_that_it_is_ci(tmp_path):
    """If it did not say so, tests/needs.py would let tests be skipped."""
    (tmp_path / "make").write_text('#!/bin/sh\necho "$1 $CI"\n')
    (tmp_path / "make").chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if k != "CI"} | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([ROOT / ".ci/run"], env=environment, capture_output=True, text=True)
    called = dict(line.split(" ") for line in done.stdout.splitlines())
    assert done.returncode == 0 and called.keys() >= {"lint", "test", "test-browser"} and all(called.values())


@pytest.mark.parametrize("command", commands())
def test_the_commands_of_the_hosts_are_targets_of_the_makefile(command):
    assert subprocess.run(["sh", "-n", "-c", command]).returncode == 0
    program, target = command.split()[:2]
    assert program == "make"
    assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.M), f"no target {target}"


def test_the_workflow_tests_every_supported_python_on_linux_and_macos():
    job = WORKFLOW["jobs"]["test"]
    matrix = job["strategy"]["matrix"]
    assert matrix["python"] == [f"3.{minor}" for minor in pythons()]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos"}
    assert job["runs-on"] == "${{ matrix.os }}" and {"run": "make test"} in job["steps"]
    (setup,) = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
    assert setup["python-version"] == "${{ matrix.python }}"
    assert (ROOT / setup["cache-dependency-path"]).is_file()


def test_the_workflow_has_only_what_workflows_know():
    """Names of keys and of contexts: a misspelt one would be ignored, or fail on the host only."""
    assert WORKFLOW.keys() <= {"name", "on", "permissions", "concurrency", "env", "jobs"}
    assert WORKFLOW["on"].keys() == {"push", "pull_request"} and WORKFLOW["permissions"] == {"contents": "read"}
    for job in WORKFLOW["jobs"].values():
        assert job.keys() <= {"strategy", "runs-on", "timeout-minutes", "env", "steps"}
        assert {"runs-on", "steps", "timeout-minutes"} <= job.keys()
        for step in job["steps"]:
            assert step.keys() <= {"uses", "with", "run", "name", "if"} and ("uses" in step) != ("run" in step)
            assert "run" in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])
    text = (ROOT / ".github/workflows/test.yml").read_text()
    assert {used.split(".")[0] for used in re.findall(r"\$\{\{ (.+?) \}\}", text)} <= {"matrix", "github", "vars"}


def test_the_container_has_a_supported_python_and_opens_where_jupyterlab_is():
    minor = int(re.fullmatch(r"python:3\.(\d+)-\w+", CONTAINER["image"])[1])
    assert minor in pythons()
    (port,) = CONTAINER["forwardPorts"]
    assert str(port) in CONTAINER["portsAttributes"] and "--port" not in CONTAINER["postAttachCommand"]
    assert CONTAINER["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"] == ".venv/bin/python"


def test_binder_uses_the_lock():
    *packages, last = BINDER["dependencies"]
    pip, versions = last["pip"], dict(line.split("=") for line in packages if "=" in line)
    assert int(versions["python"].removeprefix("3.")) in pythons()
    assert f"torch=={versions['pytorch']}" in (ROOT / "requirements/torch.in").read_text().split()
    files = dict(line.split(" ") for line in pip)
    assert (ROOT / "binder" / files["-c"]).resolve() == ROOT / "requirements/constraints.txt"
    folder, extra = re.fullmatch(r"(.+)\[(\w+)\]", files["-e"]).groups()
    assert (ROOT / "binder" / folder / "pyproject.toml").is_file()
    assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_binder_opens_pages_as_notebooks(tmp_path):
    environment = {**os.environ, "NB_PYTHON_PREFIX": str(tmp_path)}
    subprocess.run([ROOT / "binder/postBuild"], cwd=ROOT, env=environment, check=True)
    settings = json.loads((tmp_path / "share/jupyter/lab/settings/overrides.json").read_text())
    assert settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]["python"] == "Jupytext Notebook"
    opened = re.search(r"lab/tree/(\S+\.py)", (ROOT / "binder/environment.yml").read_text())[1]
    assert (ROOT / opened).is_file()


def test_make_lab_opens_the_introduction_in_a_folder_that_shows_pages_only():
    config = json.loads((ROOT / "book/.lab/jupyter_lab_config.json").read_text())
    assert "--config=book/.lab/jupyter_lab_config.json" in (ROOT / "Makefile").read_text()
    root = ROOT / config["ServerApp"]["root_dir"]
    assert (root / config["LabApp"]["default_url"].removeprefix("/lab/tree/")).is_file()
    assert (ROOT / config["LabApp"]["app_settings_dir"] / "overrides.json").is_file()
    hidden = [p.name for p in root.iterdir() if any(p.match(glob) for glob in config["ContentsManager"]["hide_globs"])]
    shown = {p.name for p in root.iterdir() if not p.name.startswith(".")} - set(hidden)
    assert shown == {p.name for p in root.glob("[0-9]*.py")}
