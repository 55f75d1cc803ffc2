"""Evolution runs: generations, log, checkpoints, resuming.

    run = evolve("stdp", profile="laptop", seed=0, out="runs/stdp")     # resumes if the run folder exists
    run = evolve(experiment)                                            # an experiment of your own

On one kind of processor a run is a function of (experiment, seed): a run that is killed and resumed is bitwise identical to
an uninterrupted one.  Processors with different vector units draw different normal numbers and round differently (see
`enu_lib.streams`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

from enu_lib import es, experiments
from enu_lib.base.interrupt import SoftInterrupt
from enu_lib.base.kinds import Between, Seed, conform
from enu_lib.base.names import Backend
from enu_lib.base.notices import tell
from enu_lib.base.progress import bar
from enu_lib.config import to_config, to_json
from enu_lib.contracts import Task, first_genome
from enu_lib.diagnosis import Watch
from enu_lib.experiments import Current, Experiment
from enu_lib.kernels import Threads, choose, door
from enu_lib.network import Network
from enu_lib.offspring import Offspring
from enu_lib.parallel import ahead
from enu_lib.parallel.devices import check_memory, choose_device
from enu_lib.parallel.processes import ALONE, Alone, Stop
from enu_lib.rollout import fitness
from enu_lib.storage.checkpoint import Progress, resumed, save_checkpoint
from enu_lib.storage.folder import locked, user_path
from enu_lib.storage.log import Row, summary
from enu_lib.storage.run import FromExperiment, Run, Stopped, as_run, fingerprint, reached, save_genome
from enu_lib.streams import stream

Seconds = Annotated[float, Between(0, math.inf)]


def evolve(
    experiment: Experiment | str,
    model: str = "enu",
    profile: str = "laptop",
    seed: int = 0,
    out: str | Path | None = None,
    *,
    parent: Tensor | FromExperiment | None = None,
    threads: int | None = None,
    device: str = "auto",
    time_limit: float | None = None,
    checkpoint_every: float = 20.0,
    progress: bool = True,
    backend: Backend = "auto",
    each: Callable[[Run], bool | None] | None = None,
    wait: bool = False,
    processes: Alone = ALONE,
    **settings: Any,
) -> Run:
    """Evolve an experiment, given by name or as an `Experiment`, and return the run.

    out: run folder, created if absent and resumed if it holds the same experiment and seed; None: write nothing.
    parent: start from this genome (D,), or the best one (`.genome`) of this run or zoo entry, not a random one; a run's latest
    is `run.parent`.  A network given by name gets the wiring of the run or entry, unless `settings` name another.
    time_limit, checkpoint_every: seconds.  device: auto (the GPU if there is one and the model is a network), cpu, cuda.
    settings: as for `experiments.get`.
    each: called with the run after every held-out evaluation; return True to stop.  wait: wait for another process that is
    using the run folder, rather than raise an error.  processes: those that share the work (`enu_lib.parallel.processes.join`);
    only rank 0 writes, shows progress and calls `each`, and its time limit counts.
    Ctrl-C, SIGTERM and SIGHUP let the current generation finish and save everything.  Raises ValueError for invalid
    arguments, RunFolderError (a ValueError) for an unusable run folder, FloatingPointError if no fitness is finite.
    """
    experiment, parent = _chosen(experiment, model, profile, parent, settings)
    seed, threads = conform(Seed, seed, "seed"), conform(Threads | None, threads, "threads")
    time_limit = conform(Seconds | None, time_limit, "time_limit")
    checkpoint_every = conform(Seconds, checkpoint_every, "checkpoint_every")
    for task in (experiment.task, *(t for stage in experiment.stages for t in stage.tasks)):
        door.fits(experiment.model, task)
    place = choose_device(device, experiment, processes.local_rank)
    check_memory(experiment, place, processes.size)
    processes.rows(min(experiment.populations))
    leads = processes.rank == 0
    folder = user_path(out) if out is not None and leads else None
    first = first_genome(experiment.model, parent, stream(seed, "genome"))
    first = door.genomes(experiment.model, first[None])[0].cpu()
    start = None if parent is None else fingerprint(first)
    config = {} if out is None else {"experiment": to_config(experiment), "seed": seed, "parent": start}
    processes.agree(lambda: _facts(experiment, config, first.to(place), backend))
    with ExitStack() as stack:
        log: list[Row] = []
        now = Progress(es.init(first), first, -math.inf, 0.0)
        if folder is not None:
            stack.enter_context(locked(folder, wait))
        interrupt = stack.enter_context(SoftInterrupt(processes.size > 1))  # before the run folder is written
        if folder is not None:
            now, log = resumed(folder, experiment, to_json(config)) or (now, log)
        now = now.shared(processes, place)
        name = f"{experiment.name}-{experiment.model_name}"
        shown = stack.enter_context(bar(experiment.generations, now.state.generation, name, progress and leads))
        mutations = stack.enter_context(closing(ahead.prepare(experiment, seed, processes, place, threads)))
        simulate = partial(fitness, experiment.model, threads=processes.threads(threads), backend=backend)
        watch = Watch(experiment.model, seed, leads)
        evolution = _Evolution(experiment, seed, first if start else None, now, processes, mutations, simulate, watch)
        running = partial(as_run, experiment, seed, now, log, "running", folder, start)
        begun = time.perf_counter()
        before, saved, save_at = now.seconds, len(log), begun + checkpoint_every
        deadline = math.inf if time_limit is None else begun + time_limit
        stopped: Stopped | None = None
        while not (stopped := stopped or reached(experiment, now)):
            row = evolution.generation()
            now.seconds = before + time.perf_counter() - begun
            log.append({**row, "seconds": now.seconds})
            shown.update()
            if "held_out" in row:
                shown.set_postfix_str(f"held-out {row['held_out']:.5g}, best {now.score:.5g}")
                if each is not None and processes.first(lambda: bool(each(running()))):
                    stopped = "stopped"
            wish: Stop | None = "interrupted" if interrupt.asked else "time limit" if time.perf_counter() >= deadline else None
            stopped = processes.agreed(wish) or stopped
            if folder is not None and time.perf_counter() >= save_at:
                save_checkpoint(folder, now, log[saved:])
                saved, save_at = len(log), time.perf_counter() + checkpoint_every
        run = as_run(experiment, seed, now, log, stopped, folder, start)
        if folder is not None:
            save_checkpoint(folder, now, log[saved:])
            save_genome(folder, run, str(place))
    return run


def _chosen(
    experiment: Experiment | str, model: str, profile: str, parent: Tensor | FromExperiment | None, settings: dict[str, Any]
) -> tuple[Experiment, Tensor | None]:
    """The experiment, if necessary by its name, and the genome of the parent."""
    if isinstance(experiment, str):
        experiment = experiments.get(experiment, model=model, profile=profile, **settings)
        if isinstance(parent, FromExperiment) and not {"model", "model.connections"} & {*(settings.get("settings") or ())}:
            experiment = experiments.with_wiring(experiment, parent.model)
    elif settings:
        raise ValueError(f"settings {sorted(settings)} only apply to an experiment given by name")
    return experiment, parent.genome if isinstance(parent, FromExperiment) else parent


def _facts(experiment: Experiment, config: dict[str, object], first: Tensor, backend: Backend) -> dict[str, str]:
    """What must be the same in all processes of a run."""
    known = isinstance(experiment.model, (Network, *door.CELLS))
    backend = choose(backend, experiment.model, first[None]) if known else "reference"
    return {"settings": to_json(config), "first genome": fingerprint(first), "backend": backend}


@dataclass
class _Evolution:
    """An experiment and the progress of its evolution, one generation at a time."""

    experiment: Experiment
    seed: int
    given: Tensor | None  # (D,) genome to begin with; None: a random one
    now: Progress
    processes: Alone
    mutations: ahead.Ahead
    simulate: Callable[[Tensor | Offspring, Task, int, torch.Generator], Tensor]  # `fitness` of the experiment's model
    watch: Watch

    def generation(self) -> Row:
        """Run one generation: its row of the log, with the next parent's held-out fitness if it is due."""
        experiment, now = self.experiment, self.now
        stage = now.stage(experiment)
        state, row = self._next(stage)
        g = state.generation
        last = g == experiment.generations or (stage.restart and g == stage.until)
        due = last or g % experiment.evaluate_every == 0
        if due:
            row["held_out"] = held_out = self._held_out(experiment.task, state)
            if math.isfinite(held_out) and not held_out <= now.score:
                now.best, now.score = state.parent.clone(), held_out
        if due and stage.target is not None and math.inf > torch.tensor(self._held_out(stage.tasks[0], state)) >= stage.target:
            now.ends.append(g)
        elif stage.restart and stage.until <= g < experiment.generations:
            other = stream(self.seed, "genome", len(now.restarts) + 1)
            state = now.restart(first_genome(experiment.model, self.given, other), state)
            if self.processes.rank == 0:
                name = f"{experiment.name}-{experiment.model_name}"
                tell(f"{name} restarts at generation {g}: stage target {stage.target:g} not reached")
        now.state = state
        return row

    def _next(self, stage: Current) -> tuple[es.ESState, Row]:
        """The state after one generation, and the generation's row of the log."""
        settings, state, g = stage.es, self.now.state, self.now.state.generation
        drawn, rows = self.mutations.take(settings, g), self.processes.rows(settings.population)
        offspring = es.breed(settings, state, self.seed, drawn, rows)
        task, generator = stage.tasks[g % len(stage.tasks)], stream(self.seed, "environment", g)
        f = self.simulate(offspring, task, stage.environments, generator).float()
        gathered = self.processes.gather(f, settings.population, state.parent, g)
        if f.device.type != "cpu" or self.processes.size > 1:
            self.mutations.draw(settings, g)
        f = gathered().cpu()
        aggregated = es.aggregate_fitness(settings, f)
        self.watch.generation(aggregated, offspring, task, stage.environments, g)
        state = es.tell(settings, state, offspring.mutations, aggregated)
        return state, {"generation": g, **summary(f.mean(1)), "sigma": settings.sigma_at(g)}

    def _held_out(self, task: Task, state: es.ESState) -> float:
        """The parent's mean fitness in the held-out environments of a task, which only the first process simulates."""
        n, generator = self.experiment.evaluate_environments, stream(self.seed, "held-out")
        value = self.processes.first(lambda: self.simulate(state.parent[None], task, n, generator).mean().item())
        if not math.isfinite(value):
            self.watch.held_out(value, state.parent, task, n, state.generation - 1)
        return value
