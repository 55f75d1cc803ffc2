"""Panels of a sweep: curves and final fitness of all evolutions.  Only medians and quartiles are computed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from enu_lib.figures.style import MODELS
from enu_lib.study.tables import Cost, Curves, name


def style(model: str) -> dict[str, Any]:
    """Line style of a model: colour by its kind; dashed for matched size, dotted for a clipped read-out."""
    kind = model.partition("@")[0].removesuffix("-matched").removesuffix("-clip")
    line = "--" if model.endswith("-matched") else ":" if model.endswith("-clip") else "-"
    return {"color": MODELS[kind], "ls": line}


def progress(
    ax: Any,
    by_model: Mapping[str, Curves | None],
    level: float | None = None,
    loss: bool = True,
    x: str = "generation",
) -> None:
    """Held-out loss (log scale) or fitness of every evolution (thin) and the median of each model (thick).

    x: "generation" or "evaluations".  level: fitness that counts as learnt.  Models without runs appear in the legend only.
    """
    sign = -1 if loss else 1
    if all(curves is None for curves in by_model.values()):
        _nothing(ax)
        return
    for model, curves in by_model.items():
        text = name(model)
        if curves is None:
            ax.plot([], [], label=f"{text}: not run yet", color="0.8")
            continue
        at, many = getattr(curves, x), len(curves.fitness)
        (line,) = ax.plot(at, sign * np.median(curves.fitness, 0), lw=1.5, label=f"{text} (n = {many})", **style(model))
        for run in curves.fitness:
            ax.plot(at, sign * run, lw=0.5, alpha=0.3, color=line.get_color(), zorder=1)
    if level is not None:
        ax.axhline(sign * level, color="0.5", lw=0.7, ls=(0, (1, 2)), zorder=0)
    ax.set(xlabel=x, ylabel="held-out loss" if loss else "held-out fitness")
    if loss:
        ax.set_yscale("log")
        ax.set_ylim(bottom=ax.get_ylim()[0] / 3)  # room for the legend below the curves
    ax.legend(fontsize=5.5, loc="lower left" if loss else "upper left", ncols=2 if loss else 1)


def _nothing(ax: Any) -> None:
    """Label an empty panel."""
    ax.text(0.5, 0.5, "not run yet", ha="center", va="center", color="0.5", transform=ax.transAxes)
    ax.set(xticks=[], yticks=[])


def finals(ax: Any, by_model: Mapping[str, Any], loss: bool = True) -> None:
    """Final loss (log scale) or fitness of each evolution (dots) and their median (line), by model."""
    sign, values = (-1 if loss else 1), {k: np.asarray(v, float) for k, v in by_model.items()}
    if not any(len(v) for v in values.values()):
        _nothing(ax)
        return
    for i, (model, v) in enumerate(values.items()):
        y = _row(ax, i, sign * v)
        ax.plot(sign * v, y, "o", ms=2.6, mew=0, alpha=0.8, color=style(model)["color"])
    _named(ax, [name(m) for m in values])
    ax.set_xlabel("final loss" if loss else "final fitness")
    if loss:
        ax.set_xscale("log")
        low, high = ax.get_xlim()
        _plain(ax, (1.0, 3.0) if high < 30 * low else (1.0,))


def reached(ax: Any, by_strategy: Mapping[str, Cost]) -> None:
    """Lives (log scale) until each evolution reached the level (dots) and their median (line), by strategy.

    Open dots: level not reached, drawn at the total number of lives of the run.
    """
    for i, cost in enumerate(by_strategy.values()):
        y = _row(ax, i, cost.lives / 1e6)
        for there, face in ((cost.reached, MODELS["enu"]), (~cost.reached, "none")):
            if there.any():
                lives = np.where(cost.reached, cost.lives, cost.spent)[there] / 1e6
                ax.plot(lives, y[there], "o", ms=3, mew=0.6, mfc=face, color=MODELS["enu"])
    _named(ax, list(by_strategy))
    ax.set(xscale="log", xlabel="evaluations until the level is reached (millions)")
    _plain(ax, (1.0, 2.0, 5.0))


def _row(ax: Any, i: int, values: np.ndarray) -> np.ndarray:
    """Vertical positions of a row's dots, spread to avoid overlap; draws a finite median as a line."""
    if not len(values):
        ax.text(0.5, i, "not run yet", ha="center", va="center", fontsize=5.5, color="0.5",
                transform=ax.get_yaxis_transform())  # fmt: skip
    elif np.isfinite(np.median(values)):
        ax.vlines(np.median(values), i - 0.35, i + 0.35, color="k", lw=1, zorder=3)
    return i + (np.arange(len(values)) - (len(values) - 1) / 2) * 0.5 / max(1, len(values))


def _named(ax: Any, names: list[str]) -> None:
    """Label the rows, from the top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)


def _plain(ax: Any, subs: tuple[float, ...]) -> None:
    """Plain tick labels on a log axis, at these multiples of powers of ten."""
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())


def qualities(ax: Any, by_case: Mapping[str, float], color: str) -> None:
    """Quality (at best 1) of a unit in several cases, as bars with values."""
    values = list(by_case.values())
    ax.barh(range(len(values)), np.clip(values, 0, 1), 0.6, color=color)
    for i, v in enumerate(values):
        ax.text(max(0.0, min(v, 1.0)) + 0.02, i, f"{v:.2f}", va="center", fontsize=6)
    _named(ax, list(by_case))
    ax.set(xlim=(0, 1.15), xlabel="quality")


def robustness(ax: Any, x: Any, by_unit: Mapping[str, Any], label: str) -> None:
    """Quality against the strength of a perturbation (log scale); median and quartiles of repeated values."""
    for unit, values in by_unit.items():
        v = np.atleast_2d(np.asarray(values).T)
        (line,) = ax.plot(x, np.median(v, 0), "o-", label=unit)
        if len(v) > 1:
            ax.fill_between(x, *np.quantile(v, [0.25, 0.75], axis=0), color=line.get_color(), alpha=0.2, lw=0)
    ax.set(xscale="log", ylim=(0, 1.03), xlabel=label, ylabel="quality")


def ranked(ax: Any, by_unit: Mapping[str, Any], label: str) -> None:
    """Qualities of each unit, sorted from best to worst."""
    for unit, values in by_unit.items():
        ax.plot(range(1, len(values) + 1), sorted(values, reverse=True), "o-", ms=2, label=unit)
    ax.set(ylim=(0, 1.03), xlabel=label, ylabel="quality")
