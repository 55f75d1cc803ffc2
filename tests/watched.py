"""A small network in a maze, watched in an explorer, for test_widgets and test_widgets_interventions."""

import torch

import enu_lib as enu
from enu_lib import widgets
from enu_lib.network import ORDERED, Network
from enu_lib.tasks.maze import Maze

MAZE, NETWORK = Maze(steps=60), Network(ORDERED, channels=4, hidden=8, noise=0.1)
GENOME = 2 * NETWORK.init(enu.stream(0, "genome"))
SEED = 4


def recorded(intervene=None):
    """The same episode from `rollout`."""
    return enu.rollout(NETWORK, GENOME, MAZE, 1, SEED, memory=True, intervene=intervene)


def watch():
    """An explorer with two network steps per redraw."""
    explorer = widgets.MazeLife(NETWORK, GENOME, MAZE, seed=SEED)
    explorer.speed.value = 30
    return explorer


def tick(explorer, times=1):
    """Advance the clock as the browser does."""
    for _ in range(times):
        explorer.play.value += 1


def equals(explorer, trace, t):
    """Assert that the displayed episode equals the recorded one after t steps, bit for bit."""
    agent_state, state = explorer.watched.life.agent_state, explorer.watched.life.maze_state
    assert explorer.watched.life.t == t
    for name, value in (
        ("neuron_output", agent_state.output),
        ("synapse_memory", agent_state.synapse[0]),
        ("neuron_memory", agent_state.neuron[0]),
    ):
        assert torch.equal(value.flatten(), trace.model[name][0, 0, t - 1].flatten()), name
    for name, values in trace.task.items():
        assert torch.equal(getattr(state, name)[0, 0], values[0, 0, t - 1]), name
