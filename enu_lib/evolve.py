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
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from torch import Tensor

from enu_lib import es, experiments
from enu_lib.base.interrupt import SoftInterrupt
from enu_lib.base.kinds import Between, Seed, conform
from enu_lib.base.names import Backend
from enu_lib.base.notices import tell
from enu_lib.base.progress import bar
from enu_lib.config import to_config, to_json
from enu_lib.contracts import Task, first_genome
from enu_lib.experiments import Current, Experiment
from enu_lib.kernels import Threads, choose, door
from enu_lib.network import Network
from enu_lib.parallel import ahead
from enu_lib.parallel.devices import check_memory, choose_device
from enu_lib.parallel.processes import ALONE, Alone, Stop
from enu_lib.rollout import fitness
from enu_lib.storage.checkpoint import Progress, load_checkpoint, save_checkpoint
from enu_lib.storage.folder import FILES, GENOME, locked, open_folder, remove_leftovers, user_path, write_config, write_tensors
from enu_lib.storage.log import Row
from enu_lib.storage.run import FromExperiment, Run, Stopped, as_run, fingerprint, provenance, reached
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
    arguments, RunFolderError (a ValueError) for an unusable run folder, FloatingPointError if every fitness is NaN.
    """
    if isinstance(experiment, str):
        experiment = experiments.get(experiment, model=model, profile=profile, **settings)
        if isinstance(parent, FromExperiment) and not {"model", "model.connections"} & {*(settings.get("settings") or ())}:
            experiment = experiments.with_wiring(experiment, parent.model)
    elif settings:
        raise ValueError(f"settings {sorted(settings)} only apply to an experiment given by name")
    if isinstance(parent, FromExperiment):
        parent = parent.genome
    seed = conform(Seed, seed, "seed")
    threads = conform(Threads | None, threads, "threads")
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
        now, log = Progress(es.init(first), first, -math.inf, 0.0), list[Row]()
        if folder is not None:
            stack.enter_context(locked(folder, wait))
        interrupt = stack.enter_context(SoftInterrupt(processes.size > 1))  # before the run folder is written
        if folder is not None:
            if open_folder(folder, to_json(config)):
                now, log = load_checkpoint(folder, experiment)
                write_config(folder, to_json(config))  # the stopping point may differ
            remove_leftovers(folder, *FILES)
        now = now.shared(processes, place)
        name = f"{experiment.name}-{experiment.model_name}"
        shown = stack.enter_context(bar(experiment.generations, now.state.generation, name, progress and leads))
        live = partial(fitness, experiment.model, threads=processes.threads(threads), backend=backend)
        deadline = math.inf if time_limit is None else time.perf_counter() + time_limit
        save_at = time.perf_counter() + checkpoint_every
        before, begun, saved = now.seconds, time.perf_counter(), len(log)
        mutations = stack.enter_context(closing(ahead.prepare(experiment, seed, processes, place, threads)))
        running = partial(as_run, experiment, seed, now, log, "running", folder, start)
        stopped: Stopped | None = None
        while not (stopped := stopped or reached(experiment, now)):
            stage = now.stage(experiment)
            state, row, held_out = _generation(experiment, stage, now.state, seed, live, mutations, processes)
            if held_out is not None and not held_out <= now.score:
                now.best, now.score = state.parent.clone(), held_out
            if held_out is not None and _ends(experiment, stage, state, seed, live, processes):
                now.ends.append(state.generation)
            elif stage.restart and stage.until <= state.generation < experiment.generations:
                other = stream(seed, "genome", len(now.restarts) + 1)
                state = now.restart(first if start else first_genome(experiment.model, None, other), state)
                if leads:
                    tell(f"{name} begins anew at generation {state.generation}: stage target {stage.target:g} not reached")
            now.state, now.seconds = state, before + time.perf_counter() - begun
            log.append({**row, "seconds": now.seconds})
            shown.update()
            if held_out is not None:
                shown.set_postfix_str(f"held-out {held_out:.5g}, best {now.score:.5g}")
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
            meta = {**provenance(run, str(place)), "score": run.score}
            write_tensors(folder / GENOME, {"genome": run.genome}, meta)
    return run


def _facts(experiment: Experiment, config: dict[str, Any], first: Tensor, backend: Backend) -> dict[str, str]:
    """What must be the same in all processes of a run."""
    known = isinstance(experiment.model, (Network, *door.CELLS))
    return {
        "settings": to_json(config),
        "first genome": fingerprint(first),
        "backend": choose(backend, experiment.model, first[None]) if known else "reference",
    }


def _generation(
    experiment: Experiment,
    stage: Current,
    state: es.ESState,
    seed: int,
    live: Callable[..., Tensor],
    mutations: ahead.Ahead,
    processes: Alone,
) -> tuple[es.ESState, Row, float | None]:
    """Run one generation: the next state, the log row, and the next parent's held-out fitness if it is due."""
    settings, g = stage.es, state.generation
    drawn, rows = mutations.take(settings, g), processes.rows(settings.population)
    offspring = es.breed(settings, state, seed, drawn, rows)
    n, generator = stage.environments, stream(seed, "environment", g)
    task = stage.tasks[g % len(stage.tasks)]
    f = live(offspring, task=task, environments=n, generator=generator).float()
    gathered = processes.gather(f, settings.population, state.parent, g)
    if f.device.type != "cpu" or processes.size > 1:
        mutations.draw(settings, g)
    f = gathered().cpu()
    state = es.tell(settings, state, offspring.mutations, es.aggregate_fitness(settings, f))
    each = f.mean(1)
    row = {
        "generation": g,
        "fitness_mean": each.nanmean().item(),
        "fitness_sd": each[~each.isnan()].std(correction=0).item(),
        "fitness_max": each[~each.isnan()].max().item(),
        "parent": each[0].item(),
        "sigma": settings.sigma_at(g),
    }
    ends = g + 1 == experiment.generations or (stage.restart and g + 1 == stage.until)
    due = ends or (g + 1) % experiment.evaluate_every == 0
    if not due:
        return state, row, None
    held_out = processes.first(lambda: _held_out(experiment, experiment.task, state, seed, live).item())
    row["held_out"] = held_out
    return state, row, held_out


def _held_out(experiment: Experiment, task: Task, state: es.ESState, seed: int, live: Callable[..., Tensor]) -> Tensor:
    """The parent's mean fitness in the held-out environments of a task."""
    n, generator = experiment.evaluate_environments, stream(seed, "held-out")
    return live(state.parent[None], task=task, environments=n, generator=generator).mean()


def _ends(
    experiment: Experiment, stage: Current, state: es.ESState, seed: int, live: Callable[..., Tensor], processes: Alone
) -> bool:
    """Whether the next parent reaches the stage's target on the held-out environments."""
    if (target := stage.target) is None:
        return False
    return bool(processes.first(lambda: bool(_held_out(experiment, stage.tasks[0], state, seed, live) >= target)))
