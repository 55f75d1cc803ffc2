"""Panels of mazes: the maze, an agent, its path, and the meals of several agents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from enu_lib.figures.style import PALETTE
from enu_lib.tasks.geometry import Geometry

KEEP_RIGHT = 0.15  # in squares: a path runs to the right of the middle, so that the ways there and back do not overlap


def maze(ax: Axes, grid: Geometry, food: int | None = None, poison: int | None = None) -> None:
    """A maze from above; food and poison are numbers of squares."""
    image = np.zeros(grid.shape)
    for row, column in grid.squares:
        image[row, column] = 1
    ax.imshow(image, cmap="Greys_r", vmin=-1.2, vmax=1)
    for square, name, mark in ((food, "food", "P"), (poison, "poison", "X")):
        if square is not None:
            row, column = grid.squares[square]
            ax.plot(column, row, mark, ms=8, color=PALETTE[name], mec="none")
    ax.set(xticks=[], yticks=[])
    for side in ax.spines.values():
        side.set_visible(False)


def agent(ax: Axes, grid: Geometry, square: int, heading: int, color: str = PALETTE["evolved"], size: float = 9) -> None:
    """The agent's position and heading (0: east, 1: south, 2: west, 3: north)."""
    row, column = grid.squares[square]
    ax.plot(column, row, marker=[">", "v", "<", "^"][heading], ms=size, color=color, mec="white", mew=0.6)


def agents(ax: Axes, scores: dict[str, dict[str, float]]) -> None:
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


def close_up(ax: Axes, grid: Geometry, food: int, poison: int) -> None:
    """A maze without its outer walls: squares outlined, room for labels around them, food and poison."""
    rows, columns = np.array(grid.squares).T
    for row, column in grid.squares:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fc="white", ec="0.8", lw=0.5))
    for square, name, mark in ((food, "food", "P"), (poison, "poison", "X")):
        ax.plot(columns[square], rows[square], mark, ms=9, color=PALETTE[name], mec="none")
    ax.set(xlim=(columns.min() - 1.3, columns.max() + 1.3), ylim=(rows.max() + 1.3, rows.min() - 1.3), xticks=[], yticks=[])
    ax.set(aspect="equal", facecolor="0.88")
    ax.spines[:].set_visible(False)


def path(ax: Axes, grid: Geometry, route: Sequence[tuple[int, int]], heading: int, ate: int) -> None:
    """The path of one visit with its direction: an arrow in every square, and the network step at each end and corner.

    route: (square, step at which the agent reached it), from the first square of the visit to the last.  heading: at the start.
    ate: 1 if the visit ends with food, -1 with poison, 0 with neither; a meal is ringed.
    """
    squares = np.array([grid.squares[square] for square, _ in route], float)[:, ::-1]  # x, y
    steps = [step for _, step in route]
    ways = np.diff(squares, axis=0)  # of each move
    aside = KEEP_RIGHT * np.stack([-ways[:, 1], ways[:, 0]], 1)  # to the right of the way; y points down
    points = [squares[0] + aside[0]] if len(ways) else [squares[0]]
    for k in range(1, len(ways)):
        corner = [aside[k - 1], aside[k]] if (ways[k] == -ways[k - 1]).all() else [aside[k - 1] + aside[k]]
        straight = (ways[k] == ways[k - 1]).all()
        points += [squares[k] + (aside[k] if straight else shift) for shift in (corner[:1] if straight else corner)]
    points += [squares[-1] + aside[-1]] if len(ways) else []
    ax.plot(*np.array(points).T, "-", color=PALETTE["evolved"], lw=1.4, solid_joinstyle="round")
    marks = {(1, 0): ">", (0, 1): "v", (-1, 0): "<", (0, -1): "^"}
    for square, way, shift in zip(squares, ways, aside, strict=False):
        ax.plot(*(square + shift + 0.5 * way), marks[tuple(way)], ms=4.5, color=PALETTE["evolved"], mew=0)
    if ate:
        ax.plot(*squares[-1], "o", ms=15, mfc="none", mec=PALETTE["food" if ate > 0 else "poison"], mew=1.2)
    agent(ax, grid, route[0][0], heading, size=6)
    _times(ax, squares, steps, ways, {(column, row) for row, column in grid.squares})


def _times(ax: Axes, squares: np.ndarray, steps: Sequence[int], ways: np.ndarray, free: set[tuple[int, int]]) -> None:
    """The network steps at which a path begins, turns and ends, in the wall beside it; times at one place share a label."""
    labels: dict[tuple[float, float], list[int]] = {}
    last = len(squares) - 1
    first = -ways[0] if last else np.array([-1.0, 0.0])
    for k, step in enumerate(steps):
        if 0 < k < last and (ways[k] == ways[k - 1]).all():
            continue
        away = ways[k - 1] if k else first
        sides = [np.array(side) for side in (away, away[::-1], -away[::-1], -away)]
        wall = [side for side in sides if tuple(np.rint(squares[k] + side).astype(int)) not in free]
        x, y = squares[k] + 0.85 * (wall or sides)[0]
        labels.setdefault((float(x), float(y)), []).append(int(step))
    for (x, y), times in labels.items():
        ax.text(x, y, "\n".join(map(str, times)), ha="center", va="center")


def key(ax: Axes) -> None:
    """The legend of mazes with paths, in axes of its own."""
    blue = PALETTE["evolved"]
    marks = {
        "food": Line2D([], [], marker="P", ms=9, color=PALETTE["food"], mec="none", lw=0),
        "poison": Line2D([], [], marker="X", ms=9, color=PALETTE["poison"], mec="none", lw=0),
        "ring: eaten": Line2D([], [], marker="o", ms=11, mfc="none", mec="0.4", mew=1.2, lw=0),
        "agent at the beginning": Line2D([], [], marker=">", ms=6, color=blue, mec="white", mew=0.6, lw=0),
        "its path, in the direction of the arrows": Line2D([], [], color=blue, lw=1.4),
        "number: network step at which it is there": Line2D([], [], marker="$28$", ms=9, color="k", mew=0, lw=0),
    }
    ax.legend(marks.values(), marks, loc="center left", borderaxespad=0, labelspacing=0.9)
    ax.axis("off")
