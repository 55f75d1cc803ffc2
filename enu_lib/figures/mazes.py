"""Panels of mazes: the maze, an agent, its path, and the meals of several agents."""

from __future__ import annotations

from typing import Any

import numpy as np

from enu_lib.figures.style import PALETTE


def maze(ax: Any, grid: Any, food: int | None = None, poison: int | None = None) -> None:
    """A maze from above; food and poison are numbers of squares."""
    image = np.zeros(grid.shape)
    for row, column in grid.cells:
        image[row, column] = 1
    ax.imshow(image, cmap="Greys_r", vmin=-1.2, vmax=1)
    for cell, name, mark in ((food, "food", "P"), (poison, "poison", "X")):
        if cell is not None:
            row, column = grid.cells[cell]
            ax.plot(column, row, mark, ms=8, color=PALETTE[name], mec="none")
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)


def agent(ax: Any, grid: Any, cell: int, heading: int, color: str = PALETTE["evolved"], size: float = 9) -> None:
    """The agent's position and heading (0: east, 1: south, 2: west, 3: north)."""
    row, column = grid.cells[cell]
    ax.plot(column, row, marker=[">", "v", "<", "^"][heading], ms=size, color=color, mec="white", mew=0.6)


def agents(ax: Any, scores: dict[str, dict[str, float]]) -> None:
    """Mean food and poison per episode for each reference agent."""
    y = np.arange(len(scores))
    for k, name in enumerate(("food", "poison")):
        values = [s[name] for s in scores.values()]
        ax.barh(y + 0.19 - 0.38 * k, values, 0.34, color=PALETTE[name], label=name)
        for i, v in enumerate(values):
            ax.text(v + 0.15, i + 0.19 - 0.38 * k, f"{v:.1f}", va="center")
    ax.set_yticks(y, list(scores))
    ax.set(xlabel="meals per episode", xlim=(0, 18), ylim=(-0.6, len(scores) - 0.4))
    ax.legend(loc="upper right")


def path(ax: Any, grid: Any, cells: Any, heading: int, ate: int) -> None:
    """The path of one visit, from the start to the meal."""
    places = np.array([grid.cells[c] for c in np.asarray(cells)], float)
    ax.plot(places[:, 1], places[:, 0], "-", color=PALETTE["evolved"], lw=1.6, solid_joinstyle="round")
    row, column = places[-1]
    ax.plot(column, row, "o", ms=11, mfc="none", mec=PALETTE["food" if ate > 0 else "poison"], mew=1.2)
    agent(ax, grid, int(np.asarray(cells)[0]), heading, size=6)


def shares(ax: Any, rows: dict[str, dict[str, float]], keys: dict[str, str]) -> None:
    """Proportions for several sets of episodes (colours), by measure; keys: {measure: label}."""
    height = 0.8 / len(rows)
    for k, (name, measures) in enumerate(rows.items()):
        y = np.arange(len(keys)) + (k + 0.5) * height - 0.4
        values = np.array([measures[key] for key in keys])
        ax.barh(y, np.nan_to_num(values), 0.9 * height, label=name)
        for at, value in zip(y, values, strict=True):
            ax.text(np.nan_to_num(value) + 0.01, at, "none" if np.isnan(value) else f"{value:.0%}", va="center")
    ax.set_yticks(range(len(keys)), list(keys.values()))
    ax.set(xlim=(0, 1.15), xlabel="share", ylim=(len(keys) - 0.5, -0.5))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(rows))
