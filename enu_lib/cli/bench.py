"""python -m enu_lib bench: how fast lives are computed."""

from __future__ import annotations

import argparse
from typing import Any

from enu_lib.cli.arguments import path


def add(commands: Any) -> None:
    """Add the command to the parser."""
    bench = commands.add_parser("bench", help="seconds and GFLOP/s of a generation, all paths side by side")
    bench.add_argument("--json", type=path, metavar="FILE", help="write everything that was measured")
    bench.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    bench.add_argument("--only", default="", metavar="WORDS", help="only tables whose name holds these words, such as paper")
    bench.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run it."""
    from pathlib import Path

    from enu_lib.bench import cases as bench

    found = bench.measure(options.quick, options.only)
    if options.json:
        Path(options.json).write_text(bench.to_json(found), encoding="utf-8")
