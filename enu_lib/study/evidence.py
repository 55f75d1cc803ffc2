"""The evidence by which the claims are judged: from the zoo, the stored sweep and a file of reference measures.

    claims.judge(evidence.gather())          # reads files only
    evidence.measure()                       # simulates reference agents and the networks' spiking again: a minute

`enu_lib/study/data/references.json` keeps what would otherwise be simulated each time: the level at which an experiment counts
as learnt, the scores of reference agents, and how spike-like the outputs of the zoo's networks are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from enu_lib import zoo
from enu_lib.analysis import agents, spiking
from enu_lib.network import Network
from enu_lib.storage.folder import PACKAGE, locked, remove_leftovers, write_atomically
from enu_lib.streams import stream
from enu_lib.study import results
from enu_lib.study.results import Record, References, five_digits
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.maze import Layout, Maze
from enu_lib.tasks.stdp import STDP

SHARE = 0.1  # of the loss of a unit that learns nothing: where a single unit counts as having learnt
MAZES: tuple[Layout, ...] = ("t", "double-t")


@dataclass(frozen=True)
class Evidence:
    """All that the claims are judged by; any of it may be missing.

    zoo: scores of zoo entries on fresh environments.  scores: those of each evolution of the sweep, by (experiment, model).
    final: fitness of each evolution's parent (mean of 30 trial runs), likewise.  reached: generations until the held-out
    fitness was at the experiment's level, inf if never.  level: that fitness.  references: scores of reference agents by
    layout ("t", "double-t").  spiking: measures of a zoo entry's outputs, "evolved" and "before" evolution.
    """

    zoo: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], Sequence[Mapping[str, float]]] = field(default_factory=dict)
    final: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    reached: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    level: Mapping[str, float] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    spiking: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)


def gather(profile: str = "laptop", folder: Path | None = None, stored: list[Record] | None = None) -> Evidence:
    """Evidence from the zoo and a profile's stored runs (or those given)."""
    runs = results.load(profile, folder).runs if stored is None else stored
    kept = results.references(folder)
    entries = {name: zoo.load(name) for name in zoo.names()}
    spikes = {
        name: {when: numbers(found[when]) for when in ("evolved", "before")}
        for name, found in kept.spiking.items()
        if name in entries and found["genome"] == entries[name].provenance["sha256"]
    }
    final: dict[tuple[str, str], list[float]] = {}
    reached: dict[tuple[str, str], list[float]] = {}
    scores: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for run in runs:
        pair = run.experiment, run.model
        final.setdefault(pair, []).append(final_fitness(run))
        reached.setdefault(pair, []).append(generations_to(run, kept.level.get(run.experiment, math.inf)))
        scores.setdefault(pair, []).append(numbers(run.scores))
    zoo_scores = {name: entry.scores for name, entry in entries.items()}
    return Evidence(zoo_scores, scores, final, reached, kept.level, kept.agents, spikes)


def numbers(stored: Mapping[str, float | None]) -> dict[str, float]:
    """Measures as they were before `five_digits`: NaN where there was nothing to measure."""
    return {key: math.nan if value is None else value for key, value in stored.items()}


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Measures as they are stored."""
    return {key: five_digits(value) for key, value in values.items()}


def final_fitness(run: Record) -> float:
    """Mean fitness of the evolved parent over its trial runs; -inf if one of them was NaN."""
    values = [t for t in run.trials if t is not None]
    return sum(values) / len(values) if len(values) == len(run.trials) else -math.inf


def generations_to(run: Record, level: float) -> float:
    """Generations until the parent's held-out fitness first reached a level; inf if never."""
    there = (g for g, f in zip(run.generation, run.held_out, strict=True) if f is not None and f >= level)
    return next(there, math.inf)


def measure(folder: Path | None = None, episodes: int = 10_000) -> References:
    """Simulate all reference measures again, and write their file."""
    earned: dict[str, dict[str, dict[str, float]]] = {
        layout: {a: numbers(rounded(agents.scores(Maze(layout), a, episodes))) for a in agents.NAMES} for layout in MAZES
    }
    level = numbers(rounded({name: unit_level(task) for name, task in _unit_tasks().items()}))
    level |= {
        name: earned[layout]["fixed-arm"]["fitness"] for name, layout in zip(("tmaze", "double-tmaze"), MAZES, strict=True)
    }
    networks = [entry for entry in map(zoo.load, zoo.names()) if isinstance(entry.model, Network)]
    spikes = {
        e.name: {
            "genome": e.provenance["sha256"],
            "evolved": rounded(spiking.pulses_of(e.model, e.genome, e.task)._asdict()),
            "before": rounded(spiking.pulses_before(e.model, e.task)._asdict()),
        }
        for e in networks
    }
    found = References(level, earned, spikes)
    file = (folder or results.FOLDER) / results.REFERENCES
    with locked(file.parent, wait=True, remedy=PACKAGE):
        remove_leftovers(file.parent, file.name)
        write_atomically(file, (json.dumps(found._asdict(), indent=1) + "\n").encode(), PACKAGE)
    return found


def _unit_tasks() -> dict[str, IAF | STDP]:
    from enu_lib import experiments

    return {name: experiments.get(name).task for name in ("iaf", "stdp", "complex-stdp")}


def unit_level(task: IAF | STDP, n: int = 4096) -> float:
    """The fitness at which a single unit counts as having learnt: SHARE of the loss of the best unit that learns nothing.

    For STDP that unit passes its graded input on; for integrate and fire it fires at the best fixed interval, whatever its
    input.
    """
    generator = stream(1, "level")
    if isinstance(task, STDP):
        pairs = task.sample(n, generator)
        return SHARE * task.score(pairs, pairs.inputs[None, :, :, :1]).mean().item()
    batch, t = task.sample(n, generator), torch.arange(task.steps, device="cpu")
    regular = torch.stack([(t % k == k - 1).float() for k in range(1, task.steps + 1)])  # (T, T), one row per interval
    best = max(task.score(batch, y[None, None, :, None].expand(1, n, -1, 1)).mean().item() for y in regular)
    return SHARE * best
