"""Panels on speed: implementations side by side, the parts of a generation, growth with size."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from enu_lib.figures.style import PALETTE, marks

PATHS = {
    "cpp": PALETTE["evolved"],
    "torch": "#56b4e9",
    "JAX": "#c9a800",
    "torch.compile": "#404040",
    "plain torch": "#949494",
    "copied weights": "#d0d0d0",
}
PARTS = {
    "episodes": PALETTE["evolved"],
    "mutations": "#c9a800",
    "environments": "#404040",
    "scoring": "#949494",
    "step": "#cc78bc",
}
MARKS = "osD^v"


def paths(
    ax: Axes,
    table: pd.DataFrame,
    column: str,
    names: Mapping[str, str],
    interval: tuple[str, str] | None = None,
    start: float = 0.0,
) -> None:
    """A column of `study.speed.generations` as bars, one per implementation in each workload.

    interval: the columns of its lower and upper limits.  start: where the bars begin.
    """
    known = [path for path in PATHS if path in set(table["path"])]
    workloads = list(dict.fromkeys(table["workload"]))
    height = 0.84 / len(known)
    for i, path in enumerate(known):
        of = table[table["path"] == path].set_index("workload").reindex(workloads)
        y = np.arange(len(workloads)) + (i - (len(known) - 1) / 2) * height
        ax.barh(y, of[column] - start, height, left=start, color=PATHS[path], label=names.get(path, path))
        if interval:
            ax.hlines(y, of[interval[0]], of[interval[1]], color="k", lw=0.8)
    ax.set_yticks(range(len(workloads)), [name.replace("network ", "network\n") for name in workloads])
    ax.set(ylim=(len(workloads) - 0.5, -0.5))
    ax.tick_params(axis="y", length=0)


def parts(ax: Axes, table: pd.DataFrame) -> None:
    """The parts of generations (`study.speed.parts`) as stacked bars that add up to 100%."""
    names = list(dict.fromkeys(zip(table["experiment"], table["threads"], strict=True)))
    left = np.zeros(len(names))
    for part, color in PARTS.items():
        of = table[table["part"] == part].set_index(["experiment", "threads"])["share of the generation (%)"].reindex(names)
        ax.barh(range(len(names)), of, 0.7, left=left, color=color, label=part)
        left += of.to_numpy()
    ax.set_yticks(range(len(names)), [f"{name},\n{threads} thread{'s' if threads > 1 else ''}" for name, threads in names])
    ax.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, 100), xlabel="share of a generation (%)")
    ax.tick_params(axis="y", length=0)


def growth(ax: Axes, table: pd.DataFrame) -> None:
    """Relative time against relative size (`study.speed.growth`) on log scales; dashed: time proportional to size."""
    for mark, (name, of) in zip(MARKS, table.groupby("grows with", sort=False), strict=True):
        x, y, exponent = of["relative size"], of["relative time"], of["exponent"].iloc[0]
        label = name if pd.isna(exponent) else f"{name}: {exponent:.2f}"
        (line,) = ax.plot(x, y, lw=0.8)
        marks(ax, x, y, mark, ms=3.5, color=line.get_color(), label=label)
    most = table["relative size"].max()
    ax.plot([1, most], [1, most], "--", color="0.6", lw=0.8, zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="size relative to the smallest", ylabel="time relative to the smallest")
