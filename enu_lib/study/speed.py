"""How fast generations are, from a stored run of the benchmark.

python -m enu_lib bench --json enu_lib/study/data/bench.json         # measure again
python -m enu_lib bench --only generation, --json enu_lib/study/data/bench-amd.json      # on the other processor

measured = load()
generations(measured)            # a row per workload, implementation and number of threads
in_words(measured)               # Markdown

On GPUs: `enu_lib.study.gpu_speed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from enu_lib.base.kinds import Json, require
from enu_lib.config import parse_json
from enu_lib.study.tables import Row

STORED = Path(__file__).with_name("data") / "bench.json"
OTHER = STORED.with_name("bench-amd.json")  # the generations only, on another make of processor
OURS = ("cpp", "torch")  # this library's implementations on a CPU: the first that was measured is its fastest
OTHERS = ("JAX", "torch.compile", "plain torch")
NAMES = {"cpp": "this library", "torch": "this library, no compiler", "plain torch": "plain torch"}


def load(path: Path = STORED) -> Json:
    """The stored results of `bench.cases.measure`.  Raises ValueError if the file holds none."""
    measured = parse_json(path.read_bytes(), str(path))
    return require(measured, {"machine": dict, "tables": dict, "slopes": dict}, str(path))


def generations(measured: Json) -> pd.DataFrame:
    """Whole generations on the CPU: one row per workload, implementation and number of threads."""
    rows = [
        {
            "workload": row["experiment"],
            "path": row["path"],
            "threads": row["threads"],
            "cores used": row["cores"],
            "generation (ms)": 1000 * row["seconds"],
            "time relative to this library": row["times"],
            "lowest of the rounds": row["times_range"][0],
            "highest of the rounds": row["times_range"][1],
            "rounds": len(row["rounds"]),
            "executed (GFLOP/s)": row["gflops_executed"],
            "share of the matrix-product peak (%)": 100 * row["share_of_peak"],
        }
        for row in _rows(measured, "generation")
        if row["device"] == "cpu"
    ]
    return pd.DataFrame(rows)


def parts(measured: Json) -> pd.DataFrame:
    """The parts of a generation of the laptop profile: one row per experiment, number of threads and part."""
    rows = [
        {
            "experiment": row["experiment"],
            "threads": row["threads"],
            "part": part,
            "time (ms)": 1000 * seconds,
            "share of the generation (%)": 100 * seconds / sum(row["parts"].values()),
        }
        for row in _rows(measured, "parts")
        for part, seconds in row["parts"].items()
    ]
    return pd.DataFrame(rows)


def growth(measured: Json) -> pd.DataFrame:
    """Time of the episodes against size, also relative to the smallest; exponent of each series (None for a single size)."""
    rows = []
    for name, exponent in measured["slopes"].items():
        series = measured["tables"][name]
        for row in series:
            rows.append(
                {
                    "grows with": name.partition("growth with ")[2].partition(" ")[0],
                    "size": row["size"],
                    "relative size": row["size"] / series[0]["size"],
                    "time (s)": row["seconds"],
                    "relative time": row["seconds"] / series[0]["seconds"],
                    "exponent": exponent,
                }
            )
    return pd.DataFrame(rows)


def machine(measured: Json) -> str:
    """The machine that was measured, in one line that also says if sizes were tiny (--quick)."""
    of = measured["machine"]
    gpu = of["gpu"] or "no GPU"
    tiny = " (with `--quick`, at tiny sizes, only to check that it runs)" if of.get("quick") else ""
    return f"{of['processor']}, {of['threads']} cores, {gpu}; torch {of['torch']}, Python {of['python']}{tiny}"


def ratios(measured: Json) -> list[Row]:
    """Times relative to this library: one row per implementation, one column per workload and number of threads."""
    table = generations(measured)
    rows = []
    for path in dict.fromkeys(table["path"]):
        row: Row = {"implementation": NAMES.get(path, path)}
        for (workload, threads), group in table.groupby(["workload", "threads"], sort=False):
            mine = group[group["path"] == path]
            times, ms = mine["time relative to this library"], mine["generation (ms)"]
            head = f"{workload}, {threads} thread{'s' if threads > 1 else ''}"
            row[head] = f"{times.item():.1f} ({ms.item():,.0f} ms)" if len(mine) else ""
        rows.append(row)
    return rows


def processors(measurements: Sequence[Json]) -> list[Row]:
    """This library beside JAX on each machine: one row per machine and workload, with the lowest and highest over threads."""
    rows: list[Row] = []
    for measured in measurements:
        table = generations(measured)
        ours = next(path for path in OURS if path in set(table["path"]))
        for workload, group in table.groupby("workload", sort=False):
            row: Row = {"processor": measured["machine"]["processor"], "workload": str(workload)}
            column = "share of the matrix-product peak (%)"
            for path, name in ((ours, "this library"), ("JAX", "JAX")):
                row[f"{name}: share of the peak"] = _from_to(group[group["path"] == path][column], "{:.0f}", "%")
            times = group[group["path"] == "JAX"]["time relative to this library"]
            row["time of JAX relative to this library"] = _from_to(times, "{:.1f}")
            rows.append(row)
    return rows


def _from_to(values: Iterable[float], form: str, unit: str = "") -> str:
    """The lowest and the highest value, once if they look alike; empty without values."""
    ordered = sorted(values)
    ends = dict.fromkeys(form.format(value) for value in (ordered[0], ordered[-1])) if ordered else {}
    return " to ".join(ends) + (unit if ordered else "")


def in_words(measured: Json) -> str:
    """What the benchmark found, as Markdown: other implementations, the peak, the parts of a generation, growth with size."""
    table = generations(measured)
    ours = next(path for path in OURS if path in set(table["path"]))
    lines = []
    for path in OTHERS:
        of = table[table["path"] == path]["time relative to this library"]
        if not len(of):
            lines.append(f"- **{path}** was not measured.")
        else:
            lines.append(f"- **{path}** takes {of.min():.1f} to {of.max():.1f} times as long as this library.")
    share = table[table["path"] == ours]["share of the matrix-product peak (%)"]
    lines.append(
        f"- **The peak.** In a whole generation this library executes {share.min():.0f}% to {share.max():.0f}% of the "
        "operations that a large matrix product executes in the same time on the same cores."
    )
    divided = parts(measured)
    kernel = divided[divided["part"] == "episodes"]
    for experiment, group in kernel.groupby("experiment", sort=False):
        taken = _from_to(group["share of the generation (%)"], "{:.0f}", "%")
        lines.append(f"- **{experiment}** (profile `laptop`): episodes, scored in the kernel, take {taken} of a generation.")
    grown = growth(measured).drop_duplicates("grows with").dropna(subset="exponent")
    exponents = ", ".join(f"{row['grows with']} {row['exponent']:.2f}" for _, row in grown.iterrows())
    sizes = "P offspring, B environments, T steps"
    lines.append(
        f"- **Growth.** Exponents of time against size ({sizes}): {exponents or 'only one size of each was measured'}."
    )
    return "\n".join(lines)


def _rows(measured: Json, kind: str) -> list[Json]:
    """The rows of all tables of a kind."""
    return [row for name, rows in measured["tables"].items() if name.startswith(kind) for row in rows]
