"""Interactive HTML without a kernel: its data, its script and its controls."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from exact import Exact
from py_mini_racer import MiniRacer

import enu_lib as enu
from enu_lib import live
from enu_lib.analysis import agents, learning
from enu_lib.analysis.memory import principal_axis, project
from enu_lib.analysis.units import plasticity_window, relative_change
from enu_lib.live import chart, page, scene
from enu_lib.network import PUBLISHED, Network
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.tasks.stdp import weight_change

MAZE, NETWORK = Maze(steps=120), Network(PUBLISHED, channels=3, hidden=6, noise=0.1)
GENOME = NETWORK.init(enu.stream(0, "genome"))


@pytest.fixture(scope="module")
def recorded():
    trace = enu.rollout(NETWORK, GENOME, MAZE, 3, seed=5, memory=True)
    return trace, live.maze(trace, MAZE, NETWORK, episode=1)


@pytest.fixture(scope="module")
def pieces(recorded):
    played = live.maze(agents.play(MAZE, "memory-only", 4, seed=1), MAZE, episode=2)
    evolution = live.evolution(live.record(live.small_synapse(6, 3)))
    return [recorded[1], played, live.window(enu.zoo.load("stdp-enu")), evolution, live.toy(NETWORK, GENOME, MAZE)]


@pytest.fixture(scope="module")
def script():
    engine = MiniRacer()
    engine.eval(page.script())  # without a document, it only defines functions
    return engine


class Page(HTMLParser):
    """The elements of a page with their text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.stack, self.labelled = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        here = {"tag": tag, "in": [e["tag"] for e in self.stack], "text": "", **dict(attributes)}
        self.elements.append(here)
        if tag not in ("input", "br", "img", "meta"):
            self.stack.append(here)

    def handle_startendtag(self, tag, attributes):
        self.elements.append({"tag": tag, "in": [e["tag"] for e in self.stack], "text": "", **dict(attributes)})

    def handle_endtag(self, tag):
        assert self.stack.pop()["tag"] == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        for element in self.stack:
            element["text"] += data


def test_the_payload_equals_the_recorded_episode(recorded):
    """Frame k is the recorded state after k steps, with the inputs for the next step."""
    trace, piece = recorded
    held = {name: page.unpack(v) for name, v in piece.payload.items() if isinstance(v, dict)}
    frames = len(held["square"])
    alive = trace.task["alive"][0, 1]
    assert frames == min(120, int((~alive).int().argmax()) + 9) and held["square"][0] == geometry(MAZE).start
    for name in ("square", "heading", "food", "poison", "alive", "foods", "poisons"):
        assert held[name][1:].tolist() == trace.task[name][0, 1, : frames - 1].int().tolist(), name
    assert np.abs(held["energy"][1:] / 255 - trace.task["energy"][0, 1, : frames - 1].numpy() / 18).max() < 0.5 / 255 + 1e-6
    assert (held["sensors"] / 255 == trace.x[0, 1, :frames, :3, 0].numpy()).all()
    outputs = held["outputs"] / 127.5 - 1
    assert np.abs(outputs[4:, 1:] - trace.model["neuron_output"][0, 1, : frames - 1, :, 0].numpy().T).max() < 1 / 255 + 1e-6
    assert not outputs[4:, 0].round(2).any()
    axis = principal_axis(trace.model["synapse_memory"][0, 1, :frames])
    wanted = project(axis, trace.model["synapse_memory"][0, 1, 40]).flatten().numpy()
    assert np.abs(held["synapses"][41] / 127.5 - 1 - wanted).max() < 1 / 255 + 1e-6


def test_meals_equal_the_recorded_ones_and_the_html_is_small(pieces):
    lives = agents.play(MAZE, "memory-only", 4, seed=1)
    found = learning.visits(lives)
    mine = found.episode == 2
    signs = np.where(found.food[mine], 1, -1)
    meals = list(zip((found.step[mine] + 1).tolist(), signs.tolist(), strict=True))
    assert len(meals) >= 3 and pieces[1].payload["meals"] == meals
    evolved = enu.zoo.load("tmaze-enu")
    trace = enu.rollout(evolved.model, evolved.genome, evolved.task, 1, seed=5, memory=True)
    longest = live.maze(trace, evolved.task, evolved.model)
    assert len(longest.payload["meals"]) > 5
    assert all(len(piece._repr_html_()) < 300_000 for piece in [*pieces, longest])


def test_missing_episodes_memories_and_neuromodulators_are_errors(recorded):
    with pytest.raises(ValueError, match="episode 3.* 3,"):
        live.maze(recorded[0], MAZE, NETWORK, episode=3)
    with pytest.raises(ValueError, match="memories.*memory=True"):
        live.maze(agents.play(MAZE, "random", 2), MAZE, NETWORK)
    with pytest.raises(ValueError, match="iaf-enu.*stdp-enu"):
        live.window(enu.zoo.load("iaf-enu"))
    entry = enu.zoo.load("stdp-enu")
    plain = dataclasses.replace(entry.experiment, model=dataclasses.replace(entry.model, gate_gain=1.0))
    with pytest.raises(ValueError, match=r"stdp-enu.*\(1\.0, -1\.0\)"):  # the script would simulate it with a gain of 3
        live.window(dataclasses.replace(entry, experiment=plain))


def exact_outputs(entry, inputs):
    """A unit's outputs (T) in float64 for inputs (1, T, I), and the bound on the error of each."""
    exact = Exact(entry.model, entry.genome[None], 1)
    steps = [exact.step(inputs[None, :, t]) for t in range(inputs.shape[1])]
    return (torch.stack([step[k].flatten()[0] for step in steps]) for k in (0, 1))


@pytest.mark.parametrize("name", ["stdp-enu", "complex-stdp-enu"])
@pytest.mark.parametrize("pre, post, modulator", [(45, 52, 1), (60, 41, 1), (30, 31, 0), (79, 78, 0)])
def test_the_javascript_synapse_equals_the_library_for_any_spike_pair(near, script, name, pre, post, modulator):
    """The unit's output at every step, the rule and the synaptic change."""
    entry = enu.zoo.load(name)
    payload = live.window(entry, seed=3).payload
    data = {**payload, **{k: page.unpack(payload[k]).tolist() for k in ("genome", "x")}}
    found = json.loads(script.eval(f"JSON.stringify(enuLive.synapse({json.dumps(data)}, {pre}, {post}, {modulator}))"))
    batch = entry.task.respond(torch.tensor([data["x"]]), *(torch.tensor([v]) for v in (pre, post, modulator)))
    trace = enu.rollout(entry.model, entry.genome, entry.task, batch=batch)
    y, bound = exact_outputs(entry, batch.inputs)
    for other in (torch.tensor(found["y"]), trace.y[0, 0, :, 0]):
        near((other - y).abs(), bound)
    assert np.abs(np.array(found["target"]) - batch.target[0].numpy()).max() < 1e-6
    change = relative_change(trace).item()
    two_means = 2 * bound.max() / y[5:].mean()  # relative errors of the outputs before and after the pair
    bound = (100 + abs(change)) * 2 * two_means
    near(abs(found["change"] - change), bound)
    assert bound < 0.1
    assert abs(found["goal"]) > 0.1 or not modulator


@pytest.mark.parametrize("rule", ["neuromodulated", "complex"])
def test_the_scripts_rule_is_the_librarys_for_every_tau_distance_and_modulator(script, rule):
    cases = [(d, m, tau) for tau in (2.5, 5.0, 10.0, 20.0, 40.0) for d in range(-30, 31) for m in (0, 1)]
    calls = ",".join(f'enuLive.weightChange("{rule}", {d}, {m}, {tau})' for d, m, tau in cases)
    found = json.loads(script.eval(f"JSON.stringify([{calls}])"))
    wanted = [weight_change(rule, torch.tensor(d), torch.tensor(float(m)), tau).item() for d, m, tau in cases]
    assert found == pytest.approx(wanted, abs=1e-6)


def test_a_page_shows_the_rule_of_its_own_task(script):
    """A synapse evolved for another time constant is compared with that rule."""
    entry = enu.zoo.load("stdp-enu")
    quick = dataclasses.replace(entry, experiment=dataclasses.replace(entry.experiment, task=enu.STDP(tau=5.0)))
    payload = live.window(quick, pre=45, post=50).payload
    data = {**payload, **{k: page.unpack(payload[k]).tolist() for k in ("genome", "x")}}
    goal = script.eval(f"enuLive.synapse({json.dumps(data)}, 45, 50, 1).goal")
    rule = weight_change("neuromodulated", torch.tensor(5), torch.tensor(1.0), 5.0)
    assert goal == pytest.approx(100 * rule.item(), abs=1e-4)


def test_the_script_writes_the_same_paths_as_the_library(script):
    xs, ys = [-2, -1, 1, 2, 3], [0.5, float("nan"), 2.0, 3.0, -1.0]
    drawn = script.eval("enuLive.curve([-2,-1,1,2,3], [0.5,NaN,2,3,-1], 1.5)")
    numbers = [re.findall(r"[ML][-\d.]+ [-\d.]+", d) for d in (drawn, chart.curve(xs, ys, 1.5))]
    assert numbers[0] == numbers[1] == ["M-2 -0.5", "M1 -2", "L2 -3", "L3 1"]


def test_a_recording_equals_the_run():
    """Frames are the parents of `evolve`, up to the last one."""
    experiment = live.small_synapse(9, 3)
    recording = live.record(experiment, seed=2, n=3)
    run = enu.evolve(experiment, seed=2, progress=False)
    assert recording.generation.tolist() == [3, 6, 9]
    assert recording.loss.tolist() == pytest.approx([-row["held_out"] for row in run.log if "held_out" in row])
    last = plasticity_window(run.model, run.parent, run.task, 1, n=3)
    assert np.allclose(recording.evolved[-1, 1], last.evolved, equal_nan=True)
    piece = live.evolution(recording)
    held = page.unpack(piece.payload["evolved"])
    assert held.shape == (3, 2, 60) and np.allclose(held[-1, 1], np.clip(last.evolved.numpy(), -600, 600), equal_nan=True)


def test_html_fetches_nothing_and_is_well_formed(pieces):
    for piece in pieces:
        html = piece._repr_html_()
        assert "http" not in html.replace("http-equiv", "") and "import(" not in html and "fetch(" not in html
        assert "url(" not in html and "@import" not in html
        found = Page(html)
        assert not found.stack
        assert [e["data-enu-live"] for e in found.elements if "data-enu-live" in e] == [piece.kind]
        sources = [e.get("href") or e.get("src") for e in found.elements if e.get("href") or e.get("src")]
        assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_every_control_is_labelled_and_hidden_without_scripts(pieces):
    for piece in pieces:
        elements = Page(piece._repr_html_()).elements
        controls = [e for e in elements if "data-do" in e or "data-set" in e]
        assert controls and {e["tag"] for e in controls} <= {"button", "input", "select"}
        for e in controls:
            named = e.get("aria-label") or e["text"].strip()
            within = [label for label in elements if label["tag"] == "label" and label["text"].strip()]
            assert named or "label" in e["in"] and within, e
        assert all("hidden" in e for e in elements if e.get("class") == "enu-controls")
        pictures = [e for e in elements if e.get("role") == "img"]
        assert pictures and all(e["aria-label"] for e in pictures)


def test_colours_come_from_the_palette_of_the_figures(pieces):
    used = set(re.findall(r"var\(--(\w+)\)", "".join(piece.body for piece in pieces)))
    assert used <= set(enu.live.page.PALETTE) and {"evolved", "target", "food", "poison"} <= used


def test_the_principal_axis_of_points_on_a_line():
    direction = torch.tensor([0.6, -0.8, 0.0])
    memory = 0.1 + torch.linspace(-1, 1, 201)[:, None] * direction + 1e-4 * torch.randn(201, 3, generator=enu.stream(0, "test"))
    axis = principal_axis(memory)
    assert axis.share > 0.999 and torch.allclose(axis.direction, -direction, atol=1e-3)
    assert torch.allclose(project(axis, memory), -torch.linspace(-1, 1, 201).div(0.98).clamp(-1, 1), atol=0.02)
    still = principal_axis(torch.ones(5, 3))
    assert still.share == 0 and not project(still, torch.ones(5, 3)).any()


def test_synapses_between_the_same_neurons_divide_a_square():
    drawn = scene.matrix(((0, 0, 4), (1, 2, 3)), np.zeros(6), np.array([[1, -0.5, 0], [0, 0, 0]]), 0.5, n_outputs=1)
    squares = re.findall(r'data-synapse="(\d)".*? x="([\d.]+)" .*?width="([\d.]+)".*?fill-opacity:([\d.]+)', drawn)
    assert [(n, float(width), float(opacity)) for n, _, width, opacity in squares][:3] == [
        ("0", 10, 1),
        ("1", 10, 0.5),
        ("2", 20, 0),
    ]
    assert float(squares[1][1]) - float(squares[0][1]) == 10 and len(squares) == 6
