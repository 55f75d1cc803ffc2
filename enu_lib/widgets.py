"""Explorers: move a control, and the units of a page answer at once.  Each draws with the functions of `plots`."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as w
import matplotlib.pyplot as plt
import torch

from enu_lib import claims, comparison, evidence, plots, plots_runs
from enu_lib.results import Record
from enu_lib.rollout import rollout
from enu_lib.streams import stream
from enu_lib.tasks.maze import Maze, geometry
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


class MazeWalk(w.VBox):
    """A maze to walk by hand: three outputs as buttons, and what the sensors, the energy and the reward then show."""

    def __init__(self, maze: Maze | None = None, seed: int = 0) -> None:
        self.maze, self.seed = maze or Maze(), seed
        self.picture, self.said = w.Image(format="png"), w.HTML()
        names = ("output 1", "output 2", "output 3")
        self.outputs = [w.Button(description=name, layout=w.Layout(width="90px")) for name in names]
        self.again = w.Button(description="new life", button_style="warning", layout=w.Layout(width="90px"))
        for number, button in enumerate(self.outputs):
            button.on_click(lambda _, number=number: self.move(number))
        self.again.on_click(lambda _: self.restart(self.seed + 1))
        super().__init__([w.HBox([*self.outputs, self.again]), self.said, self.picture])
        self.restart(seed)

    def restart(self, seed: int) -> None:
        """Begin another life."""
        self.seed = seed
        self.state, self.t = self.maze.reset(1, 1, stream(seed, "walk")), 0
        self.update()

    def move(self, output: int) -> None:
        """Let an output win for one move."""
        y = torch.zeros(1, 1, 3)
        y[0, 0, output] = 1.0
        for _ in range(self.maze.move_every):
            if self.t < self.maze.steps:
                self.state, _ = self.maze.step(self.state, y, self.t)
                self.t += 1
        self.update()

    def update(self) -> None:
        """Draw the maze and the input neurons as they are now."""
        s, grid = self.state, geometry(self.maze)
        x = self.maze.observe(s, self.t)[0, 0]
        figure, (left, right) = plt.subplots(1, 2, figsize=(5, 2.6), width_ratios=[1.4, 1])
        plots.maze(left, grid, int(s.food), int(s.poison))
        plots.agent(left, grid, int(s.cell), int(s.heading), "0.6" if not s.alive else plots.PALETTE["evolved"])
        reward = float(x[3, 1] - x[3, 2])
        values = [*x[:3, 0].tolist(), reward, float(s.energy) / self.maze.full]
        colors = [plots.PALETTE["input"]] * 3 + [plots.PALETTE["food" if reward > 0 else "poison"], "0.6"]
        right.barh(range(5), values, color=colors)
        right.set_yticks(range(5), ["sensor 1", "sensor 2", "sensor 3", "reward", "energy"])
        right.set(xlim=(-1.05, 1.05), xticks=[-1, 0, 1])
        right.invert_yaxis()
        data = io.BytesIO()
        figure.savefig(data, format="png", dpi=110)
        plt.close(figure)
        self.picture.value = data.getvalue()
        alive = "" if s.alive else " <b>This life is over.</b>"
        self.said.value = f"move {self.t // self.maze.move_every}: food {int(s.foods)}, poison {int(s.poisons)}.{alive}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["image/png"] = base64.b64encode(self.picture.value).decode()
        return bundle


def runs_figure(runs: list[Record], levels: Mapping[str, float], experiment: str, model: str, x: str, what: str) -> Any:
    """Curves of one model (or all) of an experiment, or what its evolutions reached."""
    models = sorted({r.model for r in runs if r.experiment == experiment and "@" not in r.model}) if model == "all" else [model]
    loss = experiment not in ("tmaze", "double-tmaze")
    fig, ax = plt.subplots(figsize=(5, 2.8))
    if what == "progress":
        shown = {m: comparison.curves(runs, experiment, m) for m in models}
        plots_runs.progress(ax, shown, levels.get(experiment), loss, x)
    else:
        final = {m: [evidence.final_fitness(r) for r in comparison.of(runs, experiment, m)] for m in models}
        plots_runs.finals(ax, final, loss)
    ax.set_title(claims.LABEL[experiment])
    return fig


def runs_explorer(runs: list[Record], levels: Mapping[str, float], experiment: str = "stdp") -> Explorer:
    """Choose a task, a model and a measure, and see every evolution."""
    names = [(claims.LABEL[name], name) for name in claims.MAIN]
    models = [("all", "all"), *((claims.LABEL[m], m) for m in claims.MAIN["tmaze"])]
    return explorer(
        lambda **v: runs_figure(runs, levels, **v),
        experiment=w.Dropdown(options=names, value=experiment, description="task"),
        model=w.Dropdown(options=models, value="all", description="model"),
        x=w.Dropdown(options=["generation", "evaluations"], description="against"),
        what=w.Dropdown(options=["progress", "final"], description="show"),
    )
