"""Where a run computes: the choice of a device, and whether its memory is large enough."""

from __future__ import annotations

import os

import torch

from enu_lib.experiments import Experiment
from enu_lib.network import Network


def choose_device(device: str, experiment: Experiment, number: int | None = None) -> torch.device:
    """The torch device.  auto: the GPU, if any, for networks; the CPU for single units, which gain nothing from a GPU.

    number: of this process on its machine; None: it is alone.  Raises ValueError if the device cannot be used.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    name = device_name(device, isinstance(experiment.model, Network), gpus, number)
    try:
        place = torch.device(name)
        torch.zeros(1, dtype=torch.float32, device=place)
    except (RuntimeError, AssertionError) as error:
        line = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} cannot be used here ({line}): try --device cpu") from None
    return place


def device_name(device: str, network: bool, gpus: int, number: int | None = None) -> str:
    """The name of the device in torch; processes on one machine are assigned to its GPUs in rotation.

    network: whether the model is one.  gpus: how many GPUs this process sees.
    """
    if device == "auto":
        device = "cuda" if network and gpus else "cpu"
    return f"cuda:{number % gpus}" if device == "cuda" and number is not None and gpus else device


def check_memory(experiment: Experiment, place: torch.device, processes: int) -> None:
    """Raise ValueError, before allocating anything, if a process's share needs more memory than the device has."""
    needed = experiment.bytes / processes
    if place.type == "cuda":
        there = torch.cuda.get_device_properties(place).total_memory
    else:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**40
    if needed > there:
        raise ValueError(
            f"a generation of {experiment.es.population} offspring with {experiment.model.n_params} parameters each in "
            f"{experiment.environments} environments needs at least {needed / 2**30:.0f} GiB of memory, but there "
            f"are only {there / 2**30:.0f}: choose a smaller population, hidden or environments"
        )
