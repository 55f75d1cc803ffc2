"""Evolution runs: generations, log, checkpoints, resuming.

    run = evolve("stdp", profile="laptop", seed=0, out="runs/stdp")     # resumes if the run folder exists
    run = evolve(experiment)                                            # an experiment of your own

On one kind of processor a run is a function of (experiment, seed): a run that is killed and resumed is bitwise identical to
an uninterrupted one.  Processors with different vector units draw different normal numbers and round differently (see
`enu_lib.streams`).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

from enu_lib import es, experiments
from enu_lib.config import to_config, to_json
from enu_lib.experiments import Experiment, Stage
from enu_lib.interrupt import SoftInterrupt
from enu_lib.kernels import door
from enu_lib.kinds import Between, Seed, conform
from enu_lib.progress import bar
from enu_lib.rollout import fitness
from enu_lib.storage.checkpoint import Progress, load_checkpoint, save_checkpoint
from enu_lib.storage.folder import (
    CHECKPOINT,
    CONFIG,
    EVALUATION,
    GENOME,
    LOG,
    locked,
    open_folder,
    remove_leftovers,
    user_path,
    write_config,
    write_tensors,
)
from enu_lib.storage.log import Row
from enu_lib.storage.run import Run, as_run, fingerprint, provenance, reached
from enu_lib.streams import stream

Threads = Annotated[int, Between(0, 4096)]  # 0: one per core
Seconds = Annotated[float, Between(0, math.inf)]


def evolve(
    experiment: Experiment | str,
    model: str = "enu",
    profile: str = "laptop",
    seed: int = 0,
    out: str | Path | None = None,
    *,
    parent: Tensor | None = None,
    threads: int | None = None,
    device: str = "auto",
    time_limit: float | None = None,
    checkpoint_every: float = 20.0,
    progress: bool = True,
    backend: str = "auto",
    each: Callable[[Run], bool | None] | None = None,
    wait: bool = False,
    **settings: Any,
) -> Run:
    """Evolve an experiment, given by name or as an `Experiment`, and return the run.

    out: run folder, created if absent and resumed if it holds the same experiment and seed; None: write nothing.
    parent: initial genome (D,) instead of a random one.  time_limit, checkpoint_every: seconds.
    device: auto (the GPU if there is one and the model is a network), cpu, cuda.  settings: as for `experiments.get`.
    each: called with the run after every held-out evaluation; return True to stop.  wait: wait for another process that is
    using the run folder, rather than raise an error.
    Ctrl-C, SIGTERM and SIGHUP let the current generation finish and save everything.  Raises ValueError for invalid
    arguments, RunFolderError (a ValueError) for an unusable run folder, FloatingPointError if every fitness is NaN.
    """
    if isinstance(experiment, str):
        experiment = experiments.get(experiment, model=model, profile=profile, **settings)
    elif settings:
        raise ValueError(f"settings {sorted(settings)} only apply to an experiment given by name")
    seed = conform(Seed, seed, "seed")
    threads = conform(Threads | None, threads, "threads")
    time_limit = conform(Seconds | None, time_limit, "time_limit")
    checkpoint_every = conform(Seconds, checkpoint_every, "checkpoint_every")
    for task in (experiment.task, *(stage.task for stage in experiment.stages)):
        door.fits(experiment.model, task)
    place = choose_device(device, experiment)
    _check_memory(experiment, place)
    folder = None if out is None else user_path(out)
    first = parent if parent is not None else experiment.model.init(stream(seed, "genome"))
    if first.shape != (experiment.model.n_params,):
        raise ValueError(f"parent must have {experiment.model.n_params} values, got {tuple(first.shape)}")
    first = door.genomes(experiment.model, first[None])[0].cpu()
    with ExitStack() as stack:
        now, log = Progress(es.init(first), first, -math.inf, 0.0), list[Row]()
        start = None if parent is None else fingerprint(first)
        if folder is not None:
            stack.enter_context(locked(folder, wait))
            config = {"experiment": to_config(experiment), "seed": seed, "parent": start}
            if open_folder(folder, to_json(config)):
                now, log = load_checkpoint(folder, experiment)
                write_config(folder, to_json(config))  # the stopping point may differ
            remove_leftovers(folder, CONFIG, LOG, CHECKPOINT, GENOME, EVALUATION)
        parent, velocity, variance = (v.to(place) for v in now.state[:3])
        now.state = es.ESState(parent, velocity, variance, now.state.generation)
        name = f"{experiment.name}-{experiment.model_name}"
        shown = stack.enter_context(bar(experiment.generations, now.state.generation, name, progress))
        live = partial(fitness, experiment.model, threads=threads, backend=backend)
        deadline = math.inf if time_limit is None else time.perf_counter() + time_limit
        save_at = time.perf_counter() + checkpoint_every
        before, begun, saved, stopped = now.seconds, time.perf_counter(), len(log), None
        interrupt, drawn = stack.enter_context(SoftInterrupt()), dict[int, Tensor]()
        while not (stopped := stopped or reached(experiment, now)):
            stage = now.stage(experiment)
            state, row, held_out = _generation(experiment, stage, now.state, seed, live, drawn)
            if held_out is not None and _ends(experiment, stage, state, seed, live):
                now.ends.append(state.generation)
                drawn.clear()  # the next stage may use different settings
            if held_out is not None and not held_out <= now.score:
                now.best, now.score = state.parent.clone(), held_out
            now.state, now.seconds = state, before + time.perf_counter() - begun
            log.append({**row, "seconds": now.seconds})
            shown.update()
            if held_out is not None:
                shown.set_postfix_str(f"held-out {held_out:.5g}, best {now.score:.5g}")
                if each is not None and each(as_run(experiment, seed, now, log, "running", folder, start)):
                    stopped = "stopped"
            if interrupt.asked:
                stopped = "interrupted"
            elif time.perf_counter() >= deadline:
                stopped = "time limit"
            if folder is not None and time.perf_counter() >= save_at:
                save_checkpoint(folder, now, log[saved:])
                saved, save_at = len(log), time.perf_counter() + checkpoint_every
        run = as_run(experiment, seed, now, log, stopped, folder, start)
        if folder is not None:
            save_checkpoint(folder, now, log[saved:])
            meta = {**provenance(run, str(place)), "score": run.score}
            write_tensors(folder / GENOME, {"genome": run.genome}, meta)
    return run


def choose_device(device: str, experiment: Experiment) -> torch.device:
    """The torch device.  auto: the GPU, if any, for networks; the CPU for single units, which gain nothing from a GPU."""
    if device != "auto":
        try:
            place = torch.device(device)
            torch.zeros(1, dtype=torch.float32, device=place)
        except (RuntimeError, AssertionError) as error:
            line = str(error).splitlines()[0]
            raise ValueError(f"device {device!r} cannot be used here ({line}): try --device cpu") from None
        return place
    network = hasattr(experiment.model, "connections")
    return torch.device("cuda" if network and torch.cuda.is_available() else "cpu")


def _check_memory(experiment: Experiment, place: torch.device) -> None:
    """Raise ValueError, before allocating anything, if an experiment needs more memory than the device has."""
    if place.type == "cuda":
        there = torch.cuda.get_device_properties(place).total_memory
    else:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**40
    if experiment.bytes > there:
        raise ValueError(
            f"a generation of {experiment.es.population} offspring with {experiment.model.n_params} parameters each in "
            f"{experiment.environments} environments needs at least {experiment.bytes / 2**30:.0f} GiB of memory, but there "
            f"are only {there / 2**30:.0f}: choose a smaller population, hidden or environments"
        )


def _generation(
    experiment: Experiment,
    stage: Stage,
    state: es.ESState,
    seed: int,
    live: Callable[..., Tensor],
    drawn: dict[int, Tensor],
) -> tuple[es.ESState, Row, float | None]:
    """Run one generation: the next state, the log row, and the next parent's held-out fitness if it is due.

    drawn: mutations by generation, sampled in advance while the GPU computes the previous generation.
    """
    settings, g = stage.es or experiment.es, state.generation
    genomes, mutations = es.ask(settings, state, seed, drawn.pop(g, None))
    n, generator = experiment.environments, stream(seed, "environment", g)
    f = live(genomes, task=stage.task, environments=n, generator=generator).float()
    if f.device.type != "cpu" and g + 1 < stage.until:
        drawn[g + 1] = es.sample_mutations(settings, len(state.parent), seed, g + 1)
    f = f.cpu()
    state = es.tell(settings, state, mutations, es.aggregate_fitness(settings, f))
    each = f.mean(1)
    row = {
        "generation": g,
        "fitness_mean": each.nanmean().item(),
        "fitness_sd": each[~each.isnan()].std(correction=0).item(),
        "fitness_max": each[~each.isnan()].max().item(),
        "parent": each[0].item(),
        "sigma": settings.sigma_at(g),
    }
    due = (g + 1) % experiment.evaluate_every == 0 or g + 1 == experiment.generations
    if not due:
        return state, row, None
    n = experiment.evaluate_environments
    held_out = live(state.parent[None], task=experiment.task, environments=n, generator=stream(seed, "held-out")).mean()
    row["held_out"] = held_out.item()
    return state, row, held_out.item()


def _ends(experiment: Experiment, stage: Stage, state: es.ESState, seed: int, live: Callable[..., Tensor]) -> bool:
    """Whether the next parent reaches the stage's target on the held-out environments."""
    if stage.target is None:
        return False
    n, generator = experiment.evaluate_environments, stream(seed, "held-out")
    return bool(live(state.parent[None], task=stage.task, environments=n, generator=generator).mean() >= stage.target)
