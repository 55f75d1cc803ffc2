"""Three abilities, each with a measure of its own, of a network or a scripted agent: switching, senses, memory of places.

    found = battery("latch")                                # or battery(network, genome, task=the maze it evolved in)
    found["switching.2"].value                              # P(food | the visit before was its second poison): 0.0
    for measure in found.measures.values(): ...             # text, value, low, high, n

Every measure is taken on lives that evolution never saw, of agents that are changed in nothing: what is changed is the maze.

1. **Switching.** The visit after the first, second, third, fourth poison, where poison does not kill and lives are twice as
   long.  An agent that switches once and for ever, a latch, shows 1, 0; in the published T-maze, where the second poison
   kills, it cannot be told from one that remembers.
2. **Senses.** Visits right after a change, of lives that have met poison: no memory can make them right.  The causal test:
   sensors take over one another's meaning in mid-life, those for food and poison or all three, beside the same lives left
   alone (with harmless poison, and places that may change after every food).  Whoever uses its sensors falls, and recovers
   if it can learn them anew; a latch does not notice.
3. **Memory of places.** Food and poison hidden from the sensors; and the visits in the double T-maze.
   With either reward cut it is seen which of them teaches.

A visit ends with a meal, or with the agent's starvation, and then it counts as wrong; one that the end of time cuts off does
not count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from enu_lib.analysis import agents
from enu_lib.analysis.learning import interval, visits
from enu_lib.network import Network
from enu_lib.rollout import record_episodes
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace

HARMLESS = 10**6  # poisons that kill: more than a life has room for
POISONS = 4  # switching is measured after so many
RECOVERED = 6  # from this meal after a reshuffle on
PARTS = ("standard", "every_food", "switching", "senses", "hidden", "cut")  # in the order of the table

Play = Callable[[Maze | Altered], Trace]


@dataclass(frozen=True)
class Measure:
    """A share (Wilson's 95% interval) or a mean (1.96 standard errors).  Without any such event value is NaN and n 0."""

    text: str
    value: float
    low: float
    high: float
    n: int  # lives, or the visits in question


@dataclass(frozen=True)
class Battery:
    """What was measured of one agent; `found["standard.food"]` is a Measure."""

    agent: str
    lives: int  # for each maze
    seed: int
    maze: Maze  # the standard T-maze as this agent is wired to it
    measures: dict[str, Measure]

    def __getitem__(self, key: str) -> Measure:
        return self.measures[key]

    def rows(self) -> list[tuple[str, float, float, float, int]]:
        """One table: (measure, value, low, high, n)."""
        return [(m.text, m.value, m.low, m.high, m.n) for m in self.measures.values()]

    def table(self) -> list[tuple[str, ...]]:
        """The same as text, with a head."""
        lines = [
            (text, f"{value:.3f}", f"{low:.3f} to {high:.3f}", str(n)) if n else (text, "none", "", "0")
            for text, value, low, high, n in self.rows()
        ]
        return [("measure", "value", "95% interval", "of"), *lines]

    def as_json(self) -> dict[str, Any]:
        """The same by key; null where there is no value."""
        measures = {
            key: {"text": m.text, "value": m.value if m.n else None, "low": m.low, "high": m.high, "n": m.n}
            for key, m in self.measures.items()
        }
        return {"agent": self.agent, "lives": self.lives, "seed": self.seed, "measures": measures}


class Outcomes(NamedTuple):
    """How the visits of all lives ended, in order of life and time; each (M,)."""

    life: np.ndarray
    number: np.ndarray  # 0 for the first visit of a life
    end: np.ndarray  # network step
    food: np.ndarray  # bool: ended with food, not with poison or starvation
    changed: np.ndarray  # bool: the places had changed since the visit before
    poisons: np.ndarray  # eaten before this visit


def battery(
    agent: Network | str,
    genome: Tensor | None = None,
    task: Maze | None = None,
    n: int = 480,
    seed: int = 77,
    double: bool | None = None,
    name: str | None = None,
    parts: Sequence[str] = PARTS,
) -> Battery:
    """Measure a network with its genome (D,), or a scripted agent by name, over `n` episodes in each maze.

    task: the maze that a network evolved in; how it is wired to a maze (shuffle, ties, first view) is kept in all of them.
    double: in the double T-maze too; None: if it evolved there.  parts: some of `PARTS`; each takes a second or more.
    """
    if n < 1:
        raise ValueError(f"n, the lives of each maze, must be at least 1, got {n}")
    if isinstance(agent, Network) and genome is None:
        raise ValueError("a network needs a genome: battery(network, genome)")
    if unknown := [part for part in parts if part not in PARTS]:
        raise ValueError(f"unknown part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    maze = standard(task)

    def lives(where: Maze | Altered) -> Trace:
        if isinstance(agent, Network) and genome is not None:
            return record_episodes(agent, genome, where, n, seed)
        return agents.play(where, str(agent), n, seed)

    found: dict[str, Measure] = {}
    for part in PARTS:
        if part in parts:
            found |= _MEASURED[part](maze, lives)
    if double if double is not None else (task is not None and task.layout == "double-t"):
        found |= _double(lives(replace(maze, layout="double-t")))
    return Battery(name or (agent if isinstance(agent, str) else "network"), n, seed, maze, found)


def standard(task: Maze | None = None) -> Maze:
    """The published T-maze, as whoever evolved in `task` is wired to a maze."""
    if task is None:
        return Maze()
    kept = ("shuffle", "pairs", "tie", "facing", "move_every", "reward_steps")
    return replace(Maze(), **{name: getattr(task, name) for name in kept})


def outcomes(lives: Trace) -> Outcomes:
    """The visits of recorded lives, with those in which the agent starved."""
    v = visits(lives)
    alive, poisons, food = (lives.task[name][0].numpy() for name in ("alive", "poisons", "food"))
    last = np.full(len(alive), -1)
    last[v.life] = v.step  # in order, so that the last meal stays
    death = alive.sum(1)
    starved = np.flatnonzero(~alive[:, -1] & (death > last))  # a deadly meal is the step of death itself
    where = food[starved, np.maximum(last[starved] - 1, 0)]
    moved = (last[starved] >= 0) & (food[starved, death[starved]] != where)
    meals = np.bincount(v.life, minlength=len(alive))
    before = poisons[v.life, v.step] - ~v.food
    parts = zip(
        (v.life, v.number, v.step, v.food, v.since_change == 0, before),
        (starved, meals[starved], death[starved], np.zeros(len(starved), bool), moved, poisons[starved, death[starved]]),
        strict=True,
    )
    fields = [np.concatenate(pair) for pair in parts]
    order = np.lexsort((fields[1], fields[0]))
    return Outcomes(*(values[order] for values in fields))


def _meals(key: str, text: str, lives: Trace) -> dict[str, Measure]:
    food, poison = (lives.task[name][0, :, -1].double().numpy() for name in ("foods", "poisons"))
    return {
        f"{key}.food": _mean(f"{text}: food per episode", food),
        f"{key}.poison": _mean(f"{text}: poison per episode", poison),
    }


def _no_mistake(key: str, text: str, o: Outcomes) -> dict[str, Measure]:
    return {f"{key}.no_mistake": _share(f"{text}: no mistake after a change, once poisoned", o, o.changed & (o.poisons > 0))}


def _standard(maze: Maze, lives: Play) -> dict[str, Measure]:
    found = _meals("standard", "standard T-maze", plain := lives(maze))
    return found | _no_mistake("standard", "standard T-maze", outcomes(plain))


def _every_food(maze: Maze, lives: Play) -> dict[str, Measure]:
    found = _meals("every_food", "changes after every food", plain := lives(replace(maze, foods_per_period=1)))
    return found | _no_mistake("every_food", "changes after every food", outcomes(plain))


def _senses(maze: Maze, lives: Play) -> dict[str, Measure]:
    harmless, at = replace(maze, foods_per_period=1, deadly_poisons=HARMLESS), maze.steps * 2 // 5
    found = _from(at, "left_alone", "sensors left alone", outcomes(lives(harmless)))
    found |= _from(at, "exchanged", "food's and poison's exchanged", outcomes(lives(Altered(harmless, at, ("food", "poison")))))
    return found | _from(at, "reshuffled", "all sensors reshuffled", outcomes(lives(Altered(harmless, at))))


def _hidden(maze: Maze, lives: Play) -> dict[str, Measure]:
    hidden = lives(Altered(maze, hide=("food", "poison")))
    found, o = _meals("hidden", "food and poison hidden", hidden), outcomes(hidden)
    stay = (o.number >= 1) & ~o.changed
    return found | {"hidden.remembers": _share("food and poison hidden: right where nothing changed", o, stay)}


def _cut(maze: Maze, lives: Play) -> dict[str, Measure]:
    cut = {kind: lives(Altered(maze, cut=(kind,))) for kind in ("food", "poison")}
    return _meals("cut_food", "food's reward cut", cut["food"]) | _meals("cut_poison", "poison's reward cut", cut["poison"])


def _switching(maze: Maze, lives: Play) -> dict[str, Measure]:
    # twice as long, so that who remembers meets four poisons too
    o = outcomes(lives(replace(maze, deadly_poisons=HARMLESS, steps=2 * maze.steps)))
    found = {}
    for k in range(1, POISONS + 1):
        after = np.flatnonzero(o.poisons == k)
        next_one = after[np.unique(o.life[after], return_index=True)[1]]
        found[f"switching.{k}"] = _share(f"harmless poison: right after poison {k}", o, next_one)
    return found


def _from(at: int, key: str, text: str, o: Outcomes) -> dict[str, Measure]:
    """Meals counted from step `at`, of lives that had met poison until then."""
    before = o.end < at
    poisoned = np.isin(o.life, o.life[before & ~o.food])
    order = o.number - np.bincount(o.life[before], minlength=o.life.max(initial=0) + 1)[o.life]
    parts = {
        "before": (f"right before step {at}, once poisoned", before & (o.poisons > 0)),
        "first": ("right at the first meal after", poisoned & (order == 0)),
        "second": ("right at the second", poisoned & (order == 1)),
        "later": (f"right from meal {RECOVERED} on", poisoned & (order >= RECOVERED - 1)),
    }
    return {f"{key}.{name}": _share(f"{text}: {words}", o, which) for name, (words, which) in parts.items()}


def _double(lives: Trace) -> dict[str, Measure]:
    o, text = outcomes(lives), "double T-maze"
    found = _meals("double", text, lives)
    for word, which in (("second", o.number == 1), ("third", o.number == 2), ("later", o.number > 2)):
        found[f"double.{word}"] = _share(f"{text}: {word} visit right where nothing changed", o, which & ~o.changed)
    return found | _no_mistake("double", text, o)


def _mean(text: str, values: np.ndarray) -> Measure:
    value, n = float(values.mean()), len(values)
    half = 1.96 * float(values.std(ddof=1)) / n**0.5 if n > 1 else 0.0
    return Measure(text, value, value - half, value + half, n)


def _share(text: str, o: Outcomes, which: np.ndarray) -> Measure:
    """The share of some visits that ended with food.

    Visits of one life are not independent: Wilson's interval takes the number of independent ones that has the variance
    found between lives (of a ratio's linearised estimate), and at most as many as there are lives where all are alike.
    """
    right, life = o.food[which].astype(float), np.unique(o.life[which], return_inverse=True)[1]
    if not len(right):
        return Measure(text, math.nan, 0.0, 1.0, 0)
    value, lives = float(right.mean()), int(life.max()) + 1
    between = float((np.bincount(life, right - value) ** 2).sum()) / len(right) ** 2
    effective = min(len(right), value * (1 - value) / between) if between > 0 else lives
    low, high = interval(value * effective, effective)
    return Measure(text, value, low, high, len(right))


_MEASURED: dict[str, Callable[[Maze, Play], dict[str, Measure]]] = {
    "standard": _standard,
    "every_food": _every_food,
    "switching": _switching,
    "senses": _senses,
    "hidden": _hidden,
    "cut": _cut,
}
