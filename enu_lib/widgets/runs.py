"""Stored evolutions of all models, to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as w
import matplotlib.pyplot as plt

from enu_lib import claims, comparison, evidence, plots_runs
from enu_lib.results import Record
from enu_lib.widgets.base import Explorer, explorer


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
