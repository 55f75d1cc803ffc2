"""The log of a run, log.csv: one row per generation, from generation 0, written before the checkpoint that covers it.

A checkpoint stores the SHA-256 of the file up to its last row.  On loading, these rows must be there, in order and
unchanged; rows beyond them, written before a kill prevented the next checkpoint, are cut off.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from enu_lib.base.kinds import NotNegative, conform, shown
from enu_lib.storage.folder import (
    CHOOSE_ANOTHER_OUT,
    LOG,
    RESTORE_OR_RESTART,
    RunFolderError,
    cannot,
    read_file,
    write_atomically,
)

if TYPE_CHECKING:  # so that the zoo can be listed without torch
    from torch import Tensor

COLUMNS = (
    "generation",  # counted from 0
    "fitness_mean",  # over offspring with finite fitness, in this generation's environments
    "fitness_sd",
    "fitness_max",
    "parent",  # fitness of the unperturbed parent in the same environments
    "held_out",  # fitness of the next parent in the held-out environments; empty if not evaluated
    "sigma",
    "seconds",  # computing time since the start of the run, excluding pauses
)
LONGEST_NUMBER = 32  # characters of a number; longer ones are not ours
Row = dict[str, float]


class Checksum(Protocol):
    """A checksum that more bytes can be added to, as `hashlib` makes it."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def summary(fitness: Tensor) -> Row:
    """Columns of the log on the fitness (P,) of the offspring: of those that are finite, and of the parent, the first."""
    some = fitness[fitness.isfinite()] if bool(fitness.isfinite().any()) else fitness[:1]
    return {
        "fitness_mean": some.mean().item(),
        "fitness_sd": some.std(correction=0).item(),
        "fitness_max": some.max().item(),
        "parent": fitness[0].item(),
    }


def append_log(folder: Path, rows: list[Row], so_far: Checksum) -> None:
    """Append rows to log.csv and sync it; generation 0 begins a new file.  so_far: SHA-256 of the file, which is updated."""
    if not rows:
        return
    path, begins = folder / LOG, rows[0]["generation"] == 0
    text = _csv(rows, header=begins)
    if begins:
        write_atomically(path, text)
    else:
        try:
            with path.open("r+b") as file:
                file.seek(0, os.SEEK_END)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot("write", path, error, CHOOSE_ANOTHER_OUT) from None
    so_far.update(text)


def read_log(folder: Path) -> list[Row]:
    """Rows of log.csv; [] if there is no file.  Rows omit empty cells; a line truncated by a kill is left out."""
    return _rows(_lines(folder / LOG), folder / LOG) if (folder / LOG).exists() else []


def read_log_until(folder: Path, generation: int, checksum: str | None) -> tuple[list[Row], int, Checksum]:
    """The rows of the first generations, the size of that part of log.csv in bytes, and its SHA-256, which can be updated.

    Raises RunFolderError if a row is missing, repeated or out of order, or if the part does not match the checksum.
    """
    path = folder / LOG
    lines = _lines(path)[: 1 + generation]
    rows = _rows(lines, path)
    try:
        for k, row in enumerate(rows):
            if row["generation"] != k:
                raise ValueError(f"the row of generation {k} is missing or out of order: found {row['generation']:g} instead")
        if len(rows) < generation:
            raise ValueError(f"it has {len(rows)} rows, but the checkpoint is of generation {generation}")
        part = b"".join(lines)
        digest = hashlib.sha256(part)
        if checksum is not None and digest.hexdigest() != checksum:
            raise ValueError("its rows do not match the checksum in the checkpoint")
    except ValueError as error:
        raise RunFolderError(f"{path} is damaged ({error}): {RESTORE_OR_RESTART}") from None
    return rows, len(part), digest


def cut_log(folder: Path, size: int) -> None:
    """Cut log.csv off after `size` bytes."""
    path = folder / LOG
    try:
        if path.stat().st_size > size:
            with path.open("r+b") as file:
                file.truncate(size)
                os.fsync(file.fileno())
    except OSError as error:
        raise cannot("write", path, error, CHOOSE_ANOTHER_OUT) from None


def _lines(path: Path) -> list[bytes]:
    """All lines that end with a newline, header first."""
    whole, _, _ = read_file(path, largest=None).rpartition(b"\n")
    lines = [line + b"\n" for line in whole.split(b"\n")]
    if lines[0].strip() != ",".join(COLUMNS).encode():
        raise RunFolderError(f"{path} is damaged (its columns are not {', '.join(COLUMNS)}): {RESTORE_OR_RESTART}")
    return lines


def _rows(lines: list[bytes], path: Path) -> list[Row]:
    """Rows of a log's lines, the header among them."""
    try:
        return [_row(line, f"line {k}") for k, line in enumerate(lines[1:], 2)]
    except ValueError as error:
        raise RunFolderError(f"{path} is damaged ({error}): {RESTORE_OR_RESTART}") from None


def _row(line: bytes, name: str) -> Row:
    cells = line.decode().strip().split(",")
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{name} has {len(cells)} cells, not {len(COLUMNS)}")
    row: Row = {}
    for key, cell in zip(COLUMNS, cells, strict=True):
        if len(cell) > LONGEST_NUMBER:
            raise ValueError(f"{name}: {key} is {shown(cell)}")
        if cell:
            row[key] = float(cell)
    for key in ("generation", "seconds"):  # in every row
        row[key] = conform(NotNegative, row.get(key), f"{name}: {key}")
    return row


def _csv(rows: list[Row], header: bool) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if header:
        writer.writeheader()
    for row in rows:
        whole = {"generation": int(row["generation"])}
        writer.writerow({k: whole.get(k, f"{row[k]:.7g}") for k in COLUMNS if k in row})
    return text.getvalue().encode()
