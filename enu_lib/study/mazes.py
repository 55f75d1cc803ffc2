"""What networks eat in mazes, split by what an episode was like, by evolution and by model.

Tables are lists of rows or {row: {column: value}}; a mean over no episodes is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from enu_lib import zoo
from enu_lib.analysis import learning
from enu_lib.experiments import LAYOUTS
from enu_lib.rollout import record_episodes
from enu_lib.study import evidence, tables
from enu_lib.study.design import LABEL, MAIN
from enu_lib.study.evidence import Evidence
from enu_lib.study.results import Record, Stored
from enu_lib.study.tables import Row
from enu_lib.tasks.discrimination import Discrimination
from enu_lib.tasks.maze import WALL, Maze, geometry
from enu_lib.trace import Trace
from enu_lib.zoo import Entry

Table = dict[Any, dict[str, Any]]
PROGRESS = ("generation", "held_out", "seconds")  # columns of `zoo.progress`
_SECOND = ("second visit right after poison", "second visit right after food")
EVOLUTION = ("generations", "environments", "food", "food s.e.", "poison", *_SECOND, "right again after one mistake")

SMALLER = "a smaller maze"
DISCRIMINATION = "discrimination"
SHOWN = ("wall", "food", "poison")  # by the sensors, in the order of `sensor_of`
COSTS = {  # columns of `costs_of` as a reader would name them
    "held_out": "held-out fitness",
    "seconds": "seconds on one core",
    "evaluations": "evaluations (millions)",
    "minutes": "minutes on one core",
}


def independent_evolutions(entry: Entry, stored: Stored, from_zoo: bool = True) -> Table:
    """Every kept evolution in the T-maze, by how it began and by seed, whether it learnt or not.

    From the zoo: the separate evolutions, and the latch from which later ones began.
    """
    rows: Table = {}
    for name in (*evidence.SEPARATE, "tmaze-enu-latch") if from_zoo else ():
        e = zoo.load(name)
        row = {"generations": e.provenance["generations"], "environments": e.experiment.environments, **e.scores}
        rows[_begun(e), f"{name}, seed {e.provenance['seed']}"] = row
    environments = stored.configs.get(entry.name, {}).get("environments")
    for run in tables.of(stored.runs, *entry.name.rsplit("-", 1)):
        rows[SMALLER, f"sweep, seed {run.seed}"] = {
            "generations": run.generations, "environments": environments, **run.scores,
        }  # fmt: skip
    return {key: {name: row.get(name) for name in EVOLUTION} for key, row in sorted(rows.items())}


def _begun(entry: Entry) -> str:
    """Where an evolution began.  The entry named "lesson" began from a run in a smaller maze, whose genome was not kept."""
    if len(zoo.ancestry(entry)) > 1:
        return "another network's genome"
    if entry.experiment.stages and isinstance(entry.experiment.stages[0].task, Discrimination):
        return DISCRIMINATION
    return SMALLER if entry.provenance.get("begun_from") or entry.experiment.stages else "the whole maze"


def costs_of(entries: Mapping[str, Entry]) -> dict[str, dict[str, list[float]]]:
    """Held-out fitness of entries' parents against generations, evaluations in millions, and minutes of one core.

    All evolutions that led to an entry count, but held-out fitness is given only for those in a maze with the same rules.
    """
    costs_by_entry = {}
    for name, entry in entries.items():
        costs: dict[str, list[float]] = {key: [] for key in ("generation", "held_out", "seconds", "evaluations", "minutes")}
        spent = dict.fromkeys(("generation", "seconds", "evaluations"), 0.0)
        for e in zoo.ancestry(entry):
            p = e.provenance
            if replace(e.task, tie=entry.task.tie) == entry.task:
                for generation, held_out, seconds in zip(*(p["progress"][key] for key in PROGRESS), strict=True):
                    costs["generation"].append(spent["generation"] + generation)
                    costs["held_out"].append(held_out)
                    costs["seconds"].append(spent["seconds"] + seconds)
                    costs["evaluations"].append(
                        spent["evaluations"] + e.experiment.episodes(generation, e.stage_ends, e.restarts) / 1e6
                    )
                    costs["minutes"].append((spent["seconds"] + seconds) / 60)
            spent["generation"] += p["generations"]
            spent["seconds"] += p["seconds"]
            spent["evaluations"] += e.experiment.episodes(p["generations"], e.stage_ends, e.restarts) / 1e6
        costs_by_entry[name] = costs
    return costs_by_entry


def by_wall(entries: Mapping[str, Entry], n: int, seed: int) -> Table:
    """Mean food of n episodes by which sensor shows the wall, one row per entry."""
    rows: Table = {}
    for name, e in entries.items():
        recorded = record_episodes(e.model, e.genome, e.task, n, seed=seed)
        shows, food = recorded.task["sensor_of"][0, :, 0, WALL], _food(recorded)
        rows[name] = {f"sensor {k + 1} shows the wall": food[shows == k].mean().item() for k in range(3)}
        rows[name]["generations"] = e.provenance["generations"]
    return rows


def shown_by(recorded: Trace, episode: int) -> list[str]:
    """What each of the three sensors shows in an episode: wall, food or poison."""
    sensor_of = recorded.task["sensor_of"][0, episode, 0].tolist()
    return [name for _, name in sorted(zip(sensor_of, SHOWN, strict=True))]


def by_shuffle(episodes: Mapping[tuple[str, str], Trace]) -> Table:
    """Food, poison and second visits of recorded episodes, {(what is shuffled, network): episodes}."""
    shown = ("food", "food s.e.", "poison", "episodes with a meal", "second visit right after poison")
    measured = {key: learning.measures(recorded) for key, recorded in episodes.items()}
    return {key: {name: values[name] for name in shown} for key, values in measured.items()}


def by_side(recorded: Trace, maze: Maze) -> Table:
    """Episodes in a double T-maze by where the food is at first: ahead of the agent, or behind it."""
    grid = geometry(maze)
    column = torch.tensor([c for _, c in grid.squares])
    ahead = (recorded.task["food"][0, :, 0, None] == torch.tensor(grid.ends[:2])).any(-1)
    behind = (column[recorded.task["square"][0]] < column[grid.start]) & recorded.task["alive"][0]
    measured = {
        "food": _food(recorded),
        "poison": recorded.task["poisons"][0, :, -1].float(),
        "ever behind the start": behind.any(-1).float(),
    }
    return {
        name: {"episodes": int(those.sum()), **{what: value[those].mean().item() for what, value in measured.items()}}
        for name, those in (("food ahead", ahead), ("food behind", ~ahead))
    }


def by_placement(entry: Entry, n: int, seed: int) -> Table:
    """Mean food of n episodes in which food and poison never move, by the end of the food (rows) and of the poison."""
    recorded = record_episodes(entry.model, entry.genome, replace(entry.task, change=0.0), n, seed=seed)
    ends, food = torch.tensor(geometry(entry.task).ends), _food(recorded)
    food_at, poison_at = (
        (recorded.task[name][0, :, 0, None] == ends).int().argmax(-1) for name in ("food", "poison")
    )  # numbers of ends
    return {
        f"food at end {i + 1}": {
            f"poison at end {j + 1}": food[(food_at == i) & (poison_at == j)].mean().item()
            for j in range(len(ends))
        }
        for i in range(len(ends))
    }  # fmt: skip


def model_table(runs: Sequence[Record], known: Evidence) -> list[Row]:
    """Food of every model's evolutions in both mazes, median and best, beside an agent that always takes the same arm."""
    rows: list[Row] = []
    for task, layout in LAYOUTS.items():
        row: Row = {"maze": LABEL[task]}
        for model in MAIN[task]:
            food = [r.scores["food"] or 0.0 for r in tables.of(runs, task, model)]
            row[tables.name(model)] = f"{np.median(food):.2f}, {max(food):.2f}" if food else "not run yet"
        arm = known.references.get(layout, {}).get("fixed-arm", {}).get("food")
        rows.append(row | {"the same arm always": "not measured" if arm is None else f"{arm:.2f}"})
    return rows


def survival_table(runs: Sequence[Record], models: tuple[str, str], task: str, alive_bonus: float) -> Table:
    """Mean final fitness of two models in a maze, and what of it is the bonus for steps alive."""
    rows: Table = {"fitness": {}, "for steps alive": {}}
    for model in models:
        those = tables.of(runs, task, model)
        fitness = [evidence.final_fitness(r) for r in those]
        alive = [alive_bonus * (r.scores["steps alive"] or 0.0) for r in those]
        for name, values in (("fitness", fitness), ("for steps alive", alive)):
            rows[name][tables.name(model)] = float(np.mean(values)) if values else float("nan")
    first, second = (tables.name(model) for model in models)
    for row in rows.values():
        row["difference"] = row[first] - row[second]
    return rows


def _food(recorded: Trace) -> torch.Tensor:
    """Foods eaten in each episode (B,)."""
    return recorded.task["foods"][0, :, -1].float()
