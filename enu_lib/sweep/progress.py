"""What of a sweep is done, and how long the rest will take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enu_lib.config import from_config
from enu_lib.experiments import Experiment
from enu_lib.results import Record, load
from enu_lib.runfolder import RunFolderError, read_tensors
from enu_lib.sweep.design import Cell, build

# Core-seconds of one offspring's life of one environment, 10^-6, measured with one core of an AMD Zen 5 (AVX-512): for
# the estimate of --dry-run before anything has been run.  In mazes lives end early at first; this is near their mean.
COST = {"complex-stdp": 3.5, "stdp": 3.5, "iaf": 5.5, "tmaze": 140.0, "double-tmaze": 280.0}
SLOWER = {"lstm": 1.35}


def stored_cells(profile: str, todo: Sequence[Cell], folder: Path | None = None) -> dict[Cell, Record]:
    """Those cells whose records are stored already, of a run with the same settings."""
    known = load(profile, folder)
    records = {(r.experiment, r.model, r.seed): r for r in known.runs}
    return {
        cell: records[cell.experiment, cell.model, cell.seed]
        for cell in todo
        if (cell.experiment, cell.model, cell.seed) in records
        and from_config(known.configs[f"{cell.experiment}-{cell.model}"]) == build(cell.experiment, cell.model, profile)
    }


def evaluated(folder: Path) -> dict[str, Any] | None:
    """The record of a done cell, or None.  Raises RunFolderError for one that cannot be read."""
    path = folder / "evaluation.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise RunFolderError(f"{path} is damaged: delete that file, and the run is evaluated again") from None


def generations_done(folder: Path) -> int:
    """How far a cell has got, from its checkpoint."""
    path = folder / "checkpoint.safetensors"
    return int(read_tensors(path)[1]["generation"]) if path.exists() else 0


@dataclass(frozen=True)
class Plan:
    """What a (experiment, model) of the sweep asks for, and what there is."""

    experiment: str
    model: str
    hidden: int
    n_params: int
    done: int
    runs: int
    generations: int
    seconds: float  # core-seconds a run: mean of the done ones, else an estimate


def plan(profile: str, todo: Sequence[Cell], out: str | Path, stored: Mapping[Cell, Record] | None = None) -> list[Plan]:
    """One line for each (experiment, model), in order of first appearance; `stored` ones count as done."""
    pairs = list(dict.fromkeys((cell.experiment, cell.model) for cell in todo))
    return [
        _plan(profile, pair, [c for c in todo if (c.experiment, c.model) == pair], Path(out), stored or {}) for pair in pairs
    ]


def _plan(profile: str, pair: tuple[str, str], runs: Sequence[Cell], out: Path, stored: Mapping[Cell, Record]) -> Plan:
    e = build(*pair, profile)
    found = [stored[cell]._asdict() if cell in stored else evaluated(out / cell.name) for cell in runs]
    records = [r for r in found if r]
    guess = estimate(e) if not records else sum(r["seconds"] for r in records) / len(records)
    return Plan(*pair, e.model.hidden, e.model.n_params, len(records), len(runs), e.generations, guess)


def estimate(e: Experiment) -> float:
    """Core-seconds of a run, from what was measured on our machine (16 memory values; more cost in proportion)."""
    size = -(-e.model.hidden // 16)
    return 1e-6 * COST[e.name] * e.lives * size * SLOWER.get(e.model_name.removesuffix("-clip"), 1.0)


def hours(plans: Sequence[Plan], jobs: int) -> float:
    """Wall-clock hours that are left on so many cores."""
    return sum(p.seconds * (p.runs - p.done) for p in plans) / jobs / 3600
