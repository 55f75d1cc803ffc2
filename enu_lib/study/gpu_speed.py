"""How fast the kernels for Nvidia GPUs are, from a stored run of their benchmark.

python -m enu_lib bench --gpu --json enu_lib/study/data/bench-gpu.json         # measure again

measured = load()                # None if no run is stored
episodes(measured, "single units")
in_words(measured)               # Markdown
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from enu_lib.base.kinds import Json, require
from enu_lib.cells import CellName
from enu_lib.config import parse_json
from enu_lib.study.speed import machine
from enu_lib.study.tables import Row, folded, markdown

STORED = Path(__file__).with_name("data") / "bench-gpu.json"
MEASURE = "python -m enu_lib bench --gpu --json enu_lib/study/data/bench-gpu.json"
CELLS = get_args(CellName)
EPISODES = ("networks in mazes", "single units")
GENERATIONS = 100  # length of the evolutions that are counted per minute


def load(path: Path = STORED) -> Json | None:
    """The stored results of `bench.gpu.measure`, None if there is no such file.  Raises ValueError if it holds none."""
    if not path.exists():
        return None
    return require(parse_json(path.read_bytes(), str(path)), {"machine": dict, "products": float, "tables": dict}, str(path))


def episodes(measured: Json, table: str) -> list[Row]:
    """The episodes of all offspring, for a table of networks or of units: one row per model, kernel beside torch backend."""
    by_model: dict[str, Json] = {}
    for row in measured["tables"][table]:
        by_model.setdefault(row["model"], {})[row["backend"]] = row
    rows: list[Row] = []
    for model, by in by_model.items():
        kernel, torch = by.get("cuda"), by["torch"]
        flops = kernel["gflops"] if kernel else None
        share = f"{flops / 1000:.1f} ({flops / measured['products']:.0%})" if flops else ""
        rows.append(
            {
                "cell": " ".join(word.upper() if word in CELLS else word for word in model.split()),
                "size": _size(torch),
                "kernel (ms)": f"{1000 * kernel['seconds']:.1f}" if kernel else "",
                "torch backend (ms)": f"{1000 * torch['seconds']:.1f}",
                "faster": f"{torch['seconds'] / kernel['seconds']:.0f} times" if kernel else "",
                "TFLOP/s (of matrix products)": share,
            }
        )
    return rows


def generations(measured: Json) -> list[Row]:
    """Whole generations: one row per experiment, with the number of evolutions (of `GENERATIONS`) per minute, one at a time."""
    return [
        {
            "workload": row["model"],
            "size": _size(row),
            "generation (ms)": f"{1000 * row['seconds']:.1f}",
            f"{GENERATIONS} generations (s)": f"{GENERATIONS * row['seconds']:.2f}",
            "evolutions per minute": f"{60 / (GENERATIONS * row['seconds']):.0f}",
        }
        for row in measured["tables"]["whole generations"]
    ]


def in_words(measured: Json | None) -> str:
    """The section on GPUs, as Markdown: the machine, episodes of networks and of single units, whole generations."""
    if measured is None:
        return f"No measurement on a GPU is stored. `{MEASURE}` makes one."
    products = measured["products"] / 1000
    return "\n".join(
        [
            f"Measured on this machine: {machine(measured)}. Large float32 matrix products reach {products:.1f} TFLOP/s on its "
            "GPU; the kernel multiplies on tensor cores and they do not, so they are a yardstick, not an upper bound. Times "
            "are medians of repeats, after a first one that also compiles. Sizes: P offspring, B environments, T steps.\n",
            "**Episodes**. None ends early; *shared*: neurons and synapses have the same rules. Operations are counted for ENU "
            "and NFENU only.\n",
            *(folded(f"{name}: {_faster(measured, name)}", episodes(measured, name)) + "\n" for name in EPISODES),
            "\n**Whole generations**. *As evolved*: the first ones from a random genome, with agents that may die early; where "
            "this saves time, later generations take longer. The last two columns follow from the time of one generation: "
            f"evolutions of {GENERATIONS} generations, one after another, without held-out evaluations.\n",
            markdown(generations(measured)),
        ]
    )


def _faster(measured: Json, table: str) -> str:
    """How many times faster than the torch backend the kernel is, over a table's models."""
    seconds = {(row["model"], row["backend"]): row["seconds"] for row in measured["tables"][table]}
    times = [seconds[model, "torch"] / by for (model, backend), by in seconds.items() if backend == "cuda"]
    return f"the kernel is {min(times):.0f} to {max(times):.0f} times faster than the torch backend" if times else "torch only"


def _size(row: Json) -> str:
    return f"P{row['population']} B{row['environments']} T{row['steps']}"
