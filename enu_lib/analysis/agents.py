"""Reference agents for the mazes: what can be earned with which knowledge (reconstruction).

    trace = play(Maze(), "memory-only", environments=64, seed=1)     # recorded like enu_lib.rollout
    scores(Maze(), "looking", episodes=10_000)                       # {"food": ..., "poison": ..., ...}

They know the actions and walk the shortest way to one end after another; they differ in how they choose it:

    omniscient    the end with the food
    looking       where food last was; turns around before poison or an empty end.  Which sensor means poison it learns from
                  its meals: the sensor that was active just before; where they contradict it, it learns anew
    memory-only   where food last was; an end with poison or nothing is left for the next one
    latch         the first end, and from its first poison on the second one for ever: it switches once
    fixed-arm     always the same end
    random        each action with probability 1/3

Except for the omniscient one they know only what they are shown: the sensors, and what a meal was from the reward neuron.
They test the mazes and are the reference lines of the figures.  Shapes: B environments, E ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.streams import integers, stream
from enu_lib.tasks.altered import Altered, rules
from enu_lib.tasks.maze import FORWARD, HEADINGS, LEFT, RIGHT, Maze, MazeState, geometry
from enu_lib.trace import Trace, over_time

NAMES = ("omniscient", "looking", "memory-only", "latch", "fixed-arm", "random")


class Belief(NamedTuple):
    """What an agent remembers."""

    target: Tensor  # (B,) number of the end it is walking to
    bad: Tensor  # (B, E) bool, ends found without food since food was last found
    means_food: Tensor  # (B,) the sensor that it takes for food's, -1: it knows none; this and the rest: of "looking" alone
    means_poison: Tensor  # (B,) the sensor that it takes for poison's
    ahead: Tensor  # (B,) the sensor that was active before the last move; -1: none
    passed: Tensor  # (B,) ends before which it has turned around since its last meal
    blind: Tensor  # (B,) bool, whether it has stopped taking an end at which no sensor is active for an empty one


@torch.no_grad()
def play(maze: Maze | Altered, agent: str, environments: int = 64, seed: int = 1) -> Trace:
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
    return Trace(torch.stack(xs, 2), torch.stack(ys, 2), torch.stack(fs, 2), None, over_time(states))


@torch.no_grad()
def scores(maze: Maze | Altered, agent: str, episodes: int = 10_000, seed: int = 1) -> dict[str, float]:
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


def _lives(maze: Maze | Altered, agent: str, state: MazeState, seed: int) -> Iterator[tuple[Tensor, Tensor, MazeState]]:
    """Outputs (1, B, 3), fitness (1, B) and the state after it, of each network step."""
    belief, generator = begin(maze, agent, state.cell.shape[1]), stream(seed, "actions")
    for t in range(maze.steps):
        belief, y = act(maze, agent, belief, state, t, generator)
        state, f = maze.step(state, y, t)
        belief = learn(maze, agent, belief, state, t + 1)
        yield y, f, state


def begin(maze: Maze | Altered, agent: str, environments: int) -> Belief:
    """What an agent believes at the start of a life.  Raises ValueError for an agent that there is not."""
    if agent not in NAMES:
        raise ValueError(f"unknown agent {agent!r}: choose one of {', '.join(NAMES)}")
    zero = torch.zeros(environments, dtype=torch.int64, device="cpu")
    bad = torch.zeros(environments, len(geometry(rules(maze)).ends), dtype=torch.bool, device="cpu")
    return Belief(zero, bad, zero - 1, zero - 1, zero - 1, zero, zero.bool())


def act(
    maze: Maze | Altered, agent: str, belief: Belief, state: MazeState, t: int, generator: torch.Generator
) -> tuple[Belief, Tensor]:
    """What an agent puts out at step t, (1, B, 3), all zero unless a move is made then; `generator` serves the random one."""
    environments = state.cell.shape[1]
    y = torch.zeros(1, environments, 3, dtype=torch.float32, device="cpu")
    if (t + 1) % rules(maze).move_every:
        return belief, y
    if agent == "random":
        action = integers(0, 3, (environments,), generator)
    else:
        belief = _think(maze, agent, belief, state, t)
        action = _routes(rules(maze))[belief.target, state.cell[0], state.heading[0]]
    does = state.action_of[0].argsort(1)  # (B, 3) the output that makes each action
    y[0].scatter_(1, does.gather(1, action[:, None]), 1.0)
    return belief, y


def learn(maze: Maze | Altered, agent: str, belief: Belief, state: MazeState, t: int) -> Belief:
    """The belief after a step that led to `state`, before step t: a meal teaches what the reward neuron tells of it."""
    if agent in ("fixed-arm", "omniscient", "random") or not state.ate.any():
        return belief
    channels = maze.observe(state, t)[0, :, 3]
    felt = (channels[:, 1] - channels[:, 2]).sign() * (state.ate[0] != 0)  # 1 food, -1 poison, 0 no meal, or an untold one
    if agent == "latch":
        return _give_up(belief, (felt < 0) & ~belief.bad.any(1))
    belief = belief._replace(bad=belief.bad & (felt <= 0)[:, None])
    if agent == "looking":
        belief = _name(belief, felt)._replace(passed=torch.where(state.ate[0] != 0, 0, belief.passed))
    return _give_up(belief, felt < 0)


def _think(maze: Maze | Altered, agent: str, belief: Belief, state: MazeState, t: int) -> Belief:
    """The belief before a move: where to go now."""
    if agent in ("fixed-arm", "latch"):
        return belief
    grid = geometry(rules(maze))
    ends = torch.tensor(grid.ends, device="cpu")
    if agent == "omniscient":
        return belief._replace(target=(state.food[0, :, None] == ends).long().argmax(1))
    goal = ends[belief.target]
    here = state.cell[0] == goal  # standing on an end that holds nothing
    if agent == "looking":
        sensors = maze.observe(state, t)[0, :, :3, 0] > 0
        belief = belief._replace(ahead=torch.where(sensors.any(1), sensors.long().argmax(1), -1))
        before = torch.tensor(grid.ahead, device="cpu")[state.cell[0], state.heading[0]] == goal
        turns = before & _useless(belief, empty_ends=len(ends) > 2)
        belief, here = _doubt(belief, turns), here | turns
    return _give_up(belief, here)


def _useless(belief: Belief, empty_ends: bool) -> Tensor:
    """Whether the sensors say that the end ahead holds no food (B,), if some ends are empty and if none is."""
    food_only = (belief.means_poison < 0) & (belief.means_food >= 0)
    other = food_only & (belief.ahead != belief.means_food)
    poison = (belief.ahead >= 0) & ((belief.ahead == belief.means_poison) | other)
    return poison | (belief.ahead < 0) & ~belief.blind & empty_ends


def _name(belief: Belief, felt: Tensor) -> Belief:
    """After meals that felt good or bad (B,): the sensor that was active before means this, and not what it meant."""
    seen = belief.ahead
    food, poison = (felt > 0) & (seen >= 0), (felt < 0) & (seen >= 0)
    return belief._replace(
        means_food=torch.where(food, seen, torch.where(poison & (belief.means_food == seen), -1, belief.means_food)),
        means_poison=torch.where(poison, seen, torch.where(food & (belief.means_poison == seen), -1, belief.means_poison)),
        blind=belief.blind & ~food & ~poison,
    )


def _doubt(belief: Belief, turns: Tensor) -> Belief:
    """Count the ends before which it turns around (B,); where no end is left, what it knows of its sensors is wrong."""
    passed = belief.passed + turns
    lost = passed >= belief.bad.shape[1]
    return belief._replace(
        means_food=torch.where(lost, -1, belief.means_food),
        means_poison=torch.where(lost, -1, belief.means_poison),
        passed=torch.where(lost, 0, passed),
        blind=belief.blind | lost,
    )


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
