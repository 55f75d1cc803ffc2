"""Parts shared by all explorers: controls, and a static picture for pages without a kernel."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w
import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from enu_lib.figures.formats import paletted
from enu_lib.figures.style import erase
from enu_lib.live.page import style

Change = dict[str, Any]  # of a control: its "old" and "new" value, ..
WIDE = w.Layout(width="420px")
LABEL = {"description_width": "190px"}


def slider(text: str, value: float, low: float, high: float, step: float = 1) -> w.IntSlider | w.FloatSlider:
    """A slider with a wide label; integers if `step` is an integer."""
    make = w.IntSlider if isinstance(step, int) else w.FloatSlider
    return make(value=value, min=low, max=high, step=step, description=text, layout=WIDE, style=LABEL, continuous_update=True)


def button(text: str, press: Callable[[], None], kind: str = "") -> w.Button:
    """A button that calls `press()`."""
    made = w.Button(description=text, button_style=kind, layout=w.Layout(width="auto"))
    made.on_click(lambda _: press())
    return made


def clock(tick: Callable[[Change], None], interval: int) -> w.Play:
    """The browser's clock, which calls `tick(change)` every `interval` ms while it runs, and stops with the page."""
    made = w.Play(min=0, max=10**9, value=0, interval=interval, show_repeat=False)
    made.observe(tick, names="value")
    return made


def png(figure: Figure) -> bytes:
    """A figure as PNG bytes; closes the figure."""
    data = io.BytesIO()
    figure.set_dpi(110)
    FigureCanvasAgg(figure).print_png(data)  # draws once; savefig, twice
    plt.close(figure)
    return data.getvalue()


class Pictured(w.VBox):
    """Widgets that show a static picture and a sentence if no kernel is running.

    After a restart of the kernel, the style sheet (`live.css`) puts a line above them that says to run the cell again.
    """

    sentence = "This figure is interactive with a running kernel."
    still: Callable[[], bytes]  # the static picture as PNG bytes; defined by each explorer

    def __init__(self, children: Sequence[w.Widget]) -> None:
        sheet = w.HTML(style(), layout=w.Layout(height="0", margin="0"))  # once: browsers are slow to apply it again
        super().__init__([*children, sheet])
        self.add_class("enu-explorer")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["image/png"] = base64.b64encode(paletted(self.still())).decode()
        bundle["text/plain"] = self.sentence
        return bundle


def framed(body: str) -> str:
    """HTML in the style of `enu_lib.live`."""
    return f'<div class="enu-live">{body}</div>'


def labels(figure: Figure) -> tuple[tuple[str | int, ...], ...]:
    """What the layout of a figure depends on: for each of its axes, title, labels and the length of the longest tick labels."""

    def longest(axis: Any) -> int:  # from the formatter, since making and placing ticks takes as long as drawing
        texts = axis.get_major_formatter().format_ticks(axis.get_majorticklocs())  # not always strings
        return max((len(str(text)) for text in texts), default=0)

    return tuple((ax.get_title(), ax.get_xlabel(), ax.get_ylabel(), longest(ax.xaxis), longest(ax.yaxis)) for ax in figure.axes)


class Explorer(Pictured):
    """Controls above a figure; without a kernel, the last figure is shown.

    Axes stay where they were in the last picture with the same labels: laying them out takes as long as drawing.
    """

    def __init__(self, draw: Callable[..., Any], controls: dict[str, w.Widget], figure: Figure | None = None) -> None:
        self.draw, self.controls, self.figure = draw, controls, figure
        self.places: dict[tuple[tuple[str | int, ...], ...], list[Bbox]] = {}
        self.picture = w.Image(format="png")
        super().__init__([*controls.values(), self.picture])
        for control in controls.values():
            control.observe(self.update, names="value")
        self.update()

    def update(self, _: Change | None = None) -> None:
        """Redraw the figure with the current values of the controls."""
        if self.figure is not None:
            erase(self.figure.axes)
        drawn = self.draw(**{name: control.value for name, control in self.controls.items()})
        figure = drawn if self.figure is None else self.figure
        names = labels(figure)
        if names in self.places:
            figure.set_layout_engine("none")
            for ax, place in zip(figure.axes, self.places[names], strict=True):
                ax.set_position(place)
        self.picture.value = png(figure)
        self.places[names] = [ax.get_position(original=True) for ax in figure.axes]

    def still(self) -> bytes:
        return self.picture.value


def explorer(draw: Callable[..., Any], figure: Figure | None = None, **controls: w.Widget) -> Explorer:
    """Controls above the figure returned by `draw(**values)`, which is redrawn when a control changes.

    figure: if given, `draw` draws on its axes, erased each time, since making axes and ticks takes longer than drawing.
    """
    return Explorer(draw, controls, figure)
