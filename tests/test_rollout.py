"""Episodes step by step: closed loops, sequences, interventions, and when a simulation stops."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from exact import Exact
from own_task import Copy, Follow, Values

import enu_lib as enu
from enu_lib.kernels import reference
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import draw, play, present, record_episodes, turns
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Recorder

CELL = enu.ENU(1, 1, hidden=4)
NETWORK = Network(ORDERED, channels=3, hidden=4, noise=0.1)


def genome(model):
    return 2 * model.init(enu.stream(0, "genome"))


class Clock(NamedTuple):
    left: torch.Tensor  # (P, B) steps left to live


@dataclass
class Countdown:
    """A closed loop in which environment b ends after b + 1 steps; each step in which it has not ended earns 1."""

    steps: int = 9
    ends: bool = True  # whether it says so
    played: int = 0

    def __post_init__(self):
        if self.ends:
            self.done = lambda state: state.left <= 0

    def reset(self, population, environments, generator):
        return Clock(torch.arange(1, environments + 1).float().expand(population, -1))

    def observe(self, state, t):
        return state.left[..., None]

    def step(self, state, y, t):
        self.played += 1
        return Clock(state.left - 1), (state.left > 0).float()


def test_turns_give_what_was_observed_the_outputs_the_next_state_and_the_fitness():
    task = Follow(steps=4)
    start = task.reset(1, 3, enu.stream(0, "lights"))
    lit = start.lit

    def point_at_the_first(state, t):
        return task.observe(state, t), torch.tensor([1.0, 0, 0]).expand(1, 3, 3)

    for x, y, state, fitness in turns(task, start, point_at_the_first):
        assert torch.equal(x.argmax(2)[..., 0], lit) and torch.equal(y.argmax(-1), torch.zeros_like(lit))
        assert torch.equal(fitness, (lit == 0).float())
        lit = (lit + (lit == 0)) % 3
        assert torch.equal(state.lit, lit)


def test_fitness_is_the_sum_over_a_closed_loop_and_the_mean_over_a_sequence():
    for model, task, combine in ((NETWORK, Follow(), torch.sum), (CELL, Copy(), torch.mean)):
        trace = enu.rollout(model, genome(model), task, 5, seed=3)
        drawn = enu.fitness(model, genome(model)[None], task, 5, enu.stream(3, "rollout"), backend="reference")
        assert trace.fitness.shape == (1, 5, task.steps) and torch.allclose(combine(trace.fitness, -1), drawn, atol=1e-6)


@pytest.mark.parametrize("ends, recorded, steps", [(True, False, 4), (True, True, 9), (False, False, 9)])
def test_a_simulation_stops_once_all_episodes_have_ended_unless_it_is_recorded(ends, recorded, steps):
    task, genomes = Countdown(ends=ends), genome(CELL)[None]
    recorder = Recorder(CELL) if recorded else None
    _, drawn = draw(CELL, genomes, task, 4, enu.stream(0, "x"))
    assert play(CELL, genomes, task, drawn, recorder).tolist() == [[1, 2, 3, 4]]
    assert task.played == steps
    if recorder:
        assert recorder.trace().task["left"][0, :, -1].tolist() == [1 - 9, 2 - 9, 3 - 9, 4 - 9]


def test_a_given_batch_is_used_as_it_is():
    inputs = torch.rand(2, 25, 1, generator=enu.stream(0, "inputs"))
    trace = enu.rollout(CELL, genome(CELL), Copy(), batch=Values(inputs))
    assert torch.equal(trace.x[0], inputs) and torch.equal(trace.batch.inputs, inputs)
    assert torch.equal(trace.fitness[0], -((trace.y[0] - inputs)[..., 0] ** 2))


def test_an_intervention_sees_every_step_and_its_state_is_used():
    seen = []

    def forget(t, state):
        seen.append(t)
        return tuple(torch.zeros_like(part) for part in state)

    inputs = torch.rand(2, 6, 1, generator=enu.stream(0, "inputs"))
    forgetful = enu.rollout(CELL, genome(CELL), Copy(), batch=Values(inputs), intervene=forget)
    assert seen == list(range(6))
    for t in range(6):  # each step is like the first one
        first = enu.rollout(CELL, genome(CELL), Copy(), batch=Values(inputs[:, t : t + 1]))
        assert torch.equal(forgetful.y[:, :, t], first.y[:, :, 0])


def test_present_records_the_state_after_each_step():
    inputs, weights = torch.rand(3, 5, 1, generator=enu.stream(0, "inputs")), CELL.unpack(genome(CELL)[None])
    recorder = Recorder(CELL, memory=True)
    present(reference.Stepper(CELL, genome(CELL)[None], 3), inputs, None, recorder)
    state = CELL.reset(1, 3)
    for t in range(5):
        state, y = CELL.step(weights, state, inputs[None, :, t])
        assert torch.equal(recorder.outputs()[:, :, t], y) and torch.equal(recorder.model_states[t]["memory"], state[0])


def test_fast_recording_gives_the_episodes_of_rollout(near):
    maze = Maze(steps=60)
    slow = enu.rollout(NETWORK, genome(NETWORK), maze, 6, seed=2)
    fast = record_episodes(NETWORK, genome(NETWORK), maze, 6, seed=2)
    assert torch.equal(fast.task["places"], slow.task["places"]) and torch.equal(fast.x[:, :, 0], slow.x[:, :, 0])
    _, drawn = draw(NETWORK, genome(NETWORK)[None], maze, 6, enu.stream(2, "rollout"))
    exact = Exact(NETWORK, genome(NETWORK)[None], 6)
    for t in range(maze.move_every):  # up to the first move
        y, bound = exact.step(slow.x[:, :, t], drawn.noise.at(t, NETWORK.noise_shape))
        for trace in (fast, slow):
            near((trace.y[:, :, t] - y).abs(), bound)
    assert torch.allclose(fast.fitness[:, :, : maze.move_every - 1], slow.fitness[:, :, : maze.move_every - 1])
