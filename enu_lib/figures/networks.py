"""Panels of units and networks: schematics, graph, connection table, one episode."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from numpy.typing import ArrayLike

from enu_lib.figures.style import PALETTE, Look, marks, trace_axes
from enu_lib.network import Network


def _box(ax: Axes, x: float, y: float, text: str, color: str, width: float = 1.5, height: float = 0.62) -> None:
    style = "round,pad=0.02,rounding_size=0.1"
    patch = FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle=style, fc=color, ec="0.25", lw=0.8)
    ax.add_patch(patch)
    ax.text(x, y, text, ha="center", va="center")


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0, color: str = "0.25") -> None:
    shape = f"arc3,rad={bend}"
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=7, lw=0.9, color=color, connectionstyle=shape))


# the parts of the unit, and what it feeds back: text and colour
_PARTS = {
    "a": ("with bias 1:\n$a=[x_t,o_{t-1},h_{t-1},1]$", "white"),
    "z": ("update gate\n$z=\\sigma(3\\,aW_z)$", "#cfe3f1"),
    "r": ("reset gate\n$r=\\sigma(3\\,(aW_r-1))$", "#cfe3f1"),
    "c": ("cell gate\n$c=\\tanh(3\\,a_rW_c)$", "#cfe3f1"),
    "h": ("memory\n$h_t=(1-z)\\,h_{t-1}+z\\,c$", "#fbe3bf"),
    "o": ("output gate\n$u=g\\,[h_t,1]\\,W_o$\n$o_t=\\mathrm{clip}(u,0,1)$", "#d9efe6"),
}
_FEEDBACK = {
    "o": ("feedback of the output, $o_{t-1}$", PALETTE["post"]),
    "h": ("feedback of the memory, $h_{t-1}$", PALETTE["memory"]),
}


def _part(ax: Axes, name: str, x: float, y: float, width: float, height: float, broken: tuple[str, str] = ("", "")) -> None:
    """A part of the unit; broken: what is replaced in its text to break a line."""
    text, color = _PARTS[name]
    _box(ax, x, y, text.replace(*broken, 1) if broken[0] else text, color, width, height)


def enu_schematic(ax: Axes) -> None:
    """The evolvable neural unit: gates with biases, memory, output with its gain, and both feedbacks (Fig. 1)."""
    _arrow(ax, (-0.5, 1.5), (0.05, 1.5))
    ax.text(-0.55, 1.5, "$x_t$", ha="right", va="center", fontsize=8)
    _part(ax, "a", 1.15, 1.5, 2.1, 1.05, ("h_{", "$\n$h_{"))
    _part(ax, "z", 4.35, 2.9, 2.6, 0.8)
    _part(ax, "r", 4.35, 1.5, 2.6, 0.8)
    _part(ax, "c", 4.35, 0.1, 2.6, 0.8)
    _part(ax, "h", 7.85, 1.5, 2.4, 1.05, ("+", "$\n$+\\,"))
    _part(ax, "o", 11.2, 1.5, 2.5, 1.05)
    for y in (2.9, 1.5, 0.1):
        _arrow(ax, (2.24, 1.5), (3.06, y))
    for y in (2.9, 0.1):
        _arrow(ax, (5.64, y), (6.6, 1.5))
    _arrow(ax, (4.35, 1.08), (4.35, 0.53))
    ax.text(4.45, 0.82, "$r\\,h_{t-1}$", va="center")
    _arrow(ax, (9.09, 1.5), (9.91, 1.5))
    _arrow(ax, (12.49, 1.5), (13.1, 1.5))
    for x, edge, level, text, color in (
        (11.2, 0.95, -0.75, *_FEEDBACK["o"]),
        (7.85, 2.05, 3.65, *_FEEDBACK["h"]),
    ):
        ax.plot([x, x, 1.15], [edge, level, level], color=color, lw=0.9)
        _arrow(ax, (1.15, level), (1.15, edge), color=color)
        ax.text((x + 1.15) / 2, level + 0.08, text, ha="center", va="bottom", color=color)
    ax.set(xlim=(-1.2, 13.2), ylim=(-0.95, 4.1))
    ax.axis("off")


def tall_enu_schematic(ax: Axes) -> None:
    """The same unit from top to bottom, for a panel one column wide."""
    ax.text(4.2, 1.5, "$x_t$", ha="center", va="bottom", fontsize=8)
    _arrow(ax, (4.2, 1.45), (4.2, 0.65))
    _part(ax, "a", 4.2, 0.0, 3.9, 1.1)
    _part(ax, "z", 1.15, -2.3, 2.5, 1.1)
    _part(ax, "r", 4.2, -2.3, 3.1, 1.1)
    _part(ax, "c", 8.35, -2.3, 2.8, 1.1)
    _part(ax, "h", 4.2, -4.6, 3.9, 1.1)
    _part(ax, "o", 4.2, -7.1, 3.9, 1.5)
    for x in (1.15, 4.2, 8.35):
        _arrow(ax, (4.2, -0.57), (x, -1.7))
    for x in (1.15, 8.35):
        _arrow(ax, (x, -2.87), (4.2, -4.0))
    _arrow(ax, (5.77, -2.3), (6.93, -2.3))
    ax.text(6.35, -2.1, "$r\\,h_{t-1}$", ha="center", va="bottom")
    _arrow(ax, (4.2, -5.17), (4.2, -6.3))
    _arrow(ax, (4.2, -7.87), (4.2, -8.7))
    for y, side, level, align, text, color in (
        (-7.1, 1, 10.2, "right", *_FEEDBACK["o"]),
        (-4.6, -1, -0.6, "left", *_FEEDBACK["h"]),
    ):
        edge = 4.2 + 1.97 * side
        ax.plot([edge, level, level], [y, y, 0], color=color, lw=0.9)
        _arrow(ax, (level, 0), (edge, 0), color=color)
        ax.text(level, 0.15, text.replace(", ", ",\n"), ha=align, va="bottom", color=color)
    ax.set(xlim=(-0.9, 10.5), ylim=(-8.8, 2.2))
    ax.axis("off")


def neuron_schematic(ax: Axes) -> None:
    """A neuron whose synapses and soma are units; its output goes back to every synapse (Fig. 1)."""
    for i, y in enumerate((2.6, 1.2, -0.2)):
        ax.add_patch(Circle((0.4, y), 0.28, fc="white", ec="0.25", lw=0.8))
        ax.text(0.4, y, f"$x_{i + 1}$", ha="center", va="center")
        _arrow(ax, (0.7, y), (1.4, y))
        _box(ax, 1.85, y, "ENU", "#d9efe6", 0.8, 0.56)
        _arrow(ax, (2.32, y + 0.12), (3.72, 1.32 + 0.3 * (1 - i)))
        _arrow(ax, (3.68, 1.08 + 0.3 * (1 - i)), (2.32, y - 0.12), color=PALETTE["post"])
    ax.add_patch(Circle((4.25, 1.2), 0.52, fc="#cfe3f1", ec="0.25", lw=0.8))
    ax.text(4.25, 1.2, "ENU", ha="center", va="center")
    _arrow(ax, (4.8, 1.2), (5.5, 1.2))
    ax.text(3.1, -0.55, "feedback of the neuron\nto each synapse", ha="left", va="center", color=PALETTE["post"])
    ax.text(1.85, 3.2, "synapses", ha="center")
    ax.text(4.25, 1.95, "neuron", ha="center")
    ax.set(xlim=(0, 5.6), ylim=(-0.9, 3.5), aspect="equal")
    ax.axis("off")


def network(ax: Axes, net: Network) -> None:
    """A network as a graph: circles are neurons, squares are synapses, around the neuron that they belong to (Fig. 2)."""
    hidden = net.neurons - net.n_outputs
    layer = [0] * net.n_inputs + [1] * hidden + [2] * net.n_outputs
    sizes = [layer.count(k) for k in range(3)]
    apart, reach = (4.6, 2.3), 0.82  # distances between neurons along x and y; from a neuron to its synapses
    seen, place = [0, 0, 0], []
    for k in layer:
        place.append((apart[0] * k, ((sizes[k] - 1) / 2 - seen[k]) * apart[1]))
        seen[k] += 1
    colors = [PALETTE["input"], PALETTE["memory"], PALETTE["evolved"]]
    for i, row in enumerate(net.connections):
        at = place[net.n_inputs + i]
        for source, square in zip(row, _around(at, [place[source] for source in row], reach), strict=True):
            own = source == net.n_inputs + i
            line: Look = {"arrowstyle": "-", "lw": 0.5, "color": "0.6", "zorder": 0}
            ax.add_patch(FancyArrowPatch(place[source], square, connectionstyle=f"arc3,rad={0.7 if own else 0.06}", **line))
            ax.add_patch(FancyArrowPatch(square, at, connectionstyle="arc3,rad=0", **{**line, "color": "0.25"}))
            ax.plot(*square, "s", ms=3, color="0.25", zorder=2)
    for name, k, (x, y) in zip(short_names(net), layer, place, strict=True):
        ax.add_patch(Circle((x, y), 0.42, fc="white", ec=colors[k], lw=1.4, zorder=3))
        ax.text(x, y, name, ha="center", va="center", zorder=4)
    top = max(sizes) / 2 * apart[1]
    for k, text in enumerate(("input neurons", "hidden neurons", "output neurons")):
        ax.text(apart[0] * k, top + 0.3, text, ha="center")
    ax.set(xlim=(-1.6, 2 * apart[0] + 1.5), ylim=(-top + 0.3, top + 0.9), aspect="equal")
    ax.axis("off")


def _around(at: tuple[float, float], sources: list[tuple[float, float]], reach: float) -> list[tuple[float, float]]:
    """Positions (S, 2) of a neuron's synapses: evenly spaced on a circle, ordered by the direction of their sources."""
    away = np.array(sources) - at
    angle = np.where((away == 0).all(1), np.pi / 2, np.arctan2(away[:, 1], away[:, 0]))
    order = np.argsort(angle, kind="stable")
    even = np.linspace(0, 2 * np.pi, len(sources), endpoint=False)
    turns = np.array([np.abs(np.exp(1j * (even + first)) - np.exp(1j * angle[order])).sum() for first in even - np.pi])
    placed = np.empty(len(sources))
    placed[order] = even + (even - np.pi)[turns.argmin()]
    return list(zip(at[0] + reach * np.cos(placed), at[1] + reach * np.sin(placed), strict=True))


def neuron_names(neurons: int, n_outputs: int = 3, n_inputs: int = 4) -> list[str]:
    """Names of all neurons of a network in their order: sensor 1, .., reward, hidden 1, .., output 1, .."""
    many = {"sensor": n_inputs - 1, "hidden": neurons - n_outputs, "output": n_outputs}
    sensors, hidden, outputs = ([f"{kind} {i + 1}" for i in range(n)] for kind, n in many.items())
    return [*sensors, "reward", *hidden, *outputs]


def short_name(name: str) -> str:
    """The short name of a neuron: S1, R, H1, O1."""
    return name[0].upper() + name.partition(" ")[2]


def short_names(net: Network) -> list[str]:
    """Short names of all neurons of a network in their order."""
    return [short_name(name) for name in neuron_names(net.neurons, net.n_outputs, net.n_inputs)]


def connection_counts(net: Network) -> np.ndarray:
    """Number of synapses from each neuron (columns: inputs first) onto each neuron (rows)."""
    counts = np.zeros((net.neurons, net.n_inputs + net.neurons), int)
    for i, row in enumerate(net.connections):
        np.add.at(counts[i], list(row), 1)
    return counts


def connections(ax: Axes, net: Network) -> None:
    """The connection table: presynaptic neurons along x, postsynaptic neurons along y."""
    counts, names = connection_counts(net), short_names(net)
    ax.pcolormesh(counts, cmap="Blues", vmin=0, vmax=5, edgecolor="0.9", lw=0.5)  # equal shades in all tables
    for i, j in np.argwhere(counts > 1):
        color = "w" if counts[i, j] > 3 else "k"  # on a dark shade
        ax.text(j + 0.5, i + 0.5, f"{counts[i, j]}", ha="center", va="center", color=color)
    ax.set(aspect="equal", ylim=(net.neurons, 0))
    ax.set_xticks(np.arange(len(names)) + 0.5, names)
    ax.set_yticks(np.arange(net.neurons) + 0.5, names[net.n_inputs :])
    ax.set(xlabel="presynaptic neuron", ylabel="postsynaptic neuron")
    ax.tick_params(length=0)


def table(ax: Axes, values: ArrayLike, rows: list[str], title: str, groups: Sequence[str] = ("channel",)) -> None:
    """A matrix with its values as text, channels as columns; groups: headers of equal parts of the columns."""
    v = np.asarray(values)
    each = v.shape[1] // len(groups)
    ax.imshow(v, cmap="Blues", vmin=0, vmax=1.5, aspect="auto")
    for (i, j), x in np.ndenumerate(v):
        ax.text(j, i, _short(x), ha="center", va="center")
    for k, group in enumerate(groups):
        at, within = ((k + 0.5) * each - 0.5, 1), ax.get_xaxis_transform()
        ax.annotate(group, at, (0, 14), xycoords=within, textcoords="offset points", ha="center", va="bottom")
        if k:
            ax.axvline(k * each - 0.5, color="k", lw=0.8)
    ax.set_yticks(range(len(v)), rows)
    ax.set_xticks(range(v.shape[1]), [f"{j % each + 1}" for j in range(v.shape[1])])
    ax.xaxis.tick_top()
    ax.set_xlabel(title)
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)


def renumber(ax: Axes, values: ArrayLike) -> None:
    """Show other values, of the same shape, in a `table`; all else stays as it was drawn."""
    (image,) = ax.images
    image.set_data(values)
    for text, x in zip(ax.texts, np.ravel(values), strict=False):  # the headers come after the values
        text.set_text(_short(x))


def _short(x: float) -> str:
    """A number between 0 and 1 with two decimals and no leading zero; any other without decimals."""
    return f"{x:.2f}".replace("0.", ".") if 0 < x < 1 else f"{x:.0f}"


def flow_arrows(axes: Sequence[Axes], texts: Sequence[str]) -> None:
    """Arrows below a row of tables, from each to the next, labelled with the operation that leads there."""
    figure = axes[0].figure
    assert isinstance(figure, Figure)
    figure.set_layout_engine("constrained", rect=(0, 0.14, 1, 0.86))
    figure.draw_without_rendering()  # lays the figure out, which places the tables
    style: Look = {"arrowstyle": "-|>", "mutation_scale": 8, "lw": 1.0, "shrinkA": 5, "shrinkB": 5}
    middles = [(ax.get_position().x0 + ax.get_position().x1) / 2 for ax in axes]
    for x0, x1, text in zip(middles, middles[1:], texts, strict=False):
        figure.add_artist(
            FancyArrowPatch((x0, 0.11), (x1, 0.11), transform=figure.transFigure, color=PALETTE["evolved"], **style)
        )
        figure.text((x0 + x1) / 2, 0.015, text, ha="center", va="bottom", color=PALETTE["evolved"])


def episode(ax: Axes, x: ArrayLike, y: ArrayLike, ate: ArrayLike, sensors: Sequence[str] = ()) -> None:
    """One episode: traces of sensors, rewards and outputs over time; triangles mark meals (up: food, down: poison).

    x (T, 4, 3), y (T, 3), ate (T,).  sensors: what each of them shows.  All traces share the scale at the right.
    """
    x, y, ate = (np.asarray(v) for v in (x, y, ate))
    traces = np.concatenate([x[:, :3, 0].T, x[:, 3, 1:3].T, y.T])
    names = ["sensor 1", "sensor 2", "sensor 3", "reward: food", "reward: poison", "output 1", "output 2", "output 3"]
    names[: len(sensors)] = [f"{name} ({shows})" for name, shows in zip(names, sensors, strict=False)]
    colors = ["0.3"] * 3 + [PALETTE["food"], PALETTE["poison"]] + [PALETTE["evolved"]] * 3
    for k, (trace, color) in enumerate(zip(traces, colors, strict=True)):
        ax.plot(k + 0.4 - 0.8 * trace, color=color, lw=0.7, drawstyle="default" if k > 4 else "steps-post")
    for sign, mark, name in ((1, "^", "food"), (-1, "v", "poison")):
        steps = np.flatnonzero(ate == sign)
        marks(ax, steps, np.full(len(steps), -0.9), mark, ms=4, color=PALETTE[name], label=name)
    trace_axes(ax, len(y), names)
