"""python -m enu_lib bench: measure the speed of all backends."""

from __future__ import annotations

import argparse
from typing import Annotated

from enu_lib.cli.arguments import Commands, path


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    bench = commands.add_parser("bench", help="time generations on all backends, and in JAX and torch.compile")
    bench.add_argument("--json", type=path, metavar="FILE", help="write all measurements to this file")
    bench.add_argument("--quick", action="store_true", help="use tiny sizes, to check that it runs")
    bench.add_argument("--only", default="", metavar="WORDS", help="only tables whose name contains this text, such as paper")
    bench.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="NAME",
        help="do not time this implementation, such as JAX; can be repeated",
    )
    bench.add_argument(
        "--processes", type=int, metavar="N", help="instead, time one evolution in 1 process and in N, alternately"
    )
    bench.add_argument("--gpu", action="store_true", help="instead, time the kernels for Nvidia GPUs")
    bench.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from pathlib import Path

    from enu_lib.base.kinds import Between, conform

    count = options.processes
    if count is not None:
        conform(Annotated[int, Between(2, 4096)], count, "--processes")
    kinds = {"--gpu": options.gpu, "--processes": count is not None, "--only or --without": options.only or options.without}
    if len(given := [kind for kind, on in kinds.items() if on]) > 1:
        raise ValueError(f"{' and '.join(given)} cannot be combined: give only one of them")

    from enu_lib.bench import cases as bench
    from enu_lib.bench import gpu, sharing

    if options.gpu:
        results = gpu.measure(options.quick)
    elif count is None:
        results = bench.measure(options.quick, options.only, options.without)
    else:
        results = {"machine": bench.machine(), "processes": count, "cases": sharing.measure(count, quick=options.quick)}
    if options.json:
        Path(options.json).write_text(bench.to_json(results), encoding="utf-8")
