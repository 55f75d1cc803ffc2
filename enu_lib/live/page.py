"""A self-contained interactive HTML element: picture, controls, data and script.

Nothing is fetched and no library is needed; where scripts are disabled, the static picture remains.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from enu_lib.base.kinds import Json
from enu_lib.figures.style import PALETTE

HERE = Path(__file__).parent
SCRIPTS = ("units.js", "drawing.js", "live.js")
MORE_SCRIPTS = {"toy": ("rules.js", "life.js", "toy.js")}


@lru_cache
def style() -> str:
    """The style sheet as HTML, with the colours of the figures."""
    colors = ";".join(f"--enu-{name}:{color}" for name, color in PALETTE.items())
    return f"<style>.enu-live{{{colors}}}\n{(HERE / 'live.css').read_text(encoding='utf-8')}</style>"


@lru_cache
def script(kind: str = "") -> str:
    """The script of a kind of picture.  It needs no library and makes no request; safe to include repeatedly."""
    files = [*SCRIPTS, *MORE_SCRIPTS.get(kind, ())]
    parts = [(HERE / name).read_text(encoding="utf-8") for name in files]
    return "".join([*parts, "if (globalThis.document) enuLive.start();"])


def pack(values: ArrayLike) -> Json:
    """Encode an array for JSON: {"shape": [..], "type": "uint8" or "float32", "data": base64 of its bytes, little-endian}."""
    a = np.ascontiguousarray(values)
    kind = "uint8" if a.dtype == np.uint8 else "float32"
    data = base64.b64encode(a.astype("<u1" if kind == "uint8" else "<f4").tobytes()).decode()
    return {"shape": list(a.shape), "type": kind, "data": data}


def unpack(packed: Json) -> np.ndarray:
    """Decode an array encoded by `pack`."""
    kind = {"uint8": "<u1", "float32": "<f4"}[packed["type"]]
    return np.frombuffer(base64.b64decode(packed["data"]), kind).reshape(packed["shape"])


@dataclass(frozen=True)
class Live:
    """Interactive HTML as the output of a notebook cell.

    kind: maze, window, evolution or toy.  text: a one-sentence description.  body: picture and controls.  payload: data for the
    script, JSON-serialisable.
    """

    kind: str
    text: str
    body: str
    payload: Json

    def _repr_html_(self) -> str:
        data = json.dumps(self.payload, separators=(",", ":")).replace("</", "<\\/")
        return (
            f'{style()}<div class="enu-live" data-enu-live="{self.kind}" role="group" aria-label="{escape(self.text)}">'
            f"{self.body}"
            '<p class="enu-still">This is a static picture; it is interactive in a browser that runs scripts.</p>'
            f'<script type="application/json">{data}</script></div>'
            f"<script>{script(self.kind)}</script>"
        )

    def __repr__(self) -> str:
        return f"{self.text} (interactive in a browser)"


def speeds(choices: dict[str, float], chosen: str) -> str:
    """The options of a menu of speeds {label: steps per second}, as HTML."""
    return "".join(
        f'<option value="{value:g}"{" selected" if label == chosen else ""}>{escape(label)}</option>'
        for label, value in choices.items()
    )


def player(count: int, unit: str, choices: dict[str, float], speed: str, at: int = 0) -> str:
    """Playback controls for `count` frames as HTML; hidden until the script is running.

    unit: name of the step of the buttons.  choices: {label: steps per second}.  speed: label of the initial one.
    at: initial frame.
    """
    return (
        '<div class="enu-controls" hidden>'
        '<button type="button" data-do="play" aria-pressed="false">Play</button>'
        f'<button type="button" data-do="back" aria-label="back one {unit}">&#8722;1</button>'
        f'<button type="button" data-do="forward" aria-label="forward one {unit}">+1</button>'
        f'<label class="enu-wide">position <input type="range" min="0" max="{count - 1}" value="{at}" step="1" '
        'data-do="seek"></label>'
        f'<label>speed <select data-do="speed">{speeds(choices, speed)}</select></label>'
        "</div>"
    )


def slider(name: str, text: str, value: int, low: int, high: int) -> str:
    """A labelled slider that displays its value, as HTML."""
    return (
        f'<label class="enu-wide">{escape(text)} <input type="range" data-set="{name}" min="{low}" max="{high}" step="1" '
        f'value="{value}"> <output data-part="{name}">{value}</output></label>'
    )
