"""Explorers of single evolved units, drawn with `enu_lib.figures.units`."""

from __future__ import annotations

import ipywidgets as w
import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from enu_lib import figures
from enu_lib.live.synapse import EARLIEST, LATEST, Probe
from enu_lib.rollout import rollout
from enu_lib.streams import stream, uniform
from enu_lib.widgets.base import Change, Explorer, Pictured, explorer, framed, png, slider
from enu_lib.zoo import Entry


def neuron_figure(entry: Entry, current: float = 0.08, second: float = 0.03, seed: int = 1) -> Figure:
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


class SynapseExplorer(Pictured):
    """An evolved synapse with movable spikes: its output, its plasticity windows, and the change of this pair in numbers."""

    sentence = "With a running kernel, you can move the spikes and see how the evolved synapse changes."

    def __init__(self, entry: Entry) -> None:
        self.probe = Probe(entry)
        self.controls = {
            "pre": slider("presynaptic spike (step)", 45, EARLIEST, LATEST),
            "post": slider("postsynaptic spike (step)", 52, EARLIEST, LATEST),
            "modulator": w.Checkbox(True, description="neuromodulator present"),
        }
        self.said, self.picture = w.HTML(), w.HTML()
        super().__init__([*self.controls.values(), self.said, self.picture])
        for control in self.controls.values():
            control.observe(self.update, names="value")
        self.update()

    def update(self, _: Change | None = None) -> None:
        """Simulate the pair of spikes that the controls set, and redraw."""
        self.response = self.probe.respond(**{name: control.value for name, control in self.controls.items()})
        self.said.value = self.response.in_words().capitalize()
        self.picture.value = framed(self.probe.charts(self.response))

    def still(self) -> bytes:
        r = self.response
        figure, axes = plt.subplots(1, 2, figsize=(6.5, 2.6))
        figures.units.synapse(axes[0], r.batch, r.output)
        figures.units.window(axes[1], self.probe.windows[int(r.modulator)])
        axes[1].plot(r.post - r.pre, r.change, "o", color=figures.PALETTE["post"])
        axes[1].set_title(f"this pair: {r.change:.1f}%, rule {r.goal:.1f}%")
        return png(figure)
