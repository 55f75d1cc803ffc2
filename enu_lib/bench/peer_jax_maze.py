"""The maze of `tasks.maze` in JAX, for the benchmark: B environments of one offspring advance together.

State and outputs have the environments last.  `explore_bonus` and the teacher are not implemented.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from enu_lib.tasks.geometry import FORWARD, LEFT, RIGHT
from enu_lib.tasks.maze import Maze, MazeState, geometry

with suppress(ModuleNotFoundError):  # optional, see `peer_jax`
    import jax
    import jax.numpy as jnp


class Drawn(NamedTuple):
    """Everything random about B episodes, except noise."""

    sensor_of: jax.Array  # (3, B) the sensor neurons for wall, food, poison
    action_of: jax.Array  # (3, B) the actions of outputs 0, 1, 2
    places: jax.Array  # (K, 2, B) squares of food and poison in each period


class Agents(NamedTuple):
    """State of B episodes, as in `tasks.maze.MazeState`; all (B,) unless noted."""

    square: jax.Array
    heading: jax.Array
    energy: jax.Array
    alive: jax.Array
    foods: jax.Array
    poisons: jax.Array
    reward: jax.Array
    shown: jax.Array
    votes: jax.Array  # (3, B)


def drawn(state: MazeState) -> Drawn:
    """The environments in an initial state that `Maze.reset` returned."""
    last = (state.sensor_of[0].T, state.action_of[0].T, state.places[0].permute(1, 2, 0))
    return Drawn(*(jnp.asarray(v.numpy().astype(np.int32)) for v in last))


def begin(maze: Maze, b: int) -> Agents:
    """The initial state."""
    whole, real = jnp.zeros(b, jnp.int32), jnp.zeros(b, jnp.float32)
    start, full, alive = whole + geometry(maze).start, real + maze.full, jnp.ones(b, bool)
    return Agents(start, whole, full, alive, whole, whole, real, whole, jnp.zeros((3, b)))


def observe(maze: Maze, agents: Agents, drawn: Drawn, channels: int) -> jax.Array:
    """The values of the input neurons (4, B, C)."""
    food, poison = _places(maze, agents, drawn)
    ahead = jnp.asarray(geometry(maze).ahead)[agents.square, agents.heading]
    visible = jnp.array([[True], [maze.meals_visible], [maze.meals_visible]])
    seen = jnp.stack([ahead < 0, ahead == food, ahead == poison]) & visible & agents.alive  # (3 meanings, B)
    sensors = ((drawn.sensor_of == jnp.arange(3)[:, None, None]) & seen).any(1)  # (3, B)
    x = jnp.pad(sensors.astype(jnp.float32)[..., None], ((0, 1), (0, 0), (0, channels - 1)))
    return x.at[3, :, 1:3].set(jnp.stack([agents.reward, -agents.reward], -1).clip(0))


def step(maze: Maze, agents: Agents, drawn: Drawn, y: jax.Array, t: jax.Array) -> tuple[Agents, jax.Array]:
    """The next state, and the step's fitness (B,), for outputs y (3, B)."""
    a = agents
    votes, moves = a.votes + y, (t + 1) % maze.move_every == 0
    clear = (votes == votes.max(0)).sum(0) < (3 if maze.tie == "first" else 2)
    action = jnp.take_along_axis(drawn.action_of, votes.argmax(0)[None], 0)[0]
    action = jnp.where(moves & a.alive & clear, action, -1)
    heading = (a.heading + (action == RIGHT) - (action == LEFT)) % 4
    ahead = jnp.asarray(geometry(maze).ahead)[a.square, a.heading]
    walked = action == FORWARD
    square = jnp.where(walked & (ahead >= 0), ahead, a.square)
    food, poison = _places(maze, a, drawn)
    ate = (walked & (square == food)).astype(jnp.int32) - (walked & (square == poison))
    first = maze.first_meal_counts & (a.foods + a.poisons == 0)
    fitness = jnp.where(first, jnp.abs(ate), ate) + maze.alive_bonus * a.alive
    back, poisons = ate != 0, a.poisons + (ate < 0)
    energy = jnp.where(a.alive, jnp.where(back, maze.full, a.energy) - maze.energy_cost, a.energy)
    alive = a.alive & (energy > 0) & (poisons < maze.deadly_poisons)
    shown = jnp.where(back, maze.reward_steps, jnp.maximum(a.shown - 1, 0))
    reward = jnp.where(back, ate.astype(jnp.float32), a.reward) * (shown > 0) * alive
    after = Agents(
        square=jnp.where(back, geometry(maze).start, square),
        heading=jnp.where(back, 0, heading),
        energy=energy,
        alive=alive,
        foods=a.foods + (ate > 0),
        poisons=poisons,
        reward=reward,
        shown=shown,
        votes=jnp.where(moves, 0, votes),
    )
    return after, fitness


def _places(maze: Maze, agents: Agents, drawn: Drawn) -> tuple[jax.Array, jax.Array]:
    """The squares of food and poison, (B,) each."""
    period = (agents.foods + agents.poisons * maze.count_poisons) // maze.foods_per_period
    food, poison = jnp.take_along_axis(drawn.places, period[None, None], 0)[0]
    return food, poison
