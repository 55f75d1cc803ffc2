"""Time whole generations, and episodes of growing size, in one run: python -m enu_lib bench.

A `path` is one implementation of the same generation (see `generations`).  Tables: `peak` is the machine's matrix-product
speed, of which `share_of_peak` is a share.  `generation, ...` times whole generations, all implementations in turn.  `parts of
a generation` splits up those of the laptop profile.  `episodes, ...` times episodes alone, at the paper's scale and as each
size grows.  Episodes never end early, so that all implementations do the same work, except in `parts`.  GFLOP/s count the
multiplications and additions of the units' matrix products: `nominal` as in the formulas, `executed` as the implementation
performs them.  Each case of `episodes` runs in its own process, which reports its memory (on a GPU, the GPU's); its time is the
best of several repeats.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from enu_lib import kernels
from enu_lib.base.kinds import Changes, Json
from enu_lib.base.names import Backend
from enu_lib.bench import generations
from enu_lib.bench.generations import ENDLESS, Job, peak_memory
from enu_lib.contracts import AnyModel, Drawn
from enu_lib.network import PUBLISHED, Network, random_connections
from enu_lib.rollout import play
from enu_lib.streams import Noise, draw_noise, normal, stream
from enu_lib.tasks.maze import Maze, MazeState

PATHS = ("cpp", "JAX", "torch.compile", "torch", "plain torch")
OPTIONAL = ("JAX", "torch.compile", "plain torch", "copied weights")  # can be left out
NOMINAL = ("plain torch", "copied weights", "nominal")  # project a source once per synapse
ROUNDS = 3
PARTS = "parts of a generation, laptop profile"


@dataclass(frozen=True)
class Case:
    """One workload to time."""

    what: str  # "network" or "product"
    path: str
    threads: int = 1
    device: str = "cpu"
    population: int = 128
    environments: int = 8
    steps: int = 400
    hidden: int = 16
    channels: int = 4
    neurons: int = 6
    synapses: int = 8
    repeats: int = 2


def unit_operations(cell: Any) -> int:
    """Multiplications and additions in one step of a unit."""
    return 2 * (cell.rows * 3 * cell.hidden + (cell.hidden + 1) * cell.n_out)


def network_operations(network: Network, path: str) -> int:
    """Multiplications and additions in one network step; fast ones project each source once, not once per synapse."""
    nominal = network.neurons * (
        unit_operations(network.neuron_cell) + network.synapses * unit_operations(network.synapse_cell)
    )
    if path in NOMINAL:
        return nominal
    inputs = network.neurons * network.synapses * 2 * network.channels
    projected = (network.n_inputs + network.neurons + network.neurons) * network.channels
    return nominal - 2 * 3 * network.hidden * (inputs - projected)


def run(case: Case) -> Json:
    """Time a case in this process; seconds, GFLOP/s and memory (MiB) with the case's settings."""
    torch.set_num_threads(case.threads)
    work, operations, nominal = _prepare(case)
    before, seconds = peak_memory(case.device), []
    _finish(work, case.device)
    for _ in range(case.repeats):
        begun = time.perf_counter()
        _finish(work, case.device)
        seconds.append(time.perf_counter() - begun)
    best = min(seconds)
    return {
        **asdict(case),
        "seconds": best,
        "gflops_executed": operations / best / 1e9,
        "gflops_nominal": nominal / best / 1e9,
        "memory_mb": (peak_memory(case.device) - before) / 2**20,
    }


def _prepare(case: Case) -> tuple[Callable[[], object], float, float]:
    """The function to time, its executed operations and its nominal operations."""
    p, b, t, device = case.population, case.environments, case.steps, case.device
    if case.what == "product":
        a = normal(case.hidden, case.hidden, generator=stream(6, "bench")).to(device)
        return lambda: [a @ a for _ in range(10)], 20.0 * case.hidden**3, 20.0 * case.hidden**3
    table = PUBLISHED
    if (case.neurons, case.synapses) != (6, 8):
        table = random_connections(case.neurons, case.synapses, 4, stream(2, "bench"))
    network = Network(table, channels=case.channels, hidden=case.hidden)
    population = genomes(network, p, device)
    maze, state, noise = episodes(b, t, device)
    steps = p * b * t
    executed, nominal = (float(network_operations(network, k)) * steps for k in (case.path, "nominal"))

    def work() -> object:
        if case.path == "plain torch":
            return play(network, population, maze, Drawn(state, noise, b), backend="reference")
        return kernels.maze_episodes(network, population, maze, state, noise, case.threads, cast(Backend, case.path))

    return work, executed, nominal


def genomes(model: AnyModel, population: int, device: torch.device | str) -> Tensor:
    """Random genomes (P, D) of a model."""
    first = model.init(stream(0, "bench"))
    return (first + 0.03 * normal(population, len(first), generator=stream(5, "bench"))).to(device)


def episodes(environments: int, steps: int, device: torch.device | str) -> tuple[Maze, MazeState, Noise]:
    """A maze in which episodes never end early, their initial state, and the noise of networks in it."""
    maze = ENDLESS(steps=steps)
    state = maze.reset(1, environments, stream(3, "bench"))
    noise = draw_noise(steps, environments, stream(4, "bench"))
    return maze, MazeState(*(v.to(device) for v in state)), noise.to(device)


def _finish(work: Callable[[], object], device: str) -> None:
    work()
    if device != "cpu":
        torch.cuda.synchronize()


QUICK: Changes = dict(threads=1, repeats=1)
TINY: Changes = dict(population=4, environments=2, steps=8)


def thread_counts() -> tuple[int, ...]:
    """Numbers of threads to measure with: 1, and 2 if there are as many cores."""
    return (1, 2) if kernels.default_threads() >= 2 else (1,)


def cases() -> dict[str, list[Case]]:
    """The cases of each table that times matrix products or episodes."""
    threads, gpu = thread_counts(), torch.cuda.is_available()
    fastest = "cpp" if kernels.compiled(Network()) else "torch"
    tables: dict[str, list[Case]] = {"peak": [Case("product", "sgemm", n, hidden=1024, repeats=5) for n in threads]}
    paper = Case("network", fastest, threads[-1], population=512, hidden=32, channels=16, repeats=1)
    rows = tables["episodes, network at the paper's scale, P512 B8 T400 H32 C16"] = [paper]
    if gpu:
        tables["peak"].append(Case("product", "sgemm", 1, "cuda", hidden=4096, repeats=5))
        rows += [replace(paper, path=p, device="cuda", threads=1, repeats=5) for p in ("plain torch", "torch", "cuda")]
    base = Case("network", fastest, threads[-1], repeats=3, population=32, steps=200)
    grow = {
        "P": [replace(base, population=n) for n in (32, 64, 128, 256)],
        "B": [replace(base, environments=n) for n in (4, 8, 16, 32)],
        "T": [replace(base, steps=n) for n in (100, 200, 400, 800)],
        "neurons (8 synapses each)": [replace(base, population=8, neurons=n) for n in (6, 24, 96, 384)],
        "synapses (of 48 neurons)": [replace(base, population=4, neurons=48, synapses=n) for n in (8, 32, 104, 216)],
    }
    return tables | {f"episodes, growth with {name}": cs for name, cs in grow.items()}


def jobs() -> dict[str, list[list[Job]]]:
    """The jobs of each table that times whole generations, in groups whose implementations take turns."""
    paths = [path for path in PATHS if path != "cpp" or kernels.compiled(Network())]
    ours = next(path for path in paths if path in generations.OURS)
    tables = {}
    for e in (generations.unit(), generations.network(16, 4), generations.network(32, 16)):
        name = f"generation, {e.name}, P{e.es.population} B{e.environments} T{e.task.steps}"
        tables[name] = [[Job(e, path, n) for path in paths] for n in thread_counts()]
        if isinstance(e.model, Network):
            tables[name][0].append(Job(e, "copied weights", 1))
    tables[PARTS] = [[Job(e, ours, n)] for e in generations.laptop() for n in thread_counts()]
    if torch.cuda.is_available():
        large = generations.network(32, 16, population=512, steps=400)
        on_gpu = [Job(large, path, 1, "cuda") for path in ("cuda", "torch")]
        tables["generation, network H32 C16 on a GPU, P512 B8 T400"] = [on_gpu]
    return tables


def measure(quick: bool = False, only: str = "", without: Sequence[str] = (), say: Callable[[str], None] = print) -> Json:
    """Measure everything and print it table by table; returns all results.

    quick: tiny sizes and one thread, in this process, to check that everything runs.  only: measure only the tables whose name
    contains this text, and the peak, to which they are compared.  without: implementations to leave out.  Raises ValueError if
    there is no such table or implementation.
    """
    results: Json = {"machine": {**machine(), "quick": quick}, "tables": {}, "slopes": {}}
    todo: dict[str, list[Any]] = {**cases(), **jobs()}
    chosen = [name for name in todo if only in name or name == "peak"]
    if len(chosen) < 2:
        raise ValueError(f"no table's name contains {only!r}: choose from {', '.join(todo)}")
    if unknown := set(without) - set(OPTIONAL):
        raise ValueError(f"--without cannot leave out {', '.join(sorted(unknown))}: choose from {', '.join(OPTIONAL)}")
    absent = {path: reason for path in PATHS if path not in without and (reason := generations.missing(path))}
    if any(name.startswith("generation") for name in chosen):
        for reason in absent.values():
            say(reason)
    peak: dict[tuple[str, int], float] = {}
    for name in chosen:
        say(f"\n{name}")
        rows = _timed_cases(todo[name], quick) if name in cases() else _timed_jobs(name, todo[name], quick, {*without, *absent})
        for row in rows:
            if row["path"] == "sgemm":
                peak[row["device"], row["threads"]] = row["gflops_executed"]
            if "gflops_executed" in row:
                row["share_of_peak"] = row["gflops_executed"] / peak[row["device"], row["threads"]]
            say(_line(row))
        if "growth" in name:
            results["slopes"][name] = slope = _slope(name, rows)
            say("  one size only" if slope is None else f"  time grows with exponent {slope:.2f}")
        results["tables"][name] = rows
    return results


def _timed_cases(todo: list[Case], quick: bool) -> list[Json]:
    if quick:
        return [run(replace(case, **QUICK, **(TINY if case.what == "network" else {}))) for case in todo]
    rows = []
    context = multiprocessing.get_context("spawn")
    for case in todo:
        with ProcessPoolExecutor(1, mp_context=context) as alone:
            rows.append(alone.submit(run, case).result())
    return rows


def _timed_jobs(name: str, groups: list[list[Job]], quick: bool, without: set[str]) -> list[Json]:
    """Rows of all jobs except those of the implementations `without`, with the speed of whole generations."""
    rows = []
    for group in groups:
        ready = [job for job in group if job.path not in without]
        if quick and ready[0].threads > 1:  # JAX cannot change its threads within this process
            continue
        rounds = generations.rounds(ready[0].experiment) if name == PARTS else ROUNDS
        if quick:
            ready, rounds = [replace(job, experiment=generations.tiny(job.experiment)) for job in ready], 1
        for job, row in zip(ready, generations.measure(ready, rounds, apart=not quick), strict=True):
            model, e = job.experiment.model, job.experiment
            steps = e.es.population * e.environments * e.task.steps
            count = network_operations if isinstance(model, Network) else lambda cell, _: unit_operations(cell)
            if name != PARTS:  # there, agents die, so fewer operations are needed
                for key, path in (("gflops_executed", job.path), ("gflops_nominal", "nominal")):
                    row[key] = count(model, path) * steps / row["seconds"] / 1e9
            rows.append(row)
    return rows


def _line(row: Json) -> str:
    size = f"P{row['population']} B{row['environments']} T{row['steps']}"
    if row["path"] == "sgemm":
        size = f"{row['hidden']} x {row['hidden']}"
    elif "neurons" in row:
        size += f" N{row['neurons']} S{row['neurons'] * row['synapses']}"
    text = f"  {row.get('experiment', ''):15.15s} {row['path']:15s} {row['device']:4s} {row['threads']} threads  {size:26s} "
    text += f"{row['seconds']:9.4f} s  "
    if "times" in row:
        low, high = row["times_range"]
        text += f"{row['times']:6.2f} x ({low:.2f} to {high:.2f}), {row['cores']:.2f} cores, "
    if "gflops_executed" in row:
        text += f"{row['gflops_executed']:7.1f} GFLOP/s executed, {row['gflops_nominal']:7.1f} nominal, "
        text += f"{row['share_of_peak']:6.1%} of peak, "
    text += f"{row['memory_mb']:6.0f} MB"
    if row.get("parts"):
        total = sum(row["parts"].values())
        text += "\n    " + ", ".join(f"{name} {part / total:.1%}" for name, part in row["parts"].items())
    return text


def _slope(name: str, rows: list[Json]) -> float | None:
    """Exponent of time against size, by least squares on logarithms; None for a single size.  Adds a `size` to each row."""
    key = {"P": "population", "B": "environments", "T": "steps"}.get(name.split()[-1])
    for row in rows:
        row["size"] = row[key] if key else row["neurons"] * row["synapses"]
    sizes, seconds = ([row[k] for row in rows] for k in ("size", "seconds"))
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]) if len(set(sizes)) > 1 else None


def machine() -> Json:
    """Hardware and software versions that the timings depend on."""
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), name)
    return {
        "processor": name,
        "threads": kernels.default_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "kernel": "cpp" if kernels.compiled(Network()) else "torch",
    }


def to_json(results: Json) -> str:
    """The results of `measure` as JSON text."""
    return json.dumps(results, indent=1)
