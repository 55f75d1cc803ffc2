"""Results of sweeps, stored: every seed's curve, its evolved parent's trial runs and scores.

    runs = results.load("laptop")          # from enu_lib/results/sweep-laptop.json.gz; [] if there are none
    results.add(runs, "laptop")            # what the sweep has done since

A record is what `record` returns, JSON-able.  One file a profile, compressed, some kilobytes a run.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from enu_lib import analysis
from enu_lib.config import to_config
from enu_lib.evolve import Run, fingerprint, provenance
from enu_lib.rollout import fitness
from enu_lib.runfolder import RunFolderError, write_atomically
from enu_lib.streams import stream

FOLDER = Path(__file__).parent / "results"
FORMAT = 1
TRIALS = 30  # as in the paper; a trial is a batch of fresh environments as large as a generation's (reconstruction)


class Record(NamedTuple):
    """One evolution of a sweep."""

    experiment: str
    model: str
    seed: int
    hidden: int
    n_params: int
    generations: int
    evaluations: int  # lives in all: generations x population x environments
    seconds: float  # wall clock on one core
    processor: str
    version: str
    date: str
    genome: str  # SHA-256 of the evolved parent
    generation: list[int]  # of the held-out evaluations
    held_out: list[float | None]  # fitness of the parent then
    trials: list[float | None]  # mean fitness of the evolved parent in each trial run; the same environments for every run
    scores: dict[str, float | None]  # `analysis.scores`; None where there was nothing to measure


def record(run: Run, model: str, quick: bool = False) -> dict[str, Any]:
    """A finished run as it is stored; `model` is its name in the sweep.  quick: fewer sequences, for smoke tests."""
    e, kept = run.experiment, provenance(run, "cpu")
    live = [fitness(run.model, run.genome[None], run.task, e.environments, stream(9, "trial", k), 1) for k in range(TRIALS)]
    generation, held_out = run.column("held_out")
    found = Record(
        e.name, model, run.seed, e.model.hidden, e.model.n_params, run.generation,
        run.generation * e.es.population * e.environments, round(run.seconds, 1), kept["processor"], kept["version"],
        kept["date"], fingerprint(run.genome), [int(g) + 1 for g in generation], [_short(v) for v in held_out],
        [_short(f.mean().item()) for f in live],
        {k: _short(v) for k, v in analysis.scores(run.model, run.genome, run.task, 32 if quick else 1024).items()},
    )  # fmt: skip
    return found._asdict()


def _short(value: float) -> float | None:
    """Five digits; None for NaN, which JSON does not have."""
    return None if math.isnan(value) else float(f"{value:.5g}")


def path(profile: str, folder: Path | None = None) -> Path:
    """The file of a profile's results."""
    return (folder or FOLDER) / f"sweep-{profile}.json.gz"


def load(profile: str, folder: Path | None = None) -> list[Record]:
    """Stored runs in the order of the sweep; [] if there are none.  Raises RunFolderError for a file that is not ours."""
    file = path(profile, folder)
    if not file.exists():
        return []
    try:
        stored = json.loads(gzip.decompress(file.read_bytes()))
        if stored["format"] != FORMAT:
            raise RunFolderError(f"{file} has format {stored['format']}, this version reads {FORMAT}")
        return [Record(**run) for run in stored["runs"]]
    except (OSError, EOFError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise RunFolderError(f"{file} is damaged ({error}): restore it, or delete it and collect the runs again") from None


def add(records: Sequence[Record], profile: str, folder: Path | None = None) -> list[Record]:
    """Store records beside those there are; a cell that is there already is replaced.  Returns all."""
    known = {(r.experiment, r.model, r.seed): r for r in load(profile, folder)}
    known |= {(r.experiment, r.model, r.seed): r for r in records}
    together = sorted(known.values(), key=lambda r: (r.experiment, r.model, r.seed))
    text = json.dumps({"format": FORMAT, "profile": profile, "runs": [to_config(r._asdict()) for r in together]})
    file = path(profile, folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, gzip.compress(text.encode(), 9, mtime=0))
    return together
