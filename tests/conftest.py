"""Shared fixtures.  torch uses one thread (or TEST_THREADS), so that test processes share the cores and sums are ordered.

Numerical comparisons report how close they come to their bound; `pytest` ends with the closest ones.
"""

import os
import shutil
from pathlib import Path

import pytest
import torch
from forks import Program

import enu_lib as enu
from enu_lib.study import results, sweep

torch.set_num_threads(int(os.environ.get("TEST_THREADS", "1")))
os.environ["OMP_NUM_THREADS"] = os.environ["ENU_THREADS"] = "1"  # for subprocesses

SHARE = "distance relative to its bound"


@pytest.fixture
def small():
    """An experiment that takes milliseconds."""
    return enu.experiments.get("stdp", profile="smoke")


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The folder of a small, uninterrupted sweep."""
    out = tmp_path_factory.mktemp("whole")
    assert sweep.run("smoke", sweep.jobs("smoke", ("complex-stdp",), checks=False), out, jobs=1, progress=False) == []
    return out


@pytest.fixture(scope="session")
def saved_once(tmp_path_factory):
    """A run folder of six generations with the checkpoints of the last two."""
    out = tmp_path_factory.mktemp("saved") / "run"
    for generations in (5, 6):
        enu.evolve("stdp", profile="smoke", generations=generations, out=out, progress=False)
    return out


@pytest.fixture
def saved(saved_once, tmp_path):
    """A copy of this folder, to be damaged."""
    return Path(shutil.copytree(saved_once, tmp_path / "run"))


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A run folder with a single checkpoint."""
    out = tmp_path_factory.mktemp("made") / "run"
    enu.evolve("stdp", profile="smoke", out=out, progress=False)
    return out


@pytest.fixture
def folder(made, tmp_path):
    """A copy of this folder, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture(scope="session")
def swept(tmp_path_factory):
    """A folder with a sweep of one job (in runs/) and its stored results (in kept/)."""
    out = tmp_path_factory.mktemp("swept")
    jobs = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)[:1]
    assert sweep.run("smoke", jobs, out / "runs", jobs=1, progress=False) == []
    results.collect("smoke", out / "runs", out / "kept")
    return out


@pytest.fixture
def collected(swept, tmp_path):
    """A copy of this folder, to be damaged."""
    return Path(shutil.copytree(swept, tmp_path / "swept"))


@pytest.fixture
def forked_kernels(monkeypatch):
    """Kernels of notebooks are forks, which need not import torch again."""

    def launch(command, env=None, cwd=None, **_):
        inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # as a kernel chooses
        return Program(command[1:], {**inline, **(env or {})}, cwd)

    monkeypatch.setattr("jupyter_client.provisioning.local_provisioner.launch_kernel", launch)


@pytest.fixture
def near(record_property):
    """Assert that a distance (number or tensor) is within its bound, and report the ratio."""

    def check(distance, bound):
        share = torch.as_tensor(distance, dtype=torch.float64) / torch.as_tensor(bound, dtype=torch.float64)
        worst = share.max().item()  # NaN fails the assertion below
        record_property(SHARE, worst)
        assert worst <= 1, f"the distance is {worst:.3g} times its bound"

    return check


def pytest_terminal_summary(terminalreporter):
    worst = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == SHARE:
                    worst[report.nodeid] = max(value, worst.get(report.nodeid, 0.0))
    if worst:
        terminalreporter.section(f"{SHARE} (1: at the bound)")
        for node, share in sorted(worst.items(), key=lambda pair: -pair[1])[:5]:
            terminalreporter.write_line(f"{share:.3f}  {node}")
        above = sum(share > 1 / 3 for share in worst.values())
        terminalreporter.write_line(f"{len(worst)} tests compare with a bound; {above} exceed a third of it")
