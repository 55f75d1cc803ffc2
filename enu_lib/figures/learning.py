"""Panels on learning in mazes; each function draws its data into the given axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from torch import Tensor

from enu_lib.analysis.conditioning import REWARDS, Conditioning
from enu_lib.analysis.learning import Recovery, interval
from enu_lib.analysis.phases import Phase
from enu_lib.analysis.stats import standard_error
from enu_lib.figures import mazes
from enu_lib.figures.style import PALETTE, better, trace_axes
from enu_lib.tasks.geometry import Geometry
from enu_lib.trace import Trace


def evolution(
    ax: Axes, runs: Mapping[str, Mapping[str, Sequence[float]]], x: str = "generation", label: str = "generation"
) -> None:
    """Held-out fitness of the parent in several runs against column `x` (format of `zoo.progress`)."""
    for name, progress in runs.items():
        ax.plot(progress[x], progress["held_out"], "o-", ms=2, label=name, lw=1)
    ax.set(xlabel=label, ylabel=better("held-out fitness", up=True))


def frame(ax: Axes, grid: Geometry, episodes: Trace, phase: Phase) -> None:
    """One phase of an episode: the maze at that time, and the path taken with its times."""
    state = {name: episodes.task[name][0, phase.episode].numpy() for name in ("square", "heading", "food", "poison", "ate")}
    before = max(phase.first - 1, 0)
    squares = [grid.start if phase.first == 0 else state["square"][before], *state["square"][phase.first : phase.last]]
    heading = 0 if phase.first == 0 else int(state["heading"][before])
    at = max(phase.last - 1, 0)
    ate = int(state["ate"][phase.last])
    food, poison = int(state["food"][at]), int(state["poison"][at])
    # a meal resets the agent, so the recorded square is the start: the path ends on the square of the meal
    squares.append({1: food, -1: poison}.get(ate, state["square"][phase.last]))
    steps = range(phase.first, phase.last + 1)
    moves = [(int(b), step) for a, b, step in zip(squares[:-1], squares[1:], steps, strict=True) if a != b]
    route = [(int(squares[0]), phase.first), *moves]
    mazes.close_up(ax, grid, food, poison)
    mazes.path(ax, grid, route, heading, ate)


def recovery(ax: Axes, conditions: dict[str, Recovery], least: int = 10) -> None:
    """Proportion of right visits after an event, by condition, with 95% Wilson intervals; points need `least` visits.

    A condition without any point is named in the panel and not in its legend.  A dotted line marks chance (one of two arms).
    """
    shown = [name for name, visits in conditions.items() if (visits.n >= least).any()]
    marks = dict(zip(conditions, "osD^v", strict=False))
    for k, (name, visits) in enumerate(conditions.items()):
        kept = np.flatnonzero(visits.n >= least)
        if not len(kept):
            continue
        share = visits.right[kept] / visits.n[kept]
        bounds = np.array([interval(visits.right[i], visits.n[i]) for i in kept]).reshape(-1, 2)
        shift = 0.1 * (shown.index(name) - (len(shown) - 1) / 2)
        error = np.abs(bounds.T - share)
        color = "k" if k == 0 else f"C{k - 1}"
        ax.errorbar(kept + 1 + shift, share, error, marker=marks[name], ms=3, lw=0.9, capsize=1.5, label=name, color=color)
    ax.axhline(0.5, color="0.4", lw=0.8, ls=":", zorder=0)
    ax.text(1, 0.485, "chance", transform=ax.get_yaxis_transform(), ha="right", va="top")
    missing = [f"{name}:\nfewer than {least} visits" for name in conditions if name not in shown]
    ax.text(0.03, 0.02, "\n".join(missing), transform=ax.transAxes, va="bottom")
    if shown:
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, 0.12 * len(missing)))
    ax.set(xlabel="visit after the intervention", ylabel=better("share with food", up=True), ylim=(0, 1.05))


def eaten(ax: Axes, conditions: Mapping[str, Tensor | Sequence[float]]) -> None:
    """Mean food (B,) eaten after an event, by condition, with 95% intervals of the mean."""
    for k, food in enumerate(conditions.values()):
        if not len(food):
            continue
        ax.barh(
            k,
            float(np.mean(np.asarray(food))),
            xerr=1.96 * standard_error(food),
            height=0.7,
            color=PALETTE["food"],
            error_kw={"lw": 0.8, "capsize": 1.5},
        )
    ax.set_yticks(range(len(conditions)), list(conditions))
    ax.set(xlabel=better("food after it", up=True), ylim=(len(conditions) - 0.5, -0.5))


def outputs(ax: Axes, histograms: Mapping[str, ArrayLike]) -> None:
    """Histograms of neurons' outputs (proportions in equal bins of [0, 1]; log scale)."""
    for name, shares in histograms.items():
        shares = np.asarray(shares)
        edges = np.linspace(0, 1, len(shares) + 1)
        ax.stairs(np.maximum(shares, 1e-6), edges, label=name, baseline=1e-6)
    ax.set(xlabel="output", ylabel="share of steps", yscale="log", ylim=(1e-5, 1.5))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def traces(ax: Axes, y: ArrayLike, names: Sequence[str], color: str = PALETTE["evolved"]) -> None:
    """Outputs (T, N) of neurons over time, one trace per neuron; all share the scale (0 to 1) at the right."""
    y = np.asarray(y)
    for k, trace in enumerate(y.T):
        ax.plot(k + 0.4 - 0.8 * trace, color=color, lw=0.8)
    trace_axes(ax, len(y), names)


def bifurcation(ax: Axes, drives: ArrayLike, settled: ArrayLike) -> None:
    """Outputs (A, K) of a neuron after it has settled, against its constant drive (A,); 1 is its mean drive in the network."""
    drives, settled = np.asarray(drives), np.asarray(settled)
    ax.plot(np.repeat(drives, settled.shape[1]), settled.ravel(), ".", ms=1.2, color=PALETTE["evolved"], rasterized=True)
    ax.axvline(1, color="0.6", ls=":", lw=0.8)
    ax.set(xlabel="constant drive", ylabel="output, settled", ylim=(-0.03, 1.03))


def conditioning(ax: Axes, pairing: Conditioning, change: ArrayLike, label: str) -> None:
    """Change (R, W, B) caused by pairing, against the delay of the reward; mean and s.d. over noise samples."""
    styles = {"food": ("food", "o", "-"), "poison": ("poison", "X", "-"), "nothing": ("target", "s", "--")}
    for name, values in zip(REWARDS, np.asarray(change), strict=True):
        color, marker, ls = styles[name]
        mean, sd = values.mean(-1), values.std(-1)
        ax.fill_between(pairing.delay, mean - sd, mean + sd, color=PALETTE[color], alpha=0.2, lw=0)
        ax.plot(pairing.delay, mean, marker=marker, ls=ls, ms=3, color=PALETTE[color], label=name)
    ax.axhline(0, color="0.6", lw=0.6, zorder=0)
    ax.axvline(0, color="0.6", lw=0.6, zorder=0)
    ax.set(xlabel="delay from sensor to meal (steps)", ylabel=label)
    ax.legend()


def in_a_row(ax: Axes, y: ArrayLike, names: Sequence[str]) -> None:
    """Outputs y (K + 1, B, n_outputs) during a probe after 0..K rewards; mean and s.d. over noise samples."""
    y = np.asarray(y)
    k = np.arange(len(y))
    for i, name in enumerate(names):
        mean, sd = y[..., i].mean(1), y[..., i].std(1)
        ax.errorbar(k, mean, sd, marker="os^D"[i % 4], ls=["-", "--", ":"][i % 3], ms=3, capsize=1.5, label=name)
    ax.set(ylabel="output at the wall", xticks=k)
    ax.legend()


def stages(ax: Axes, progress: Mapping[str, Sequence[float]], ends: Sequence[float]) -> None:
    """Held-out fitness by generation (format of `zoo.progress`), with the stages of a curriculum numbered above the panel.

    ends: generations at which stages ended, of a run that never restarted; without any, nothing is numbered.
    """
    ax.plot(progress["generation"], progress["held_out"], color=PALETTE["evolved"], lw=1)
    last = max(progress["generation"])
    within = [end for end in ends if end < last]
    for number, (begun, end) in enumerate(pairwise((0, *within, last)), 1) if within else ():
        ax.axvline(end, color="0.7", lw=0.5)
        ax.annotate(str(number), ((begun + end) / 2, 1.02), xycoords=ax.get_xaxis_transform(), ha="center", va="bottom")
    ax.set(xlabel="generation", ylabel=better("held-out fitness", up=True), xlim=(0, last))
