"""The files of a run folder: config.json, log.csv, checkpoint.safetensors, genome.safetensors.

Tensors are stored as safetensors, settings as JSON, the log as CSV.  A file is replaced by writing under a temporary name,
syncing and renaming, so that a kill at any moment leaves either the old or the new file intact.  Files may come from
strangers: types, sizes and shapes are checked before memory is allocated, and nothing in a file is executed.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from safetensors import SafetensorError

from enu_lib.base.kinds import Json, require, shown
from enu_lib.config import from_config, parse_json, to_config
from enu_lib.storage.seal import CHECKSUM, sealed, verify

if TYPE_CHECKING:  # functions that need more import it, so that the zoo can be listed without torch
    from torch import Tensor

    from enu_lib.experiments import Experiment

LOCK = ".lock"
RELEASE = 1.0  # seconds to wait for a lock: a child of a process that was killed may still hold it
CONFIG, LOG, CHECKPOINT, GENOME = "config.json", "log.csv", "checkpoint.safetensors", "genome.safetensors"
PREVIOUS = "checkpoint.previous.safetensors"  # the checkpoint before the newest one
EVALUATION = "evaluation.json"  # of a finished run in a sweep
FILES = (CONFIG, LOG, CHECKPOINT, GENOME, EVALUATION)  # each is replaced as a whole
LARGEST_JSON = 2**26  # bytes of JSON that are read; our files have at most a few million
CHOOSE_ANOTHER_OUT = "choose another folder with --out"  # remedies, for error messages
RESTORE_OR_RESTART = "restore it from a copy, or start a new run with another --out"
INSTALL_WRITABLE = "it is inside the package, so install enu_lib from a writable folder (git clone, pip install -e .)"


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


def write_atomically(path: Path, data: bytes, remedy: str = CHOOSE_ANOTHER_OUT, previous: Path | None = None) -> None:
    """Replace the file `path` by `data`, or on failure leave it unchanged.  previous: keep the replaced file here."""
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
        if previous and path.exists():
            _keep(path, previous)
        os.replace(name, path)
        _sync(path.parent)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise cannot("write", path, error, remedy) from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _keep(path: Path, previous: Path) -> None:
    """Keep the file `path` as `previous`, too; where the file system has no hard links, move it there."""
    previous.unlink(missing_ok=True)
    try:
        os.link(path, previous)
    except OSError:
        os.replace(path, previous)


def _sync(folder: Path) -> None:
    """Let a rename survive a power failure, on systems that can sync folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_file(path: Path, remedy: str = RESTORE_OR_RESTART, largest: int | None = LARGEST_JSON) -> bytes:
    """The content of a regular file of at most `largest` bytes."""
    try:
        _check_file(path, remedy, largest)
        return path.read_bytes()
    except OSError as error:
        raise cannot("read", path, error, remedy) from None


def _check_file(path: Path, remedy: str, largest: int | None = None) -> None:
    """Raise RunFolderError for a file that must not be opened: a pipe or device could block for ever."""
    told = path.stat()
    if not (stat.S_ISREG(told.st_mode) or stat.S_ISDIR(told.st_mode)):
        raise RunFolderError(f"{path} is not a regular file: {remedy}")
    if largest is not None and told.st_size > largest:
        raise RunFolderError(f"{path} is too large ({told.st_size} bytes, at most {largest} are read): {remedy}")


def remove_leftovers(folder: Path, *names: str) -> None:
    """Delete temporary files that killed processes left.  Hold the folder's lock, so that no other process is writing them."""
    ours = re.compile(rf"\.({'|'.join(map(re.escape, names))})\.[a-z0-9_]{{8}}")  # names made by tempfile.mkstemp
    for file in folder.iterdir():
        if ours.fullmatch(file.name):
            file.unlink(missing_ok=True)


def read_record(path: Path, wanted: Mapping[str, Any], remedy: str = RESTORE_OR_RESTART) -> Json:
    """The JSON object in a file, which must have the entries `wanted` ({key: kind}, see `enu_lib.base.kinds`).

    Its checksum, if it has one, is verified.
    """
    data = read_file(path, remedy)
    try:
        record = parse_json(data, str(path))
    except ValueError as error:
        raise RunFolderError(f"{error}: {remedy}") from None
    checked(record, {}, path, remedy)
    try:
        verify(record)
    except ValueError as error:
        raise RunFolderError(f"{path} is damaged ({error}): {remedy}; if you edited it, delete its {CHECKSUM!r}") from None
    return {**record, **checked(record, wanted, path, remedy)}


def checked(record: Any, wanted: Mapping[str, Any], source: Path | str, remedy: str = RESTORE_OR_RESTART) -> Json:
    """The entries `wanted` of a JSON object.  Raises RunFolderError with the remedy if they are missing or invalid."""
    try:
        return require(record, wanted, str(source))
    except ValueError as error:
        raise RunFolderError(f"{error}: {remedy}") from None


def read_experiment(record: Mapping[str, Any], source: Path, remedy: str = RESTORE_OR_RESTART) -> Experiment:
    """The experiment stored in a run's configuration or in a genome's provenance."""
    from enu_lib.experiments import Experiment

    config = checked(record, {"experiment": dict}, source, remedy)["experiment"]
    try:
        experiment = from_config(config)
    except ValueError as error:
        raise RunFolderError(f"{source}: {error}") from None
    if not isinstance(experiment, Experiment):
        raise RunFolderError(f"{source} must hold an experiment, not {shown(experiment)}: {remedy}")
    return experiment


def write_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    meta: Mapping[str, Any],
    remedy: str = CHOOSE_ANOTHER_OUT,
    previous: Path | None = None,
) -> None:
    """Write float32 vectors and, as JSON under the metadata key "enu", `meta` with the checksum of both."""
    from safetensors.torch import save

    cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(cpu, {"enu": json.dumps(sealed(meta, cpu))}), remedy, previous)


def read_tensors(
    path: Path, remedy: str = RESTORE_OR_RESTART, fits: Callable[[Json, dict[str, int]], None] | None = None
) -> tuple[dict[str, Tensor], Json]:
    """The vectors and metadata of a file written by `write_tensors`, after verifying its checksum, if it has one.

    fits: called with the metadata and the vectors' lengths before the vectors are read, to raise an error if they are wrong.
    Raises RunFolderError if the file is missing or damaged, or if a number is NaN or infinite.  The file is read, not mapped
    into memory, so that the tensors do not depend on what happens to it later.
    """
    from safetensors.torch import load

    with _reading(path, remedy) as (file, start, meta, lengths):
        if fits:
            fits(meta, lengths)
        tensors = load(start + file.read())
        if {name: list(tensor.shape) for name, tensor in tensors.items()} != {name: [n] for name, n in lengths.items()}:
            raise ValueError("its header is ambiguous")
        verify(meta, tensors)
        for name, tensor in tensors.items():
            if not tensor.isfinite().all():
                raise ValueError(f"{name} has values that are NaN or infinite")
    return tensors, meta


def read_header(path: Path, remedy: str = RESTORE_OR_RESTART) -> Json:
    """The metadata of a file written by `write_tensors`, without its vectors and therefore without verifying its checksum.

    Raises RunFolderError if the file is missing or its header is damaged.
    """
    with _reading(path, remedy) as (_, _, meta, _):
        return meta


@contextmanager
def _reading(path: Path, remedy: str) -> Iterator[tuple[BinaryIO, bytes, Json, dict[str, int]]]:
    """A file written by `write_tensors`, open after its header: file, header, metadata and the vectors' lengths.

    Errors inside the context become RunFolderErrors that name the file and the remedy.
    """
    try:
        _check_file(path, remedy)
        with path.open("rb") as file:
            start = file.read(8)
            size = int.from_bytes(start, "little")
            if size > LARGEST_JSON:
                raise ValueError(f"its header has {size} bytes, at most {LARGEST_JSON} are read")
            text = file.read(size)
            yield file, start + text, *_header(text)
    except FileNotFoundError:
        raise RunFolderError(f"{path} does not exist: no checkpoint or genome has been saved there yet") from None
    except OSError as error:
        raise cannot("read", path, error, remedy) from None
    except RunFolderError:
        raise
    except (SafetensorError, ValueError) as error:
        problem = " ".join(str(error).split())[:300]  # safetensors quotes what it does not understand, however long
        raise RunFolderError(f"{path} is damaged ({problem}): {remedy}") from None


def _header(text: bytes) -> tuple[Json, dict[str, int]]:
    """The metadata in a safetensors header, and the lengths of the vectors."""
    header = parse_json(text, "its header")
    words = require(header, {"__metadata__": dict[str, str]}, "its header")["__metadata__"]
    meta = parse_json(require(words, {"enu": str}, "its metadata")["enu"], "its metadata")
    require(meta, {}, "its metadata")
    lengths: dict[str, int] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        tensor = require(entry, {"dtype": str, "shape": list[int]}, shown(name))
        if tensor["dtype"] != "F32" or len(tensor["shape"]) != 1:
            raise ValueError(f"{shown(name)} is not a float32 vector, but {shown(tensor['dtype'])} {shown(tensor['shape'])}")
        (lengths[name],) = tensor["shape"]
    return meta, lengths


@contextmanager
def locked(folder: Path, wait: bool = False, remedy: str = CHOOSE_ANOTHER_OUT) -> Iterator[None]:
    """Create the folder if needed and lock it against other processes.  wait: rather than fail after `RELEASE`."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=-1 if wait else RELEASE)
    except Timeout:
        raise RunFolderError(f"another process is using {folder}: wait for it, or {remedy}") from None
    except OSError as error:
        raise cannot("write in", folder, error, remedy) from None
    try:
        yield
    finally:
        lock.release()


def open_folder(folder: Path, config: str) -> bool:
    """Write config.json into an empty folder, or check that an existing one has the same configuration (as JSON).

    Returns whether there is a checkpoint to resume from.  Only the stopping point (`generations`, `target`) may differ from
    an existing configuration, which is not changed here.
    """
    path = folder / CONFIG
    if not path.exists():
        ours = (LOCK, f".{path.name}.")  # the lock, and temporary files of a killed process
        if not all(file.name.startswith(ours) for file in folder.iterdir()):
            raise RunFolderError(f"{folder} is not empty and not a run folder: {CHOOSE_ANOTHER_OUT}")
        write_config(folder, config)
        return False
    old, new = read_record(path, {"experiment": dict}), json.loads(config)
    old.pop(CHECKSUM, None)
    longer = {**old, "experiment": {**_completed(old["experiment"]), **_length(new)}}
    if longer != new:
        raise RunFolderError(
            f"{folder} holds a run with another configuration ({_difference(longer, new)}): "
            f"{CHOOSE_ANOTHER_OUT}, or use that run's settings to resume it"
        )
    return (folder / CHECKPOINT).exists() or (folder / PREVIOUS).exists()


def write_config(folder: Path, config: str) -> None:
    """Replace config.json by a configuration in JSON."""
    write_atomically(folder / CONFIG, json.dumps(sealed(json.loads(config)), indent=1).encode())


def _completed(experiment: Json) -> Json:
    """Settings from an older version, with the defaults of settings added since."""
    try:
        completed: Json = to_config(from_config(experiment))
        return completed
    except ValueError:
        return experiment


def _length(config: Json) -> Json:
    """The settings that may change when a run is resumed: its stopping point."""
    return {key: config["experiment"][key] for key in ("generations", "target")}


def _difference(old: Any, new: Any, path: str = "") -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                return _difference(old.get(key), new.get(key), f"{path}.{key}".strip("."))
    return f"{path} is {shown(old)} there, {shown(new)} here"
