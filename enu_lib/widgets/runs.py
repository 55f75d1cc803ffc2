"""An explorer of the stored evolutions of all models."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as w
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from enu_lib.study import evidence, panels, tables
from enu_lib.study.design import LABEL, MAIN
from enu_lib.study.model_name import ModelName
from enu_lib.study.results import Record
from enu_lib.widgets.base import Change, Explorer, explorer

ALL = "all"  # all models of an experiment except variants (MODEL@VARIANT), which are shown one at a time


def models_of(runs: list[Record], experiment: str) -> list[str]:
    """The models of an experiment that have runs; first those compared by the claims."""
    available = {r.model for r in runs if r.experiment == experiment}
    compared = [m for m in MAIN[experiment] if m in available]
    return compared + sorted(available - set(compared), key=lambda m: (bool(ModelName.parse(m).variant), m))


def runs_figure(runs: list[Record], levels: Mapping[str, float], experiment: str, model: str, x: str, what: str) -> Figure:
    """Fitness curves (what="progress") or final fitness (what="final") of one model, or all, of an experiment."""
    models = [m for m in models_of(runs, experiment) if not ModelName.parse(m).variant] if model == ALL else [model]
    loss = experiment not in ("tmaze", "double-tmaze")
    fig, ax = plt.subplots(figsize=(5, 2.8))
    if what == "progress":
        shown = {m: tables.curves(runs, experiment, m) for m in models}
        panels.progress(ax, shown, levels.get(experiment), loss, x)
    else:
        final = {m: [evidence.final_fitness(r) for r in tables.of(runs, experiment, m)] for m in models}
        panels.finals(ax, final, loss, levels.get(experiment))
    ax.set_title(LABEL[experiment])
    return fig


def runs_explorer(runs: list[Record], levels: Mapping[str, float], experiment: str = "stdp") -> Explorer:
    """Explore every stored evolution by task, model and measure."""
    task = w.Dropdown(options=[(LABEL[name], name) for name in MAIN], value=experiment, description="task")

    def models() -> list[tuple[str, str]]:
        return [(ALL, ALL), *((tables.name(m), m) for m in models_of(runs, task.value))]

    model = w.Dropdown(options=models(), description="model")

    def offer(_: Change) -> None:
        kept, offered = model.value, models()
        model.unobserve(made.update, "value")  # else a change of the task would draw twice
        model.options = offered
        model.value = kept if kept in dict(offered).values() else ALL
        model.observe(made.update, "value")

    task.observe(offer, names="value")  # before the explorer does, so that it only draws models that are offered
    made = explorer(
        lambda **v: runs_figure(runs, levels, **v),
        experiment=task,
        model=model,
        x=w.Dropdown(options=["generation", "evaluations"], description="against"),
        what=w.Dropdown(options=["progress", "final"], description="show"),
    )
    return made
