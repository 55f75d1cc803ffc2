"""A two-column figure rearranged for a narrow screen: its panels one below the other, one column wide."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from enu_lib.figures.style import COLUMN

NAME = 20  # characters of a row's name before it is broken
TEXT = 50  # characters of a title or a label before it is broken
LINE, ROW = 0.125, 0.175  # inches: height of a line of text, and of a row of a legend
LOW = 0.9  # inches: axes between half this height and this height are raised to it


class Size(NamedTuple):
    """Size of a panel in inches."""

    width: float  # of the axes
    height: float
    around_width: float  # of what is drawn around them: labels, title
    around_height: float


def stack(figure: Figure) -> None:
    """Arrange a figure's panels one below the other, `COLUMN` inches wide, in the order in which they were made.

    Panels keep their heights, and narrow ones stay in pairs.  Legends and names that are too wide are wrapped.  A figure that
    is no wider than a column is left unchanged.
    """
    if figure.get_figwidth() <= COLUMN + 0.01:
        return
    figure.draw_without_rendering()
    panels = [ax for ax in figure.axes if ax.get_subplotspec() is not None]
    sizes = {ax: _size(ax) for ax in panels}
    extra = _legends(figure) + sum(_legend_above(ax, sizes[ax]) for ax in panels)
    for ax in panels:
        _break_texts(ax)
        # tick labels that panels of a row or column shared are now drawn at each panel with an axis label
        if ax.get_ylabel():
            ax.tick_params(labelleft=True)
        if ax.get_xlabel() and ax.xaxis.get_ticks_position() == "bottom":
            ax.tick_params(labelbottom=True)
    rows = _rows(panels, sizes)
    paired = any(len(row) == 2 for row in rows)
    # a narrow panel without a partner, if drawn to scale, gets the width of a paired one, and so the same scale
    columns = [2 if paired and row[0].get_aspect() != "auto" and _narrow(sizes[row[0]]) else len(row) for row in rows]
    heights = [max(_height(ax, sizes[ax], many) for ax in row) for row, many in zip(rows, columns, strict=True)]
    around = [max(sizes[ax].around_height for ax in row) + 0.08 for row in rows]
    figure.set_size_inches(COLUMN, sum(heights) + sum(around) + extra)
    grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
    for k, row in enumerate(rows):
        alone = len(row) == 1 and row[0].get_aspect() == "auto"  # these are aligned with each other; others get the whole width
        inner = grid[k].subgridspec(1, columns[k])
        for j, ax in enumerate(row):
            ax.set_subplotspec(grid[k] if alone else inner[j])


def _size(ax: Axes) -> Size:
    dpi = ax.figure.dpi
    inner, outer = ax.get_window_extent(), ax.get_tightbbox()
    assert outer is not None
    return Size(inner.width / dpi, inner.height / dpi, (outer.width - inner.width) / dpi, (outer.height - inner.height) / dpi)


def _narrow(size: Size) -> bool:
    return size.width + size.around_width <= COLUMN / 2


def _rows(panels: Sequence[Axes], sizes: dict[Axes, Size]) -> list[list[Axes]]:
    """The panels in rows of one, or of two narrow neighbours."""
    rows: list[list[Axes]] = []
    for ax in panels:
        if _narrow(sizes[ax]) and rows and len(rows[-1]) == 1 and _narrow(sizes[rows[-1][0]]):
            rows[-1].append(ax)
        else:
            rows.append([ax])
    return rows


def _height(ax: Axes, size: Size, many: int) -> float:
    """Height in inches of a panel's axes in a row of `many` panels: as before, or as needed for their aspect or row names."""
    if ax.get_aspect() != "auto":
        return size.height / size.width * (COLUMN / many - min(size.around_width, 0.6))
    lines = [1 + label.get_text().count("\n") for label in ax.get_yticklabels()]
    needed = len(lines) * max(lines) * LINE if max(lines, default=1) > 1 else 0.0
    return max(size.height, needed, LOW if size.height > LOW / 2 else size.height)


def _break_texts(ax: Axes) -> None:
    """Break the names of rows, and a title or label, into lines that fit a column."""
    if isinstance(ax.yaxis.get_major_locator(), FixedLocator):  # other locators have numbers as labels, in TeX on a log axis
        names = [label.get_text() for label in ax.get_yticklabels()]
        if any(len(line) > NAME for name in names for line in name.split("\n")):
            ax.set_yticks(ax.get_yticks(), [textwrap.fill(name, NAME) for name in names])
    for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
        text.set_text("\n".join(textwrap.fill(line, TEXT) for line in text.get_text().split("\n")))


def _legends(figure: Figure) -> float:
    """Put the figure's own legends above all panels, in columns that fit; returns the height that they take, in inches."""
    taken = 0.0
    for legend in list(figure.legends):
        labels = [text.get_text() for text in legend.get_texts()]
        columns = _columns(labels, COLUMN)
        handles: Any = legend.legend_handles
        figure.legend(handles, labels, loc="outside upper center", ncols=columns)
        legend.remove()
        taken += ROW * math.ceil(len(labels) / columns)
    return taken


def _columns(labels: Sequence[str], width: float) -> int:
    """How many columns of a legend with these labels fit a width in inches."""
    return max(1, int(width / (0.35 + 0.058 * max(map(len, labels)))))


def _legend_above(ax: Axes, size: Size) -> float:
    """Put a panel's legend above its axes if it is wider than they will be; returns the height that it adds, in inches."""
    legend = ax.get_legend()
    if legend is None:
        return 0.0
    width = COLUMN - size.around_width
    if legend.get_window_extent().width / ax.figure.dpi <= width - 0.2:
        return 0.0
    labels = [text.get_text() for text in legend.get_texts()]
    drawn, names = ax.get_legend_handles_labels()
    known = dict(zip(names, drawn, strict=True))
    handles: list[Any] = [known.get(label, handle) for label, handle in zip(labels, legend.legend_handles, strict=True)]
    columns = _columns(labels, width - 0.2)
    ax.legend(handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns)
    return ROW * (math.ceil(len(labels) / columns) - 1)
