"""Explorers of single evolved units, drawn with `enu_lib.figures.units`."""

from __future__ import annotations

from typing import Any

import ipywidgets as w
import matplotlib.pyplot as plt
import torch

from enu_lib import figures
from enu_lib.rollout import rollout
from enu_lib.streams import stream, uniform
from enu_lib.widgets.base import Explorer, explorer, slider
from enu_lib.zoo import Entry


def neuron_figure(entry: Entry, current: float = 0.08, second: float = 0.03, seed: int = 1) -> Any:
    """Spikes of model neuron and evolved unit for a current that changes in the middle of the sequence."""
    task = entry.task
    u = 1 + (uniform(1, task.steps, generator=stream(seed, "explorer")) - 0.5) * 2 / 3
    mean = torch.full_like(u, second)
    mean[:, : task.steps // 2] = current
    batch = task.respond(u * mean)
    y = rollout(entry.model, entry.genome, task, batch=batch).y[0]
    fig, axes = plt.subplots(2, 1, figsize=(5, 2.6), sharex=True)
    figures.units.current(axes[0], batch.inputs[0, :, 0], task.input_scale)
    axes[0].set(xlabel="")
    figures.units.spike_trains(axes[1], batch.spikes, task.fired(y))
    return fig


def neuron_explorer(entry: Entry) -> Explorer:
    """Explore the spikes of both neurons for different input currents."""
    return explorer(
        lambda **v: neuron_figure(entry, **v),
        current=slider("current, first half (1/step)", 0.08, 0.01, 0.18, 0.005),
        second=slider("current, second half (1/step)", 0.03, 0.01, 0.18, 0.005),
    )


def synapse_figure(entry: Entry, pre: int = 45, post: int = 52, modulator: bool = True, seed: int = 1) -> Any:
    """Output of rule and evolved synapse for one spike pair; `pre`, `post`: spike times (steps)."""
    task = entry.task
    x = task.low + (task.high - task.low) * uniform(1, task.steps, generator=stream(seed, "explorer"))
    batch = task.respond(x, *(torch.tensor([v], device="cpu") for v in (pre, post, int(modulator))))
    y = rollout(entry.model, entry.genome, task, batch=batch).y[0, 0, :, 0]
    fig, ax = plt.subplots(figsize=(5, 2.6))
    figures.units.synapse(ax, batch, y)
    return fig


def synapse_explorer(entry: Entry) -> Explorer:
    """Explore the evolved synapse with movable spikes and switchable neuromodulator."""
    return explorer(
        lambda **v: synapse_figure(entry, **v),
        pre=slider("presynaptic spike (step)", 45, 20, 80),
        post=slider("postsynaptic spike (step)", 52, 20, 80),
        modulator=w.Checkbox(True, description="neuromodulator present"),
    )
