"""Figures rearranged for phones: one column wide, panels one below the other, nothing lost."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.ticker import LogFormatter

from enu_lib.figures import COLUMN, PAGE, panel_letters, use_style
from enu_lib.figures.stack import stack


@pytest.fixture
def panels():
    use_style()
    fig, axes = plt.subplots(2, 2, figsize=(PAGE, 4), sharex=True, sharey=True)
    for k, ax in enumerate(axes.flat):
        ax.plot([0, 1], [k, k + 1], label=f"a line with a long name, number {k}")
        ax.set(xlabel="time", ylabel="value")
    panel_letters(axes.flat)
    yield fig, axes
    plt.close("all")


def boxes(fig, axes):
    fig.draw_without_rendering()
    return [ax.get_window_extent() for ax in axes.flat]


def test_panels_stand_below_each_other_in_their_order(panels):
    fig, axes = panels
    before = [box.height for box in boxes(fig, axes)]
    stack(fig)
    assert fig.get_figwidth() == COLUMN
    after = boxes(fig, axes)
    assert all(a.y0 > b.y1 for a, b in zip(after, after[1:], strict=False))
    assert all(box.height > 0.7 * height for box, height in zip(after, before, strict=True))
    for ax in axes.flat:
        box = ax.get_tightbbox()
        assert box.x0 >= -1 and box.x1 <= fig.bbox.width + 1, "nothing is cut off"
        assert any(label.get_text() and label.get_visible() for label in ax.get_yticklabels()), "each has its numbers"


def test_legends_keep_their_entries_and_fit(panels):
    fig, axes = panels
    lines = [ax.lines[0] for ax in axes.flat]
    fig.legend(handles=lines, loc="outside upper center", ncols=4)
    axes[0, 0].legend(handles=lines, labels=[str(line.get_label()) for line in lines], ncols=2)
    stack(fig)
    fig.draw_without_rendering()
    for legend in (fig.legends[0], axes[0, 0].get_legend()):
        assert [text.get_text() for text in legend.get_texts()] == [line.get_label() for line in lines]
        assert legend.get_window_extent().width <= fig.bbox.width


def test_long_names_are_broken(panels):
    fig, axes = panels
    axes[1, 0].set_yticks([0, 1], ["256 offspring, 0.03 to 0.002 in 12,000, 8 environments", "short"])
    stack(fig)
    first, second = (label.get_text() for label in axes[1, 0].get_yticklabels())
    assert first.replace("\n", " ") == "256 offspring, 0.03 to 0.002 in 12,000, 8 environments" and "\n" in first
    assert second == "short"


def test_numbers_of_a_log_axis_stay_numbers(panels):
    """Their text is TeX, which is longer than it looks, and would not be shown as a number if it were wrapped."""
    fig, axes = panels
    axes[0, 0].set_yscale("log")
    stack(fig)
    fig.draw_without_rendering()
    assert isinstance(axes[0, 0].yaxis.get_major_formatter(), LogFormatter)
    texts = [label.get_text() for label in axes[0, 0].get_yticklabels()]
    assert any("10^" in text for text in texts) and not any("\n" in text for text in texts)


def test_a_panel_without_a_partner_is_drawn_to_the_scale_of_the_pairs():
    use_style()
    fig, axes = plt.subplots(1, 3, figsize=(PAGE, 1.5))
    for ax in axes:
        ax.imshow([[0, 1], [1, 0]])
        ax.axis("off")
    stack(fig)
    first, second, third = boxes(fig, axes)
    assert first.y0 == pytest.approx(second.y0) and first.y0 > third.y1
    assert third.width == pytest.approx(first.width, rel=0.1)
    plt.close(fig)


def test_a_figure_of_one_column_stays_as_it_is():
    fig, ax = plt.subplots(figsize=(COLUMN, 2))
    place = ax.get_position().bounds
    stack(fig)
    assert tuple(fig.get_size_inches()) == (COLUMN, 2) and ax.get_position().bounds == place
    plt.close(fig)
