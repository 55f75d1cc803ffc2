"""Explorers: move a control, and the units of a page answer at once.  Each draws with the functions of `plots`."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import ipywidgets as w
import matplotlib.pyplot as plt
import torch

from enu_lib import plots
from enu_lib.rollout import rollout
from enu_lib.streams import stream
from enu_lib.zoo import Entry

WIDE = w.Layout(width="420px")
TEXT = {"description_width": "190px"}


def slider(text: str, value: float, low: float, high: float, step: float = 1) -> Any:
    """A slider with room for its words; whole numbers where the step is one."""
    make = w.IntSlider if isinstance(step, int) else w.FloatSlider
    return make(value=value, min=low, max=high, step=step, description=text, layout=WIDE, style=TEXT, continuous_update=True)


class Explorer(w.VBox):
    """Controls above a picture.  Where no kernel runs, the picture as it last was is shown in its place."""

    def __init__(self, draw: Callable[..., Any], controls: dict[str, Any]) -> None:
        self.draw, self.controls = draw, controls
        self.picture = w.Image(format="png")
        super().__init__([*controls.values(), self.picture])
        for control in controls.values():
            control.observe(self.update, names="value")
        self.update()

    def update(self, _: Any = None) -> None:
        """Draw anew with the controls' values."""
        figure = self.draw(**{name: control.value for name, control in self.controls.items()})
        data = io.BytesIO()
        figure.savefig(data, format="png", dpi=110)
        plt.close(figure)
        self.picture.value = data.getvalue()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["image/png"] = base64.b64encode(self.picture.value).decode()
        return bundle


def explorer(draw: Callable[..., Any], **controls: Any) -> Explorer:
    """Controls above the figure that `draw(**values)` returns, drawn anew whenever one of them moves."""
    return Explorer(draw, controls)


def neuron_figure(entry: Entry, current: float = 0.08, second: float = 0.03, seed: int = 1) -> Any:
    """Model neuron and evolved unit on a current that changes in the middle of the sequence."""
    task = entry.task
    u = 1 + (torch.rand(1, task.steps, generator=stream(seed, "explorer")) - 0.5) * 2 / 3
    mean = torch.where(torch.arange(task.steps) < task.steps // 2, current, second)
    batch = task.respond(u * mean)
    y = rollout(entry.model, entry.genome, task, batch=batch).y[0]
    fig, axes = plt.subplots(2, 1, figsize=(5, 2.6), sharex=True)
    plots.current(axes[0], batch.inputs[0, :, 0], task.input_scale)
    axes[0].set(xlabel="")
    plots.spike_trains(axes[1], batch.spikes, task.fired(y))
    return fig


def neuron_explorer(entry: Entry) -> Explorer:
    """Change the input current and see both neurons fire."""
    return explorer(
        lambda **v: neuron_figure(entry, **v),
        current=slider("current, first half (1/step)", 0.08, 0.01, 0.18, 0.005),
        second=slider("current, second half (1/step)", 0.03, 0.01, 0.18, 0.005),
    )


def synapse_figure(entry: Entry, pre: int = 45, post: int = 52, modulator: bool = True, seed: int = 1) -> Any:
    """The rule and the evolved synapse for two spikes at given times (steps)."""
    task = entry.task
    x = task.low + (task.high - task.low) * torch.rand(1, task.steps, generator=stream(seed, "explorer"))
    batch = task.respond(x, torch.tensor([pre]), torch.tensor([post]), torch.tensor([int(modulator)]))
    y = rollout(entry.model, entry.genome, task, batch=batch).y[0, 0, :, 0]
    fig, ax = plt.subplots(figsize=(5, 2.6))
    plots.synapse(ax, batch, y)
    return fig


def synapse_explorer(entry: Entry) -> Explorer:
    """Move the two spikes and the neuromodulator."""
    return explorer(
        lambda **v: synapse_figure(entry, **v),
        pre=slider("presynaptic spike (step)", 45, 20, 80),
        post=slider("postsynaptic spike (step)", 52, 20, 80),
        modulator=w.Checkbox(True, description="neuromodulator present"),
    )
