"""One thread for torch: several small processes share the cores, and sums have one order."""

import os

import pytest
import torch

import enu_lib as enu
from enu_lib.study import sweep

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = os.environ["ENU_THREADS"] = "1"  # of the processes that tests start


@pytest.fixture
def small():
    """An experiment of milliseconds."""
    return enu.experiments.get("stdp", profile="smoke")


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The folder of a small sweep that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    assert sweep.run("smoke", sweep.jobs("smoke", ("complex-stdp",), checks=False), out, jobs=1, progress=False) == []
    return out
