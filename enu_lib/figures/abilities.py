"""Panels of abilities: battery measures of several agents, one row per measure, one mark per agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from enu_lib.figures.style import PALETTE, marks

MARKS = {  # scripted agents: marker, colour (none of them that of food or poison)
    "looking": ("^", "#56b4e9"),
    "looking-once": (">", "#7055f6"),
    "once-bitten": ("P", "#8c564b"),
    "memory-only": ("s", "#c9a400"),
    "latch": ("X", "#262626"),
    "alternating": ("d", "#cc78bc"),
    "fixed-arm": ("v", "#949494"),
}


def measures(ax: Any, agents: Mapping[str, Mapping[str, Any]], keys: Mapping[str, str]) -> None:
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


def table(agents: Mapping[str, Mapping[str, Any]], keys: Iterable[str]) -> pd.DataFrame:
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
