"""Reference agents for the mazes: what can be earned with which knowledge (reconstruction).

    trace = play(Maze(), "memory-only", environments=64, seed=1)     # recorded like enu_lib.rollout
    scores(Maze(), "looking", episodes=10_000)                       # {"food": ..., "poison": ..., ...}

They know the actions and walk the shortest way to one end after another; they differ in how they choose it:

    omniscient    the end with the food
    looking       where food last was; sees what lies one cell ahead, and turns around before poison or an empty end, once
                  its first meal has taught it which sensor means which
    memory-only   where food last was; an end with poison or nothing is left for the next one
    fixed-arm     always the same end
    random        each action with probability 1/3

They test the mazes and are the reference lines of the figures.  Shapes: B environments, E ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.rollout import Trace
from enu_lib.streams import integers, stream
from enu_lib.tasks.maze import FORWARD, HEADINGS, LEFT, RIGHT, Maze, MazeState, geometry

NAMES = ("omniscient", "looking", "memory-only", "fixed-arm", "random")


class Belief(NamedTuple):
    """What an agent remembers."""

    target: Tensor  # (B,) number of the end it is walking to
    bad: Tensor  # (B, E) bool, ends found without food since food was last found
    colours: Tensor  # (B,) bool, whether it has eaten, and so knows which sensor means food


@torch.no_grad()
def play(maze: Maze, agent: str, environments: int = 64, seed: int = 1) -> Trace:
    """Lives of a reference agent, recorded as `enu_lib.rollout` records a network's (P = 1)."""
    xs, ys, fs = list[Tensor](), list[Tensor](), list[Tensor]()
    states = list[MazeState]()
    before = maze.reset(1, environments, stream(seed, "rollout"))
    for t, (y, f, state) in enumerate(_lives(maze, agent, before, seed)):
        xs.append(maze.observe(before, t))
        ys.append(y)
        fs.append(f)
        states.append(state)
        before = state
    names = [name for name in before._fields if getattr(before, name).dim() >= 2]
    fields = {name: torch.stack([getattr(s, name) for s in states], 2) for name in names}
    return Trace(torch.stack(xs, 2), torch.stack(ys, 2), torch.stack(fs, 2), None, fields)


@torch.no_grad()
def scores(maze: Maze, agent: str, episodes: int = 10_000, seed: int = 1) -> dict[str, float]:
    """Mean food, poison, fitness and steps alive over fresh episodes, and the standard error of food."""
    fitness, alive = (torch.zeros(episodes, dtype=torch.float32, device="cpu") for _ in range(2))
    state = maze.reset(1, episodes, stream(seed, "rollout"))
    for _, f, after in _lives(maze, agent, state, seed):
        fitness += f[0]
        alive += state.alive[0]
        state = after
    food = state.foods[0].float()
    return {
        "n": episodes,
        "food": food.mean().item(),
        "food s.e.": (food.std() / episodes**0.5).item(),
        "poison": state.poisons[0].float().mean().item(),
        "fitness": fitness.mean().item(),
        "steps alive": alive.mean().item(),
    }


def _lives(maze: Maze, agent: str, state: MazeState, seed: int) -> Iterator[tuple[Tensor, Tensor, MazeState]]:
    """Outputs (1, B, 3), fitness (1, B) and the state after it, of each network step."""
    belief, generator = begin(maze, agent, state.cell.shape[1]), stream(seed, "actions")
    for t in range(maze.steps):
        belief, y = act(maze, agent, belief, state, t, generator)
        state, f = maze.step(state, y, t)
        belief = learn(agent, belief, state)
        yield y, f, state


def begin(maze: Maze, agent: str, environments: int) -> Belief:
    """What an agent believes at the start of a life.  Raises ValueError for an agent that there is not."""
    if agent not in NAMES:
        raise ValueError(f"unknown agent {agent!r}: choose one of {', '.join(NAMES)}")
    return Belief(
        torch.zeros(environments, dtype=torch.int64, device="cpu"),
        torch.zeros(environments, len(geometry(maze).ends), dtype=torch.bool, device="cpu"),
        torch.zeros(environments, dtype=torch.bool, device="cpu"),
    )


def act(maze: Maze, agent: str, belief: Belief, state: MazeState, t: int, generator: torch.Generator) -> tuple[Belief, Tensor]:
    """What an agent puts out at step t, (1, B, 3), all zero unless a move is made then; `generator` serves the random one."""
    environments = state.cell.shape[1]
    y = torch.zeros(1, environments, 3, dtype=torch.float32, device="cpu")
    if (t + 1) % maze.move_every:
        return belief, y
    if agent == "random":
        action = integers(0, 3, (environments,), generator)
    else:
        belief = _think(maze, agent, belief, state, torch.tensor(geometry(maze).ends, device="cpu"))
        action = _routes(maze)[belief.target, state.cell[0], state.heading[0]]
    does = state.action_of[0].argsort(1)  # (B, 3) the output that makes each action
    y[0].scatter_(1, does.gather(1, action[:, None]), 1.0)
    return belief, y


def learn(agent: str, belief: Belief, state: MazeState) -> Belief:
    """The belief after a step that led to `state`: a meal teaches."""
    if agent == "fixed-arm" or not state.ate.any():
        return belief
    return _taste(belief, state.ate[0])


def _think(maze: Maze, agent: str, belief: Belief, state: MazeState, ends: Tensor) -> Belief:
    """The belief before a move: where to go now."""
    if agent == "fixed-arm":
        return belief
    if agent == "omniscient":
        return belief._replace(target=(state.food[0, :, None] == ends).long().argmax(1))
    goal = ends[belief.target]
    here = state.cell[0] == goal  # standing on an end that holds nothing
    if agent == "looking":
        ahead = torch.tensor(geometry(maze).ahead, device="cpu")[state.cell[0], state.heading[0]]
        useless = (ahead == state.poison[0]) & belief.colours | (ahead != state.food[0]) & (ahead != state.poison[0])
        here = here | ((ahead == goal) & useless)
    return _give_up(belief, here)


def _taste(belief: Belief, ate: Tensor) -> Belief:
    """After a meal: 1 food, -1 poison, 0 none, (B,)."""
    belief = belief._replace(colours=belief.colours | (ate != 0), bad=belief.bad & (ate <= 0)[:, None])
    return _give_up(belief, ate < 0)


def _give_up(belief: Belief, which: Tensor) -> Belief:
    """Mark the targets of some agents as bad, and choose the next end that is not; if all are, forget all but this one."""
    at = torch.nn.functional.one_hot(belief.target, belief.bad.shape[1]).bool()
    bad = belief.bad | (at & which[:, None])
    bad = torch.where(bad.all(1, keepdim=True), at, bad)
    first_good = (~bad).long().argmax(1)
    return belief._replace(bad=bad, target=torch.where(which, first_good, belief.target))


@lru_cache
def _routes(maze: Maze) -> Tensor:
    """(E, cells, 4): the action that leads by the shortest way to each end, from every cell and heading."""
    g = geometry(maze)
    table = torch.full((len(g.ends), len(g.cells), 4), FORWARD, device="cpu")
    for number, end in enumerate(g.ends):
        seen = {(end, heading) for heading in range(4)}
        queue = deque(seen)
        while queue:  # backwards from the end: which states lead here by one action?
            cell, heading = queue.popleft()
            behind = [c for c in range(len(g.cells)) if g.ahead[c][heading] == cell]
            before = [(FORWARD, c, heading) for c in behind]
            before += [(RIGHT, cell, (heading - 1) % len(HEADINGS)), (LEFT, cell, (heading + 1) % len(HEADINGS))]
            for action, c, h in before:
                if (c, h) not in seen:
                    seen.add((c, h))
                    queue.append((c, h))
                    table[number, c, h] = action
    return table
