"""The style of all figures: sizes, colours, panel letters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

COLUMN, PAGE = 3.5, 7.2  # inches: one column, two columns
PALETTE = {  # colour-blind-safe (seaborn's "colorblind"); each colour has one meaning throughout the book
    "target": "#949494",
    "evolved": "#0173b2",
    "pre": "#029e73",
    "post": "#d55e00",
    "modulator": "#cc78bc",
    "input": "#ca9161",
    "memory": "#de8f05",
    "food": "#029e73",
    "poison": "#d55e00",
}
# hues apart, also to a colour-blind eye, and none of them that of food or poison
MODELS = {"enu": "#0173b2", "nfenu": "#e0709a", "gru": "#c9a800", "lstm": "#404040", "shared": "#7f6000"}


def use_style() -> None:
    """Apply the style to all following figures."""
    plt.style.use(Path(__file__).with_name("style.mplstyle"))


def panel_letters(axes: Sequence[Any]) -> None:
    """Write a, b, c ... at the upper left of each panel."""
    for letter, ax in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize=9)


def better(label: str, up: bool) -> str:
    """An axis label with an arrow to the better values (up: the larger ones); it points the right way on either axis."""
    return f"{label} (better \N{RIGHTWARDS ARROW})" if up else f"{label} (\N{LEFTWARDS ARROW} better)"
