"""Line charts as HTML: curves in data coordinates in a stretched SVG, labels around it in HTML.

Paths are written in data coordinates (with y negated, since SVG's y points down), so that a script can replace them without
knowing the scale.  Line widths (`vector-effect`) and text sizes do not scale with the chart, also on small screens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import SupportsFloat

Ticks = Sequence[float | tuple[float, str]]


@dataclass(frozen=True)
class Line:
    """A curve.  color: a key of `enu_lib.figures.PALETTE`.  kind: line, dashed, thin, or dot (each point as a round dot)."""

    name: str
    color: str
    d: str
    kind: str = "line"
    text: str = ""  # legend entry; empty: none


def curve(xs: Iterable[SupportsFloat], ys: Iterable[SupportsFloat], gap: float = math.inf) -> str:
    """SVG path data of a curve, interrupted where x increases by more than `gap` or y is not finite."""
    parts: list[str] = []
    last = None
    for x, y in zip(map(float, xs), map(float, ys), strict=True):
        if not math.isfinite(y):
            last = None
            continue
        parts.append(f"{'M' if last is None or x - last > gap else 'L'}{x:.5g} {-y:.5g}")
        last = x
    return "".join(parts)


def dots(xs: Iterable[SupportsFloat], ys: Iterable[SupportsFloat]) -> str:
    """SVG path data of single points, as lines of zero length with round caps."""
    return "".join(f"M{float(x):.5g} {-float(y):.5g}h0" for x, y in zip(xs, ys, strict=True))


def chart(
    text: str,
    lines: Sequence[Line],
    x: tuple[float, float],
    y: tuple[float, float],
    labels: tuple[str, str],
    xticks: Ticks,
    yticks: Ticks,
) -> str:
    """A line chart as HTML; `text`: alternative text.  Each line has the attribute data-line=NAME for the script."""
    (x0, x1), (y0, y1) = x, y
    spans = "".join(
        f'<span class="enu-tick-{axis}" style="{side}:{100 * (float(at) - low) / (high - low):.2f}%">{escape(word)}</span>'
        for axis, side, low, high, ticks in (("x", "left", x0, x1, xticks), ("y", "bottom", y0, y1, yticks))
        for at, word in (t if isinstance(t, tuple) else (t, f"{t:g}") for t in ticks)
    )
    drawn = "".join(
        f'<path class="enu-{k.kind}" data-line="{k.name}" style="stroke:var(--{k.color})" d="{k.d}"/>' for k in lines
    )
    zero = f'<path class="enu-zero" d="M{x0} 0H{x1}"/>' if y0 < 0 < y1 else ""
    keys = "".join(
        f'<span><i class="enu-key-{k.kind}" style="border-color:var(--{k.color})"></i>{escape(k.text)}</span>'
        for k in lines
        if k.text
    )
    box = f"{x0:g} {-y1:g} {x1 - x0:g} {y1 - y0:g}"
    return (
        f'<div class="enu-chart" role="img" aria-label="{escape(text)}"><div class="enu-key">{keys}</div>'
        f'<div class="enu-y">{escape(labels[1])}</div><div class="enu-plot">'
        f'<svg viewBox="{box}" preserveAspectRatio="none" aria-hidden="true">{zero}{drawn}</svg>'
        f'{spans}</div><div class="enu-x">{escape(labels[0])}</div></div>'
    )
