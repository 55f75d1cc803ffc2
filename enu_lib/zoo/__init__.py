"""Evolved genomes that ship with the package, each with its provenance.

    entry = zoo.load("stdp-enu")      # .model .task .genome .provenance
    rollout(entry.model, entry.genome, entry.task)

`zoo/NAME.safetensors` holds one tensor `genome` (D,) and, as JSON under the metadata key "enu", its provenance: format,
experiment (all settings of model, task and evolution strategy), seed, generations, seconds, processor, version, date,
scores in new environments, and held-out fitness over the run.  Names are EXPERIMENT-MODEL, with a suffix if there are
several.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from enu_lib.base.kinds import Changes, Json, Measured, Seed, shown
from enu_lib.storage import places
from enu_lib.storage.folder import (
    INSTALL_WRITABLE,
    RunFolderError,
    checked,
    locked,
    read_experiment,
    read_header,
    read_tensors,
    remove_leftovers,
    write_tensors,
)
from enu_lib.storage.run import FromExperiment, Run, evolved_on, fingerprint, provenance
from enu_lib.storage.seal import mention

if TYPE_CHECKING:  # functions that need more import it, so that the zoo can be listed without torch
    from torch import Tensor

    from enu_lib.experiments import Experiment

FOLDER = Path(__file__).parent
RESTORE_OR_REINSTALL = "restore the file, for example by reinstalling enu_lib"
PROVENANCE = {  # required fields; all fields: `storage.run.provenance`
    "seed": Seed,
    "generations": int,
    "seconds": float,
    "date": str,
    "sha256": str,
    "scores": dict[str, Measured],
    "progress": dict[str, list[Measured]],
}


@dataclass(frozen=True)
class Entry(FromExperiment):
    """A genome of the zoo with its experiment and provenance."""

    name: str
    experiment: Experiment
    genome: Tensor  # (D,)
    provenance: Json

    @property
    def scores(self) -> dict[str, float]:
        """Scores in new environments, as stored when the entry was made (in older entries as "lives with ..")."""
        return {key.replace("lives with", "episodes with"): value for key, value in self.provenance["scores"].items()}

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """Generations at which the stages of its curriculum ended."""
        return tuple(self.provenance.get("stage_ends", ()))

    @property
    def restarts(self) -> tuple[int, ...]:
        """Generations at which evolution restarted; each is also one of `stage_ends`."""
        return tuple(self.provenance.get("restarts", ()))

    @property
    def made(self) -> Json:
        """The main settings of its evolution; all of them: `experiment` and `provenance`."""
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
    """The names of all entries, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def require(name: str) -> None:
    """Raise ValueError for a name that no entry has."""
    if name not in names():
        raise ValueError(f"no zoo entry {name!r}: choose from {', '.join(names()) or 'none (the zoo is empty)'}")


def listing() -> dict[str, Json]:
    """The provenance of all entries by name, without their genomes and therefore without verifying checksums."""
    remedy, by_name = RESTORE_OR_REINSTALL, {}
    for name in names():
        path = FOLDER / f"{name}.safetensors"
        by_name[name] = checked(read_header(path, remedy), PROVENANCE, path, remedy)
    return by_name


def load(name: str) -> Entry:
    """Read an entry and verify its checksums.  Raises ValueError for an unknown name, RunFolderError for a damaged file."""
    require(name)
    path = FOLDER / f"{name}.safetensors"

    def fits(meta: Json, lengths: dict[str, int]) -> None:
        size = read_experiment(meta, path, RESTORE_OR_REINSTALL).model.n_params
        checked(meta, PROVENANCE, path, RESTORE_OR_REINSTALL)
        if lengths != {"genome": size}:
            raise RunFolderError(
                f"{path} does not hold a genome of {size} values, but {shown(lengths)}: {RESTORE_OR_REINSTALL}"
            )

    tensors, meta = read_tensors(path, RESTORE_OR_REINSTALL, fits)
    experiment, genome = read_experiment(meta, path, RESTORE_OR_REINSTALL), tensors["genome"]
    if fingerprint(genome) != meta["sha256"]:
        raise RunFolderError(f"{path} is damaged (the genome does not match its checksum sha256): {RESTORE_OR_REINSTALL}")
    mention(path, meta)
    return Entry(name, experiment, genome, meta)


def ancestry(entry: Entry) -> list[Entry]:
    """The entries that led to an evolved network, oldest first and itself last: each began from the genome before it."""
    by_genome = {p["sha256"]: name for name, p in listing().items()}
    chain = [entry]
    while before := by_genome.pop(chain[0].provenance.get("begun_from") or "", None):
        chain.insert(0, load(before))
    return chain


def add(run: Run, name: str, processor: str = "cpu", n: int = 2048, note: str = "", latest: bool = False) -> Entry:
    """Store a run's best genome (or its `latest` parent) under a name, with its scores in `n` new environments."""
    genome = run.parent if latest else run.genome
    file = f"{name}.safetensors"
    if Path(file).name != file:
        raise ValueError(f"a zoo entry's name must not be a path, got {name!r}: use a plain name such as stdp-enu")
    from enu_lib.analysis import scores

    with locked(FOLDER, wait=True, remedy=INSTALL_WRITABLE):
        remove_leftovers(FOLDER, file)
        meta = {**provenance(run, processor), **evolved_on(run)}
        meta["genome"] = "latest parent" if latest else "best parent, held-out"
        meta["scores"] = scores(run.model, genome, run.task, n)
        meta["sha256"] = fingerprint(genome)
        meta["progress"] = progress(run)
        if note:
            meta["note"] = note
        write_tensors(FOLDER / file, {"genome": genome}, meta, INSTALL_WRITABLE)
    return load(name)


def progress(run: Run, points: int = 200) -> dict[str, list[float]]:
    """A run's held-out evaluations, thinned to about `points`, for figures of progress."""
    rows = [row for row in run.log if "held_out" in row]
    rows = rows[:: max(1, len(rows) // points)]
    return {
        "generation": [int(row["generation"]) + 1 for row in rows],
        "held_out": [float(f"{row['held_out']:.5g}") for row in rows],
        "seconds": [round(row["seconds"], 1) for row in rows],
    }


def verify(name: str, n: int = 2048, seed: int = 78) -> dict[str, tuple[float, float]]:
    """Stored and remeasured scores of an entry, in other new environments: {measure: (stored, remeasured)}.

    Raises RunFolderError if the genome is not the one whose scores are stored.
    """
    require(name)
    from enu_lib.analysis import scores

    entry = load(name)
    remeasured = scores(entry.model, entry.genome, entry.task, n, seed)
    return {key: (entry.scores[key], remeasured[key]) for key in entry.scores}


def obtain(
    name: str,
    profile: str = "zoo",
    seed: int = 0,
    generations: int | None = None,
    runs: str | Path | None = None,
) -> Entry:
    """A zoo entry, or the same experiment evolved from scratch; used by the notebooks.

    profile "zoo" loads the entry `name` (EXPERIMENT-MODEL).  smoke, laptop and paper first evolve that experiment and model
    in a run folder under `runs` (default: build/runs of the checkout), which later calls reuse; the provenance then has no
    scores.  generations: take the parent at that generation, not the best one of the whole run (entry NAME-GENERATIONS).
    """
    if profile == "zoo":
        return load(name if generations is None else f"{name}-{generations}")
    from enu_lib.evolve import evolve

    experiment, _, model = name.rpartition("-")
    settings: Changes = {} if generations is None or profile == "smoke" else {"generations": generations}
    part = "" if generations is None else f"-{generations}"
    folder = (places.build("runs") if runs is None else Path(runs)) / f"{name}-{profile}-{seed}{part}"
    with places.kept_run(folder):
        run = evolve(experiment, model=model, profile=profile, seed=seed, out=folder, wait=True, **settings)
    genome = run.genome if generations is None else run.parent
    return Entry(name, run.experiment, genome, {**provenance(run, "cpu"), "progress": progress(run)})
