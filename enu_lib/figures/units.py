"""Panels of single units: input, spikes, frequency, plasticity, progress.  They draw given data and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import ArrayLike
from pandas import DataFrame
from torch import Tensor

from enu_lib.analysis.units import FrequencyCurve, Window
from enu_lib.figures.style import PALETTE, Look, better
from enu_lib.tasks.stdp import STDPBatch


def current(ax: Axes, x: Tensor, scale: float = 1.0) -> None:
    """Input current (T,) of an integrate-and-fire sequence, in units of the model neuron."""
    ax.step(np.arange(len(x)), np.asarray(x) / scale, where="mid", color=PALETTE["input"])
    ax.set(ylabel="input current\n(1 / step)", xlabel="time (steps)", ylim=(0, None))


def iaf_sequence(axes: Sequence[Axes], table: DataFrame, threshold: float) -> None:
    """One sequence of the integrate-and-fire task (`data.iaf_sequence`): current, potential with its threshold, spikes."""
    t, current, potential, spike = table.to_numpy().T
    axes[0].step(t, current, where="mid", color=PALETTE["input"])
    axes[1].plot(t, potential, color=PALETTE["memory"])
    axes[1].axhline(threshold, color="0.4", lw=0.8, ls=":")
    axes[2].vlines(t[spike == 1], 0, 1, color=PALETTE["target"])
    axes[0].set(ylabel="input current\n(1 / step)")
    axes[1].set(ylabel="potential")
    axes[2].set(ylabel="target\nspikes", xlabel="time (steps)", yticks=[])


def stdp_sequence(axes: Sequence[Axes], table: DataFrame) -> None:
    """One sequence of a plasticity task (`data.stdp_sequence`): every input, and the target output."""
    time, *names = table.columns
    colors = ("input", "pre", "post", "modulator")[: len(names) - 1]
    for ax, name, color in zip(axes, names, (*colors, "target"), strict=True):
        ax.step(table[time], table[name], where="mid", color=PALETTE[color])
        ax.set(ylabel=name.replace(" ", "\n"))
    for ax in axes[1:-1]:
        ax.set(ylim=(-0.1, 1.1), yticks=[0, 1])
    axes[-1].set(xlabel=time)


def spike_trains(ax: Axes, target: Tensor, evolved: Tensor) -> None:
    """Spike rasters of the model neuron and the evolved unit, (n, T) bool each."""
    for i, (a, b) in enumerate(zip(np.asarray(target), np.asarray(evolved), strict=True)):
        ax.vlines(np.flatnonzero(a), i + 0.05, i + 0.45, color=PALETTE["target"], lw=1.2)
        ax.vlines(np.flatnonzero(b), i + 0.5, i + 0.9, color=PALETTE["evolved"], lw=1.2)
    ax.plot([], color=PALETTE["target"], label="model neuron")
    ax.plot([], color=PALETTE["evolved"], label="evolved unit")
    ax.set(xlabel="time (steps)", ylabel="sequence", yticks=np.arange(len(target)) + 0.5)
    ax.set_yticklabels(np.arange(1, len(target) + 1))
    ax.invert_yaxis()
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def memory(ax: Axes, h: ArrayLike) -> None:
    """Memory (T, H) as an image, one row per memory value, with its colour bar."""
    image = ax.imshow(np.asarray(h).T, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    ax.set(xlabel="time (steps)", ylabel="memory value")
    bar = ax.inset_axes((1.012, 0, 0.014, 1))
    ax.figure.colorbar(image, cax=bar, label="value", ticks=[-1, 0, 1])


# style of a target: wide and pale, so that it shows below a curve that matches it
BELOW: Look = {"color": PALETTE["target"], "lw": 3.2, "alpha": 0.55, "solid_capstyle": "butt"}


def frequency(ax: Axes, curve: FrequencyCurve) -> None:
    """Firing frequency against mean input current; mean and s.d. over sequences."""
    x, target, evolved, target_sd, evolved_sd = (np.asarray(v) for v in curve[:5])
    for name, m, s in (("target", target, target_sd), ("evolved", evolved, evolved_sd)):
        ax.fill_between(x, m - s, m + s, color=PALETTE[name], alpha=0.2, lw=0)
    ax.plot(x, target, label="model neuron", **BELOW)
    ax.plot(x, evolved, color=PALETTE["evolved"], label="evolved unit")
    ax.set(xlabel="mean input current (1 / step)", ylabel="firing frequency\n(spikes / step)")
    ax.legend()


def frequency_deviation(ax: Axes, curve: FrequencyCurve) -> None:
    """Deviation of the evolved unit's mean firing frequency from the model neuron's, in %; 0 is exact."""
    ax.plot(curve.current, 100 * curve.deviation, "o-", ms=2, color=PALETTE["evolved"])
    ax.axhline(0, **BELOW, zorder=0)
    ax.set(xlabel="mean input current (1 / step)", ylabel="deviation of\nthe unit (%)")


def synapse(ax: Axes, batch: STDPBatch, y: ArrayLike, i: int = 0) -> None:
    """One STDP sequence: graded input, target, evolved output and both spikes."""
    t = np.arange(batch.inputs.shape[1])
    ax.plot(t, batch.target[i], label="target output", **BELOW)
    ax.plot(t, batch.inputs[i, :, 0], color=PALETTE["input"], lw=0.8, label="graded input")
    ax.plot(t, np.asarray(y), color=PALETTE["evolved"], lw=0.9, label="evolved output")
    ax.axvline(int(batch.t_pre[i]), 0.45, color=PALETTE["pre"], ls=(0, (4, 1.5)), label="presynaptic spike", zorder=0)
    ax.axvline(int(batch.t_post[i]), 0.45, color=PALETTE["post"], ls=(0, (1, 1)), label="postsynaptic spike", zorder=0)
    low, high = ax.get_ylim()
    ax.set(xlabel="time (steps)", ylabel="potential", ylim=(low - 0.75 * (high - low), high))  # room for the legend
    ax.legend(loc="lower left", ncols=2)


def window(ax: Axes, change: Window, label: str = "evolved unit", title: str = "") -> None:
    """Synaptic change against spike distance; mean and s.d. over sequences."""
    d, m, s = (np.asarray(v) for v in (change.distance, change.evolved, change.evolved_sd))
    for side in (d < 0, d > 0):
        first = side[0]
        ax.plot(d[side], np.asarray(change.target)[side], label="rule" if first else None, **BELOW)
        ax.fill_between(d[side], (m - s)[side], (m + s)[side], color=PALETTE["evolved"], alpha=0.2, lw=0)
        ax.plot(d[side], m[side], color=PALETTE["evolved"], label=label if first else None)
    ax.axhline(0, color="0.8", lw=0.5, zorder=0)
    ax.axvline(0, color="0.8", lw=0.5, zorder=0)
    ax.set(xlabel="$t_{post} - t_{pre}$ (steps)", ylabel="synaptic change (%)", title=title)
    ax.legend()


def progress(ax: Axes, rows: list[dict[str, float]], label: str = "", color: str | None = None) -> None:
    """Loss of the parent on held-out environments against generations (log scale)."""
    held = [(r["generation"] + 1, -r["held_out"]) for r in rows if "held_out" in r]
    g, loss = zip(*held, strict=True)
    ax.plot(g, loss, label=label, color=color)
    ax.set(xlabel="generation", ylabel=better("held-out loss", up=False), yscale="log")


def one_generation(ax: Axes, parent: Any, offspring: ArrayLike, weight: ArrayLike, after: Any, optimum: ArrayLike) -> None:
    """Offspring (P, 2) in a plane of genome space, sized by their weight, and the resulting step of the parent.

    Circles: equal distances from the optimum (a cross), where fitness is largest.
    """
    (x, y), w, best = np.asarray(offspring).T, np.asarray(weight), np.asarray(optimum)
    for share in (0.25, 0.5, 0.75, 1.0, 1.25):
        radius = share * np.hypot(*(best - np.asarray(parent)))
        ax.add_artist(Circle((best[0], best[1]), radius, fc="none", ec="0.85", lw=0.6, zorder=0))
    ax.scatter(x, y, s=3 + 90 * w / w.max(), color=PALETTE["evolved"], alpha=0.45, lw=0, label="offspring, area: weight")
    ax.annotate("", after, parent, arrowprops={"arrowstyle": "-|>", "color": PALETTE["post"], "lw": 1.6}, zorder=4)
    ax.plot(*parent, "o", color="k", label="parent")
    ax.plot([], [], color=PALETTE["post"], label="its step")
    ax.plot(*best, "+", ms=9, mew=1.8, color=PALETTE["target"], label="optimum")
    ax.margins(0.12)
    ax.set(xlabel="gene 1", ylabel="gene 2", aspect="equal")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
