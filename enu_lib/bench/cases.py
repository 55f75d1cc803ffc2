"""Time one generation with every backend in one run: python -m enu_lib bench.

Paths: `plain torch` is the reference (one weight set per offspring, one call per operation).  `copied weights` reimplements
the scheme of the authors' public code (weights copied for each environment, mazes in NumPy on the host).  `torch` and `cpp`
are the fast backends; on a GPU, `torch` and `cuda`.  Episodes never end early, so that all paths do the same work.  Each
case runs in its own process, which reports its memory (on a GPU, the GPU's); times are the best of several repeats.
GFLOP/s count the multiplications and additions of the units' matrix products: `nominal` as in the formulas, `executed` as
performed by the path.  `share` is executed GFLOP/s divided by the matrix-product peak measured in the same run with the same
number of threads.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from enu_lib import kernels
from enu_lib.bench.authors_scheme import copied_weights_lives
from enu_lib.cells import ENU
from enu_lib.contracts import Drawn
from enu_lib.network import PUBLISHED, Network, random_connections
from enu_lib.rollout import play
from enu_lib.streams import draw_noise, normal, stream, uniform
from enu_lib.tasks.maze import Maze

MAZE = Maze(energy=1e9, deadly_poisons=10**6)
PATHS = ("copied weights", "plain torch", "torch", "cpp")


@dataclass(frozen=True)
class Case:
    """One workload to time."""

    what: str  # "network", "unit" or "product"
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
    """Multiplications and additions in one network step; fast paths project each source once, not once per synapse."""
    nominal = network.neurons * (
        unit_operations(network.neuron_cell) + network.synapses * unit_operations(network.synapse_cell)
    )
    if path in ("plain torch", "copied weights", "nominal"):
        return nominal
    inputs = network.neurons * network.synapses * 2 * network.channels
    projected = (network.n_inputs + network.neurons + network.neurons) * network.channels
    return nominal - 2 * 3 * network.hidden * (inputs - projected)


def run(case: Case) -> dict[str, Any]:
    """Time a case in this process; seconds, GFLOP/s and memory (MiB) with the case's settings."""
    torch.set_num_threads(case.threads)
    work, operations, nominal = _prepare(case)
    before, seconds = _peak_memory(case.device), []
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
        "memory_mb": (_peak_memory(case.device) - before) / 2**20,
    }


def _prepare(case: Case) -> tuple[Callable[[], Any], float, float]:
    """The function to time, its executed operations and its nominal operations."""
    p, b, t, device = case.population, case.environments, case.steps, case.device
    if case.what == "product":
        a = normal(case.hidden, case.hidden, generator=stream(6, "bench")).to(device)
        return lambda: [a @ a for _ in range(10)], 20.0 * case.hidden**3, 20.0 * case.hidden**3
    if case.what == "unit":
        cell = ENU(4, 1, case.hidden)
        genomes = _genomes(cell, p).to(device)
        x = uniform(b, t, 4, generator=stream(1, "bench")).to(device)
        path = {"plain torch": "reference"}.get(case.path, case.path)
        n = float(unit_operations(cell)) * p * b * t
        return lambda: kernels.unit_outputs(cell, genomes, x, None, case.threads, path), n, n
    table = PUBLISHED
    if (case.neurons, case.synapses) != (6, 8):
        table = random_connections(case.neurons, case.synapses, 4, stream(2, "bench"))
    network = Network(table, channels=case.channels, hidden=case.hidden)
    genomes = _genomes(network, p).to(device)
    maze = replace(MAZE, steps=t)
    drawn_state = maze.reset(1, b, stream(3, "bench"))
    state = type(drawn_state)(*(v.to(device) for v in drawn_state))
    noise = draw_noise(t, b, stream(4, "bench")).to(device)
    lives = p * b * t
    executed, nominal = (float(network_operations(network, k)) * lives for k in (case.path, "nominal"))

    def work() -> Any:
        if case.path == "copied weights":
            return copied_weights_lives(network, genomes, maze, state, noise)
        if case.path == "plain torch":
            return play(network, genomes, maze, Drawn(state, noise, b), backend="reference")
        return kernels.maze_lives(network, genomes, maze, state, noise, case.threads, case.path)

    return work, executed, nominal


def _genomes(model: Any, population: int) -> torch.Tensor:
    first = model.init(stream(0, "bench"))
    return first + 0.03 * normal(population, len(first), generator=stream(5, "bench"))


def _finish(work: Callable[[], Any], device: str) -> None:
    work()
    if device != "cpu":
        torch.cuda.synchronize()


def _peak_memory(device: str) -> int:
    if device != "cpu":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


QUICK: dict[str, Any] = dict(population=4, environments=2, steps=8, repeats=1)


def cases(quick: bool = False) -> dict[str, list[Case]]:
    """All cases by table; `quick`: the same cases at a tiny size, to check that they run."""
    most = kernels.default_threads()
    threads = (1, 2) if most >= 2 else (1,)
    paths = [p for p in PATHS if p != "cpp" or kernels.compiled(Network())]
    top, gpu = threads[-1], torch.cuda.is_available()
    sizes: dict[str, dict[str, Any]] = {"H16 C4": dict(hidden=16, channels=4), "H32 C16": dict(hidden=32, channels=16)}
    tables: dict[str, list[Case]] = {"peak": [Case("product", "sgemm", n, hidden=1024, repeats=5) for n in threads]}
    unit: dict[str, Any] = dict(population=512, environments=32, steps=100, hidden=32)
    tables["single unit, P512 B32 H32 T100"] = [Case("unit", p, n, **unit) for p in paths[1:] for n in threads]
    for name, size in sizes.items():
        tables[f"network, P128 B8 T400 {name}"] = [
            Case("network", p, n, repeats=1 if p == "copied weights" else 2, **size)
            for p in paths
            for n in (threads[-1:] if p == "copied weights" else threads)
        ]
    large: dict[str, Any] = dict(population=512, **sizes["H32 C16"])
    tables["network at the paper's scale, P512 B8 T400 H32 C16"] = [Case("network", paths[-1], top, repeats=1, **large)]
    if gpu:
        tables["peak"].append(Case("product", "sgemm", 1, "cuda", hidden=4096, repeats=5))
        for name, rows in tables.items():
            if name.startswith("network"):
                rows += [
                    replace(rows[-1], path=path, device="cuda", threads=1, repeats=5)
                    for path in ("plain torch", "torch", "cuda")
                ]
    base = Case("network", paths[-1], top, repeats=3, population=32, steps=200)
    grow = {
        "P": [replace(base, population=n) for n in (32, 64, 128, 256)],
        "B": [replace(base, environments=n) for n in (4, 8, 16, 32)],
        "T": [replace(base, steps=n) for n in (100, 200, 400, 800)],
        "neurons (8 synapses each)": [replace(base, population=8, neurons=n) for n in (6, 24, 96, 384)],
        "synapses (of 48 neurons)": [replace(base, population=4, neurons=48, synapses=n) for n in (8, 32, 104, 216)],
    }
    tables.update({f"growth with {name}": cs for name, cs in grow.items()})
    if quick:
        tables = {
            name: [replace(c, **(QUICK if c.what != "product" else {"repeats": 1})) for c in cs] for name, cs in tables.items()
        }
    return tables


def measure(quick: bool = False, only: str = "", say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run all cases and print them table by table; returns all results.

    only: run only the tables whose name contains this, and the peak, which the others are compared with.
    Raises ValueError if no table's name contains `only`.
    """
    results: dict[str, Any] = {"machine": machine(), "tables": {}}
    context = multiprocessing.get_context("spawn")
    peak: dict[tuple[str, int], float] = {}
    tables = {name: todo for name, todo in cases(quick).items() if only in name or name == "peak"}
    if len(tables) < 2:
        raise ValueError(f"no table's name contains {only!r}: choose from {', '.join(cases(quick))}")
    for name, todo in tables.items():
        rows = []
        say(f"\n{name}")
        for case in todo:
            if quick:
                row = run(case)
            else:
                with ProcessPoolExecutor(1, mp_context=context) as alone:
                    row = alone.submit(run, case).result()
            if case.what == "product":
                peak[case.device, case.threads] = row["gflops_executed"]
            row["share_of_peak"] = row["gflops_executed"] / peak.get((case.device, case.threads), float("nan"))
            rows.append(row)
            say(_line(row))
        if name.startswith("growth"):
            slope = _slope(name, rows)
            results.setdefault("slopes", {})[name] = slope
            say(f"  time grows with exponent {slope:.2f}")
        results["tables"][name] = rows
    return results


def _line(row: dict[str, Any]) -> str:
    size = f"P{row['population']} B{row['environments']} T{row['steps']} N{row['neurons']} S{row['neurons'] * row['synapses']}"
    if row["what"] == "product":
        size = f"{row['hidden']} x {row['hidden']}"
    elif row["what"] == "unit":
        size = f"P{row['population']} B{row['environments']} T{row['steps']}"
    return (
        f"  {row['path']:15s} {row['device']:4s} {row['threads']} threads  {size:26s} {row['seconds']:9.4f} s  "
        f"{row['gflops_executed']:7.1f} GFLOP/s executed, {row['gflops_nominal']:7.1f} nominal, "
        f"{row['share_of_peak']:6.1%} of peak, {row['memory_mb']:6.0f} MB"
    )


def _slope(name: str, rows: list[dict[str, Any]]) -> float:
    """Exponent of time against size, by least squares on logarithms; NaN for a single size."""
    key = {"P": "population", "B": "environments", "T": "steps"}.get(name.split()[-1])
    size = [r[key] if key else r["neurons"] * r["synapses"] for r in rows]
    if len(set(size)) == 1:
        return float("nan")
    return float(np.polyfit(np.log(size), np.log([r["seconds"] for r in rows]), 1)[0])


def machine() -> dict[str, Any]:
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


def to_json(results: dict[str, Any]) -> str:
    """The results of `measure` as JSON text."""
    return json.dumps(results, indent=1)
