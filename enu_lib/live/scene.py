"""The state of an episode as HTML and SVG: the maze, the inputs, all outputs so far, the synapses' memories.

Moving elements have the attribute data-part=NAME for the page's script; explorers redraw everything at each step.
Rows of outputs: sensors, reward, hidden neurons, output neurons.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from torch import Tensor

from enu_lib.figures.networks import neuron_names, short_name
from enu_lib.figures.style import PALETTE
from enu_lib.network import Connections
from enu_lib.tasks.geometry import Geometry

SQUARE = 20  # SVG units per square of the maze
ROW = 13  # pixels per row of outputs
N_INPUTS = 4  # three sensors and the reward neuron


def kinds(rows: int, n_outputs: int = 3) -> list[str]:
    """The colour of each row of outputs, as a key of the palette; the reward's is that of food."""
    return ["input"] * 3 + ["food"] + ["memory"] * (rows - N_INPUTS - n_outputs) + ["evolved"] * n_outputs


def center(grid: Geometry, square: int) -> tuple[int, int]:
    """The centre of a square in SVG units, (x, y)."""
    row, column = grid.squares[square]
    return SQUARE * column + SQUARE // 2, SQUARE * row + SQUARE // 2


def trail(grid: Geometry, squares: Sequence[int]) -> str:
    """SVG path data of a path over squares."""
    points = (center(grid, square) for square in squares)
    return "".join(f"{'L' if i else 'M'}{x} {y}" for i, (x, y) in enumerate(points))


def maze(grid: Geometry, where: Sequence[int], alive: bool, walked: Sequence[int], text: str) -> str:
    """The maze from above as SVG: food is a plus, poison a cross, the agent an arrowhead.

    where: the agent's square and heading, the squares of food and poison.  walked: squares since the last meal.
    text: alternative text.
    """
    square, heading, food, poison = where
    columns, rows = [column for _, column in grid.squares], [row for row, _ in grid.squares]
    box = (SQUARE * min(columns) - 4, SQUARE * min(rows) - 4)
    size = (SQUARE * (max(columns) + 1) + 4 - box[0], SQUARE * (max(rows) + 1) + 4 - box[1])
    floor = "".join(
        f'<rect class="enu-floor" x="{SQUARE * c}" y="{SQUARE * r}" width="{SQUARE}" height="{SQUARE}"/>'
        for r, c in grid.squares
    )

    def mark(name: str, at: int, d: str) -> str:
        x, y = center(grid, at)
        place = f'class="enu-mark" style="stroke:var(--{name})" transform="translate({x} {y})"'
        return f'<path data-part="{name}" {place} d="{d}"/>'

    x, y = center(grid, square)
    return (
        f'<svg class="enu-maze" viewBox="{box[0]} {box[1]} {size[0]} {size[1]}" role="img" aria-label="{escape(text)}">{floor}'
        f'<path data-part="trail" class="enu-trail" d="{trail(grid, walked)}"/>'
        f"{mark('food', food, 'M-5 0H5M0 -5V5')}{mark('poison', poison, 'M-4 -4L4 4M-4 4L4 -4')}"
        f'<path data-part="agent" class="enu-agent" data-alive="{int(alive)}" d="M-6 -6L8 0L-6 6L-3 0Z" '
        f'transform="translate({x} {y}) rotate({90 * heading})"/></svg>'
    )


def gauges(sensors: Sequence[float], reward: float, energy: float, meanings: Sequence[str] = ()) -> str:
    """The current inputs and the energy (proportion of its maximum) as bars, in HTML.

    meanings: what each sensor shows, written beside its name.
    """
    rows = [(f"sensor {i + 1}", v, "input") for i, v in enumerate(sensors)]
    rows += [("reward", abs(reward), "food" if reward >= 0 else "poison"), ("energy", energy, "target")]
    shown = {f"sensor {i + 1}": f': <b data-part="meaning {i + 1}">{escape(m)}</b>' for i, m in enumerate(meanings)}
    bars = "".join(
        f'<span>{name}{shown.get(name, "")}</span><span class="enu-bar"><i data-part="{name}" '
        f'style="width:{100 * min(1.0, max(0.0, v)):.0f}%;background:var(--{color})"></i></span>'
        for name, v, color in rows
    )
    said = "; ".join(f"{name} {v:.2f}" for name, v, _ in rows)
    return f'<div class="enu-gauges" role="img" aria-label="{said}">{bars}</div>'


def raster(outputs: np.ndarray, meals: Sequence[tuple[int, int]], t: int, text: str) -> str:
    """All outputs over time, with a cursor at step `t`, as HTML.

    outputs (4 + N, T) in 0..1, the reward's row in -1..1, zero for future steps.  meals: (step, +1 food or -1 poison).
    """
    rows, steps = outputs.shape
    labels = "".join(f"<span>{name}</span>" for name in ["meals", *neuron_names(rows - N_INPUTS)])
    eaten = "".join(
        f'<path class="enu-line" style="stroke:var(--{"food" if sign > 0 else "poison"})" d="M{step} 0.05v0.85"/>'
        for step, sign in meals
    )
    return (
        f'<div class="enu-raster" role="img" aria-label="{escape(text)}"><div class="enu-names">{labels}</div>'
        f'<div><svg viewBox="0 0 {steps} {rows + 1}" preserveAspectRatio="none" style="height:{ROW * (rows + 1)}px">{eaten}'
        f'<image x="0" y="1" width="{steps}" height="{rows}" preserveAspectRatio="none" href="{_image(outputs)}"/>'
        f'<path data-part="cursor" class="enu-cursor" d="M0 0V{rows + 1}" transform="translate({t} 0)"/></svg>'
        f'<div class="enu-ends"><span>0</span><span>network step</span><span>{steps}</span></div></div></div>'
    )


def _image(outputs: np.ndarray) -> str:
    """Outputs as a PNG data URL: colour by kind of neuron, opacity by value; enlarged, since browsers smooth pixels."""
    rows, steps = outputs.shape
    rgba = np.empty((rows, steps, 4), np.uint8)
    for row, kind in enumerate(kinds(rows)):
        rgba[row, :, :3] = _rgb(kind)
    rgba[3, outputs[3] < 0, :3] = _rgb("poison")
    rgba[..., 3] = np.rint(255 * np.abs(outputs).clip(0, 1))
    pixels = rgba.repeat(6, 0).repeat(2, 1)
    pixels[5::6, :, 3] = 0  # a gap between rows
    data = io.BytesIO()
    plt.imsave(data, pixels, format="png", pil_kwargs={"compress_level": 1})
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def _rgb(name: str) -> list[int]:
    return [int(PALETTE[name][i : i + 2], 16) for i in (1, 3, 5)]


def matrix(
    connections: Connections,
    outputs: Sequence[float] | np.ndarray,
    memories: np.ndarray | Tensor,
    share: float,
    n_outputs: int = 3,
) -> str:
    """The synapses' memories (presynaptic neurons along x, postsynaptic along y) and all current outputs, as HTML.

    outputs (4 + N,) in 0..1; memories (N, S) in -1..1: projections onto the principal axis, which explains `share` of the
    variance.  Several synapses between the same neurons divide their square.
    """
    neurons, size, left, top = len(connections), 22, 34, 40
    labels = neuron_names(neurons, n_outputs)
    width, height = left + size * len(labels) + 2, top + size * neurons + 2
    parts = []
    for j, name in enumerate(labels):
        x = left + size * j + size / 2
        parts.append(f'<text x="{x}" y="12" class="enu-c">{short_name(name)}</text>{_lamp(name, x, 26, outputs[j], j)}')
    for i, row in enumerate(connections):
        y, number = top + size * i, N_INPUTS + i
        name = labels[number]
        parts.append(f'<text x="2" y="{y + 15}">{short_name(name)}</text>{_lamp(name, 25, y + 11, outputs[number], number)}')
        for k, source in enumerate(row):
            many, before = row.count(source), row[:k].count(source)
            x = left + size * source + 1 + before * (size - 2) / many
            value = float(memories[i][k])
            parts.append(
                f'<rect data-synapse="{i * len(row) + k}" class="enu-synapse" x="{x:g}" y="{y + 1}" '
                f'width="{(size - 2) / many:g}" height="{size - 2}" style="{synapse_style(value)}"/>'
            )
    text = f"Memories of {neurons * len(connections[0])} synapses, by presynaptic (x) and postsynaptic neuron (y)"
    return (
        f'<div class="enu-panel"><svg class="enu-matrix" viewBox="0 0 {width} {height}" role="img" aria-label="{text}">'
        f'{"".join(parts)}</svg><p class="enu-note">Squares: synapses from the neuron at the top to the neuron at the left; '
        f"colour: memory on its first principal axis (blue +, orange &#8722;; {share:.0%} of the variance). "
        "Circles: current outputs.</p></div>"
    )


def synapse_style(value: float) -> str:
    """CSS colour of a synapse with a projected memory `value` in -1..1."""
    return f"fill:var(--{'evolved' if value >= 0 else 'memory'});fill-opacity:{abs(value):.2f}"


def _lamp(name: str, x: float, y: float, value: float, number: int) -> str:
    kind = {"s": "input", "r": "food", "h": "memory", "o": "evolved"}[name[0]]
    color = "poison" if value < 0 else kind
    style = f"fill:var(--{color});fill-opacity:{abs(value):.2f}"
    return f'<circle data-neuron="{number}" class="enu-lamp" cx="{x:g}" cy="{y:g}" r="7" style="{style}"/>'
