"""Time the GPU kernels.

python -m enu_lib bench --gpu                                                  # print the times
python -m enu_lib bench --gpu --json enu_lib/study/data/bench-gpu.json         # and store them for book/55_how_fast.py

Tables: episodes of networks in mazes, for every kind of cell at two sizes, with the kernel and with the torch backend; single
units; whole generations (the first ones from a random genome) with episodes that may end early and with episodes that cannot.
Times are medians of several repeats in one process, after a first one that compiles.  GFLOP/s count the operations executed, as
in `enu_lib.bench.cases`, and are compared with float32 matrix products on the same card, measured in the same run.  `registers`
and `spilled` (bytes per thread) are the compiler's figures.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch

from enu_lib import experiments, kernels
from enu_lib.base.faults import Unavailable
from enu_lib.base.kinds import Json
from enu_lib.base.names import Backend
from enu_lib.bench import cases
from enu_lib.bench.cases import Case, network_operations, unit_operations
from enu_lib.bench.generations import ENDLESS, Job, Library
from enu_lib.cells import ENU, CellName, make_cell
from enu_lib.kernels import cuda, nvidia
from enu_lib.network import PUBLISHED, Network
from enu_lib.streams import stream, uniform
from enu_lib.tasks.maze import geometry

REPEATS = 7


@dataclass(frozen=True)
class Size:
    """Offspring, environments and steps."""

    population: int
    environments: int
    steps: int


PAPER, LAPTOP, UNITS, TINY = Size(512, 8, 400), Size(128, 8, 400), Size(512, 32, 100), Size(2, 2, 4)


def networks(device: torch.device, quick: bool = False) -> list[Json]:
    """Time episodes of networks in mazes; none ends early."""
    sizes = [("H32 C16", 32, 16, PAPER), ("H16 C4", 16, 4, LAPTOP)]
    kinds: tuple[tuple[CellName, bool], ...] = (
        ("enu", False), ("nfenu", False), ("gru", False), ("lstm", False), ("enu", True),
    )  # fmt: skip
    models: list[tuple[str, Network, Size]] = [
        (f"{'shared ' * shared}{cell} {name}", Network(PUBLISHED, channels=c, hidden=h, cell=cell, shared=shared), size)
        for name, h, c, size in sizes
        for cell, shared in kinds
    ]
    rows = []
    for name, network, size in models:
        size = TINY if quick else size
        maze, state, noise = cases.episodes(size.environments, size.steps, device)
        genomes = cases.genomes(network, size.population, device)
        operations = None
        if isinstance(network.synapse_cell, ENU):
            operations = network_operations(network, "cuda") * float(size.population * size.environments * size.steps)
        for backend in _backends(device):
            work = partial(kernels.maze_episodes, network, genomes, maze, state, noise, backend=backend)
            row = {"model": name, "backend": backend, **vars(size), **_timed(work, device, operations, backend, quick)}
            if backend == "cuda":
                squares, room = len(geometry(maze).squares), cuda.shared_memory(device)
                row |= _resources(cuda.plan(network, squares, size.environments, room), device)
            rows.append(row)
    return rows


def units(device: torch.device, quick: bool = False) -> list[Json]:
    """Time single units on given inputs."""
    size, rows = TINY if quick else UNITS, []
    for kind in ("enu", "gru", "lstm"):
        cell = make_cell(kind, 4, 1, 32)
        genomes = cases.genomes(cell, size.population, device)
        x = uniform(size.environments, size.steps, 4, generator=stream(1, "bench")).to(device)
        operations = None
        if isinstance(cell, ENU):
            operations = unit_operations(cell) * float(size.population * size.environments * size.steps)
        for backend in _backends(device):
            work = partial(kernels.unit_outputs, cell, genomes, x, backend=backend)
            row = {"model": kind, "backend": backend, **vars(size), **_timed(work, device, operations, backend, quick)}
            if backend == "cuda":
                row |= _resources(cuda.unit_plan(cell, size.environments, cuda.shared_memory(device)), device)
            rows.append(row)
    return rows


def generations(device: torch.device, quick: bool = False) -> list[Json]:
    """Time whole generations; during the episodes, the CPU draws the next mutations."""
    rows = []
    for name, profile in (("tmaze", "paper"), ("tmaze", "laptop"), ("stdp", "paper"), ("iaf", "paper")):
        experiment = experiments.get(name, profile="smoke" if quick else profile)
        endless = replace(experiment, task=replace(experiment.task, **ENDLESS.keywords)) if name == "tmaze" else None
        for kind, chosen in (("as evolved", experiment), ("none ends early", endless)):
            if chosen is None:
                continue
            work = Library(Job(chosen, "auto", 1, device.type)).generation
            size = Size(chosen.es.population, chosen.environments, chosen.task.steps)
            timed = _timed(work, device, None, "auto", quick)
            rows.append({"model": f"{name}, {profile}: {kind}", "backend": "auto", **vars(size), **timed})
    return rows


def products(device: torch.device, quick: bool = False) -> float:
    """GFLOP/s of float32 matrix products."""
    hidden, repeats = (64, 1) if quick else (4096, REPEATS)
    case = Case("product", "sgemm", torch.get_num_threads(), device.type, hidden=hidden, repeats=repeats)
    return float(cases.run(case)["gflops_executed"])


def _timed(work: Callable[[], object], device: torch.device, operations: float | None, backend: str, quick: bool) -> Json:
    repeats, seconds = 3 if backend == "torch" else REPEATS, []
    for _ in range(2 if quick else repeats + 1):  # the first compiles
        begun = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - begun)
    median = statistics.median(seconds[1:])
    return {"first": seconds[0], "seconds": median, "gflops": operations and operations / median / 1e9}


def _backends(device: torch.device) -> tuple[Backend, ...]:
    return ("cuda", "torch") if device.type == "cuda" else ("torch",)


def _resources(layout: nvidia.Plan, device: torch.device) -> Json:
    """What a kernel uses of a multiprocessor; without registers and spills where the compiler does not report them."""
    from cuda.bindings import nvrtc

    card = torch.cuda.get_device_properties(device)
    try:
        taken = nvidia.resources(layout, f"sm_{card.major}{card.minor}", nvrtc)._asdict()
    except Unavailable:  # the times are of use without them
        taken = {}
    return {**taken, "threads": layout.threads, "shared": layout.shared, "blocks": layout.blocks}


TABLES = {"networks in mazes": networks, "single units": units, "whole generations": generations}


def measure(quick: bool = False, say: Callable[[str], None] = print) -> Json:
    """Run everything and print it table by table; returns all results.

    quick: tiny sizes, on any device, to check that everything runs.  Raises ValueError if there is no GPU to time.
    """
    there = torch.cuda.is_available()
    if not there and not quick:
        raise ValueError("torch finds no GPU: use --quick to check the script without one")
    device = torch.device("cuda" if there else "cpu")
    begun = time.perf_counter()
    results: Json = {
        "machine": {**cases.machine(), "quick": quick}, "products": products(device, quick), "tables": {},
    }  # fmt: skip
    say(f"{results['machine']['gpu'] or device}: float32 matrix products {results['products']:.0f} GFLOP/s")
    for name, table in TABLES.items():
        say(f"\n{name}")
        results["tables"][name] = table(device, quick)
        for row in results["tables"][name]:
            say(_line(row, results["products"]))
    results["seconds"] = time.perf_counter() - begun
    say(f"\n{results['seconds']:.0f} s in all")
    return results


def _line(row: Json, products: float) -> str:
    size = f"P{row['population']} B{row['environments']} T{row['steps']}"
    speed = f"{row['gflops']:8.0f} GFLOP/s, {row['gflops'] / products:6.1%} of peak" if row["gflops"] else ""
    taken = f"{row['registers']} registers, {row['spilled']} B spilled" if "registers" in row else ""
    return f"  {row['model']:32s} {row['backend']:6s} {size:16s} {1e3 * row['seconds']:9.2f} ms {speed:38s} {taken}".rstrip()
