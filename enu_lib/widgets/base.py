"""What all explorers share: sliders with room for words, and a picture where no kernel runs."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import ipywidgets as w
import matplotlib.pyplot as plt

from enu_lib.live.page import style

WIDE = w.Layout(width="420px")
TEXT = {"description_width": "190px"}


def slider(text: str, value: float, low: float, high: float, step: float = 1) -> Any:
    """A slider with room for its words; whole numbers where the step is one."""
    make = w.IntSlider if isinstance(step, int) else w.FloatSlider
    return make(value=value, min=low, max=high, step=step, description=text, layout=WIDE, style=TEXT, continuous_update=True)


def button(text: str, press: Callable[[], None], kind: str = "", tooltip: str = "") -> Any:
    """A button that does `press()`."""
    made = w.Button(description=text, button_style=kind, tooltip=tooltip, layout=w.Layout(width="auto"))
    made.on_click(lambda _: press())
    return made


def png(figure: Any) -> bytes:
    """A figure as a PNG; it is closed."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    plt.close(figure)
    return data.getvalue()


class Pictured(w.VBox):
    """Widgets that show a picture and a sentence where no kernel runs."""

    sentence = "With a running kernel this answers your hand."
    still: Callable[[], bytes]  # the picture as a PNG; each kind of explorer has its own

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["image/png"] = base64.b64encode(self.still()).decode()
        bundle["text/plain"] = self.sentence
        return bundle


def sheet() -> Any:
    """The style of pictures in text, once for each explorer, since a browser takes its time over it."""
    return w.HTML(style(), layout=w.Layout(height="0", margin="0"))


def framed(body: str) -> str:
    """A picture in text, as the pieces of `enu_lib.live` look."""
    return f'<div class="enu-live">{body}</div>'


class Explorer(Pictured):
    """Controls above a picture.  Where no kernel runs, the picture as it last was is shown in its place."""

    def __init__(self, draw: Callable[..., Any], controls: dict[str, Any]) -> None:
        self.draw, self.controls = draw, controls
        self.picture = w.Image(format="png")
        super().__init__([*controls.values(), self.picture])
        for control in controls.values():
            control.observe(self.update, names="value")
        self.update()

    def update(self, _: Any = None) -> None:
        """Draw anew with the controls' values."""
        self.picture.value = png(self.draw(**{name: control.value for name, control in self.controls.items()}))

    def still(self) -> bytes:
        return self.picture.value


def explorer(draw: Callable[..., Any], **controls: Any) -> Explorer:
    """Controls above the figure that `draw(**values)` returns, drawn anew whenever one of them moves."""
    return Explorer(draw, controls)
