"""An evolved learner taken apart: which synapses hold what a poison has taught, in numbers and words.

part = dissect(zoo.load("tmaze-enu"), n=48, seed=1)
part.one.forgets, part.sight.forgets     # (N, S): needed at the next visit; needed to avoid poison on sight
in_words("the network", part)            # Markdown
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import torch
from torch import Tensor

from enu_lib.analysis import transplant
from enu_lib.analysis.battery import Measure
from enu_lib.analysis.transplant import Synapses
from enu_lib.figures.synapses import names
from enu_lib.rollout import rollout
from enu_lib.study.tables import Row
from enu_lib.zoo import Entry

SHOWN = 8  # episodes of the portrait
VISITS = 4  # after the first poison, where places may change after every food
PARTS = {"forgets": "right if set back", "knows": "right if all others are set back"}
COMPARED = (
    "standard.food", "standard.poison", "every_food.food", "hidden.food", "standard.no_mistake", "switching.1", "swapped.3",
    "exchanged.first", "exchanged.later", "reshuffled.later",
)  # fmt: skip
MOST = 0.5  # share of what is lost or kept from which a synapse counts as necessary or sufficient


@dataclass(frozen=True)
class Dissected:
    """What each synapse does for what the first poison teaches."""

    one: Synapses  # in the published maze, by the next visit
    sight: Synapses  # where places may change after every food, by the next four visits
    carrier: str  # the synapse whose loss costs most, as "reward to output 3"
    paths: list[Tensor]  # its memory in a plane (T, 2), one per episode
    events: list[int]  # steps of the first poison in these episodes


def dissect(entry: Entry, n: int, seed: int) -> Dissected:
    """Set back every synapse in turn, in n episodes of two mazes, and follow the memory of the one that matters most."""
    network, genome, maze = entry.model, entry.genome, entry.task
    one = transplant.synapses(network, genome, maze, n, seed)
    volatile = replace(maze, foods_per_period=1)
    sight = transplant.synapses(network, genome, volatile, n, seed + 1, visits=VISITS)
    i, j = divmod(int(one.forgets.argmin()), network.synapses)
    lives = rollout(network, genome, maze, n, seed, memory=True, backend="auto")
    ate, memory = lives.task["ate"][0], lives.model["synapse_memory"][0][:, :, i, j].double()
    _, _, axes = torch.pca_lowrank(memory.flatten(0, 1), q=2, niter=8)
    plane = (memory - memory.mean((0, 1))) @ axes
    poisoned = [b for b in range(n) if (ate[b] < 0).any()][:SHOWN]
    events = [int((ate[b] < 0).int().argmax()) for b in poisoned]
    alive = [int(lives.task["alive"][0, b].sum()) for b in poisoned]
    sources, neurons = names(network)
    carrier = f"{sources[network.connections[i][j]]} to {neurons[i]}"
    return Dissected(one, sight, carrier, [plane[b, :t] for b, t in zip(poisoned, alive, strict=True)], events)


def necessary(part: Synapses) -> list[tuple[int, int]]:
    """Synapses (neuron, number) without whose change at least half of what was learnt is lost."""
    bound = part.naive + (1 - MOST) * (part.intact - part.naive)
    return [(int(i), int(j)) for i, j in (part.forgets < bound).nonzero()]


def sufficient(part: Synapses) -> list[tuple[int, int]]:
    """Synapses whose change alone keeps at least half of what was learnt."""
    bound = part.naive + MOST * (part.intact - part.naive)
    return [(int(i), int(j)) for i, j in (part.knows > bound).nonzero()]


def summary(name: str, part: Dissected) -> list[Row]:
    """One row per maze: right visits with all memories, with none, and how many synapses are needed or enough."""
    return [
        {
            "network": name,
            "visits": where,
            "right, untouched": f"{found.intact:.0%}",
            "right, all set back": f"{found.naive:.0%}",
            "synapses necessary alone": len(necessary(found)),
            "synapses sufficient alone": len(sufficient(found)),
            "episodes": found.episodes,
        }
        for where, found in (
            ("the next one", part.one),
            (f"the next {VISITS}, swaps after every food", part.sight),
        )
    ]


def table(entry: Entry, part: Dissected) -> pd.DataFrame:
    """All that was measured of every synapse, one row each."""
    sources, neurons = names(entry.model)
    return pd.DataFrame(
        [
            {
                "neuron": neurons[i],
                "source": sources[entry.model.connections[i][j]],
                "moved by the poison": part.one.changed[i, j].item(),
                **{f"{word}, next arm": getattr(part.one, key)[i, j].item() for key, word in PARTS.items()},
                **{f"{word}, poison on sight": getattr(part.sight, key)[i, j].item() for key, word in PARTS.items()},
            }
            for i in range(entry.model.neurons)
            for j in range(entry.model.synapses)
        ]
    )


def paths_table(part: Dissected) -> pd.DataFrame:
    """The memory of the synapse that matters most, one row for each step of each episode."""
    tables = []
    for number, (path, event) in enumerate(zip(part.paths, part.events, strict=True), 1):
        steps = range(len(path))
        columns = {"first component": path[:, 0].numpy(), "second component": path[:, 1].numpy()}
        tables.append(pd.DataFrame({"episode": number, "time (steps)": steps, "first poison (step)": event, **columns}))
    return pd.concat(tables, ignore_index=True)


def in_words(entry: Entry, part: Dissected) -> str:
    """Which synapses hold what the first poison has taught, as Markdown."""
    _, neurons = names(entry.model)
    lines = []
    for where, found in (("which arm to take", part.one), ("to avoid poison on sight", part.sight)):
        if found.intact - found.naive < 0.1:
            lines.append(f"- *{where}*: nothing that setting the synapses back would undo.")
            continue
        needed, enough = (_list(entry, those) for those in (necessary(found), sufficient(found)))
        bound = (found.intact + found.naive) / 2
        own = [name for name, share in zip(neurons, found.neuron_knows.tolist(), strict=True) if share > bound]
        lines.append(
            f"- *{where}*: single synapses that are necessary: {needed}; sufficient: {enough}. Neurons whose synapses together "
            f"are sufficient: {', '.join(own) or 'none'}."
        )
    return "\n".join(lines)


def compared(network: Mapping[str, Measure], rule: Mapping[str, Measure]) -> list[Row]:
    """The network beside an agent that follows its rule in words, by what both eat and by the tests of the battery."""
    return [
        {
            "measure": network[key].text,
            "network": f"{network[key].value:.2f}" if network[key].n else "none",
            "rule": f"{rule[key].value:.2f}" if rule[key].n else "none",
        }
        for key in COMPARED
    ]


def misses(network: Mapping[str, Measure], rule: Mapping[str, Measure]) -> float:
    """Largest relative difference between what the rule and the network eat, over the mazes of the battery."""
    eaten = [key for key in COMPARED if key.endswith(".food")]
    return max(abs(rule[key].value / network[key].value - 1) for key in eaten)


def _list(entry: Entry, those: Sequence[tuple[int, int]]) -> str:
    sources, neurons = names(entry.model)
    return ", ".join(f"{sources[entry.model.connections[i][j]]} to {neurons[i]}" for i, j in those) or "none"
