"""Panels of abilities of several agents: battery measures, one row each, and shares of visits around an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from enu_lib.analysis.measures import Measure
from enu_lib.figures.style import PALETTE, Look, better, marks

MARKS = {  # scripted agents: marker, colour (none of them that of food or poison)
    "looking": ("^", "#56b4e9"),
    "looking-once": (">", "#7055f6"),
    "once-bitten": ("P", "#8c564b"),
    "memory-only": ("s", "#c9a400"),
    "latch": ("X", "#262626"),
    "alternating": ("d", "#cc78bc"),
    "fixed-arm": ("v", "#949494"),
}


def measures(ax: Axes, agents: Mapping[str, Mapping[str, Measure]], keys: Mapping[str, str]) -> None:
    """Measures with their intervals.  agents: {agent: {key: Measure}}.  keys: {key: label of the row}.

    Agents in `MARKS` have marks of their own.  All others are networks: blue circles, the first of them filled; the open ones
    share one legend entry.  Measures without any event are left out.
    """
    networks = [name for name in agents if name not in MARKS]
    offsets = np.linspace(-0.34, 0.34, len(agents))
    for offset, (name, of) in zip(offsets, agents.items(), strict=True):
        mark, color = MARKS.get(name, ("o", PALETTE["evolved"]))
        face = "white" if name in networks[1:] else color
        label = {0: name, 1: f"{len(networks) - 1} other networks"}.get(networks.index(name), "") if name in networks else name
        shown = [(y, of[key]) for y, key in enumerate(keys) if of[key].n]
        y = np.array([y for y, _ in shown]) + offset
        value, low, high = (np.array([getattr(m, part) for _, m in shown]) for part in ("value", "low", "high"))
        ax.hlines(y, low, high, color=color, lw=0.9)
        marks(ax, value, y, mark, ms=4, mfc=face, mec=color, mew=0.7, label=label, zorder=3)
    ax.set_yticks(range(len(keys)), list(keys.values()))
    ax.set(ylim=(len(keys) - 0.5, -0.5))
    ax.hlines(np.arange(1, len(keys)) - 0.5, *ax.get_xlim(), color="0.9", lw=0.5, zorder=0)
    ax.tick_params(axis="y", length=0)


def around(ax: Axes, agents: Mapping[str, Mapping[int, Measure]], named: Sequence[str] = (), event: str = "the event") -> None:
    """Shares of visits that end with food, by their number after an event, with their intervals.

    agents: {agent: {number: Measure}}; number -1 is the last visit before the event, 1 the first after it.  Scripted agents
    (`MARKS`) and the networks `named` have lines of their own: of the latter, the first is solid and the others are dashed.
    All other networks are thin lines without intervals that share one legend entry.
    """
    thin = [name for name in agents if name not in MARKS and name not in named]
    for name, of in agents.items():
        known = {_place(k): m for k, m in of.items() if m.n}
        x = np.array([*known])
        value, low, high = (np.array([getattr(m, part) for m in known.values()]) for part in ("value", "low", "high"))
        if name in thin:
            label = f"{len(thin)} other networks" if name == thin[0] else ""
            ax.plot(x, value, color=PALETTE["evolved"], lw=0.6, alpha=0.5, label=label)
            continue
        mark, color = MARKS.get(name, ("o", PALETTE["evolved"]))
        scripted, first = name in MARKS, name in named[:1]
        ax.vlines(x, low, high, color=color, lw=0.8)
        style: Look = {"lw": 0.8 if scripted else 1.6, "ls": "-" if scripted or first else "--", "ms": 4, "clip_on": False}
        ax.plot(x, value, mark, color=color, mfc=color if scripted or first else "white", label=name, zorder=3, **style)
    ax.axvline(0, color="0.6", lw=0.8, ls=":")
    every = sorted({k for of in agents.values() for k in of})
    ax.set_xticks([_place(k) for k in every], [*map(str, every)])
    ax.set(ylim=(-0.03, 1.03), xlabel=f"visit before (-1: the last) or after (1: the first) {event}")
    ax.set_ylabel(better("share that ends with food", up=True))


def _place(number: int) -> float:
    """Visits before and after the event lie on the two sides of 0; there is no visit 0."""
    return number - 0.5 if number > 0 else number + 0.5


def table(agents: Mapping[str, Mapping[str, Measure]], keys: Iterable[str]) -> pd.DataFrame:
    """The measures drawn, one row for each agent and measure; the value is NaN if there was no event."""
    rows = [
        {
            "agent": name,
            "measure": of[key].text,
            "value": of[key].value,
            "low": of[key].low,
            "high": of[key].high,
            "n": of[key].n,
        }
        for key in keys
        for name, of in agents.items()
    ]
    return pd.DataFrame(rows)


def around_table(agents: Mapping[str, Mapping[int, Measure]]) -> pd.DataFrame:
    """The shares that `around` draws, one row for each agent and number of a visit."""
    rows = [
        {"agent": name, "visit": k, "share": m.value, "low": m.low, "high": m.high, "n": m.n}
        for name, of in agents.items()
        for k, m in of.items()
    ]
    return pd.DataFrame(rows)
