"""Panels on single synapses: a value for each of them, and the memory of one before and after an event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from enu_lib.figures.networks import short_names
from enu_lib.figures.style import PALETTE
from enu_lib.network import Network


def table(ax: Axes, network: Network, values: ArrayLike, high: float, title: str) -> None:
    """A value for each synapse (N, S), as a shade: one row per neuron, each square labelled with its source; a scale below."""
    v = np.asarray(values)
    names = short_names(network)
    image = ax.imshow(v, cmap="Blues", vmin=0, vmax=high, aspect="auto")
    bar = ax.figure.colorbar(image, ax=ax, location="bottom", fraction=0.06, pad=0.03, ticks=[0, high])
    bar.ax.set_xticklabels(["0", f"{high:.2g}"])
    bar.ax.tick_params(length=2, labelsize=7)
    for (i, j), x in np.ndenumerate(v):
        color = "white" if x > 0.6 * high else "0.2"
        ax.text(j, i, names[network.connections[i][j]], ha="center", va="center", fontsize=7, color=color)
    ax.set_yticks(range(network.neurons), names[network.n_inputs :])
    ax.set_xticks([])
    ax.set_title(title, fontsize=7)
    ax.tick_params(length=0)


def portrait(ax: Axes, paths: Sequence[ArrayLike], events: Sequence[int]) -> None:
    """Memory of one synapse in a plane, one path (T, 2) per episode: grey before the event, coloured after it.

    Large dots: just before the event, and at the end.
    """
    for path, event in zip(paths, events, strict=True):
        p = np.asarray(path)
        ax.plot(*p[: event + 1].T, color="0.6", lw=0.5, alpha=0.7)
        ax.plot(*p[event:].T, color=PALETTE["poison"], lw=0.5, alpha=0.5)
        ax.plot(*p[event - 1], "o", ms=3, color="0.3", zorder=3)
        ax.plot(*p[-1], "o", ms=3, color=PALETTE["poison"], zorder=3)
    ax.set(xlabel="first component", ylabel="second component")
