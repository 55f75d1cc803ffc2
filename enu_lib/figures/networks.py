"""Panels of units and networks: schematics, graph, connection table, one episode."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from enu_lib.figures.style import PALETTE


def _box(ax: Any, x: float, y: float, text: str, color: str, width: float = 1.5, height: float = 0.62) -> None:
    style = "round,pad=0.02,rounding_size=0.1"
    patch = FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle=style, fc=color, ec="0.25", lw=0.8)
    ax.add_patch(patch)
    ax.text(x, y, text, ha="center", va="center", fontsize=6.5)


def _arrow(ax: Any, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0, color: str = "0.25") -> None:
    shape = f"arc3,rad={bend}"
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=7, lw=0.9, color=color, connectionstyle=shape))


def enu_schematic(ax: Any) -> None:
    """The evolvable neural unit: gates, memory, clipped output and its feedback (Fig. 1)."""
    light = {"gate": "#cfe3f1", "memory": "#fbe3bf", "out": "#d9efe6"}
    _box(ax, 0.9, 1.5, "input $x_t$", "white", 1.3)
    _box(ax, 3.0, 2.6, "update gate\n$z=\\sigma(3a_z)$", light["gate"])
    _box(ax, 3.0, 1.5, "reset gate\n$r=\\sigma(3(a_r-1))$", light["gate"], 1.7)
    _box(ax, 3.0, 0.4, "cell gate\n$c=\\tanh(3a_c)$", light["gate"])
    _box(ax, 5.6, 1.5, "memory\n$h\\leftarrow(1-z)h+zc$", light["memory"], 1.9)
    _box(ax, 8.2, 1.5, "output gate\n$o=\\mathrm{clip}(hW_o,0,1)$", light["out"], 1.9)
    for y in (2.6, 1.5, 0.4):
        _arrow(ax, (1.55, 1.5), (2.2 if y != 1.5 else 2.15, y))
        _arrow(ax, (3.77 if y != 1.5 else 3.87, y), (4.63, 1.5))
    _arrow(ax, (6.57, 1.5), (7.23, 1.5))
    _arrow(ax, (9.17, 1.5), (9.9, 1.5))
    for x, edge, level, text, color in (
        (8.2, 1.15, -0.35, "feedback of the output, $o_{t-1}$", PALETTE["post"]),
        (5.6, 1.85, 3.35, "memory, $h_{t-1}$", PALETTE["memory"]),
    ):
        ax.plot([x, x, 0.9], [edge, level, level], color=color, lw=0.9)
        _arrow(ax, (0.9, level), (0.9, edge), color=color)
        ax.text((x + 0.9) / 2, level + 0.08, text, ha="center", va="bottom", fontsize=6.5, color=color)
    ax.set(xlim=(0, 10), ylim=(-0.6, 3.8))
    ax.axis("off")


def neuron_schematic(ax: Any) -> None:
    """A neuron whose synapses and soma are units: circles are neurons, squares synapses (Fig. 1)."""
    for i, y in enumerate((2.4, 1.2, 0.0)):
        ax.add_patch(Circle((0.4, y), 0.28, fc="white", ec="0.25", lw=0.8))
        ax.text(0.4, y, f"$x_{i + 1}$", ha="center", va="center", fontsize=7)
        _arrow(ax, (0.7, y), (1.4, y))
        _box(ax, 1.8, y, "ENU", "#d9efe6", 0.7, 0.5)
        _arrow(ax, (2.2, y), (3.35, 1.2 + 0.25 * (1 - i)))
    ax.add_patch(Circle((3.9, 1.2), 0.5, fc="#cfe3f1", ec="0.25", lw=0.8))
    ax.text(3.9, 1.2, "ENU", ha="center", va="center", fontsize=7)
    _arrow(ax, (4.42, 1.2), (5.2, 1.2))
    _arrow(ax, (3.9, 0.65), (1.8, -0.28), bend=-0.25, color=PALETTE["post"])
    ax.text(3.75, -0.45, "postsynaptic\nfeedback", ha="center", fontsize=6.5, color=PALETTE["post"])
    ax.text(1.8, 2.95, "synapses", ha="center")
    ax.text(3.9, 2.0, "neuron", ha="center")
    ax.set(xlim=(0, 5.3), ylim=(-0.9, 3.3), aspect="equal")
    ax.axis("off")


def network(ax: Any, net: Any) -> None:
    """A network as a graph: circles are neurons, squares are synapses; both are ENUs (Fig. 2)."""
    hidden = net.neurons - net.n_outputs
    names = [f"sensor {i + 1}" for i in range(net.n_inputs - 1)] + ["reward"]
    names += [f"hidden {i + 1}" for i in range(hidden)] + [f"output {i + 1}" for i in range(net.n_outputs)]
    layer = [0] * net.n_inputs + [1] * hidden + [2] * net.n_outputs
    sizes = [layer.count(k) for k in range(3)]
    seen, place = [0, 0, 0], []
    for k in layer:
        place.append((3.2 * k, (sizes[k] - 1) / 2 * 1.35 - 1.35 * seen[k]))
        seen[k] += 1
    colors = [PALETTE["input"], PALETTE["memory"], PALETTE["evolved"]]
    for i, row in enumerate(net.connections):
        x1, y1 = place[net.n_inputs + i]
        for source in row:
            x0, y0 = place[source]
            if (x0, y0) == (x1, y1):
                loop = Circle((x1, y1 + 0.42), 0.2, fc="none", ec="0.6", lw=0.6, zorder=0)
                ax.add_patch(loop)
                ax.plot(x1, y1 + 0.62, "s", ms=2.6, color="0.35", zorder=2)
                continue
            bend = 0.22 if x0 >= x1 else -0.04
            style = f"arc3,rad={bend}"
            line = FancyArrowPatch((x0, y0), (x1, y1), arrowstyle="-", connectionstyle=style, lw=0.5, color="0.6", zorder=0)
            ax.add_patch(line)
            t = 0.68
            control = np.array([(x0 + x1) / 2 + bend * (y1 - y0), (y0 + y1) / 2 - bend * (x1 - x0)])
            point = (1 - t) ** 2 * np.array([x0, y0]) + 2 * t * (1 - t) * control + t**2 * np.array([x1, y1])
            ax.plot(*point, "s", ms=2.6, color="0.35", zorder=2)
    for name, k, (x, y) in zip(names, layer, place, strict=True):
        ax.add_patch(Circle((x, y), 0.33, fc="white", ec=colors[k], lw=1.4, zorder=3))
        ax.text(x, y, name.split()[0][0].upper() + name[-1] if name != "reward" else "R", ha="center", va="center", zorder=4)
    for k, text in enumerate(("input neurons", "hidden neurons", "output neurons")):
        ax.text(3.2 * k, max(sizes) / 2 * 1.35 + 0.25, text, ha="center")
    ax.set(xlim=(-0.8, 7.2), ylim=(-max(sizes) / 2 * 1.35 - 0.2, max(sizes) / 2 * 1.35 + 0.6), aspect="equal")
    ax.axis("off")


def connections(ax: Any, net: Any) -> None:
    """The connection table: presynaptic neurons along x, postsynaptic neurons along y."""
    table = np.zeros((net.neurons, net.n_inputs + net.neurons))
    for i, row in enumerate(net.connections):
        for source in row:
            table[i, source] += 1
    ax.pcolormesh(table, cmap="Blues", vmin=0, vmax=5, edgecolor="0.9", lw=0.5)  # the same shade for as many in all tables
    for i, j in np.argwhere(table > 1):
        ax.text(j + 0.5, i + 0.5, f"{int(table[i, j])}", ha="center", va="center", fontsize=6)
    ax.set(aspect="equal", ylim=(net.neurons, 0))
    n = net.n_inputs
    hidden = net.neurons - net.n_outputs
    ends = [f"S{i + 1}" for i in range(n - 1)] + ["R"]
    inner = [f"H{i + 1}" for i in range(hidden)] + [f"O{i + 1}" for i in range(net.n_outputs)]
    ax.set_xticks(np.arange(n + net.neurons) + 0.5, ends + inner)
    ax.set_yticks(np.arange(net.neurons) + 0.5, inner)
    ax.set(xlabel="presynaptic neuron", ylabel="postsynaptic neuron")
    ax.tick_params(length=0)


def table(ax: Any, values: Any, rows: list[str], title: str, split: int | None = None, high: float = 1.0) -> None:
    """A matrix with its values as text; `split`: draw a line before that column."""
    v = np.asarray(values)
    ax.imshow(v, cmap="Blues", vmin=0, vmax=high * 1.5, aspect="auto")
    for (i, j), x in np.ndenumerate(v):
        ax.text(j, i, f"{x:.2f}".replace("0.", ".") if 0 < x < 1 else f"{x:.0f}", ha="center", va="center", fontsize=5.5)
    if split:
        ax.axvline(split - 0.5, color="k", lw=0.8)
    ax.set_yticks(range(len(v)), rows)
    ax.set_xticks([])
    ax.set_xlabel(title)
    ax.tick_params(length=0)


def episode(ax: Any, x: Any, y: Any, ate: Any) -> None:
    """One episode: traces of sensors, rewards and outputs over time; triangles mark meals (up: food, down: poison).

    x (T, 4, 3), y (T, 3), ate (T,).  All traces share the scale at the right.
    """
    x, y, ate = (np.asarray(v) for v in (x, y, ate))
    traces = np.concatenate([x[:, :3, 0].T, x[:, 3, 1:3].T, y.T])
    names = ["sensor 1", "sensor 2", "sensor 3", "reward +", "reward -", "output 1", "output 2", "output 3"]
    colors = ["0.3"] * 3 + [PALETTE["food"], PALETTE["poison"]] + [PALETTE["evolved"]] * 3
    for k, (trace, color) in enumerate(zip(traces, colors, strict=True)):
        ax.plot(k + 0.4 - 0.8 * trace, color=color, lw=0.7, drawstyle="default" if k > 4 else "steps-post")
    for sign, mark, name in ((1, "^", "food"), (-1, "v", "poison")):
        steps = np.flatnonzero(ate == sign)
        ax.plot(steps, np.full(len(steps), -0.9), mark, ms=4, color=PALETTE[name], clip_on=False, label=name, lw=0)
    end = len(y) * 1.01
    ax.plot([end, end], [7.4, 6.6], color="k", lw=1, clip_on=False)
    ax.text(end * 1.005, 7.0, "0 to 1", fontsize=6, va="center")
    ax.set_yticks(range(8), names)
    ax.set(xlabel="time (network steps)", xlim=(0, end), ylim=(7.6, -0.6))
    ax.tick_params(axis="y", length=0)
