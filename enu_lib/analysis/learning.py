"""Measures of learning within an episode in a maze: the second visit, visits after a swap (paper: Fig. 4 and 5).

    episodes = record_episodes(network, genome, maze, environments=2048, seed=1)    # or agents.play(maze, "looking", 2048)
    measures(episodes)                                                              # {"food": ..., "second visit right": ...}

A **visit** ends with a meal, after which the agent is back at the start.  Shapes as in `rollout`, P = 1.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace


class Visits(NamedTuple):
    """All meals of all episodes, ordered by episode and time; each field (M,)."""

    episode: np.ndarray  # its index (environment)
    step: np.ndarray  # network step of the meal
    number: np.ndarray  # 0 for the first meal of an episode
    food: np.ndarray  # bool: food (else poison)
    square: np.ndarray  # where the meal was
    since_change: np.ndarray  # visits since the places last changed in this episode (0: the first one); -1: no change yet


def visits(episodes: Trace) -> Visits:
    """The meals of recorded episodes."""
    ate = episodes.task["ate"][0]
    episode, step = (v.numpy() for v in ate.nonzero(as_tuple=True))
    food = (ate[episode, step] > 0).numpy()
    before = np.maximum(step - 1, 0)  # the meal itself resets the agent and may change the places
    places = {name: episodes.task[name][0].numpy() for name in ("food", "poison")}
    square = np.where(food, places["food"][episode, before], places["poison"][episode, before])
    number = np.arange(len(episode)) - np.searchsorted(episode, episode)
    where = places["food"][episode, before]
    since = np.full(len(episode), -1)
    for i in range(1, len(episode)):
        if episode[i] == episode[i - 1]:
            if where[i] != where[i - 1]:
                since[i] = 0
            elif since[i - 1] >= 0:
                since[i] = since[i - 1] + 1
    return Visits(episode, step, number, food, square, since)


def measures(episodes: Trace) -> dict[str, float]:
    """Performance and learning measures; proportions are of the episodes (or changes) that include such a visit.

    second visit right: food at the second meal; also split by whether the first meal was poison or food.
    later visits right: food from the third meal on, places unchanged since the previous meal.
    right again after one mistake: food at the second meal after a change, if the first one was poison.
    no mistake after a change: food at the first meal after a change.
    """
    v = visits(episodes)
    n = episodes.y.shape[1]
    foods = episodes.task["foods"][0, :, -1].float()
    first = np.zeros(n, bool)
    first[v.episode[v.number == 0]] = v.food[v.number == 0]
    second = v.number == 1
    stays = np.zeros(len(v.episode), bool)
    stays[1:] = (v.episode[1:] == v.episode[:-1]) & (v.since_change[1:] != 0)
    previous = np.zeros(len(v.episode), bool)
    previous[1:] = v.food[:-1]
    again = (v.since_change == 1) & ~previous
    return {
        "n": n,
        "fitness": episodes.fitness[0].sum(-1).mean().item(),
        "food": foods.mean().item(),
        "food s.e.": (foods.std() / n**0.5).item(),
        "poison": episodes.task["poisons"][0, :, -1].float().mean().item(),
        "steps alive": 1 + episodes.task["alive"][0, :, :-1].float().sum(-1).mean().item(),
        "episodes with a meal": len(np.unique(v.episode)) / n,
        "episodes with two meals": float(second.sum() / n),
        "second visit right": _share(v.food[second]),
        "second visit right after poison": _share(v.food[second & ~first[v.episode]]),
        "second visit right after food": _share(v.food[second & first[v.episode]]),
        "later visits right": _share(v.food[stays & (v.number >= 2)]),
        "changes met": int((v.since_change == 0).sum()),
        "no mistake after a change": _share(v.food[v.since_change == 0]),
        "right again after one mistake": _share(v.food[again]),
    }


def walking(episodes: Trace, maze: Maze) -> list[dict[str, float]]:
    """Measures by which output moves forward: one dict for each output (reconstruction).

    An agent that has to find out which of its outputs moves forward takes longer for its first visit than for later ones.
    Values: food, proportion of episodes with a meal, median number of moves of the first, second and later visits.
    """
    v, which = visits(episodes), episodes.task["action_of"][0, :, 0].argmin(-1).numpy()  # FORWARD is the smallest action code
    moves = (v.step - begins(v) + 1) / maze.move_every
    foods = episodes.task["foods"][0, :, -1].double().numpy()
    fed = np.bincount(v.episode, minlength=len(foods)) > 0
    rows = []
    for output in range(maze.n_outputs):
        those, mine = which == output, which[v.episode] == output
        parts = {"first": v.number == 0, "second": v.number == 1, "later": v.number > 1}
        taken = {f"moves, {k} visit": _median(moves[mine & part]) for k, part in parts.items()}
        rows.append({"food": _share(foods[those]), "episodes with a meal": _share(fed[those]), **taken})
    return rows


class Recovery(NamedTuple):
    """Number of right visits, and of all visits, by their order after a given step; each field (K,)."""

    right: np.ndarray
    n: np.ndarray


def recovery(v: Visits, at: int, visits: int = 6) -> Recovery:
    """Count the right ones among the first, second, ... visits that began at or after network step `at`.

    Visits directly after a change of places are left out, since memory cannot make them right.
    """
    begun = np.flatnonzero(begins(v) >= at)
    order = np.arange(len(begun)) - np.searchsorted(v.episode[begun], v.episode[begun])
    counted = [begun[(order == k) & (v.since_change[begun] != 0)] for k in range(visits)]
    return Recovery(np.array([v.food[i].sum() for i in counted]), np.array([len(i) for i in counted]))


def interval(right: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a proportion; `n` may be an effective, non-integer number."""
    if n == 0:
        return 0.0, 1.0
    z, p = NormalDist().inv_cdf(0.5 + confidence / 2), right / n
    middle, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + (z / (2 * n)) ** 2) ** 0.5
    low, high = ((middle + side * half) / (1 + z**2 / n) for side in (-1, 1))
    return 0.0 if right == 0 else low, 1.0 if right == n else high


def begins(v: Visits) -> np.ndarray:
    """The network step at which each visit begins (M,): the one after the previous meal, or 0."""
    return np.where(v.number == 0, 0, np.concatenate([[0], v.step[:-1] + 1]))


def _share(right: np.ndarray) -> float:
    return float(right.mean()) if len(right) else float("nan")


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")
