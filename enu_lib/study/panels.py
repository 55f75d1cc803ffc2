"""Panels of a sweep: curves and final fitness of all evolutions.  Only medians and quartiles are computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from enu_lib.figures.style import MODELS, Look, better
from enu_lib.study.model_name import ModelName
from enu_lib.study.tables import Cost, Curves, name

LEVEL: Look = {"color": "0.2", "lw": 0.9, "ls": (0, (1, 2))}  # style of the line at the level
LEARNT = "level that counts as learnt"


def style(model: str) -> Look:
    """Line style of a model: colour by kind; dashed for matched size, dotted if clipped, dash-dotted for variants."""
    parts = ModelName.parse(model)
    unit, _, other = parts.kind.partition("-")
    line = "-." if other else "-"
    if parts.matched or parts.clipped:
        line = "--" if parts.matched else ":"
    return {"color": MODELS[unit], "ls": line}


def progress(
    ax: Axes,
    by_model: Mapping[str, Curves | None],
    level: float | None = None,
    loss: bool = True,
    x: str = "generation",
    legend: bool = True,
) -> None:
    """Held-out loss (log scale) or fitness of every evolution (thin) and the median of each model (thick).

    x: "generation" or "evaluations".  level: fitness that counts as learnt.  Models without runs appear in the legend only.
    legend: a legend in the panel; without it, `shared_legend` makes one for several panels.
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
        at = getattr(curves, x)
        text += f" (n = {len(curves.fitness)})" if legend else ""
        (line,) = ax.plot(at, sign * np.median(curves.fitness, 0), lw=1.8, label=text, **style(model))
        line.set_path_effects([withStroke(linewidth=3.2, foreground="white")])
        for run in curves.fitness:
            ax.plot(at, sign * run, lw=0.6, alpha=0.55, color=line.get_color(), zorder=1)
    if level is not None:
        ax.axhline(sign * level, zorder=3, label=None if legend else LEARNT, **LEVEL)
    ax.set(xlabel=x, ylabel=better("held-out loss", up=False) if loss else better("held-out fitness", up=True))
    if loss:
        ax.set_yscale("log")
    if legend:
        if loss:
            ax.set_ylim(bottom=ax.get_ylim()[0] / 4)  # room for the legend below the curves
        ax.legend(loc="lower left" if loss else "upper left", ncols=2 if loss else 1)


def shared_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend above all panels, for the labelled lines of any of them."""
    lines = {text: line for ax in axes for line, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    if lines:
        texts = sorted(lines, key=LEARNT.__eq__)  # after the models
        figure.legend([lines[text] for text in texts], texts, loc="outside upper center", ncols=len(texts))


def key(figure: Figure) -> None:
    """The legend of `finals` above all panels."""
    marks = {
        "one evolution": Line2D([], [], marker="o", ms=2.8, color="0.4", lw=0),
        "median": Line2D([], [], marker="|", ms=9, mew=1, color="k", lw=0),
        LEARNT: Line2D([], [], **LEVEL),
    }
    figure.legend(marks.values(), marks, loc="outside upper center", ncols=len(marks))


def _nothing(ax: Axes) -> None:
    """Label an empty panel."""
    ax.text(0.5, 0.5, "not run yet", ha="center", va="center", color="0.5", transform=ax.transAxes)
    ax.set(xticks=[], yticks=[])


def finals(ax: Axes, by_model: Mapping[str, Sequence[float]], loss: bool = True, level: float | None = None) -> None:
    """Final loss (log scale) or fitness of each evolution (dots) and their median (line), by model; better is to the right.

    level: fitness that counts as learnt (dotted).
    """
    sign, values = (-1 if loss else 1), {k: np.asarray(v, float) for k, v in by_model.items()}
    if not any(len(v) for v in values.values()):
        _nothing(ax)
        return
    for i, (model, v) in enumerate(values.items()):
        y = _row(ax, i, sign * v)
        ax.plot(sign * v, y, "o", ms=2.8, mew=0, alpha=0.8, color=style(model)["color"])
    if level is not None:
        ax.axvline(sign * level, zorder=0, **LEVEL)
    _named(ax, {name(m): len(v) for m, v in values.items()})
    ax.set_xlabel(better("final loss" if loss else "final fitness", up=True))
    if loss:
        ax.set_xscale("log")
        low, high = ax.get_xlim()
        _plain(ax, (1.0, 3.0) if high < 30 * low else (1.0,))
        ax.invert_xaxis()


def reached(ax: Axes, by_strategy: Mapping[str, Cost]) -> None:
    """Evaluations (log scale) until each evolution reached the level (dots) and their median (line), by strategy.

    Open dots: level not reached, drawn at the total number of evaluations of the run.
    """
    for i, cost in enumerate(by_strategy.values()):
        y = _row(ax, i, cost.evaluations / 1e6)
        for there, face in ((cost.reached, MODELS["enu"]), (~cost.reached, "none")):
            if there.any():
                evaluations = np.where(cost.reached, cost.evaluations, cost.spent)[there] / 1e6
                ax.plot(evaluations, y[there], "o", ms=3, mew=0.6, mfc=face, color=MODELS["enu"])
    _named(ax, {text: len(cost.reached) for text, cost in by_strategy.items()})
    ax.set(xscale="log", xlabel=better("evaluations until the level is reached (millions)", up=False))
    _plain(ax, (1.0, 2.0, 5.0))


def reached_by(ax: Axes, by_model: Mapping[str, Sequence[float]], end: float) -> None:
    """Share of each model's evolutions that have reached the level, against evaluations in millions, until `end`.

    by_model: evaluations, in millions, until each evolution reached the level; inf for those that never did.
    """
    if not any(len(times) for times in by_model.values()):
        _nothing(ax)
        return
    for model, times in by_model.items():
        if len(times):
            there = sorted(t for t in times if t <= end)
            shares = np.arange(len(there) + 1) / len(times)
            ax.step([0, *there, end], [*shares, shares[-1]], where="post", lw=1.4, label=name(model), **style(model))
    ax.set(xlabel="evaluations (millions)", xlim=(0, end), ylim=(-0.02, 1.02))
    ax.set_ylabel(better("share that has reached the level", up=True))
    ax.legend(loc="upper left", handlelength=3)  # long enough for a dash and a dot


def _row(ax: Axes, i: int, values: np.ndarray) -> np.ndarray:
    """Vertical positions of a row's dots, spread to avoid overlap; draws a finite median as a line."""
    if not len(values):
        ax.text(0.5, i, "not run yet", ha="center", va="center", color="0.4",
                transform=ax.get_yaxis_transform())  # fmt: skip
    elif np.isfinite(np.median(values)):
        ax.vlines(np.median(values), i - 0.35, i + 0.35, color="k", lw=1, zorder=3)
    return i + (np.arange(len(values)) - (len(values) - 1) / 2) * 0.5 / max(1, len(values))


def _named(ax: Axes, rows: Mapping[str, int]) -> None:
    """Label the rows, from the top, with the number of values in each."""
    ax.set_yticks(range(len(rows)), [f"{text} ({n})" if n else text for text, n in rows.items()])
    ax.set_ylim(len(rows) - 0.4, -0.6)


def _plain(ax: Axes, subs: tuple[float, ...]) -> None:
    """Plain tick labels on a log axis, at these multiples of powers of ten."""
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())


def qualities(ax: Axes, by_case: Mapping[str, float], color: str) -> None:
    """Quality (at best 1) of a unit in several cases, as bars with values."""
    values = list(by_case.values())
    ax.barh(range(len(values)), np.clip(values, 0, 1), 0.6, color=color)
    for i, v in enumerate(values):
        ax.text(max(0.0, min(v, 1.0)) + 0.02, i, f"{v:.2f}", va="center")
    _named(ax, dict.fromkeys(by_case, 0))
    ax.set(xlim=(0, 1.2), xticks=[0, 0.5, 1], xlabel=better("quality", up=True))


UNITS = {"IAF": ("o", "-"), "STDP": ("s", "--"), "complex STDP": ("^", ":")}  # marker and line, beside the colour


def robustness(ax: Axes, x: ArrayLike, by_unit: Mapping[str, ArrayLike], label: str) -> None:
    """Quality against the strength of a perturbation (log scale); median and quartiles of repeated values."""
    for unit, values in by_unit.items():
        v = np.atleast_2d(np.asarray(values).T)
        marker, ls = UNITS.get(unit, ("o", "-"))
        look: Look = {"marker": marker, "ls": ls, "mew": 0, "err_kws": {"lw": 0}, "legend": False, "ax": ax}
        seaborn.lineplot(x=np.tile(x, len(v)), y=v.ravel(), estimator="median", errorbar=("pi", 50), label=unit, **look)
    ax.set(xscale="log", ylim=(0, 1.03), xlabel=label, ylabel=better("quality", up=True))


def ranked(ax: Axes, by_unit: Mapping[str, Sequence[float]], label: str) -> None:
    """Qualities of each unit, sorted from best to worst."""
    for unit, values in by_unit.items():
        marker, ls = UNITS.get(unit, ("o", "-"))
        ax.plot(range(1, len(values) + 1), sorted(values, reverse=True), marker=marker, ls=ls, ms=2.4, label=unit)
    ax.set(ylim=(0, 1.03), xlabel=label, ylabel=better("quality", up=True))
