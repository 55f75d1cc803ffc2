"""What commands share: kinds of arguments, genomes by name, tables."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from typing import Any


def path(text: str) -> str:
    """A path with ~ expanded."""
    return os.path.expanduser(text)


def seconds(text: str) -> float:
    """A duration such as 90s, 9m or 2h, in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 9m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def setting(text: str) -> tuple[str, Any]:
    """PATH=VALUE as a setting's path and its value: JSON where it is JSON, else a word."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ValueError(f"--set takes PATH=VALUE, as es.power=3, got {text!r}")
    from enu_lib.config import from_config, parse_json

    words: dict[str, Any] = {"None": None, "True": True, "False": False}
    if value in words:
        return path, words[value]
    try:
        json.loads(value)
    except ValueError:
        return path, value  # a word
    except RecursionError:
        pass
    parsed = parse_json(value, f"--set {path}")
    try:
        return path, from_config(parsed)
    except ValueError as error:
        raise ValueError(f"--set {path}: {error}") from None


def evolved(name: str) -> Any:
    """A run by its folder, or else a zoo entry by its name."""
    from pathlib import Path

    from enu_lib import zoo
    from enu_lib.storage.run import load_run

    if Path(name).is_dir():
        return load_run(name)
    try:
        return zoo.load(name)
    except ValueError as error:
        raise ValueError(f"{name} is no run folder, and {error}") from None


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
