"""An episode of a network, simulated by the page's script; the reader can run it, move the agent, and change maze and network.

    live.toy(entry.model, entry.genome, entry.task)

The page's script has the step of all units (units.js) and the rules of the mazes (rules.js); the genome travels in the page.
"""

from __future__ import annotations

from dataclasses import fields
from html import escape
from itertools import permutations

import numpy as np
from torch import Tensor

from enu_lib.analysis.memory import Axis, project, synapse_axis
from enu_lib.base.kinds import Json
from enu_lib.cells import ENU
from enu_lib.figures.networks import neuron_names
from enu_lib.kernels import door
from enu_lib.live import scene
from enu_lib.live.maze import SPEEDS
from enu_lib.live.page import Live, pack, slider, speeds
from enu_lib.network import Network
from enu_lib.streams import stream
from enu_lib.tasks.maze import Maze, MazeState, geometry, shuffles

LARGEST = 50_000  # values of a genome: 270 kB of page
MEANINGS = ("walls", "food", "poison")  # what a sensor shows
DOES = ("moves the agent forward", "turns the agent left", "turns the agent right")  # what an output does
NOISES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # to choose from, beside the network's own
ACTIONS = (
    ("left", "&#8630; Turn left", "Turn the agent left yourself (left arrow key). The network still receives its inputs."),
    ("forward", "&#8593; Forward", "Move the agent one square ahead (up arrow key). The network still receives its inputs."),
    ("right", "Turn right &#8631;", "Turn the agent right yourself (right arrow key). The network still receives its inputs."),
)


def toy(
    network: Network,
    genome: Tensor,
    maze: Maze,
    seed: int = 0,
    text: str = "An episode of the evolved network in the maze, in which you can trick and damage the network",
) -> Live:
    """Interactive episode of one genome (D,) in a maze, simulated by the page's script.

    The first episode has the environment that `maze.reset` draws from `stream(seed, "toy")`; others are drawn in the page.
    Raises ValueError unless network, genome and maze fit together, the maze is a `Maze` and the units are ENUs.
    """
    genome = _checked(network, genome, maze)
    first = maze.reset(1, 1, stream(seed, "toy"))
    axis = synapse_axis(network, genome, maze, seed)
    names = neuron_names(network.neurons, network.n_outputs)
    noises = sorted({network.noise, *NOISES})
    payload: Json = {
        "genome": pack(genome.numpy()),
        "network": description(network),
        "maze": rules(maze),
        "first": _environment(first),
        "seed": seed,
        "names": names,
        "meanings": MEANINGS,
        "does": DOES,
        "kinds": scene.kinds(len(names), network.n_outputs),
        "noises": noises,
        "centers": [scene.center(geometry(maze), square) for square in range(len(geometry(maze).squares))],
        "axis": {"mean": pack(axis.mean.numpy()), "direction": pack(axis.direction.numpy()), "scale": axis.scale},
    }
    sensors = maze.observe(first, 0)[0, 0, :3, 0].tolist()
    body = _picture(maze, first, sensors, text) + _controls(names, noises.index(network.noise), len(noises))
    body += f'<div class="enu-row">{_outputs(names, maze.steps)}{_synapses(network, sensors, axis)}</div>'
    return Live("toy", text, body, payload)


def _checked(network: Network, genome: Tensor, maze: Maze) -> Tensor:
    """The genome (D,) in float32."""
    if type(maze) is not Maze:
        raise ValueError(f"the toy has the rules of enu_lib.Maze, not of {type(maze).__name__}: pass a Maze")
    if not isinstance(network, Network) or not isinstance(network.synapse_cell, ENU):
        got = f"cell={network.cell!r}" if isinstance(network, Network) else f"{network}"
        raise ValueError(f"the toy plays networks of ENUs (cell='enu' or 'nfenu'), got {got}: choose such a network")
    door.fits(network, maze)
    if network.n_params > LARGEST:
        raise ValueError(
            f"a genome of {network.n_params} values is too large for a page (at most {LARGEST}): choose fewer channels or "
            "hidden"
        )
    genome = door.genomes(network, genome[None])[0]
    if not bool(genome.isfinite().all()):
        raise ValueError("the genome has values that are not finite: choose one whose values all are")
    return genome


def description(network: Network) -> Json:
    """What the page's script needs to know of a network of ENUs, besides the genome."""
    cell = network.synapse_cell
    assert isinstance(cell, ENU), "checked before"
    named = {name: getattr(network, name) for name in ("n_inputs", "n_outputs", "channels", "hidden", "shared", "noise")}
    return {"connections": network.connections, **named, "feedback": cell.feedback, "gain": cell.gain}


def rules(maze: Maze) -> Json:
    """What the page's script needs to know of a maze: settings and tables."""
    grid = geometry(maze)
    pairs = maze.placements or permutations(range(len(grid.ends)), 2)
    return {
        **{field.name: getattr(maze, field.name) for field in fields(maze)},
        "full": maze.full,
        "ahead": grid.ahead,
        "start": grid.start,
        "ends": grid.ends,
        "following": grid.following,
        "routes": grid.routes,
        "shuffles": shuffles(maze),
        "placements": [[grid.ends[food], grid.ends[poison]] for food, poison in pairs],
    }


def _environment(state: MazeState) -> Json:
    """The environment of a single episode: the meanings of sensors and outputs, and the places in each period."""
    return {name: getattr(state, name)[0, 0].tolist() for name in ("sensor_of", "action_of", "places")}


def _picture(maze: Maze, first: MazeState, sensors: list[float], text: str) -> str:
    """The maze, the agent's inputs, and the sentence below them, before the first step."""
    grid = geometry(maze)
    where = [int(v) for v in (first.square, first.heading, first.food, first.poison)]
    meaning = [MEANINGS[first.sensor_of[0, 0].tolist().index(sensor)] for sensor in range(3)]
    does = [DOES[action] for action in first.action_of[0, 0].tolist()]
    said = f"Sensor 1 shows {meaning[0]}, sensor 2 {meaning[1]}, sensor 3 {meaning[2]}. "
    said += f"Output 1 {does[0]}, output 2 {does[1]} and output 3 {does[2]}."
    stage = (
        '<div class="enu-stage" data-part="stage" tabindex="0" role="application" data-lm-suppress-shortcuts="true" '
        'aria-label="The maze: arrow keys move the agent, the space bar runs and pauses" '
        'title="Plus: food. Cross: poison. Arrowhead: the agent. Arrow keys move it, the space bar runs and pauses.">'
        f"{scene.maze(grid, where, True, [grid.start], text)}</div>"
    )
    counts = "".join(
        f'<span title="{what} eaten in this episode"><i style="color:var(--{what})" aria-hidden="true">{sign}</i> {what} '
        f'<b data-part="{what}s">0</b></span>'
        for what, sign in (("food", "&#43;"), ("poison", "&#215;"))
    )
    return (
        f'<p data-part="meaning">{said}</p><div class="enu-row">{stage}<div><div class="enu-counts">{counts}</div>'
        f"{scene.gauges(sensors, 0.0, 1.0, meaning)}"
        '<p class="enu-said enu-news" data-part="said" role="status" aria-live="polite">Episode 1 begins.</p>'
        '<p class="enu-note"><span data-part="clock"></span> <span data-part="changes"></span></p></div></div>'
    )


def _controls(names: list[str], noise: int, noises: int) -> str:
    """All controls, in four groups; hidden until the script is running."""
    neurons = "".join(f'<option value="{k}">{name}</option>' for k, name in enumerate(names[scene.N_INPUTS :]))
    watch = (
        '<button type="button" data-do="run" aria-pressed="false" '
        'title="Run or pause the network (space bar while the maze is selected).">Run</button>'
        + _button("step", "One step", "One network step: every synapse and every neuron is computed once.")
        + _button("move", "One move", "Network steps up to the next move; the output with the largest sum decides it.")
        + f'<label title="Speed of the network.">speed <select data-do="speed">{speeds(SPEEDS, "4 moves/s")}</select></label>'
        + _button(
            "again", "New episode", "A new agent with an empty memory and newly shuffled sensors. Undoes all your changes."
        )
    )
    trick = (
        _button("swap", "Swap food and poison", "Food and poison change places now.")
        + _button(
            "shuffle", "Shuffle the sensors again", "From now on every sensor shows something else; the network is not told."
        )
        + '<label title="Poison that is eaten no longer counts towards death; the reward neuron still signals it.">'
        '<input type="checkbox" data-set="harmless"> poison is harmless</label>'
    )
    damage = (
        '<label title="The output of this neuron no longer reaches other neurons. An output neuron still moves the agent.">'
        f'silence <select data-set="silence"><option value="-1">no neuron</option>{neurons}</select></label>'
        '<label title="The memory of every synapse stays as it is now, so that the synapses can no longer learn.">'
        '<input type="checkbox" data-set="freeze"> freeze the synapses</label>'
        '<span class="enu-wide" title="Standard deviation of the random numbers added to the output of every unit.">'
        f"{slider('noise', 'noise', noise, 0, noises - 1)}</span>"
    )
    walk = "".join(_button(*action) for action in ACTIONS)
    groups = (("Watch", watch), ("Move it yourself", walk), ("Trick it", trick), ("Damage it", damage))
    shown = "".join(
        f'<div class="enu-controls" role="group" aria-label="{name}" hidden><b>{name}</b>{group}</div>'
        for name, group in groups
    )
    hint = "Point at a control, or move to it with the Tab key, to read what it does."
    return f'{shown}<p class="enu-note enu-scripted" data-part="hint" hidden>{hint}</p>'


def _button(do: str, text: str, title: str) -> str:
    return f'<button type="button" data-do="{do}" title="{escape(title)}">{text}</button>'


def _outputs(names: list[str], steps: int) -> str:
    """An empty canvas for the outputs of all neurons, with the names of its rows."""
    rows = "".join(f"<span>{name}</span>" for name in ["meals", *names])
    return (
        '<div class="enu-raster enu-scripted" hidden title="Outputs of all neurons so far. Meals: green for '
        f'food, red for poison."><div class="enu-names">{rows}</div><div>'
        f'<canvas data-part="raster" role="img" aria-label="Outputs of all neurons so far" style="height:'
        f'{scene.ROW * (len(names) + 1)}px"></canvas><div class="enu-ends"><span>start</span><span>network step {steps}</span>'
        "</div></div></div>"
    )


def _synapses(network: Network, sensors: list[float], axis: Axis) -> str:
    """All synapses with an empty memory, and all neurons before their first output."""
    memory = np.full((network.neurons, network.synapses), float(project(axis, axis.mean * 0)))
    outputs = [*sensors, *[0.0] * (1 + network.neurons)]
    return scene.matrix(network.connections, outputs, memory, axis.share, network.n_outputs)
