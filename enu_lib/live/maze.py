"""Replay a recorded episode in the page: agent, sensors, reward, energy, all outputs, synapses' memories."""

from __future__ import annotations

import numpy as np
import torch

from enu_lib.analysis.memory import principal_axis, project
from enu_lib.base.kinds import Json
from enu_lib.live import scene
from enu_lib.live.page import Live, pack, player
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.trace import Trace

SPEEDS = {"1 move/s": 1.0, "2 moves/s": 2.0, "4 moves/s": 4.0, "8 moves/s": 8.0, "16 moves/s": 16.0}
AFTER_DEATH = 8  # network steps shown after death


def maze(
    trace: Trace, maze: Maze, network: Network | None = None, episode: int = 0, text: str = "A recorded episode in the maze"
) -> Live:
    """Interactive replay of episode number `episode` of a trace (from `rollout`, `agents.play` or `record_episodes`).

    With a `network` and a trace that contains memories (`rollout(.., memory=True)`), hidden neurons and synapses are shown
    too.  Frame k is the state after k network steps, with the inputs for the next step and the outputs of the last one.
    Raises ValueError for an invalid episode number, or for a network and a trace without memories.
    """
    episodes = trace.y.shape[1]
    if not 0 <= episode < episodes:
        raise ValueError(f"no episode {episode}: the trace has {episodes}, numbered from 0")
    if network is not None and "synapse_memory" not in trace.model:
        raise ValueError("the trace has no memories: record it with rollout(.., memory=True), or leave out the network")
    frames = _frames(trace, maze, network, episode)
    grid = geometry(maze)
    at = int(frames["last"])
    where = [int(frames[name][at]) for name in ("square", "heading", "food", "poison")]
    still = scene.maze(grid, where, bool(frames["alive"][at]), _walked(frames, grid.start, at), text)
    x, reward = frames["sensors"][at] / 255, float(frames["reward"][at]) - 1
    body = f'<div class="enu-row">{still}{scene.gauges(list(x), reward, frames["energy"][at] / 255)}'
    outputs, synapses, share = frames["outputs"], frames.get("synapses"), 0.0
    if network is not None and synapses is not None:
        share = float(frames["share"])
        shown = synapses[at].reshape(network.neurons, network.synapses) / 127.5 - 1
        body += scene.matrix(network.connections, outputs[:, at], shown, share, network.n_outputs)
    meals = [(int(k), int(s)) for k, s in zip(frames["meal_steps"], frames["meal_signs"], strict=True)]
    foods, poisons = (sum(s == sign for _, s in meals) for sign in (1, -1))
    said = f"Outputs of all neurons over the episode; {foods} foods, {poisons} poisons"
    body += f'</div><p class="enu-said" data-part="said">{_said(frames, maze, at)}</p>'
    body += scene.raster(outputs, meals, at, said)
    body += player(len(frames["square"]), "move", SPEEDS, "4 moves/s", at)
    payload: Json = {
        name: pack(frames[name])
        for name in ("square", "heading", "food", "poison", "alive", "energy", "foods", "poisons", "sensors", "reward")
    }
    payload["outputs"] = pack(np.rint(outputs * 127.5 + 127.5).astype(np.uint8))
    payload["centers"] = [scene.center(grid, square) for square in range(len(grid.squares))]
    payload |= {"start": grid.start, "move": maze.move_every, "meals": meals}
    if synapses is not None:
        payload["synapses"] = pack(synapses)
    return Live("maze", text, body, payload)


def _frames(trace: Trace, maze: Maze, network: Network | None, episode: int) -> Json:
    """The values of all frames as in the payload; time is the first axis, except for `outputs` (4 + N, T)."""
    after = {name: values[0, episode].numpy() for name, values in trace.task.items()}
    dead = np.flatnonzero(~after["alive"])
    steps = min(len(after["square"]), int(dead[0]) + 1 + AFTER_DEATH) if len(dead) else len(after["square"])

    def before(name: str, first: float) -> np.ndarray:
        """The value after k steps, k = 0..steps - 1."""
        return np.concatenate([[first], after[name][: steps - 1]])

    x = trace.x[0, episode, :steps].numpy()
    neurons = trace.model["neuron_output"][0, episode, ..., 0] if network is not None else trace.y[0, episode]
    last = torch.cat([torch.zeros_like(neurons[:1]), neurons[: steps - 1]]).numpy().clip(0, 1)
    reward = x[:, 3, 1] - x[:, 3, 2]
    meals = np.flatnonzero(after["ate"][:steps])
    frames: Json = {
        "square": before("square", geometry(maze).start),
        "heading": before("heading", 0),
        "food": before("food", after["food"][0]),  # no meal is possible in the first step
        "poison": before("poison", after["poison"][0]),
        "alive": before("alive", 1),
        "energy": np.rint(255 * before("energy", maze.full) / maze.full).clip(0, 255),
        "foods": before("foods", 0),
        "poisons": before("poisons", 0),
        "sensors": np.rint(255 * x[:, :3, 0]),
        "reward": 1 + np.sign(reward),
    }
    frames = {name: values.astype(np.uint8) for name, values in frames.items()}
    frames["outputs"] = np.concatenate([x[:, :3, 0].T, reward[None], last.T])
    frames["meal_steps"], frames["meal_signs"] = meals + 1, after["ate"][meals]
    alive = np.flatnonzero(frames["alive"])
    frames["last"] = alive[-1]
    if network is not None:
        memory = trace.model["synapse_memory"][0, episode, :steps]
        axis = principal_axis(memory)
        memory = torch.cat([torch.zeros_like(memory[:1]), memory[:-1]])
        frames["synapses"] = torch.round(127.5 + 127.5 * project(axis, memory)).flatten(1).numpy().astype(np.uint8)
        frames["share"] = axis.share
    return frames


def _walked(frames: Json, start: int, at: int) -> list[int]:
    """Squares visited since the last meal, up to frame `at`."""
    meals = [k for k in frames["meal_steps"] if k <= at]
    since = meals[-1] if meals else 0
    return [start, *(int(s) for s in frames["square"][since : at + 1])]


def _said(frames: Json, maze: Maze, at: int) -> str:
    """The status line, as the script writes it."""
    over = "" if frames["alive"][at] else " The episode has ended."
    move = at // maze.move_every
    return f"step {at}, move {move}: food {frames['foods'][at]}, poison {frames['poisons'][at]}.{over}"
