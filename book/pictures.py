"""The versions of a figure in the book: light and dark, each of them also stacked for phones.

Figures are drawn once, on white.  The dark version is computed from the SVG: the background takes the page's colour, light and
dark greys are exchanged, and colours that carry a meaning keep their hue but are lightened where they would be too dark to see.
"""

from __future__ import annotations

import base64
import io
import re
from functools import lru_cache
from pathlib import Path

import matplotlib.image
import numpy as np

from enu_lib.figures import MODELS, PALETTE
from enu_lib.figures.abilities import MARKS

GROUND, INK = "#14181e", "#e6e9ec"  # background and text colour of the page in the dark theme
LIT = 0.62  # smallest OKLab lightness of a colour that carries a meaning
LINES = ("#de8f05", "#cc78bc", "#56b4e9")  # colours in the style's cycle that are not in the palette
MEANING = {c.lower() for c in (*PALETTE.values(), *MODELS.values(), *(color for _, color in MARKS.values()), *LINES)}
NARROW = "(max-width: 600px)"  # screens that show the stacked version
IMAGE = re.compile(r'<img\b[^>]*\bsrc="(_images/[^"]+)\.svg"[^>]*>')

TO_LMS = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
TO_LAB = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])


def darkened(rgb: np.ndarray, meaning: bool = False) -> np.ndarray:
    """Colours (..., 3) from 0 to 1 for the dark theme: light and dark are exchanged, hues are kept.

    meaning: the colours carry a meaning from figure to figure; except for greys, they keep their lightness, too, if possible.
    """
    lab = as_oklab(linear(rgb))
    light, hue = lab[..., :1], lab[..., 1:]
    flipped = 0.95 - 0.74 * np.clip(light, 0, 1) ** 1.3
    colourful = np.hypot(hue[..., :1], hue[..., 1:]) > 0.03
    if meaning:
        flipped = np.maximum(np.where(colourful, light, flipped), LIT)
    tries = [_rgb(np.concatenate([flipped, share * hue], -1)) for share in np.linspace(1, 0, 21)]
    shown = [((rgb > -1e-3) & (rgb < 1 + 1e-3)).all(-1, keepdims=True) for rgb in tries]
    return _encoded(np.clip(np.select(shown, tries, tries[-1]), 0, 1))  # as saturated as a screen can show


def dark(svg: str) -> str:
    """The dark version of a figure's SVG."""
    svg = re.sub(r"data:image/png;base64,([^\"]*)", lambda m: f"data:image/png;base64,{_image(m[1])}", svg)
    head, tag, rest = svg.partition("<svg ")
    body = re.sub(r"#[0-9a-f]{6}\b", lambda m: _color(m[0]), rest)
    return f'{head}{tag}fill="{INK}" {body}'  # matplotlib omits the fill where it is black


def pixels(text: str) -> np.ndarray:
    """The pixels (height, width, 3 or 4) of a PNG in base64, from 0 to 1."""
    return matplotlib.image.imread(io.BytesIO(base64.b64decode(text))).copy()


@lru_cache
def _color(name: str) -> str:
    if name == "#ffffff":
        return GROUND
    rgb = np.array([int(name[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return "#" + "".join(f"{round(255 * value):02x}" for value in darkened(rgb, name in MEANING))


def _image(text: str) -> str:
    """A PNG in base64, darkened."""
    found = pixels(text)
    levels = np.rint(found[..., :3] * 255).astype(int) @ (1 << 16, 1 << 8, 1)
    _, first, which = np.unique(
        levels, return_index=True, return_inverse=True
    )  # a picture has few colours: each is darkened once
    found[..., :3] = darkened(found[..., :3].reshape(-1, 3)[first])[which].reshape(found[..., :3].shape)
    made = io.BytesIO()
    matplotlib.image.imsave(made, np.ascontiguousarray(found), format="png", metadata={"Software": None})
    return base64.b64encode(made.getvalue()).decode()


def _rgb(lab: np.ndarray) -> np.ndarray:
    """Linear RGB of OKLab; outside 0 to 1 if a screen cannot show it."""
    return ((lab @ np.linalg.inv(TO_LAB).T) ** 3) @ np.linalg.inv(TO_LMS).T


def as_oklab(rgb: np.ndarray) -> np.ndarray:
    """OKLab coordinates of linear RGB: lightness and two of hue; equal distances look about equal."""
    return np.cbrt(rgb @ TO_LMS.T) @ TO_LAB.T


def linear(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB from the sRGB values stored in files."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _encoded(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


def forms(html: Path, figures: Path) -> None:
    """Write every version of the figures that pages show, and let browsers choose by theme and width."""
    shown = {path.stem for path in (html / "_images").glob("*.svg")}
    for name in shown:
        for form in (name, f"{name}.narrow"):
            svg = (figures / f"{form}.svg").read_text(encoding="utf-8")
            (html / f"_images/{form}.svg").write_text(svg, encoding="utf-8")
            (html / f"_images/{form}.dark.svg").write_text(dark(svg), encoding="utf-8")
    for path in html.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(IMAGE.sub(picture, text), encoding="utf-8")


def picture(found: re.Match) -> str:
    """An image of a figure as two pictures, one for each theme, with the stacked version for narrow screens."""
    image, name, made = found[0], found[1], []
    for theme, end, loading in (("light", "", ""), ("dark", ".dark", ' loading="lazy"')):
        one = re.sub(r'\s+class="[^"]*"', "", image).replace(f'src="{name}.svg"', f'src="{name}{end}.svg"')
        one = one.replace("<img", f'<img class="only-{theme}"{loading}')
        made.append(f'<picture><source media="{NARROW}" srcset="{name}.narrow{end}.svg">{one}</picture>')
    return "".join(made)
