"""The style of all figures: sizes, colours, panel letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

COLUMN, PAGE = 3.5, 7.2  # inches: one column, two columns
PALETTE = {  # colour-blind-safe, mostly of seaborn's "colorblind"; the colours of food and poison mean nothing else in the book
    "target": "#949494",
    "evolved": "#0173b2",
    "pre": "#4aa3df",
    "post": "#882255",
    "modulator": "#cc78bc",
    "input": "#ca9161",
    "memory": "#de8f05",
    "food": "#029e73",
    "poison": "#d55e00",
}
# hues that colour-blind readers can tell apart, too; none of them is that of food or poison
MODELS = {"enu": "#0173b2", "nfenu": "#e0709a", "gru": "#c9a800", "lstm": "#404040", "shared": "#7f6000"}
Look = dict[str, Any]  # keyword arguments of what matplotlib draws


def use_style() -> None:
    """Apply the style to all following figures."""
    plt.style.use(Path(__file__).with_name("style.mplstyle"))


def panel_letters(axes: Sequence[Axes]) -> None:
    """Write a, b, c ... at the upper left of each panel."""
    for letter, ax in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize=9)


def erase(axes: Iterable[Axes]) -> None:
    """Remove what is drawn on these axes, and their legends; ticks and labels stay, since making them takes longest."""
    for ax in axes:
        for bars in tuple(ax.containers):
            bars.remove()
        legend = ax.get_legend()
        for artist in (*ax.collections, *ax.images, *ax.lines, *ax.patches, *ax.texts, *([legend] if legend else ())):
            artist.remove()
        ax.set_prop_cycle(None)
        ax.relim()
        ax.autoscale()


def better(label: str, up: bool) -> str:
    """An axis label with an arrow towards better values (up: larger is better); it is correct on both axes."""
    return f"{label} (better \N{RIGHTWARDS ARROW})" if up else f"{label} (\N{LEFTWARDS ARROW} better)"


def marks(ax: Axes, x: ArrayLike, y: ArrayLike, mark: str, **style: Any) -> None:
    """Plot marks that the edge of the panel does not clip.  If there are none, they still have an entry in the legend."""
    (drawn,) = ax.plot(x, y, mark, lw=0, clip_on=False, **style)
    drawn.set_in_layout(np.size(drawn.get_xdata()) > 0)  # empty, they would count as a point at the corner of the figure


def trace_axes(ax: Axes, steps: int, names: Sequence[str]) -> None:
    """Format axes for traces one below the other, each 0.8 high: names, a line at 0 for each, and a scale at the right."""
    end, last = steps * 1.01, len(names) - 1
    ax.hlines(np.arange(len(names)) + 0.4, 0, steps, color="0.8", lw=0.5, zorder=0)
    ax.plot([end, end], [last + 0.4, last - 0.4], color="k", lw=1, clip_on=False)
    ax.text(end * 1.005, last, "0 to 1", fontsize=7, va="center")
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="time (network steps)", xlim=(0, end), ylim=(last + 0.6, -0.6))
    ax.tick_params(axis="y", length=0)
