"""What the ledger is judged by, gathered from the zoo, the stored sweep, and a file of reference measures.

    claims.judge(evidence.gather())          # from files alone, in no time
    evidence.measure()                       # simulates the reference agents and the networks' spiking again: a minute

`enu_lib/study/data/references.json` keeps what would otherwise be simulated each time: the level at which something counts as
learnt in each experiment, what reference agents earn, and how the outputs of the zoo's networks are distributed.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from enu_lib import zoo
from enu_lib.analysis import agents, spiking
from enu_lib.network import Network
from enu_lib.rollout import rollout
from enu_lib.storage.folder import write_atomically
from enu_lib.streams import stream
from enu_lib.study import results
from enu_lib.study.claims import Evidence
from enu_lib.study.results import Record
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.maze import Maze
from enu_lib.tasks.stdp import STDP

SHARE = 0.1  # of the loss of a unit that learns nothing: where a single unit counts as having learnt
MAZES = ("t", "double-t")


def gather(profile: str = "laptop", folder: Path | None = None, stored: list[Record] | None = None) -> Evidence:
    """Evidence from the zoo and a profile's stored runs (or those given)."""
    runs = results.load(profile, folder).runs if stored is None else stored
    kept = results.references(folder)
    entries = {name: zoo.load(name) for name in zoo.names()}
    spikes = {
        name: found
        for name, found in kept["spiking"].items()
        if name in entries and found["genome"] == entries[name].provenance["sha256"]
    }
    final: dict[tuple[str, str], list[float]] = {}
    reached: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        pair = run.experiment, run.model
        final.setdefault(pair, []).append(final_fitness(run))
        reached.setdefault(pair, []).append(generations_to(run, kept["level"].get(run.experiment, math.inf)))
    scores = {name: entry.scores for name, entry in entries.items()}
    return Evidence(scores, final, reached, kept["level"], kept["agents"], spikes)


def final_fitness(run: Record) -> float:
    """Mean over the trial runs of the evolved parent; -inf if one of them was NaN."""
    values = [t for t in run.trials if t is not None]
    return sum(values) / len(values) if len(values) == len(run.trials) else -math.inf


def generations_to(run: Record, level: float) -> float:
    """Generations until the held-out fitness of the parent was first at a level; inf if never."""
    there = (g for g, f in zip(run.generation, run.held_out, strict=True) if f is not None and f >= level)
    return next(there, math.inf)


def measure(folder: Path | None = None, episodes: int = 10_000) -> dict[str, Any]:
    """Simulate everything in the file of reference measures, and write it."""
    earned = {layout: {a: _short(agents.scores(Maze(layout), a, episodes)) for a in agents.NAMES} for layout in MAZES}
    level = {name: float(f"{unit_level(task):.5g}") for name, task in _unit_tasks().items()}
    level |= {
        name: earned[layout]["fixed-arm"]["fitness"] for name, layout in zip(("tmaze", "double-tmaze"), MAZES, strict=True)
    }
    networks = [entry for entry in map(zoo.load, zoo.names()) if isinstance(entry.model, Network)]
    spikes = {e.name: {"genome": e.provenance["sha256"], **spiking_of(e.model, e.genome, e.task)} for e in networks}
    found = {"level": level, "agents": earned, "spiking": spikes}
    file = (folder or results.FOLDER) / results.REFERENCES
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, (json.dumps(found, indent=1) + "\n").encode())
    return found


def _unit_tasks() -> dict[str, Any]:
    from enu_lib import experiments

    return {name: experiments.get(name).task for name in ("iaf", "stdp", "complex-stdp")}


def unit_level(task: IAF | STDP, n: int = 4096) -> float:
    """The fitness at which a single unit counts as having learnt: a tenth of the loss of the best that learns nothing.

    For STDP that is a unit that passes its graded input on; for integrate and fire one that fires every so many steps,
    whatever comes in, at the best such interval.
    """
    generator = stream(1, "level")
    if isinstance(task, STDP):
        pairs = task.sample(n, generator)
        return SHARE * task.score(pairs, pairs.inputs[None, :, :, :1]).mean().item()
    batch, t = task.sample(n, generator), torch.arange(task.steps, device="cpu")
    regular = torch.stack([(t % k == k - 1).float() for k in range(1, task.steps + 1)])  # (T, T) one row an interval
    best = max(task.score(batch, y[None, None, :, None].expand(1, n, -1, 1)).mean().item() for y in regular)
    return SHARE * best


def spiking_of(network: Network, genome: Tensor, maze: Maze, lives: int = 64, genomes: int = 8) -> dict[str, Any]:
    """How spike-like a network's outputs are, evolved and before evolution (as many random genomes, averaged)."""
    before = [outputs_measured(network, network.init(stream(k, "genome")), maze, lives) for k in range(genomes)]
    mean = {
        key: float(torch.tensor([b[key] for b in before], dtype=torch.float32, device="cpu").nanmean()) for key in before[0]
    }
    return {"evolved": _short(outputs_measured(network, genome, maze, lives)), "before": _short(mean)}


def outputs_measured(network: Network, genome: Tensor, maze: Maze, lives: int = 64, seed: int = 5) -> dict[str, float]:
    """Measures of all neurons' outputs over fresh lives, on the channels in use (above 0.05 at least once)."""
    trace = rollout(network, genome, maze, lives, seed, memory=True)
    y, alive = spiking.outputs(trace)
    return spike_measures(y.flatten(2), alive, maze.move_every)


def spike_measures(outputs: Tensor, alive: Tensor, move: int) -> dict[str, float]:
    """Of outputs (B, T, K) while alive (B, T): shares of active steps, of graded and of tonic values among these.

    active: above 0.05; graded: active and below 0.95; tonic: in a run of more than `move` active steps.  Channels that
    are never active are left out.  NaN where there is nothing active.
    """
    active = (outputs > 0.05) & alive[..., None]
    used = active.any(0).any(0)
    active, outputs = active[..., used], outputs[..., used]
    steps = alive.sum().item() * int(used.sum())
    if not steps:
        return {"active": math.nan, "graded": math.nan, "tonic": math.nan}
    long = active.float().movedim(1, -1)  # (B, K, T)
    pad = torch.nn.functional.pad(long, (move, move))
    windows = pad.unfold(-1, move + 1, 1).all(-1)  # (B, K, T + move): a run of move + 1 begins here
    within = torch.nn.functional.max_pool1d(windows.float().flatten(0, 1)[:, None], move + 1, 1)[:, 0]
    count = active.sum().item()
    return {
        "active": count / steps,
        "graded": (active & (outputs < 0.95)).sum().item() / count,
        "tonic": within.sum().item() / count,
    }


def _short(values: dict[str, float]) -> dict[str, float]:
    return {key: value if isinstance(value, int) else float(f"{value:.5g}") for key, value in values.items()}
