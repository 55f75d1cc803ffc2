"""Figure files: small, the same in every run, and true to what was drawn."""

import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from enu_lib.figures.formats import as_png, as_svg, shortened


@pytest.fixture
def figure():
    fig, ax = plt.subplots(figsize=(2, 2), dpi=100)
    ax.plot([0.123456, 2 / 3], [1, 3], color="#0173b2")
    ax.set_title("a title")
    yield fig
    plt.close(fig)


def test_coordinates_are_within_half_a_hundredth_of_a_point(figure):
    made = io.StringIO()
    figure.savefig(made, format="svg")
    drawn = made.getvalue()
    paths = [re.findall(r' d="([^"]*)"', text) for text in (drawn, shortened(drawn))]
    assert len(paths[0]) == len(paths[1]) > 10
    for before, after in zip(*paths, strict=True):
        assert re.findall("[A-Za-z]", before) == re.findall("[A-Za-z]", after)
        points = [np.array([float(number) for number in re.findall(r"-?[\d.]+", text)]) for text in (before, after)]
        assert np.abs(points[0] - points[1]).max(initial=0) <= 0.005 + 1e-9


def test_digits_that_differ_from_run_to_run_are_removed():
    text = '<path d="M 1.23456{} 2 \n" clip-path="url(#p{})"/><clipPath id="p{}"><rect x="3.14159{}"/></clipPath>'
    one, other = (shortened(text.format(end, name, name, end)) for end, name in ((1, "0123456789"), (2, "abcdef0123")))
    assert one == other and one.count("clip1") == 2 and 'x="3.14"' in one


def test_scales_and_colours_keep_their_digits():
    kept = '<use transform="translate(1 2) scale(0.015625 -0.1)" style="fill:#0173b2;stroke-width:0.8"/>'
    assert shortened(kept.replace("(1 2)", "(1.0004 1.9996)")) == kept
    assert shortened('<text x="-0.0001"/>') == '<text x="0"/>'


def test_the_picture_is_opaque_and_has_the_pixels_drawn(figure):
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    image, before = Image.open(io.BytesIO(as_png(figure))), Image.open(drawn)
    assert image.mode == "RGB" and image.info["dpi"] == pytest.approx(before.info["dpi"], abs=0.1)
    assert np.array_equal(np.asarray(image), np.asarray(before.convert("RGB")))
    assert as_svg(figure).startswith("<?xml")
