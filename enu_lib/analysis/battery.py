"""A test battery of three abilities of a network or scripted agent: switching, use of the sensors, memory for places.

    results = battery("latch")                              # or battery(network, genome, task=the maze it evolved in)
    results["switching.2"].value                            # P(food | the previous visit was the second poison): 0.0
    for measure in results.measures.values(): ...           # text, value, low, high, n

All measures use new episodes that were not used in evolution.  The agent is never altered; only the maze is.

1. **Switching.** The visit after the first, second, third and fourth poison, in episodes that are twice as long and in which
   poison does not kill.  A latch, which switches once and for good, scores 1 and then 0.  In the published T-maze the second
   poison kills, so a latch cannot be distinguished from an agent that remembers.  In the same episodes: food at one of the
   two visits after the first, second and third change of places.  An agent that recognises poison finds it at the first of
   these visits, one that remembers at the second.  An agent that alternates between the arms scores 1 in both measures, but
   eats little.
2. **Use of the sensors.** Visits directly after a change, in episodes with an earlier poison: memory cannot make these
   right.  The causal test exchanges the meanings of the sensors in mid-episode, those for food and poison or all three, and
   compares with the same episodes without the exchange (poison harmless, places may change after every food).  An agent
   that uses its sensors gets worse, and recovers if it can relearn them; a latch is unaffected.
3. **Memory for places.** Visits while food and poison are hidden from the sensors, and visits in the double T-maze.
   Cutting either reward shows which of the two is used for learning.

A visit ends with a meal or with starvation, which counts as wrong.  A visit cut off by the end of the episode does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from torch import Tensor

from enu_lib.analysis import agents
from enu_lib.analysis.learning import visits
from enu_lib.analysis.measures import Measure, mean, share
from enu_lib.base.kinds import Json
from enu_lib.contracts import AnyModel
from enu_lib.rollout import record_episodes
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace

HARMLESS = 10**6  # deadly number of poisons: more than an episode has time for
POISONS = 4  # switching is measured after up to this many poisons
CHANGES = 3  # and after up to this many changes of places
RECOVERED = 6  # recovery is measured from this meal after an exchange of sensors
PARTS = ("standard", "every_food", "switching", "senses", "hidden", "cut")  # in the order of the table

Play = Callable[[Maze | Altered], Trace]


@dataclass(frozen=True)
class Battery:
    """All measures of one agent; `results["standard.food"]` is a Measure."""

    agent: str
    episodes: int  # in each maze
    seed: int
    maze: Maze  # the standard T-maze, with the inputs and outputs that this agent evolved with
    measures: dict[str, Measure]

    def __getitem__(self, key: str) -> Measure:
        return self.measures[key]

    def rows(self) -> list[tuple[str, float, float, float, int]]:
        """The measures as a list of (text, value, low, high, n)."""
        return [(m.text, m.value, m.low, m.high, m.n) for m in self.measures.values()]

    def table(self) -> list[tuple[str, ...]]:
        """The measures as a table of strings, with a header row."""
        lines = [
            (text, f"{value:.3f}", f"{low:.3f} to {high:.3f}", str(n)) if n else (text, "none", "", "0")
            for text, value, low, high, n in self.rows()
        ]
        return [("measure", "value", "95% interval", "of"), *lines]

    def as_json(self) -> Json:
        """The measures by key, for JSON; null for a missing value."""
        measures = {
            key: {"text": m.text, "value": m.value if m.n else None, "low": m.low, "high": m.high, "n": m.n}
            for key, m in self.measures.items()
        }
        return {"agent": self.agent, "episodes": self.episodes, "seed": self.seed, "measures": measures}


class Outcomes(NamedTuple):
    """How each visit ended, ordered by episode and time; each field (M,)."""

    episode: np.ndarray
    number: np.ndarray  # 0 for the first visit of an episode
    end: np.ndarray  # network step at which it ended
    food: np.ndarray  # bool: ended with food (else poison or starvation)
    changed: np.ndarray  # bool: the places had changed since the previous visit
    poisons: np.ndarray  # number eaten before this visit


def battery(
    agent: AnyModel | str,
    genome: Tensor | None = None,
    task: Maze | None = None,
    n: int = 480,
    seed: int = 77,
    double: bool | None = None,
    name: str | None = None,
    parts: Sequence[str] = PARTS,
) -> Battery:
    """Run the battery on a model with its genome (D,), or on a scripted agent by name, with `n` episodes in each maze.

    task: the maze that the model evolved in; its interface (`standard`) is kept in every maze.
    double: whether to test in the double T-maze too; None: only if it evolved there.
    parts: some of `PARTS`; each takes a second or more.
    Raises ValueError for n < 1 or a model without a genome.
    """
    if unknown := [part for part in parts if part not in PARTS]:
        raise ValueError(f"unknown part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    maze = standard(task)

    play = player(agent, genome, n, seed)
    results: dict[str, Measure] = {}
    for part in PARTS:
        if part in parts:
            results |= _MEASURED[part](maze, play)
    if double if double is not None else (task is not None and task.layout == "double-t"):
        results |= _double(play(replace(maze, layout="double-t")))
    return Battery(name or (agent if isinstance(agent, str) else "network"), n, seed, maze, results)


def player(agent: AnyModel | str, genome: Tensor | None, n: int, seed: int) -> Play:
    """A function that records `n` episodes of an agent in any maze.  Raises ValueError like `battery`."""
    if n < 1:
        raise ValueError(f"n, the episodes in each maze, must be at least 1, got {n}")
    if not isinstance(agent, str) and genome is None:
        raise ValueError("a model needs a genome: battery(model, genome)")

    def play(where: Maze | Altered) -> Trace:
        if not isinstance(agent, str) and genome is not None:
            return record_episodes(agent, genome, where, n, seed)
        return agents.play(where, str(agent), n, seed)

    return play


def standard(task: Maze | None = None) -> Maze:
    """The published T-maze with the interface of `task`: shuffling, ties, initial heading, what the sensors show."""
    if task is None:
        return Maze()
    kept = ("shuffle", "pairs", "tie", "facing", "move_every", "reward_steps", "meals_visible")
    return replace(Maze(), **{name: getattr(task, name) for name in kept})


def outcomes(episodes: Trace) -> Outcomes:
    """All visits of recorded episodes, including those that ended in starvation."""
    v = visits(episodes)
    alive, poisons, food = (episodes.task[name][0].numpy() for name in ("alive", "poisons", "food"))
    last = np.full(len(alive), -1)
    last[v.episode] = v.step  # in order of time, so that the last meal is kept
    death = alive.sum(1)
    starved = np.flatnonzero(~alive[:, -1] & (death > last))  # after a deadly meal, death == last
    where = food[starved, np.maximum(last[starved] - 1, 0)]
    moved = (last[starved] >= 0) & (food[starved, death[starved]] != where)
    meals = np.bincount(v.episode, minlength=len(alive))
    before = poisons[v.episode, v.step] - ~v.food
    parts = zip(
        (v.episode, v.number, v.step, v.food, v.since_change == 0, before),
        (starved, meals[starved], death[starved], np.zeros(len(starved), bool), moved, poisons[starved, death[starved]]),
        strict=True,
    )
    fields = [np.concatenate(pair) for pair in parts]
    order = np.lexsort((fields[1], fields[0]))
    return Outcomes(*(values[order] for values in fields))


def _share(text: str, o: Outcomes, which: np.ndarray) -> Measure:
    """The proportion of the selected visits that ended with food."""
    return share(text, o.food[which], o.episode[which])


def _meals(key: str, text: str, episodes: Trace) -> dict[str, Measure]:
    food, poison = (episodes.task[name][0, :, -1].double().numpy() for name in ("foods", "poisons"))
    return {
        f"{key}.food": mean(f"{text}: food per episode", food),
        f"{key}.poison": mean(f"{text}: poison per episode", poison),
    }


def _no_mistake(key: str, text: str, o: Outcomes) -> dict[str, Measure]:
    which = o.changed & (o.poisons > 0)
    return {f"{key}.no_mistake": _share(f"{text}: no mistake after a change, given an earlier poison", o, which)}


def _standard(maze: Maze, play: Play) -> dict[str, Measure]:
    results = _meals("standard", "standard T-maze", plain := play(maze))
    return results | _no_mistake("standard", "standard T-maze", outcomes(plain))


def _every_food(maze: Maze, play: Play) -> dict[str, Measure]:
    results = _meals("every_food", "change after every food", plain := play(replace(maze, foods_per_period=1)))
    return results | _no_mistake("every_food", "change after every food", outcomes(plain))


def exchanging(maze: Maze) -> tuple[Maze, int]:
    """The maze in which sensors are exchanged, and the step: harmless poison, and places that may change after every food."""
    return replace(maze, foods_per_period=1, deadly_poisons=HARMLESS), maze.steps * 2 // 5


def since(at: int, o: Outcomes) -> tuple[np.ndarray, np.ndarray]:
    """Of each visit: its number (-1: the last that ends before step `at`, 1: the first after), and whether poison came before.

    The second refers to the episode: some earlier visit ended with poison or starvation.
    """
    before = o.end < at
    poisoned = np.isin(o.episode, o.episode[before & ~o.food])
    order = o.number - np.bincount(o.episode[before], minlength=o.episode.max(initial=0) + 1)[o.episode]
    return order + (order >= 0), poisoned


def _senses(maze: Maze, play: Play) -> dict[str, Measure]:
    harmless, at = exchanging(maze)
    results = _from(at, "left_alone", "sensors unchanged", outcomes(play(harmless)))
    results |= _from(
        at, "exchanged", "food and poison sensors exchanged", outcomes(play(Altered(harmless, at, ("food", "poison"))))
    )
    return results | _from(at, "reshuffled", "all sensors reshuffled", outcomes(play(Altered(harmless, at))))


def _hidden(maze: Maze, play: Play) -> dict[str, Measure]:
    hidden = play(Altered(maze, hide=("food", "poison")))
    results, o = _meals("hidden", "food and poison hidden", hidden), outcomes(hidden)
    stay = (o.number >= 1) & ~o.changed
    return results | {"hidden.remembers": _share("food and poison hidden: right if nothing changed", o, stay)}


def stays_after_poisons(
    agent: AnyModel | str,
    genome: Tensor | None = None,
    task: Maze | None = None,
    n: int = 480,
    seed: int = 77,
    poisons: int = 2,
) -> Measure:
    """The share of visits in unchanged places that end with food, after `poisons` or more; no sensor shows food or poison.

    Poison does not kill, and episodes are twice as long.  Arguments and errors as for `battery`.  An agent that
    stays at the food only until its second poison fails.  The published T-maze cannot show this, since there this poison kills.
    """
    o = outcomes(player(agent, genome, n, seed)(Altered(_long(standard(task)), hide=("food", "poison"))))
    return _share(
        f"hidden, harmless poison: right if nothing changed, after {poisons} or more", o, (o.poisons >= poisons) & ~o.changed
    )


def _cut(maze: Maze, play: Play) -> dict[str, Measure]:
    cut = {kind: play(Altered(maze, cut=(kind,))) for kind in ("food", "poison")}
    return _meals("cut_food", "no reward for food", cut["food"]) | _meals("cut_poison", "no reward for poison", cut["poison"])


def _long(maze: Maze) -> Maze:
    """The maze with harmless poison and episodes twice as long, so that even an agent that remembers eats four poisons."""
    return replace(maze, deadly_poisons=HARMLESS, steps=2 * maze.steps)


def _switching(maze: Maze, play: Play) -> dict[str, Measure]:
    o = outcomes(play(_long(maze)))
    shares: dict[str, Measure] = {}
    for k in range(1, POISONS + 1):
        after = np.flatnonzero(o.poisons == k)
        next_one = after[np.unique(o.episode[after], return_index=True)[1]]
        shares[f"switching.{k}"] = _share(f"harmless poison: right after poison {k}", o, next_one)
    return shares | _changes(o)


def _changes(o: Outcomes) -> dict[str, Measure]:
    """Food at one of the two visits after each change; a mistake at the last visit of an episode does not count."""
    at = np.flatnonzero(o.changed)
    order = np.arange(len(at)) - np.searchsorted(o.episode[at], o.episode[at])
    following = np.minimum(at + 1, len(o.episode) - 1)
    follows = (following > at) & (o.episode[following] == o.episode[at])
    either = o._replace(food=o.food.copy())
    either.food[at] |= follows & o.food[following]
    counted = o.food[at] | follows
    return {
        f"swapped.{k}": _share(f"harmless poison: food within two visits of change {k}", either, at[(order == k - 1) & counted])
        for k in range(1, CHANGES + 1)
    }


def _from(at: int, key: str, text: str, o: Outcomes) -> dict[str, Measure]:
    """Visits by their order after step `at`, in episodes with a poison before it."""
    order, poisoned = since(at, o)
    parts = {
        "before": (f"right before step {at}, given an earlier poison", (o.end < at) & (o.poisons > 0)),
        "first": ("right at the first meal after it", poisoned & (order == 1)),
        "second": ("right at the second meal after it", poisoned & (order == 2)),
        "later": (f"right from meal {RECOVERED} on", poisoned & (order >= RECOVERED)),
    }
    return {f"{key}.{name}": _share(f"{text}: {words}", o, which) for name, (words, which) in parts.items()}


def _double(episodes: Trace) -> dict[str, Measure]:
    o, text = outcomes(episodes), "double T-maze"
    results = _meals("double", text, episodes)
    for word, which in (("second", o.number == 1), ("third", o.number == 2), ("later", o.number > 2)):
        results[f"double.{word}"] = _share(f"{text}: {word} visit right if nothing changed", o, which & ~o.changed)
    return results | _no_mistake("double", text, o)


_MEASURED: dict[str, Callable[[Maze, Play], dict[str, Measure]]] = {
    "standard": _standard,
    "every_food": _every_food,
    "switching": _switching,
    "senses": _senses,
    "hidden": _hidden,
    "cut": _cut,
}
