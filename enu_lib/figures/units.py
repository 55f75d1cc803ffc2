"""Panels of single units: input, spikes, frequency, plasticity, progress.  They draw given data and compute nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from enu_lib.analysis.units import FrequencyCurve, Window
from enu_lib.figures.style import PALETTE


def current(ax: Any, x: Any, scale: float = 1.0) -> None:
    """Input current (T,) of an integrate-and-fire sequence, in units of the model neuron."""
    ax.step(np.arange(len(x)), np.asarray(x) / scale, where="mid", color=PALETTE["input"])
    ax.set(ylabel="input current\n(1 / step)", xlabel="time (steps)", ylim=(0, None))


def spike_trains(ax: Any, target: Any, evolved: Any) -> None:
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


def memory(ax: Any, h: Any) -> None:
    """Memory (T, H) as an image, one row per memory value."""
    ax.imshow(np.asarray(h).T, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    ax.set(xlabel="time (steps)", ylabel="memory value")


def frequency(ax: Any, curve: FrequencyCurve) -> None:
    """Firing frequency against mean input current; mean and s.d. over sequences."""
    for name, mean, sd, label in (
        ("target", curve.target, curve.target_sd, "model neuron"),
        ("evolved", curve.evolved, curve.evolved_sd, "evolved unit"),
    ):
        x, m, s = (np.asarray(v) for v in (curve.current, mean, sd))
        ax.fill_between(x, m - s, m + s, color=PALETTE[name], alpha=0.2, lw=0)
        ax.plot(x, m, color=PALETTE[name], label=label, ls="--" if name == "target" else "-")
    ax.set(xlabel="mean input current (1 / step)", ylabel="firing frequency (spikes / step)")
    ax.legend()


def synapse(ax: Any, batch: Any, y: Any, i: int = 0) -> None:
    """One STDP sequence: graded input, target, evolved output and both spikes."""
    t = np.arange(batch.inputs.shape[1])
    ax.plot(t, batch.inputs[i, :, 0], color=PALETTE["input"], lw=0.8, label="graded input")
    ax.plot(t, batch.target[i], color=PALETTE["target"], ls="--", label="target output")
    ax.plot(t, np.asarray(y), color=PALETTE["evolved"], label="evolved output")
    ax.axvline(int(batch.t_pre[i]), 0.8, 0.95, color=PALETTE["pre"], label="presynaptic spike")
    ax.axvline(int(batch.t_post[i]), 0.8, 0.95, color=PALETTE["post"], label="postsynaptic spike")
    ax.set(xlabel="time (steps)", ylabel="potential", ylim=(0, 1))
    ax.legend(loc="lower left", ncols=2)


def window(ax: Any, change: Window, label: str = "evolved unit", title: str = "") -> None:
    """Synaptic change against spike distance; mean and s.d. over sequences."""
    d, m, s = (np.asarray(v) for v in (change.distance, change.evolved, change.evolved_sd))
    for side in (d < 0, d > 0):
        first = side[0]
        ax.plot(d[side], np.asarray(change.target)[side], color=PALETTE["target"], ls="--", label="rule" if first else None)
        ax.fill_between(d[side], (m - s)[side], (m + s)[side], color=PALETTE["evolved"], alpha=0.2, lw=0)
        ax.plot(d[side], m[side], color=PALETTE["evolved"], label=label if first else None)
    ax.axhline(0, color="0.8", lw=0.5, zorder=0)
    ax.axvline(0, color="0.8", lw=0.5, zorder=0)
    ax.set(xlabel="$t_{post} - t_{pre}$ (steps)", ylabel="synaptic change (%)", title=title)
    ax.legend()


def progress(ax: Any, rows: list[dict[str, float]], label: str = "", color: str | None = None) -> None:
    """Loss of the parent on held-out environments against generations (log scale)."""
    held = [(r["generation"] + 1, -r["held_out"]) for r in rows if "held_out" in r]
    g, loss = zip(*held, strict=True)
    ax.plot(g, loss, label=label, color=color)
    ax.set(xlabel="generation", ylabel="held-out loss", yscale="log")


def one_generation(ax: Any, parent: Any, offspring: Any, weight: Any, after: Any) -> None:
    """Offspring (P, 2) in a plane of genome space, sized by their weight, and the resulting step of the parent."""
    a = np.asarray(offspring)
    w = np.asarray(weight)
    ax.scatter(*a.T, s=4 + 220 * w / w.max(), color=PALETTE["evolved"], alpha=0.45, lw=0, label="offspring, by weight")
    ax.annotate("", after, parent, arrowprops={"arrowstyle": "-|>", "color": PALETTE["post"], "lw": 1.6})
    ax.plot(*parent, "o", color="k", label="parent")
    ax.plot([], [], color=PALETTE["post"], label="its step")
    ax.margins(0.15)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.4 * (high - low))  # room for the legend
    ax.legend(loc="upper left")
