"""Explorers answer to keys, show numbers beside windows, and say what to do after a restart of the kernel."""

import json
import re
from html.parser import HTMLParser

import ipywidgets as w
import matplotlib.pyplot as plt
import pytest
import torch
from py_mini_racer import MiniRacer

import enu_lib as enu
from enu_lib import live, widgets
from enu_lib.analysis.units import relative_change
from enu_lib.widgets.base import png


def inside(widget):
    """All widgets of an explorer, in the order in which they appear on the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


@pytest.fixture
def walk():
    return widgets.MazeWalk(enu.Maze(), seed=2)


def handler(explorer):
    """The script that an explorer's pad runs when a key is pressed."""
    found = []

    class Pad(HTMLParser):
        def handle_starttag(self, tag, attributes):
            a = dict(attributes)
            if "onkeydown" in a:
                found.append(a)

    for widget in inside(explorer):
        if isinstance(widget, w.HTML):
            Pad().feed(widget.value)
    (pad,) = found
    assert pad["tabindex"] == "0" and pad["data-lm-suppress-shortcuts"] == "true"
    return pad["onkeydown"]


def pressed(script, **event):
    """The button that a key clicks (None: none), and whether the key is kept from the page."""
    engine = MiniRacer()
    said = engine.eval(
        f"""const clicked = [], kept = [];
        const explorer = {{ querySelectorAll: () => [0, 1, 2, 3].map((k) => ({{ click: () => clicked.push(k) }})) }};
        const event = {{ ...{json.dumps(event)}, preventDefault: () => kept.push(1), stopPropagation: () => kept.push(2) }};
        (function () {{ {script} }}).call({{ closest: () => explorer }});
        JSON.stringify([clicked, kept])"""
    )
    clicked, kept = json.loads(said)
    return (clicked[0] if clicked else None), kept == [1, 2]


def test_arrow_keys_press_the_buttons_of_the_outputs(walk):
    script = handler(walk)
    buttons = [b for b in inside(walk) if isinstance(b, w.Button)]
    assert buttons[:3] == walk.outputs
    for k, key in enumerate(("ArrowUp", "ArrowLeft", "ArrowRight")):
        assert pressed(script, key=key) == (k, True)
    assert pressed(script, key="ArrowDown") == pressed(script, key="a") == (None, False)
    assert pressed(script, key="ArrowUp", ctrlKey=True) == (None, False), "the browser's own shortcuts stay"


def test_the_duel_has_the_same_pad(walk):
    assert handler(widgets.Duel("looking", seed=1)) == handler(walk)


@pytest.mark.parametrize("name", ["stdp-enu", "complex-stdp-enu"])
def test_the_synapse_explorer_shows_the_windows_and_the_change_of_the_pair(name):
    entry = enu.zoo.load(name)
    explorer = widgets.SynapseExplorer(entry)
    picture, said = explorer.picture.value, explorer.said.value
    explorer.controls["pre"].value, explorer.controls["post"].value = 60, 41
    explorer.controls["modulator"].value = False
    assert explorer.picture.value != picture and explorer.said.value != said
    batch = entry.task.respond(explorer.probe.input, *(torch.tensor([v]) for v in (60, 41, 0)))
    change = relative_change(enu.rollout(entry.model, entry.genome, entry.task, batch=batch)).item()
    assert f"{change:.1f}%" in explorer.said.value and "-19" in explorer.said.value
    lines = set(re.findall(r'data-line="(\w+)"', explorer.picture.value))
    assert {"y", "target", "rule0", "rule1", "unit0", "unit1", "change"} <= lines
    bundle = explorer._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBORw0KGgo") and bundle["text/plain"] == explorer.sentence


def test_the_synapse_explorer_and_the_books_picture_say_the_same():
    entry = enu.zoo.load("stdp-enu")
    assert widgets.SynapseExplorer(entry).response.in_words() in live.window(entry).body


def test_every_explorer_says_what_to_do_once_its_kernel_is_gone(walk):
    entry = enu.zoo.load("stdp-enu")
    neuron = enu.zoo.load("iaf-enu")
    plain = widgets.explorer(lambda k: widgets.neuron_figure(neuron, k), k=widgets.slider("k", 0.1, 0.0, 1.0, 0.1))
    for explorer in (walk, plain, widgets.SynapseExplorer(entry), widgets.LiveEvolution(live.small_synapse())):
        sheets = [h for h in inside(explorer) if isinstance(h, w.HTML) and "<style>" in h.value]
        assert len(sheets) == 1, "browsers are slow to apply it again"
        (name,) = explorer._dom_classes
        rule = re.search(rf"\.{name}\.jupyter-widgets-disconnected::before \{{\s*content: \"(.+?)\"", sheets[0].value)
        assert rule and "run" in rule[1]


def test_axes_stand_where_they_stood_and_move_when_a_label_needs_room():
    def draw(height, label):
        figure, ax = plt.subplots(figsize=(3, 2), layout="constrained")
        ax.plot([0, 1], [0, height])
        ax.set(ylim=(0, 1), ylabel=label)
        return figure

    controls = {"height": widgets.slider("height", 0.5, 0.0, 1.0, 0.1), "label": w.Dropdown(options=["a", "a\nb\nc"])}
    explorer = widgets.explorer(draw, **controls)
    for height, label in ((0.7, "a"), (0.7, "a\nb\nc"), (0.2, "a\nb\nc"), (0.2, "a")):
        controls["height"].value, controls["label"].value = height, label
        assert explorer.picture.value == png(draw(height, label)), (height, label)
    assert len(explorer.places) == 2
