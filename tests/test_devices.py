"""The choice of a device: a GPU for each process of a network's evolution; errors that name device and remedy."""

import pytest
import torch

import enu_lib as enu
from enu_lib.parallel.devices import choose_device, device_name


@pytest.mark.parametrize(
    "device, network, gpus, number, name",
    [
        ("auto", True, 0, None, "cpu"),
        ("auto", True, 2, None, "cuda"),
        ("auto", False, 2, None, "cpu"),  # single units gain nothing
        ("auto", True, 2, 0, "cuda:0"),
        ("auto", True, 2, 1, "cuda:1"),
        ("auto", True, 2, 2, "cuda:0"),
        ("auto", True, 1, 3, "cuda:0"),  # a launcher that shows each process its own GPU only
        ("auto", True, 0, 1, "cpu"),
        ("auto", False, 2, 3, "cpu"),
        ("cuda", False, 2, 1, "cuda:1"),
        ("cuda", True, 0, 1, "cuda"),
        ("cuda:1", True, 2, 0, "cuda:1"),
        ("cpu", True, 2, 1, "cpu"),
    ],
)
def test_each_process_has_its_own_gpu(device, network, gpus, number, name):
    assert device_name(device, network, gpus, number) == name


def test_a_device_that_is_not_there_is_named(monkeypatch):
    experiment = enu.experiments.get("tmaze", profile="smoke")
    with pytest.raises(ValueError, match="abacus.*--device cpu"):
        choose_device("abacus", experiment)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto", experiment) == torch.device("cpu")
