"""Scripted reference agents for the mazes: how much food each strategy earns (reconstruction).

    trace = play(Maze(), "memory-only", environments=64, seed=1)     # recorded like enu_lib.rollout
    scores(Maze(), "looking", episodes=10_000)                       # {"food": ..., "poison": ..., ...}

All know what their outputs do and take the shortest path to one end of the maze after another.  They differ in how they
choose the end:

    omniscient    the end with the food
    looking       where food was last; turns around in front of poison or an empty end.  It learns from its meals which
                  sensor signals poison (the one active just before the meal), and relearns this when a meal contradicts it
    looking-once  like looking, but learns what the sensors mean from its first meal only; it goes where it last ate, even if
                  that was poison, and turns around in front of poison
    memory-only   where food was last; if that end holds poison or nothing, the next one
    latch         the first end until its first poison, then the second one for good: it switches once
    once-bitten   like the latch, but turns around in front of what its first poison looked like, and goes to the next end
    alternating   the next end after every meal, whatever it was
    fixed-arm     always the same end
    random        each action with probability 1/3

All except the omniscient agent know only what a network is shown: the sensors, and the reward neuron after a meal.
They are used to test the mazes and as reference lines in the figures.  Shapes: B environments, E ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.base import names
from enu_lib.rollout import turns
from enu_lib.streams import integers, stream
from enu_lib.tasks.altered import Altered, rules
from enu_lib.tasks.geometry import tables
from enu_lib.tasks.maze import Maze, MazeState, geometry
from enu_lib.trace import Recorder, Trace

NAMES = names.AGENTS
LOOKING = ("looking", "looking-once")


class Belief(NamedTuple):
    """The state of a reference agent."""

    target: Tensor  # (B,) index of the end it is walking to
    bad: Tensor  # (B, E) bool, ends found to hold no food since the last food
    means_food: Tensor  # (B,) sensor believed to signal food, -1: none; this and the fields below are for agents that look
    means_poison: Tensor  # (B,) sensor believed to signal poison
    ahead: Tensor  # (B,) sensor active before the last move; -1: none
    passed: Tensor  # (B,) how many ends it has turned away from since its last meal
    blind: Tensor  # (B,) bool, whether it no longer infers an empty end from silent sensors


@torch.no_grad()
def play(maze: Maze | Altered, agent: str, environments: int = 64, seed: int = 1) -> Trace:
    """Record episodes of a reference agent in the format of `enu_lib.rollout` (P = 1)."""
    recorder = Recorder(None)
    for t, (before, y, state, fitness) in enumerate(_turns(maze, agent, environments, seed)):
        recorder(maze.observe(before, t), y, None, state, fitness)
    return recorder.trace()


@torch.no_grad()
def scores(maze: Maze | Altered, agent: str, episodes: int = 10_000, seed: int = 1) -> dict[str, float]:
    """Mean food, poison, fitness and survival time (steps) over new episodes, and the standard error of food."""
    fitness, alive = (torch.zeros(episodes, dtype=torch.float32, device="cpu") for _ in range(2))
    for before, _, state, gained in _turns(maze, agent, episodes, seed):
        fitness += gained[0]
        alive += before.alive[0]
        if maze.done(state).all():
            break
    food = state.foods[0].float()
    return {
        "n": episodes,
        "food": food.mean().item(),
        "food s.e.": (food.std() / episodes**0.5).item(),
        "poison": state.poisons[0].float().mean().item(),
        "fitness": fitness.mean().item(),
        "steps alive": alive.mean().item(),
    }


def _turns(
    maze: Maze | Altered, agent: str, environments: int, seed: int
) -> Iterator[tuple[MazeState, Tensor, MazeState, Tensor]]:
    """The steps of new episodes as `rollout.turns` yields them, with the state before each step in place of observations."""
    belief, generator = begin(maze, agent, environments), stream(seed, "actions")

    def choose(state: MazeState, t: int) -> tuple[MazeState, Tensor]:
        nonlocal belief
        belief, y = act(maze, agent, learn(maze, agent, belief, state, t), state, t, generator)
        return state, y

    return turns(maze, maze.reset(1, environments, stream(seed, "rollout")), choose)


def begin(maze: Maze | Altered, agent: str, environments: int) -> Belief:
    """The initial state of an agent.  Raises ValueError for an unknown agent."""
    names.one_of("agent", agent, NAMES)
    zero = torch.zeros(environments, dtype=torch.int64, device="cpu")
    bad = torch.zeros(environments, len(geometry(rules(maze)).ends), dtype=torch.bool, device="cpu")
    return Belief(zero, bad, zero - 1, zero - 1, zero - 1, zero, zero.bool())


def act(
    maze: Maze | Altered, agent: str, belief: Belief, state: MazeState, t: int, generator: torch.Generator
) -> tuple[Belief, Tensor]:
    """The agent's outputs (1, B, 3) at step t, zero except on moves; `generator` is used by the random agent only."""
    environments = state.square.shape[1]
    y = torch.zeros(1, environments, 3, dtype=torch.float32, device="cpu")
    if (t + 1) % rules(maze).move_every:
        return belief, y
    if agent == "random":
        action = integers(0, 3, (environments,), generator)
    else:
        belief = _choose_target(maze, agent, belief, state, t)
        action = tables(geometry(rules(maze))).routes[belief.target, state.square[0], state.heading[0]]
    y[0] = state.action_of[0] == action[:, None]  # the output that causes this action
    return belief, y


def learn(maze: Maze | Altered, agent: str, belief: Belief, state: MazeState, t: int) -> Belief:
    """Update the belief from the `state` before step t: after a meal, from what the reward neuron shows."""
    if agent in ("fixed-arm", "omniscient", "random") or not state.ate.any():
        return belief
    channels = maze.observe(state, t)[0, :, 3]
    felt = (channels[:, 1] - channels[:, 2]).sign() * (state.ate[0] != 0)  # 1 food, -1 poison, 0 no meal or no reward shown
    if agent == "latch":
        return _mark_bad(belief, (felt < 0) & ~belief.bad.any(1))
    if agent == "once-bitten":
        return _learn_first_poison(belief, felt)
    if agent == "alternating":
        return belief._replace(target=torch.where(felt != 0, (belief.target + 1) % belief.bad.shape[1], belief.target))
    belief = belief._replace(bad=belief.bad & (felt <= 0)[:, None])
    if agent in LOOKING:
        knows = (belief.means_food >= 0) | (belief.means_poison >= 0)
        teaches = torch.where(knows, 0, felt) if agent == "looking-once" else felt
        belief = _assign_meaning(belief, teaches)._replace(passed=torch.where(state.ate[0] != 0, 0, belief.passed))
    return belief if agent == "looking-once" else _mark_bad(belief, felt < 0)


def _learn_first_poison(belief: Belief, felt: Tensor) -> Belief:
    """Learn from the first poison (felt < 0) what it looks like, and from then on begin every visit with the second end."""
    first = (felt < 0) & ~belief.bad.any(1)
    bad = belief.bad.clone()
    bad[:, 0] |= first
    means = torch.where(first, belief.ahead, belief.means_poison)
    return belief._replace(bad=bad, means_poison=means, target=torch.where(felt != 0, bad[:, 0].long(), belief.target))


def _choose_target(maze: Maze | Altered, agent: str, belief: Belief, state: MazeState, t: int) -> Belief:
    """Choose the target of the next move."""
    if agent in ("fixed-arm", "latch", "alternating"):
        return belief
    grid = geometry(rules(maze))
    ends = torch.tensor(grid.ends, device="cpu")
    if agent == "once-bitten":
        ahead = _seen(maze, state, t)
        end = (torch.tensor(grid.ahead, device="cpu")[state.square[0], state.heading[0]][:, None] == ends).any(1)
        turns = end & (ahead >= 0) & (ahead == belief.means_poison)
        return belief._replace(ahead=ahead, target=torch.where(turns, (belief.target + 1) % len(ends), belief.target))
    if agent == "omniscient":
        return belief._replace(target=(state.food[0, :, None] == ends).long().argmax(1))
    goal = ends[belief.target]
    here = state.square[0] == goal  # at its target without a meal: that end is empty
    if agent in LOOKING:
        belief = belief._replace(ahead=_seen(maze, state, t))
        before = torch.tensor(grid.ahead, device="cpu")[state.square[0], state.heading[0]] == goal
        turns = before & _useless(belief, empty_ends=len(ends) > 2)
        belief, here = belief if agent == "looking-once" else _count_refusals(belief, turns), here | turns
    return _mark_bad(belief, here)


def _seen(maze: Maze | Altered, state: MazeState, t: int) -> Tensor:
    """The active sensor (B,); -1: none."""
    sensors = maze.observe(state, t)[0, :, :3, 0] > 0
    return torch.where(sensors.any(1), sensors.long().argmax(1), -1)


def _useless(belief: Belief, empty_ends: bool) -> Tensor:
    """Whether the sensors indicate that the end ahead holds no food (B,).  empty_ends: whether the maze has empty ends."""
    food_only = (belief.means_poison < 0) & (belief.means_food >= 0)
    other = food_only & (belief.ahead != belief.means_food)
    poison = (belief.ahead >= 0) & ((belief.ahead == belief.means_poison) | other)
    return poison | (belief.ahead < 0) & ~belief.blind & empty_ends


def _assign_meaning(belief: Belief, felt: Tensor) -> Belief:
    """After rewarded (felt > 0) or punished (felt < 0) meals (B,), assign that meaning to the sensor active before."""
    seen = belief.ahead
    food, poison = (felt > 0) & (seen >= 0), (felt < 0) & (seen >= 0)
    return belief._replace(
        means_food=torch.where(food, seen, torch.where(poison & (belief.means_food == seen), -1, belief.means_food)),
        means_poison=torch.where(poison, seen, torch.where(food & (belief.means_poison == seen), -1, belief.means_poison)),
        blind=belief.blind & ~food & ~poison,
    )


def _count_refusals(belief: Belief, turns: Tensor) -> Belief:
    """Count the ends turned away from (B,); once it has refused all of them, discard the sensors' meanings as wrong."""
    passed = belief.passed + turns
    lost = passed >= belief.bad.shape[1]
    return belief._replace(
        means_food=torch.where(lost, -1, belief.means_food),
        means_poison=torch.where(lost, -1, belief.means_poison),
        passed=torch.where(lost, 0, passed),
        blind=belief.blind | lost,
    )


def _mark_bad(belief: Belief, which: Tensor) -> Belief:
    """Mark the targets of `which` agents (B,) as bad and choose the next good end; if all are bad, keep only this mark."""
    at = torch.nn.functional.one_hot(belief.target, belief.bad.shape[1]).bool()
    bad = belief.bad | (at & which[:, None])
    bad = torch.where(bad.all(1, keepdim=True), at, bad)
    first_good = (~bad).long().argmax(1)
    return belief._replace(bad=bad, target=torch.where(which, first_good, belief.target))
