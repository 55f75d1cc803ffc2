"""The command line: python -m enu_lib evolve | evaluate | zoo | ...

Invalid input prints a one-line error that names the value and the remedy, and ends with exit code 2.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from enu_lib.cli import bench, claims, evaluate, evolve, sweep, zoo

EPILOG = """examples:
  python -m enu_lib evolve stdp --out runs/stdp          evolve a synapse in minutes; run again to resume
  python -m enu_lib evolve iaf --model lstm --seed 3 --out runs/iaf-lstm-3
  python -m enu_lib evolve tmaze --set task.arm=3 --time-limit 30m --out runs/tmaze-3
  python -m enu_lib evaluate runs/stdp                   evaluate a run on new environments
  python -m enu_lib evaluate tmaze-enu                   the abilities of an evolved network in mazes
  python -m enu_lib sweep --time-limit 2h                all models, tasks and seeds; run again to resume
  python -m enu_lib claims                               which claims of the paper are reproduced, and by which rule
  python -m enu_lib zoo list                             list the evolved genomes that ship with the package
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code = options.run(options) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # e.g. piped to `head`: discard the remaining output
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        print("enu_lib: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        from enu_lib.base.faults import explain

        line = explain(error)
        if line is None:
            raise
        print(f"enu_lib: {line}", file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    """Reports invalid arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"enu_lib: {' '.join(message.split())[:300]}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m enu_lib",
        description="Evolve neural units that learn, and analyse evolved ones.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (evolve, evaluate, sweep, claims, zoo, bench):
        command.add(commands)
    return parser
