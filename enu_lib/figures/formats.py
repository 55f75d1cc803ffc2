"""A figure as SVG and PNG: smaller than Matplotlib writes them, and the same bytes in every run.

Matplotlib writes coordinates with six decimals, and names clip paths by a hash of all digits, the last of which differ from
run to run.  Its PNGs have an alpha channel, which opaque figures do not need.
"""

from __future__ import annotations

import io
import re

from matplotlib.figure import Figure
from PIL import Image

PLACES = re.compile(r' (d|x|y|width|height|points|x1|x2|y1|y2)="([^"]*)"')
TRANSLATION = re.compile(r"translate\([^)]*\)")
NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
STYLE = re.compile(r'style="[^"]*"')
CLIP = re.compile(r"\bp[0-9a-f]{10}\b")


def as_svg(figure: Figure) -> str:
    """The figure as SVG text, in points, with coordinates rounded to a hundredth of a point."""
    made = io.StringIO()
    figure.savefig(made, format="svg", metadata={"Date": None})
    return shortened(made.getvalue())


def as_png(figure: Figure) -> bytes:
    """The figure as an opaque PNG."""
    drawn, made = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    image = Image.open(drawn)
    image.convert("RGB").save(made, "PNG", optimize=True, dpi=image.info["dpi"])
    return made.getvalue()


def paletted(png: bytes) -> bytes:
    """A PNG reduced to 256 colours, about a third of its size, for pictures embedded in notebooks."""
    made = io.BytesIO()
    few = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(made, "PNG", optimize=True)
    return made.getvalue()


def shortened(text: str) -> str:
    """SVG text with coordinates rounded to two decimals, clip paths numbered in order, and no needless spaces."""
    text = PLACES.sub(lambda match: f' {match[1]}="{_rounded(match[2])}"', text)
    text = TRANSLATION.sub(lambda match: _rounded(match[0]), text)
    text = STYLE.sub(lambda match: match[0].replace(": ", ":").replace("; ", ";"), re.sub(r"\n\s+", "\n", text))
    names: dict[str, str] = {}
    return CLIP.sub(lambda match: names.setdefault(match[0], f"clip{len(names) + 1}"), text)


def _rounded(text: str) -> str:
    return NUMBER.sub(lambda match: f"{round(float(match[0]), 2) + 0.0:.2f}".rstrip("0").rstrip("."), text)  # + 0.0: no "-0"
