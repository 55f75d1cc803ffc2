"""Evolved genomes that ship with the package, each with where it comes from.

    entry = zoo.load("stdp-enu")      # .model .task .genome .provenance
    rollout(entry.model, entry.genome, entry.task)

`zoo/NAME.safetensors` holds one tensor `genome` (D,) and, as JSON under the metadata key "enu", its provenance: format,
experiment (model, task, evolution strategy, all with every setting), seed, generations, seconds, processor, version, date,
scores on fresh environments, and the held-out fitness along the run.  Names are EXPERIMENT-MODEL, with a suffix where there
are several.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from enu_lib import analysis, places
from enu_lib.evolve import evolve
from enu_lib.experiments import Experiment
from enu_lib.kinds import Measured, Seed
from enu_lib.storage.folder import (
    PACKAGE,
    RunFolderError,
    checked,
    locked,
    read_experiment,
    read_tensors,
    remove_leftovers,
    write_tensors,
)
from enu_lib.storage.run import Run, fingerprint, provenance

FOLDER = Path(__file__).parent
AFRESH = "restore the file, as by installing enu_lib again"
PROVENANCE = {  # what an entry must say; more in `evolve.provenance`
    "seed": Seed,
    "generations": int,
    "seconds": float,
    "date": str,
    "sha256": str,
    "scores": dict[str, Measured],
    "progress": dict[str, list[Measured]],
}


@dataclass(frozen=True)
class Entry:
    """A genome of the zoo."""

    name: str
    experiment: Experiment
    genome: Tensor  # (D,)
    provenance: dict[str, Any]

    @property
    def model(self) -> Any:
        return self.experiment.model

    @property
    def task(self) -> Any:
        return self.experiment.task

    @property
    def scores(self) -> dict[str, float]:
        """Scores on fresh environments, as stored when the entry was made."""
        return self.provenance["scores"]

    @property
    def made(self) -> dict[str, Any]:
        """How it was evolved, in some numbers; all settings: `experiment` and `provenance`."""
        e, settings = self.experiment, self.experiment.es
        return {
            "seed": self.provenance["seed"],
            "generations": self.provenance["generations"],
            "offspring": settings.population,
            "environments": e.environments,
            "mutation s.d., first": settings.sigma,
            "mutation s.d., last": settings.sigma_at(self.provenance["generations"]),
            "memory values": e.model.hidden,
        }


def names() -> list[str]:
    """All entries, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def load(name: str) -> Entry:
    """An entry by name.  Raises ValueError naming the entries there are."""
    if name not in names():
        raise ValueError(f"no zoo entry {name!r}: there are {', '.join(names()) or 'none'}")
    path = FOLDER / f"{name}.safetensors"
    tensors, meta = read_tensors(path, AFRESH)
    experiment = read_experiment(meta, path, AFRESH)
    checked(meta, PROVENANCE, path, AFRESH)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    if shapes != {"genome": (experiment.model.n_params,)}:
        raise RunFolderError(f"{path} does not hold a genome of {experiment.model.n_params} values, but {shapes}: {AFRESH}")
    return Entry(name, experiment, tensors["genome"], meta)


def add(run: Run, name: str, processor: str = "cpu", n: int = 2048, note: str = "", latest: bool = False) -> Entry:
    """Store a run's best genome (or its `latest` parent) under a name, with its scores on `n` fresh environments."""
    genome = run.parent if latest else run.genome
    file = f"{name}.safetensors"
    if Path(file).name != file:
        raise ValueError(f"a zoo entry's name is no path, got {name!r}: as stdp-enu")
    with locked(FOLDER, wait=True, remedy=PACKAGE):
        remove_leftovers(FOLDER, file)
        meta = {**provenance(run, processor), "genome": "latest parent" if latest else "best parent, held-out"}
        meta["scores"] = analysis.scores(run.model, genome, run.task, n)
        meta["sha256"] = fingerprint(genome)
        meta["progress"] = progress(run)
        if note:
            meta["note"] = note
        write_tensors(FOLDER / file, {"genome": genome}, meta, PACKAGE)
    return load(name)


def progress(run: Run, points: int = 200) -> dict[str, list[float]]:
    """A run's held-out evaluations, thinned to at most about `points`: what progress figures draw."""
    rows = [row for row in run.log if "held_out" in row]
    rows = rows[:: max(1, len(rows) // points)]
    return {
        "generation": [int(row["generation"]) + 1 for row in rows],
        "held_out": [float(f"{row['held_out']:.5g}") for row in rows],
        "seconds": [round(row["seconds"], 1) for row in rows],
    }


def verify(name: str, n: int = 2048, seed: int = 78) -> dict[str, tuple[float, float]]:
    """Measure an entry again, on other fresh environments: {measure: (stored, found)}.

    Raises ValueError if the genome is not the one whose scores are stored.
    """
    entry = load(name)
    if fingerprint(entry.genome) != entry.provenance["sha256"]:
        raise ValueError(f"zoo entry {name!r} is not the genome it says: its checksum differs")
    found = analysis.scores(entry.model, entry.genome, entry.task, n, seed)
    return {key: (entry.scores[key], found[key]) for key in entry.scores}


def obtain(
    name: str,
    profile: str = "zoo",
    seed: int = 0,
    generations: int | None = None,
    runs: str | Path | None = None,
) -> Entry:
    """A zoo entry, or the same experiment evolved afresh: what notebooks draw from.

    profile "zoo" loads the entry `name` (EXPERIMENT-MODEL).  smoke, laptop and paper evolve that experiment and model
    first, in a run folder under `runs` (build/runs of the checkout) that later calls reuse; its provenance then has no
    scores.  `generations`: the latest parent at that generation, in the place of the best one at the end; its entry is
    NAME-GENERATIONS.
    """
    if profile == "zoo":
        return load(name if generations is None else f"{name}-{generations}")
    experiment, _, model = name.rpartition("-")
    settings: dict[str, Any] = {} if generations is None or profile == "smoke" else {"generations": generations}
    part = "" if generations is None else f"-{generations}"
    folder = (places.build("runs") if runs is None else Path(runs)) / f"{name}-{profile}-{seed}{part}"
    with places.kept_run(folder):
        run = evolve(experiment, model=model, profile=profile, seed=seed, out=folder, wait=True, **settings)
    genome = run.genome if generations is None else run.parent
    return Entry(name, run.experiment, genome, {**provenance(run, "cpu"), "progress": progress(run)})
