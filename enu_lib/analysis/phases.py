"""Search recorded episodes for phases that show learning (paper: Fig. 5, extended data Fig. 4).

    episodes = record_episodes(network, genome, maze, environments=2048)
    find_phases(episodes, maze)    # [Phase("first visit: poison", episode=17, first=0, last=27), ...] or None

Which phases are searched for depends on the maze.  An episode that shows all of them is preferred.  By the published
rules the second poison kills, so that an episode can show all phases only if the agent recognises poison before eating it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from enu_lib.analysis.learning import Visits, begins, visits
from enu_lib.tasks.geometry import Geometry
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.trace import Trace


class Phase(NamedTuple):
    """A named part of an episode: the episode (environment) and its first and last network step."""

    name: str
    episode: int
    first: int
    last: int


class _Facts(NamedTuple):
    """The parts of recorded episodes that the searches below use."""

    v: Visits
    begins: np.ndarray  # (M,) first step of each visit
    ahead: np.ndarray  # (B, T) square faced before each step, -1: a wall
    food: np.ndarray  # (B, T) square of the food before each step
    poison: np.ndarray
    grid: Geometry


def find_phases(episodes: Trace, maze: Maze) -> list[Phase] | None:
    """The phases of Fig. 5 (T-maze) or extended data Fig. 4 (double T-maze) in episodes (P = 1); None if one is missing.

    T-maze: poison at the first visit; the other arm at the second; the visit before a change; poison eaten or seen after
    it; then the other arm.  Double T-maze: poison first; then food elsewhere; poison seen in the former place of food, and
    food found elsewhere; a side without food or poison left for the other side.
    """
    groups = find_groups(episodes, maze)
    return [phase for group in groups for phase in group] if all(groups) else None


def find_groups(episodes: Trace, maze: Maze) -> list[list[Phase]]:
    """The phases in groups, [] for a group that no episode shows.

    T-maze: learning, reversal learning.  Double T-maze: learning, turning around in front of poison, leaving a side.
    """
    facts = _facts(episodes, maze)
    search = _t_phases if maze.layout == "t" else _double_t_phases
    by_episode = [search(facts, np.flatnonzero(facts.v.episode == episode)) for episode in np.unique(facts.v.episode)]
    whole = next((groups for groups in by_episode if all(groups)), None)
    if whole is not None:
        return whole
    return [next((g[k] for g in by_episode if g[k]), []) for k in range(2 if maze.layout == "t" else 3)]


def _facts(episodes: Trace, maze: Maze) -> _Facts:
    v, grid = visits(episodes), geometry(maze)

    def before(name: str, first: int | None = None) -> np.ndarray:
        """A field before each step (traces record it after the step)."""
        x = episodes.task[name][0]
        start = x[:, :1] if first is None else torch.full_like(x[:, :1], first)
        return torch.cat([start, x[:, :-1]], 1).numpy()

    ahead = np.asarray(grid.ahead)[before("square", grid.start), before("heading", 0)]
    return _Facts(v, begins(v), ahead, before("food"), before("poison"), grid)


def _phase(facts: _Facts, name: str, i: int, first: int | None = None, last: int | None = None) -> Phase:
    begun = int(facts.begins[i]) if first is None else first
    return Phase(name, int(facts.v.episode[i]), begun, int(facts.v.step[i]) if last is None else last)


def _sight(facts: _Facts, i: int, of: str) -> int | None:
    """The first step of visit i at which poison or an empty end is directly ahead, or None."""
    episode, span = facts.v.episode[i], slice(facts.begins[i], facts.v.step[i] + 1)
    ahead, poison, food = (x[episode, span] for x in (facts.ahead, facts.poison, facts.food))
    seen = ahead == poison if of == "poison" else np.isin(ahead, facts.grid.ends) & (ahead != poison) & (ahead != food)
    return int(facts.begins[i] + seen.argmax()) if seen.any() else None


def _learns(facts: _Facts, mine: np.ndarray) -> list[Phase]:
    """Poison at the first visit, food at the second; [] if this episode is different."""
    if len(mine) < 2 or facts.v.food[mine[0]] or not facts.v.food[mine[1]]:
        return []
    return [_phase(facts, "first visit: poison", mine[0]), _phase(facts, "second visit: food elsewhere", mine[1])]


def _t_phases(facts: _Facts, mine: np.ndarray) -> list[list[Phase]]:
    """Learning, and reversal learning after a change; visits `mine` (M,) are those of one episode."""
    v = facts.v
    reversal: list[Phase] = []
    for j in mine[1:]:
        if reversal or v.since_change[j] != 0 or not v.food[j - 1]:
            continue
        before = _phase(facts, "before the change", j - 1)
        sight = _sight(facts, j, "poison")
        if not v.food[j] and j + 1 in mine and v.food[j + 1]:
            after = _phase(facts, "after the change: poison", j)
            reversal = [before, after, _phase(facts, "then: the other arm", j + 1)]
        elif v.food[j] and sight is not None:
            seen = _phase(facts, "after the change: poison is seen", j, last=sight)
            reversal = [before, seen, _phase(facts, "and left for the other arm", j, first=sight)]
    return [_learns(facts, mine), reversal]


def _double_t_phases(facts: _Facts, mine: np.ndarray) -> list[list[Phase]]:
    """Learning; poison seen in the former place of food; a side without food or poison left."""
    v, side = facts.v, {end: k // 2 for k, end in enumerate(facts.grid.ends)}
    turned: list[Phase] = []
    crossed: list[Phase] = []
    for j in mine:
        if not v.food[j]:
            continue
        food, poison = (int(x[v.episode[j], v.step[j]]) for x in (facts.food, facts.poison))
        moved = v.since_change[j] == 0 and v.food[j - 1] and poison == v.square[j - 1]
        if not turned and moved and _sight(facts, j, "poison") is not None:
            turned = [_phase(facts, "the former place holds poison: food is found elsewhere", j)]
        empty = _sight(facts, j, "empty")
        elsewhere = empty is not None and side[int(facts.ahead[v.episode[j], empty])] != side[food]
        if not crossed and side[food] == side[poison] and elsewhere:
            crossed = [_phase(facts, "a side holds neither: the other side is searched", j)]
    return [_learns(facts, mine), turned, crossed]
