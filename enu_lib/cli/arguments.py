"""Helpers for commands: argument types, genomes by name, tables."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the command line answers at once, without torch
    from enu_lib.storage.run import FromExperiment

Commands = argparse._SubParsersAction  # where a command adds its parser: what `add_subparsers` returns


def path(text: str) -> str:
    """A path with ~ expanded."""
    return os.path.expanduser(text)


def seconds(text: str) -> float:
    """A duration such as 90s, 9m or 2h, in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration: write e.g. 90s, 9m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def setting(text: str) -> tuple[str, Any]:
    """The path and value of a setting PATH=VALUE.  The value is parsed as JSON if possible, else taken as a string."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ValueError(f"--set takes PATH=VALUE, such as es.power=3, got {text!r}")
    from enu_lib.config import from_config, parse_json

    words: dict[str, Any] = {"None": None, "True": True, "False": False}
    if value in words:
        return path, words[value]
    try:
        json.loads(value)
    except ValueError:
        return path, value  # a string
    except RecursionError:
        pass
    parsed = parse_json(value, f"--set {path}")
    try:
        return path, from_config(parsed)
    except ValueError as error:
        raise ValueError(f"--set {path}: {error}") from None


def require_evolved(name: str) -> None:
    """Raise ValueError unless there is a folder or a zoo entry of this name."""
    from enu_lib import zoo

    if os.path.isdir(name):
        return
    try:
        zoo.require(name)
    except ValueError as error:
        raise ValueError(f"{name} is not a run folder, and {error}") from None


def evolved(name: str) -> FromExperiment:
    """The run in a folder of this name, or else the zoo entry of this name."""
    from enu_lib import zoo
    from enu_lib.storage.run import load_run

    require_evolved(name)
    return load_run(name) if os.path.isdir(name) else zoo.load(name)


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
