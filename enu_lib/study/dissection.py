"""An evolved network, dissected: its activity, its memory disturbed in mid-episode, and mazes not used in its evolution.

disturbed = disturb(entry, n=192, moment=200, seed=1)     # {"untouched": .., "synapses reset": .., ...}
pd.DataFrame(elsewhere(entry, n=256, seed=1))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from enu_lib.analysis import interventions, learning, spiking
from enu_lib.analysis.battery import HARMLESS
from enu_lib.analysis.learning import Recovery
from enu_lib.analysis.stats import standard_error
from enu_lib.base.kinds import Changes
from enu_lib.contracts import Intervention
from enu_lib.figures import networks
from enu_lib.network import Network
from enu_lib.rollout import record_episodes, rollout
from enu_lib.study.evidence import Evidence
from enu_lib.study.tables import Row
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace
from enu_lib.zoo import Entry

UNTOUCHED = "untouched"
PULSES = ("events in 100 steps", "length of an event (steps)", "time on", "time at intermediate values")
CLOCK = 400  # steps
VISITS = 5  # after a disturbance, looked at one by one


def neuron_names(network: Network) -> list[str]:
    """Names of a network's neurons in their order, without its inputs: hidden 1, .., output 1, .."""
    return networks.neuron_names(network.neurons, network.n_outputs, network.n_inputs)[network.n_inputs :]


def pulse_table(watched: Mapping[str, Trace], neurons: slice, known: Evidence | None = None) -> list[Row]:
    """How pulse-like the first channel of the chosen neurons is, one row per network.

    watched: {name: episodes recorded with memory}.  known: evidence from which to add the stored measures of independent
    networks, and the medians of those evolved without selection.  A clock, whose pulses carry no information, is added.
    """
    pulses: dict[str, Mapping[str, float]] = {
        name: spiking.pulses(episodes, neurons, slice(1))._asdict() for name, episodes in watched.items()
    }
    steps = torch.zeros(1, CLOCK, 1)
    steps[:, :: Maze().move_every] = 1
    pulses["a clock: one step in every move"] = spiking.pulse_measures(steps, steps[..., 0] >= 0)._asdict()
    if known is not None:
        pulses.update(known.spiking)
        keys = known.neutral[0] if known.neutral else {}
        medians = {key: float(np.nanmedian([measures[key] for measures in known.neutral])) for key in keys}
        pulses |= {f"without selection, median of {len(known.neutral)}": medians} if medians else {}
    return [{"network": name, **dict(zip(PULSES, _pulses(measures), strict=True))} for name, measures in pulses.items()]


def _pulses(measures: Mapping[str, float]) -> list[str]:
    if not measures["varying"]:
        return ["no output varies"] * len(PULSES)
    return [f"{measures['rate']:.1f}", f"{measures['length']:.1f}", f"{measures['on']:.0%}", f"{measures['graded']:.0%}"]


def reading_table(read: Mapping[str, Tensor]) -> list[Row]:
    """Mean food eaten under each reading of the outputs (`analysis.readout.food`), one row per reading."""
    return [
        {
            "the maze reads the outputs": name,
            "food, mean": f"{eaten.mean().item():.2f}",
            "s.e.": f"{standard_error(eaten):.2f}",
        }
        for name, eaten in read.items()
    ]


class Disturbed(NamedTuple):
    """What follows a disturbance of the memory at one moment of an episode."""

    recovery: Recovery  # visits after it, in order
    eaten: Tensor  # food eaten after it, in the episodes that were still alive (B,)


def disturbances(network: Network, moment: int) -> dict[str, Intervention | None]:
    """Memory reset, scrambled or frozen in one compartment before step `moment`; first none, the control."""
    units = {"synapses": network.neurons * network.synapses, "neurons": network.neurons}
    by_name: dict[str, Intervention | None] = {UNTOUCHED: None}
    for compartment, many in units.items():
        by_name[f"{compartment} reset"] = interventions.reset(compartment, moment)
        by_name[f"{compartment} scrambled"] = interventions.scramble(compartment, moment, many)
        by_name[f"{compartment} frozen"] = interventions.freeze(compartment, moment)
    return by_name


def disturb(entry: Entry, n: int, moment: int, seed: int) -> dict[str, Disturbed]:
    """The same n episodes under every disturbance; `eaten` counts those in which the untouched agent lived until then."""
    lived = {
        name: record_episodes(entry.model, entry.genome, entry.task, n, seed=seed, intervene=intervene)
        for name, intervene in disturbances(entry.model, moment).items()
    }
    alive = lived[UNTOUCHED].task["alive"][0, :, moment - 1]
    disturbed = {}
    for name, episodes in lived.items():
        foods = episodes.task["foods"][0]
        after = learning.recovery(learning.visits(episodes), moment, visits=VISITS)
        disturbed[name] = Disturbed(after, (foods[:, -1] - foods[:, moment - 1])[alive].float())
    return disturbed


def disturbed_table(disturbed: Mapping[str, Disturbed]) -> list[Row]:
    """First visits after each disturbance, and food eaten after it."""
    return [
        {
            "memory": name,
            "right at the first visit after": f"{d.recovery.right[0]} of {d.recovery.n[0]}",
            "visits in all after": int(d.recovery.n.sum()),
            "food after, mean": f"{d.eaten.mean().item():.2f}",
            "s.e.": f"{standard_error(d.eaten):.2f}",
        }
        for name, d in disturbed.items()
    ]


def stored_in_words(disturbed: Mapping[str, Disturbed]) -> str:
    """Whether it matters which synapse and which neuron holds what, and what is left when a memory is reset, in words."""
    control = disturbed[UNTOUCHED].eaten
    left = {name: f"{(d.eaten.mean() / control.mean()).item():.0%}" for name, d in disturbed.items()}
    matters = {
        part: "It matters" if _differ(disturbed[f"{part}s scrambled"].eaten, control) else "It makes no measurable difference"
        for part in ("synapse", "neuron")
    }
    return (
        f"{matters['synapse']} which synapse holds what: with the memory of the synapses scrambled, the network eats "
        f"{left['synapses scrambled']} of what it eats untouched. {matters['neuron']} which neuron holds what: with the memory "
        f"of the neurons scrambled, it eats {left['neurons scrambled']}. If the memory is reset, {left['synapses reset']} "
        f"(synapses) and {left['neurons reset']} (neurons) are left."
    )


def _differ(eaten: Tensor, control: Tensor) -> bool:
    """Whether more or less is eaten in the same episodes: the 95% interval of the mean difference does not include zero."""
    apart = eaten - control
    return bool(apart.mean().abs() > 1.96 * standard_error(apart))


def other_mazes(network: Network, maze: Maze) -> dict[str, tuple[Network, Maze]]:
    """The network in the maze of its entry (first), and in mazes and with noise that it did not evolve with."""
    changed: dict[str, Changes] = {
        "arms of 3": {"arm": 3},
        "arms of 4": {"arm": 4},
        "corridor of 5": {"corridor": 5},
        "change after 10 foods": {"foods_per_period": 10},
        "change after 2 foods": {"foods_per_period": 2},
        "poison never deadly": {"deadly_poisons": HARMLESS},
        "episodes of 1,600 steps": {"steps": 1600},
        "reward shown for 1 step": {"reward_steps": 1},
    }
    noise = {"no noise": 0.0, "noise x 3": 3.0, "noise x 10": 10.0}
    return {
        "published maze": (network, maze),
        **{name: (network, replace(maze, **settings)) for name, settings in changed.items()},
        **{name: (replace(network, noise=factor * network.noise), maze) for name, factor in noise.items()},
    }


def elsewhere(entry: Entry, n: int, seed: int) -> dict[str, dict[str, float]]:
    """`learning.measures` of n episodes in every one of `other_mazes`."""
    places = other_mazes(entry.model, entry.task)
    return {
        name: learning.measures(record_episodes(network, entry.genome, maze, n, seed=seed))
        for name, (network, maze) in places.items()
    }


def elsewhere_in_words(measured: Mapping[str, Mapping[str, float]]) -> str:
    """In how many other mazes the network eats at least half as much as in its own, and where it eats least, in words."""
    (_, evolved), *others = measured.items()
    well = sum(row["food"] >= evolved["food"] / 2 for _, row in others)
    name, worst = min(others, key=lambda item: item[1]["food"])
    return (
        f"In {well} of the {len(others)} other mazes and levels of noise, the network eats at least half as much as in the "
        f"published maze with the usual noise ({evolved['food']:.2f}). It eats least with *{name}* ({worst['food']:.2f})."
    )


def silenced(entry: Entry, n: int, seed: int, neurons: Sequence[int] | None = None) -> dict[str, dict[str, float]]:
    """`learning.measures` of n episodes with each neuron in turn silenced: no other neuron receives its output."""
    names = neuron_names(entry.model)
    return {
        f"{names[i]} silenced": learning.measures(
            rollout(entry.model, entry.genome, entry.task, n, seed=seed, intervene=interventions.silence([i]))
        )
        for i in (range(len(names)) if neurons is None else neurons)
    }
