"""An evolved learner, dissected: which synapses hold what a poison has taught, in numbers and words.

entry = zoo.load("tmaze-enu")
part = dissect(entry, n=48, seed=1)
part.one.forgets, part.sight.forgets     # (N, S) share of visits right without each synapse's memory: next arm; on sight
in_words(entry, part)                    # Markdown
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
import torch
from torch import Tensor

from enu_lib.analysis import transplant
from enu_lib.analysis.measures import Measure
from enu_lib.analysis.transplant import SOURCES, Synapses
from enu_lib.figures.networks import short_names
from enu_lib.network import Network
from enu_lib.rollout import rollout
from enu_lib.study.abilities import across
from enu_lib.study.tables import Row
from enu_lib.zoo import Entry

SHOWN = 8  # episodes whose memory is drawn in a plane
VISITS = 4  # counted after the first poison, in the maze where places may change after every food
PARTS = {"forgets": "right if reverted", "knows": "right if all others are reverted"}
COMPARED = (
    "standard.food", "standard.poison", "every_food.food", "every_food.poison", "standard.no_mistake", "switching.1",
    "swapped.3", "exchanged.first", "exchanged.later", "reshuffled.later",
    "cut_food.food", "cut_food.poison", "hidden.food",
)  # fmt: skip
MAZES = ("standard.food", "every_food.food")  # compared by `misses`: with all sensors and rewards
MOST = 0.5  # share of what was learnt; a synapse is necessary if more is lost without it, sufficient if it alone keeps more


@dataclass(frozen=True)
class Dissected:
    """What each synapse contributes to what the first poison teaches."""

    one: Synapses  # in the published maze, by the next visit
    sight: Synapses  # where places may change after every food, by the next four visits
    carrier: str  # the synapse whose loss costs most, as "R to O3"
    paths: list[Tensor]  # its memory projected onto a plane (T, 2), one per episode
    events: list[int]  # step of the first poison in each of these episodes


def dissect(entry: Entry, n: int, seed: int) -> Dissected:
    """Revert each synapse in turn, in n episodes of each of two mazes, and follow the memory of the one that matters most."""
    network, genome, maze = entry.model, entry.genome, entry.task
    one = transplant.synapses(network, genome, maze, n, seed)
    volatile = replace(maze, foods_per_period=1)
    sight = transplant.synapses(network, genome, volatile, n, seed + 1, visits=VISITS)
    i, j = divmod(int(one.forgets.argmin()), network.synapses)
    episodes = rollout(network, genome, maze, n, seed, memory=True, backend="auto")
    ate, memory = episodes.task["ate"][0], episodes.model["synapse_memory"][0][:, :, i, j].double()
    centred = (memory - memory.mean((0, 1))).flatten(0, 1)
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -2:].flip(1)
    axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()  # else a sign may differ from machine to machine
    plane = (memory - memory.mean((0, 1))) @ axes
    poisoned = [b for b in range(n) if (ate[b] < 0).any()][:SHOWN]
    events = [int((ate[b] < 0).int().argmax()) for b in poisoned]
    alive = [int(episodes.task["alive"][0, b].sum()) for b in poisoned]
    return Dissected(one, sight, _name(network, i, j), [plane[b, :t] for b, t in zip(poisoned, alive, strict=True)], events)


def necessary(part: Synapses) -> list[tuple[int, int]]:
    """Synapses (neuron, number): if one of them is reverted, more than half of what was learnt is lost."""
    bound = part.naive + (1 - MOST) * (part.intact - part.naive)
    return [(int(i), int(j)) for i, j in (part.forgets < bound).nonzero()]


def sufficient(part: Synapses) -> list[tuple[int, int]]:
    """Synapses (neuron, number): if all others are reverted, one of them still keeps more than half of what was learnt."""
    bound = part.naive + MOST * (part.intact - part.naive)
    return [(int(i), int(j)) for i, j in (part.knows > bound).nonzero()]


def lost(synapses: Synapses) -> Tensor:
    """Loss (N, S) from reverting each synapse alone, as a share of the loss from reverting all of them."""
    return ((synapses.intact - synapses.forgets) / max(synapses.intact - synapses.naive, 1e-9)).clamp(0, 1)


def summary(name: str, part: Dissected) -> list[Row]:
    """One row per maze: share of visits right with all memories and with none; numbers of necessary and sufficient synapses."""
    return [
        {
            "network": name,
            "visits": where,
            "right, untouched": f"{synapses.intact:.0%}",
            "right, all reverted": f"{synapses.naive:.0%}",
            "synapses necessary alone": len(necessary(synapses)),
            "synapses sufficient alone": len(sufficient(synapses)),
            "episodes": synapses.episodes,
        }
        for where, synapses in (
            ("the next one", part.one),
            (f"the next {VISITS}, swaps after every food", part.sight),
        )
    ]


def table(entry: Entry, part: Dissected) -> pd.DataFrame:
    """Everything measured on each synapse, one row per synapse."""
    network, names = entry.model, short_names(entry.model)
    return pd.DataFrame(
        [
            {
                "neuron": names[network.n_inputs + i],
                "source": names[network.connections[i][j]],
                "moved by the poison": part.one.changed[i, j].item(),
                **{f"{word}, next visit": getattr(part.one, key)[i, j].item() for key, word in PARTS.items()},
                **{f"{word}, poison on sight": getattr(part.sight, key)[i, j].item() for key, word in PARTS.items()},
            }
            for i in range(network.neurons)
            for j in range(network.synapses)
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
    neurons = short_names(entry.model)[entry.model.n_inputs :]
    lines = []
    for where, synapses in (("the next visit", part.one), ("to avoid poison on sight", part.sight)):
        if synapses.intact - synapses.naive < 0.1:
            lines.append(f"- *{where}*: nothing that reverting the synapses would undo.")
            continue
        needed, enough = (_list(entry.model, those) for those in (necessary(synapses), sufficient(synapses)))
        bound = (synapses.intact + synapses.naive) / 2
        own = [name for name, share in zip(neurons, synapses.neuron_knows.tolist(), strict=True) if share > bound]
        *single, both = SOURCES
        losing = [name for name, share in zip(single, synapses.source_forgets.tolist(), strict=False) if share < bound]
        keeping = [name for name, share in zip(single, synapses.source_knows.tolist(), strict=False) if share > bound]
        if not keeping and synapses.source_knows[-1] > bound:
            keeping = [both]
        lines.append(
            f"- *{where}*: single synapses that are necessary: {needed}; sufficient: {enough}. Neurons whose synapses together "
            f"are sufficient: {', '.join(own) or 'none'}. Sources whose synapses, onto all neurons, are necessary: "
            f"{', '.join(losing) or 'none'}; sufficient: {', '.join(keeping) or 'none'}."
        )
    return "\n".join(lines)


def compared(agents: Mapping[str, Mapping[str, Measure]]) -> list[Row]:
    """Networks beside scripted agents that follow their rules: what they eat, and tests of the battery."""
    first = next(iter(agents.values()))
    return across(agents, {key: first[key].text for key in COMPARED})


def misses(network: Mapping[str, Measure], rule: Mapping[str, Measure]) -> float:
    """Largest relative difference in food eaten between the rule and the network, over `MAZES`."""
    return max(abs(rule[key].value / network[key].value - 1) for key in MAZES)


def _list(network: Network, those: Sequence[tuple[int, int]]) -> str:
    return ", ".join(_name(network, i, j) for i, j in those) or "none"


def _name(network: Network, i: int, j: int) -> str:
    """The name of synapse j of neuron i, such as "R to O3"."""
    names = short_names(network)
    return f"{names[network.connections[i][j]]} to {names[network.n_inputs + i]}"
