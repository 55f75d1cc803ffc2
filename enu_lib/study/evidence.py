"""The evidence for judging the claims: from the zoo, the stored sweeps and a file of reference measures.

    claims.judge(evidence.gather())          # reads files only
    evidence.measure()                       # simulates the reference measures again: about ten minutes

`enu_lib/study/data/references.json` caches simulated values: the fitness level at which an experiment counts as learnt, the
scores of the reference agents, the spiking measures of the zoo's networks, and the abilities of networks and agents.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from enu_lib import experiments, zoo
from enu_lib.analysis import agents, spiking
from enu_lib.analysis.battery import Battery, battery
from enu_lib.analysis.measures import Measure
from enu_lib.base.kinds import Json
from enu_lib.base.progress import bar
from enu_lib.experiments import LAYOUTS
from enu_lib.storage.folder import INSTALL_WRITABLE, locked, remove_leftovers, write_atomically
from enu_lib.storage.seal import sealed
from enu_lib.streams import stream
from enu_lib.study import results, second
from enu_lib.study.outcomes import Judged
from enu_lib.study.results import Record, References, final_fitness, five_digits, generations_to
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.maze import Maze
from enu_lib.tasks.stdp import STDP

T = TypeVar("T")
SHARE = 0.1  # a single unit counts as having learnt below this proportion of the loss without learning
ABILITIES = 2048  # episodes of the battery in each maze
NEUTRAL = 20  # evolutions without selection
# Networks of the T-maze from separate evolutions, by how they evolved.  CURRICULUM and RESTARTS are those of `evolve tmaze
# --seed N` before and after evolution could restart, each seed from a random genome.  Of both, seeds and settings were fixed
# before the first run, and every seed is listed.  "tmaze-enu" has seed 51: first stopped like the others, then run again to its
# target with the settings of RESTARTS.  It never had to restart.
EARLIER = ("tmaze-enu-three-runs", "tmaze-enu-lesson-seed1", "tmaze-enu-seed1", "tmaze-enu-seed2")
CURRICULUM = ("tmaze-enu-seed50", "tmaze-enu", *(f"tmaze-enu-seed{seed}" for seed in (52, 53, 54)))
RESTARTS = second.RESTARTS
INDEPENDENT = {"earlier": EARLIER, "without restarts": CURRICULUM, "with restarts": RESTARTS}
SEPARATE = tuple(name for group in INDEPENDENT.values() for name in group)
# Also tested with the battery, in the plain T-maze.  "tmaze-enu-relearns" is the run of seed 63, continued to its target.
# "tmaze-harmless-enu-seed1" is a separate evolution, too, but was kept for what it can do: it switches after every poison.
# So neither is among `INDEPENDENT`: the first would be counted twice, and the second would bias the count.
OTHERS = ("tmaze-enu-relearns", "tmaze-enu-latch", "tmaze-harmless-enu-seed1", "double-tmaze-enu")
# Networks that evolved further where food and poison are hidden, each with the network with which it began.  HIDDEN: five
# evolutions judged by a rule that was fixed before them.  The other two evolved while settings were being chosen.
HIDDEN = {f"tmaze-hidden-enu-seed1{name[-2:]}": name for name in RESTARTS}
REVERSAL = HIDDEN | {"tmaze-hidden-enu": "tmaze-enu", "tmaze-hidden-enu-reverses": "tmaze-enu-relearns"}


@dataclass(frozen=True)
class Evidence:
    """The data by which the claims are judged; any part may be missing.

    zoo: scores of zoo entries in new environments.  By (experiment, model), one value per evolution of the sweep: scores;
    final: fitness of the evolved parent (mean of 30 trial runs); reached: generations until the held-out fitness reached
    the experiment's level, inf if never.  level: that fitness, by experiment.  references: scores of reference agents by
    layout ("t", "double-t").  abilities: the battery of zoo entries in the T-maze, and of scripted agents, by name and
    measure.  spiking: spiking measures of `INDEPENDENT` entries; neutral: those of genomes evolved without selection.
    judged: verdicts of the second study; none before any of its results are stored.
    """

    zoo: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], Sequence[Mapping[str, float]]] = field(default_factory=dict)
    final: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    reached: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    level: Mapping[str, float] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    abilities: Mapping[str, Mapping[str, Measure]] = field(default_factory=dict)
    spiking: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    neutral: Sequence[Mapping[str, float]] = ()
    judged: Sequence[Judged] = ()


def without_sweeps(folder: Path | None = None) -> Evidence:
    """The evidence from the zoo and the stored reference measures, without sweeps: quick to load, and enough for C9 and C10."""
    kept = results.references(folder)
    entries = {name: zoo.load(name) for name in zoo.names()}
    known = {name: entry.provenance["sha256"] for name, entry in entries.items()}
    able = {
        name: {key: as_measure(values) for key, values in tested["measures"].items()}
        for name, tested in kept.abilities.items()
        if tested["genome"] in (None, known.get(name))
    }
    spikes = {
        name: numbers(tested["measures"])
        for name, tested in kept.spiking.items()
        if name in SEPARATE and tested["genome"] == known.get(name)
    }
    zoo_scores = {name: entry.scores for name, entry in entries.items()}
    neutral = [*map(numbers, kept.neutral)]
    return Evidence(zoo=zoo_scores, level=kept.level, references=kept.agents, abilities=able, spiking=spikes, neutral=neutral)


def gather(profile: str = "laptop", folder: Path | None = None, stored: list[Record] | None = None) -> Evidence:
    """The evidence from the zoo and from a profile's stored runs, or from the given runs."""
    runs = results.load(profile, folder).runs if stored is None else stored
    known = without_sweeps(folder)
    final: dict[tuple[str, str], list[float]] = {}
    reached: dict[tuple[str, str], list[float]] = {}
    scores: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for run in runs:
        pair = run.experiment, run.model
        final.setdefault(pair, []).append(final_fitness(run))
        reached.setdefault(pair, []).append(generations_to(run, known.level.get(run.experiment, math.inf)))
        scores.setdefault(pair, []).append(numbers(run.scores))
    return replace(known, scores=scores, final=final, reached=reached, judged=second.judge(known.level, folder=folder))


def numbers(stored: Mapping[str, float | None]) -> dict[str, float]:
    """Stored measures with NaN for missing values."""
    return {key: math.nan if value is None else value for key, value in stored.items()}


def as_measure(stored: Mapping[str, Any]) -> Measure:
    """A stored measure of the battery."""
    return Measure(**{**stored, "value": math.nan if stored["value"] is None else stored["value"]})


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Measures in the stored format (see `five_digits`)."""
    return {key: five_digits(value) for key, value in values.items()}


def measure(folder: Path | None = None, episodes: int = 10_000, progress: bool = True) -> References:
    """Simulate all reference measures and write references.json (in `folder`; default: the package's)."""
    networks = [zoo.load(name) for name in (*SEPARATE, *OTHERS, *REVERSAL) if name in zoo.names()]
    with bar(2 * len(agents.NAMES) + len(networks) + NEUTRAL, desc="references", show=progress, unit="measure") as shown:

        def done(value: T) -> T:
            shown.update()
            return value

        earned: dict[str, dict[str, dict[str, float]]] = {layout: {} for layout in LAYOUTS.values()}
        able: dict[str, Json] = {}
        for a in agents.NAMES:
            for layout in LAYOUTS.values():
                earned[layout][a] = numbers(rounded(agents.scores(Maze(layout), a, episodes)))
            shown.update()
            able[a] = done({"genome": None, "measures": _measures(battery(a, n=ABILITIES))})
        spikes = {}
        for e in networks:
            genome, tested = e.provenance["sha256"], battery(e.model, e.genome, e.task, ABILITIES, double=False)
            able[e.name] = done({"genome": genome, "measures": _measures(tested)})
            if e.name in SEPARATE:
                pulses = spiking.pulses_of(e.model, e.genome, e.task)
                spikes[e.name] = {"genome": genome, "measures": rounded(pulses._asdict())}
        neutral = [done(rounded(pulses._asdict())) for pulses in without_selection(zoo.load("tmaze-enu"), NEUTRAL)]
    level = numbers(rounded({name: unit_level(task) for name, task in _unit_tasks().items()}))
    level |= {name: earned[layout]["fixed-arm"]["fitness"] for name, layout in LAYOUTS.items()}
    measured = References(level, earned, able, spikes, neutral)
    file = (folder or results.FOLDER) / results.REFERENCES
    with locked(file.parent, wait=True, remedy=INSTALL_WRITABLE):
        remove_leftovers(file.parent, file.name)
        write_atomically(file, (json.dumps(sealed(measured._asdict()), indent=1) + "\n").encode(), INSTALL_WRITABLE)
    return measured


def without_selection(entry: zoo.Entry, many: int) -> Iterator[spiking.Pulses]:
    """Spiking measures of networks evolved without selection, for as long as a zoo entry and with the same strategies."""
    for seed in range(many):
        genome = neutral(entry, seed)
        yield spiking.pulses_of(entry.model, genome, entry.task)


def neutral(entry: zoo.Entry, seed: int) -> Tensor:
    """A genome (D,) evolved without selection through all evolutions that led to a zoo entry."""
    genome: Tensor | None = None
    for e in zoo.ancestry(entry):
        generations, begun = e.provenance["generations"], experiments.attempt_began(e.restarts)
        genome = spiking.neutral_genome(e.experiment, e.stage_ends, generations, seed, genome, begun)
    assert genome is not None, "an entry is its own last ancestor"
    return genome


def _measures(tested: Battery) -> Json:
    """The measures of a battery in the stored format."""
    stored: Json = tested.as_json()["measures"]
    return {
        key: {k: five_digits(v) if isinstance(v, float) else v for k, v in measure.items()} for key, measure in stored.items()
    }


def _unit_tasks() -> dict[str, IAF | STDP]:
    return {name: experiments.get(name).task for name in ("iaf", "stdp", "complex-stdp")}


def unit_level(task: IAF | STDP, n: int = 4096) -> float:
    """The fitness at which a single unit counts as having learnt: SHARE of the loss of a trivial unit.

    For STDP the trivial unit copies its graded input; for integrate-and-fire it fires at the best fixed interval,
    independently of its input.
    """
    generator = stream(1, "level")
    if isinstance(task, STDP):
        pairs = task.sample(n, generator)
        return SHARE * task.score(pairs, pairs.inputs[None, :, :, :1]).mean().item()
    batch, t = task.sample(n, generator), torch.arange(task.steps, device="cpu")
    regular = torch.stack([(t % k == k - 1).float() for k in range(1, task.steps + 1)])  # (T, T), one row per interval
    best = max(task.score(batch, y[None, None, :, None].expand(1, n, -1, 1)).mean().item() for y in regular)
    return SHARE * best
