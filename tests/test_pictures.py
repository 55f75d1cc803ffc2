"""The forms of figures in the book: dark and light, wide and stacked; colours keep their meaning in each."""

import itertools
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from enu_lib.figures import MODELS, PALETTE, save_figure, use_style
from enu_lib.figures.abilities import MARKS

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book"))
import pictures  # noqa: E402

DEUTERANOPIA = np.array([[0.3673, 0.8606, -0.2280], [0.2801, 0.6727, 0.0472], [-0.0118, 0.0429, 0.9689]])  # Machado 2009
TOGETHER = {  # colours that tell things apart in one panel
    "models": list(MODELS.values()),
    "meals": [PALETTE["food"], PALETTE["poison"]],
    "agents": [PALETTE["evolved"], *(color for _, color in MARKS.values())],
    "target": [PALETTE["target"], PALETTE["evolved"]],
}


def rgb(color):
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255


def luminance(color):
    c = rgb(color)
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def in_the_dark(color):
    return re.search(r"fill: (#[0-9a-f]{6})", pictures.dark(f'<svg a="b"><g style="fill: {color}"/></svg>'))[1]


def test_white_becomes_the_ground_and_black_is_read_on_it():
    assert in_the_dark("#ffffff") == pictures.GROUND
    assert contrast(in_the_dark("#000000"), pictures.GROUND) > 12 and contrast(pictures.INK, pictures.GROUND) > 12
    grey = [luminance(in_the_dark(c)) for c in ("#000000", "#666666", "#cccccc")]
    assert grey == sorted(grey, reverse=True), "greys change places with white"
    assert contrast(in_the_dark("#666666"), pictures.GROUND) > 4.5


@pytest.mark.parametrize("color", sorted(pictures.MEANING))
def test_colours_with_a_meaning_are_seen_in_the_dark_and_keep_their_hue(color):
    dark = in_the_dark(color)
    assert contrast(dark, pictures.GROUND) > 3.5
    before, after = rgb(color), rgb(dark)
    if np.ptp(before) > 0.1:
        assert list(np.argsort(before)) == list(np.argsort(after))


def test_images_are_darkened_too_and_the_drawing_is_whole(tmp_path):
    use_style()
    fig, ax = plt.subplots(figsize=(3, 2))
    ax.imshow([[0.0, 1.0]], cmap="Greys", vmin=0, vmax=1)
    ax.set_title("title")
    svg = save_figure(fig, "image", tmp_path, caption="Grey.", data=None)[0].read_text()
    dark = pictures.dark(svg)
    assert "#ffffff" not in dark and svg.count("<path") == dark.count("<path")
    encoded = [re.search(r'base64,([^"]*)"', text)[1] for text in (svg, dark)]
    light, made = (pictures.pixels(text)[..., :3].mean(-1) for text in encoded)
    assert light.shape == made.shape and np.corrcoef(light.ravel(), made.ravel())[0, 1] < -0.9


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colors", TOGETHER.values(), ids=TOGETHER)
def test_colours_of_one_panel_differ_in_deuteranopia(colors, theme):
    shown = colors if theme == "light" else [in_the_dark(c) for c in colors]
    seen = [pictures.as_oklab(np.clip(DEUTERANOPIA @ pictures.linear(rgb(c)), 0, 1)) for c in shown]
    close = {(a, b): np.linalg.norm(x - y) for (a, x), (b, y) in itertools.combinations(zip(shown, seen, strict=True), 2)}
    assert min(close.values()) > 0.04, min(close, key=close.get)


def test_a_page_shows_the_form_that_fits_the_theme_and_the_screen(tmp_path):
    (tmp_path / "html/_images").mkdir(parents=True)
    figures = tmp_path / "figures"
    figures.mkdir()
    for name in ("waves.svg", "waves.narrow.svg"):
        (figures / name).write_text('<svg width="9pt"><g style="fill: #ffffff"/></svg>')
    (tmp_path / "html/_images/waves.svg").write_text("copied")
    page = tmp_path / "html/13_waves.html"
    page.write_text(
        '<a href="_images/waves.svg"><img alt="Two waves" class="x" src="_images/waves.svg" /></a>'
        '<img src="_images/still.png" />'
    )
    pictures.forms(tmp_path / "html", figures)
    made = {path.name for path in (tmp_path / "html/_images").iterdir()}
    assert made == {"waves.svg", "waves.dark.svg", "waves.narrow.svg", "waves.narrow.dark.svg"}
    text = page.read_text()
    assert re.findall(r'srcset="(.+?)"', text) == ["_images/waves.narrow.svg", "_images/waves.narrow.dark.svg"]
    assert re.findall(r'src="(.+?)"', text) == ["_images/waves.svg", "_images/waves.dark.svg", "_images/still.png"]
    assert text.count('alt="Two waves"') == 2 and re.findall(r"only-\w+", text) == ["only-light", "only-dark"]
