"""A run on disk: config.json, log.csv, checkpoint.safetensors, genome.safetensors; whole or absent, never half.

Tensors are safetensors, settings JSON, the log CSV.  Files that are replaced are written under a temporary name, synced
and renamed, so that a kill at any moment leaves the old or the new one.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from enu_lib.config import from_config, to_config

COLUMNS = (
    "generation",  # 0: the first one
    "fitness_mean",  # over all offspring, on this generation's environments
    "fitness_sd",
    "fitness_max",
    "parent",  # fitness of the unperturbed parent, same environments
    "held_out",  # fitness of the next parent on environments kept for this; empty if not evaluated
    "sigma",
    "seconds",  # since the run's start, pauses not counted
)

LOCK = ".lock"
Row = dict[str, float]


class RunFolderError(ValueError):
    """A run folder that cannot be used; the message names the folder and the remedy."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, or leave it as it was."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise RunFolderError(f"cannot write in {path.parent} ({error.strerror}): choose another folder with --out") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_tensors(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Tensors, with `meta` as JSON under the metadata key "enu"."""
    cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(cpu, {"enu": json.dumps(meta)}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_tensors` wrote.  Raises RunFolderError for a file that is truncated or not ours."""
    try:
        with safe_open(str(path), "pt") as file:
            meta = json.loads((file.metadata() or {})["enu"])
            return {name: file.get_tensor(name) for name in file.keys()}, meta  # noqa: SIM118
    except FileNotFoundError:
        raise RunFolderError(f"{path} does not exist") from None
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise RunFolderError(
            f"{path} is damaged ({error}): restore it from a copy, or give another --out to begin anew"
        ) from None


@contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Make the folder if need be and keep other processes from working in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise RunFolderError(
            f"another process is at work in {folder}: wait for it, or choose another folder with --out"
        ) from None
    except OSError as error:
        raise RunFolderError(f"cannot write in {folder} ({error.strerror}): choose another folder with --out") from None
    try:
        yield
    finally:
        lock.release()


def open_folder(folder: Path, config: str) -> bool:
    """Write config.json into an empty folder, or check that the folder's own one is of the same configuration.

    Returns whether there is a checkpoint to go on from.  Only the run's end (`generations`, `target`) may differ from
    what an existing folder says; the folder is not changed here.
    """
    path = folder / "config.json"
    if not path.exists():
        ours = (LOCK, f".{path.name}.")  # the lock, and what a kill left of writing config.json
        if not all(file.name.startswith(ours) for file in folder.iterdir()):
            raise RunFolderError(f"{folder} is not empty and no run: choose another folder with --out")
        write_atomically(path, config.encode())
        return False
    try:
        old, new = json.loads(path.read_text(encoding="utf-8")), json.loads(config)
    except ValueError:
        raise RunFolderError(f"{path} is not JSON: restore it, or choose another --out") from None
    longer = {**old, "experiment": {**_completed(old.get("experiment", {})), **_length(new)}}
    if longer != new:
        raise RunFolderError(
            f"{folder} holds a run of another configuration ({_difference(longer, new)}): "
            "choose another folder with --out, or repeat that run's settings to go on with it"
        )
    return (folder / "checkpoint.safetensors").exists()


def _completed(experiment: dict[str, Any]) -> dict[str, Any]:
    """An older folder's settings, with the defaults of those that this version has added."""
    try:
        return to_config(from_config(experiment))
    except ValueError:
        return experiment


def _length(config: dict[str, Any]) -> dict[str, Any]:
    """What may change when a run goes on: where it ends."""
    return {key: config["experiment"][key] for key in ("generations", "target")}


def _difference(old: Any, new: Any, path: str = "") -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                return _difference(old.get(key), new.get(key), f"{path}.{key}".strip("."))
    return f"{path} is {str(old)[:60]} there, {str(new)[:60]} here"


def append_log(folder: Path, rows: list[Row], keep_below: int | None = None) -> None:
    """Add rows to log.csv.  `keep_below`: first drop rows of that generation and later (after a kill)."""
    path = folder / "log.csv"
    if keep_below is not None or not path.exists():
        kept = [r for r in read_log(folder) if r["generation"] < (keep_below or 0)]
        write_atomically(path, _csv([*kept, *rows], header=True).encode())
    elif rows:
        with path.open("a", encoding="utf-8") as file:
            file.write(_csv(rows, header=False))


def read_log(folder: Path) -> list[Row]:
    """Rows of log.csv, in order; [] if there is none.  Empty cells are left out of a row."""
    path = folder / "log.csv"
    if not path.exists():
        return []
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.DictReader(file):
            if None in cells or None in cells.values():
                break  # a line cut short by a kill
            rows.append({key: float(cell) for key, cell in cells.items() if cell != ""})
    return rows


def _csv(rows: list[Row], header: bool) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if header:
        writer.writeheader()
    for row in rows:
        whole = {"generation": int(row["generation"])}
        writer.writerow({k: whole.get(k, f"{row[k]:.7g}") for k in COLUMNS if k in row})
    return text.getvalue()
