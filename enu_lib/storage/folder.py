"""The files of a run folder: config.json, log.csv, checkpoint.safetensors, genome.safetensors.

Tensors are stored as safetensors, settings as JSON, the log as CSV.  A file is replaced by writing under a temporary name,
syncing and renaming, so that a kill at any moment leaves either the old or the new file intact.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, float32

from enu_lib.config import from_config, parse_json, to_config
from enu_lib.experiments import Experiment
from enu_lib.kinds import Between, Measured, NotNegative, require, shown

COLUMNS = (
    "generation",  # counted from 0
    "fitness_mean",  # over all offspring, in this generation's environments
    "fitness_sd",
    "fitness_max",
    "parent",  # fitness of the unperturbed parent in the same environments
    "held_out",  # fitness of the next parent in the held-out environments; empty if not evaluated
    "sigma",
    "seconds",  # computing time since the start of the run, excluding pauses
)

LOCK = ".lock"
CONFIG, LOG, CHECKPOINT, GENOME = "config.json", "log.csv", "checkpoint.safetensors", "genome.safetensors"
EVALUATION = "evaluation.json"  # of a finished run in a sweep
FORMAT = 1  # version of the checkpoint's layout
WORDS = {  # metadata of a checkpoint
    "format": int,
    "generation": Annotated[int, Between(0, 10**9)],
    "score": Measured | None,
    "seconds": NotNegative,
    "stage_ends": tuple[Annotated[int, Between(0, 10**9)], ...],
}
ELSEWHERE = "choose another folder with --out"  # remedies, for error messages
ANEW = "restore it from a copy, or start a new run with another --out"
PACKAGE = "it is inside the package, so install enu_lib from a writable folder (git clone, pip install -e .)"
Row = dict[str, float]


class RunFolderError(ValueError):
    """A run folder, or another of our files, is unusable; the message names it and the remedy."""


def user_path(path: str | Path) -> Path:
    """A path with ~ expanded to the home folder."""
    return Path(os.path.expanduser(path))


def cannot(what: str, path: Path, error: OSError, remedy: str) -> RunFolderError:
    """A RunFolderError for an OSError, with the given remedy, or to free space if the disk is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        remedy = "free some space there, then run the same command again"
    return RunFolderError(f"cannot {what} {path} ({error.strerror or error}): {remedy}")


def write_atomically(path: Path, data: bytes, remedy: str = ELSEWHERE) -> None:
    """Replace the file `path` by `data`, or on failure leave it unchanged."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise cannot("write in", path.parent, error, remedy) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise cannot("write", path, error, remedy) from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path, *names: str) -> None:
    """Delete temporary files that killed processes left.  Hold the folder's lock, so that nobody else is writing them."""
    ours = re.compile(rf"\.({'|'.join(map(re.escape, names))})\.[a-z0-9_]{{8}}")  # names made by tempfile.mkstemp
    for file in folder.iterdir():
        if ours.fullmatch(file.name):
            file.unlink(missing_ok=True)


def read_record(path: Path, wanted: Mapping[str, Any], remedy: str = ANEW) -> dict[str, Any]:
    """The JSON object in a file, which must have the entries `wanted` ({key: kind}, see `enu_lib.kinds`)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise cannot("read", path, error, remedy) from None
    try:
        record = parse_json(data, str(path))
    except ValueError as error:
        raise RunFolderError(f"{error}: {remedy}") from None
    found = checked(record, wanted, path, remedy)
    return {**record, **found}


def checked(record: Any, wanted: Mapping[str, Any], source: Path | str, remedy: str = ANEW) -> dict[str, Any]:
    """The entries `wanted` of a JSON object.  Raises RunFolderError with the remedy if they are missing or invalid."""
    try:
        return require(record, wanted, str(source))
    except ValueError as error:
        raise RunFolderError(f"{error}: {remedy}") from None


def read_experiment(record: Mapping[str, Any], source: Path, remedy: str = ANEW) -> Experiment:
    """The experiment stored in a run's configuration or in a genome's provenance."""
    config = checked(record, {"experiment": dict}, source, remedy)["experiment"]
    try:
        found = from_config(config)
    except ValueError as error:
        raise RunFolderError(f"{source}: {error}") from None
    if not isinstance(found, Experiment):
        raise RunFolderError(f"{source} must hold an experiment, not {shown(found)}: {remedy}")
    return found


def write_tensors(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any], remedy: str = ELSEWHERE) -> None:
    """Write tensors, with `meta` as JSON under the metadata key "enu"."""
    cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(cpu, {"enu": json.dumps(meta)}), remedy)


def read_tensors(path: Path, remedy: str = ANEW) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata as written by `write_tensors`.  Raises RunFolderError if the file is missing or damaged."""
    try:
        path.open("rb").close()  # safetensors reports every unreadable file as missing
        with safe_open(str(path), "pt") as file:
            meta = parse_json((file.metadata() or {}).get("enu", ""), "its metadata")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            require(meta, {}, "its metadata")
            return tensors, meta
    except FileNotFoundError:
        raise RunFolderError(f"{path} does not exist: no checkpoint or genome has been saved there yet") from None
    except OSError as error:
        raise cannot("read", path, error, remedy) from None
    except (SafetensorError, KeyError, ValueError) as error:
        raise RunFolderError(f"{path} is damaged ({error}): {remedy}") from None


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A checkpoint's tensors (parent, velocity, variance, best) and its metadata, as in WORDS."""
    path = folder / CHECKPOINT
    tensors, meta = read_tensors(path)
    if isinstance(meta, dict):
        meta.setdefault("stage_ends", meta.pop("lesson_ends", []))  # renamed; missing in the oldest checkpoints
    meta = checked(meta, WORDS, path)
    if meta["format"] != FORMAT:
        raise RunFolderError(f"{path} has format {meta['format']}, but this version reads format {FORMAT}: {ANEW}")
    if set(tensors) != {"parent", "velocity", "variance", "best"} or any(v.dtype != float32 for v in tensors.values()):
        raise RunFolderError(f"{path} must hold the tensors of a checkpoint, not {', '.join(sorted(tensors))}: {ANEW}")
    return tensors, meta


@contextmanager
def locked(folder: Path, wait: bool = False, remedy: str = ELSEWHERE) -> Iterator[None]:
    """Create the folder if needed and lock it against other processes.  wait: wait for the lock, rather than fail."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise RunFolderError(f"another process is using {folder}: wait for it, or {remedy}") from None
    except OSError as error:
        raise cannot("write in", folder, error, remedy) from None
    try:
        yield
    finally:
        lock.release()


def open_folder(folder: Path, config: str) -> bool:
    """Write config.json into an empty folder, or check that an existing one has the same configuration.

    Returns whether there is a checkpoint to resume from.  Only the stopping point (`generations`, `target`) may differ from
    an existing configuration, which is not changed here.
    """
    path = folder / CONFIG
    if not path.exists():
        ours = (LOCK, f".{path.name}.")  # the lock, and temporary files of a killed process
        if not all(file.name.startswith(ours) for file in folder.iterdir()):
            raise RunFolderError(f"{folder} is not empty and not a run folder: {ELSEWHERE}")
        write_atomically(path, config.encode())
        return False
    old, new = read_record(path, {"experiment": dict}), json.loads(config)
    longer = {**old, "experiment": {**_completed(old["experiment"]), **_length(new)}}
    if longer != new:
        raise RunFolderError(
            f"{folder} holds a run with another configuration ({_difference(longer, new)}): "
            f"{ELSEWHERE}, or use that run's settings to resume it"
        )
    return (folder / CHECKPOINT).exists()


def _completed(experiment: dict[str, Any]) -> dict[str, Any]:
    """Settings from an older version, with the defaults of settings added since."""
    try:
        completed: dict[str, Any] = to_config(from_config(experiment))
        return completed
    except ValueError:
        return experiment


def _length(config: dict[str, Any]) -> dict[str, Any]:
    """The settings that may change when a run is resumed: its stopping point."""
    return {key: config["experiment"][key] for key in ("generations", "target")}


def _difference(old: Any, new: Any, path: str = "") -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                return _difference(old.get(key), new.get(key), f"{path}.{key}".strip("."))
    return f"{path} is {shown(old)} there, {shown(new)} here"


_IN_EVERY_ROW = dict.fromkeys(("generation", "seconds"), NotNegative)


def append_log(folder: Path, rows: list[Row], keep_below: int | None = None) -> None:
    """Append rows to log.csv.  `keep_below`: first drop the rows of that generation and later (after a kill)."""
    path = folder / LOG
    if keep_below is not None or not path.exists():
        kept = [r for r in read_log(folder) if r["generation"] < (keep_below or 0)]
        write_atomically(path, _csv([*kept, *rows], header=True).encode())
    elif rows:
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(_csv(rows, header=False))
        except OSError as error:
            raise cannot("write", path, error, ELSEWHERE) from None


def read_log(folder: Path) -> list[Row]:
    """Rows of log.csv, in order; [] if there is no file.  Rows omit empty cells."""
    path = folder / LOG
    rows: list[Row] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
            for cells in reader:
                if None in cells or None in cells.values():
                    break  # a line truncated by a kill
                row = {key: float(cell) for key, cell in cells.items() if cell != ""}
                rows.append({**row, **require(row, _IN_EVERY_ROW, f"line {reader.line_num}")})
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot("read", path, error, ANEW) from None
    except (ValueError, csv.Error) as error:
        raise RunFolderError(f"{path} is damaged ({error}): {ANEW}") from None
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
