"""python -m enu_lib evaluate: measure the abilities of a genome or a scripted agent."""

from __future__ import annotations

import argparse
import json

from enu_lib.base import names
from enu_lib.cli.arguments import Commands, evolved, path, print_table, require_evolved


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    evaluate = commands.add_parser("evaluate", help="evaluate a genome, or a scripted agent, on new environments")
    evaluate.add_argument("folder", nargs="?", type=path, metavar="RUN", help="run folder or zoo entry")
    evaluate.add_argument("--agent", metavar="NAME", help="evaluate a scripted maze agent instead, such as latch")
    evaluate.add_argument(
        "--double", action="store_true", help="also test in the double T-maze (networks that evolved there always are)"
    )
    evaluate.add_argument("--n", type=int, help="number of sequences (2048), or of episodes in each maze (480)")
    evaluate.add_argument("--seed", type=int, default=77, help="seed of the environments (%(default)s)")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    # what can be checked without torch, before importing it
    if (options.folder is None) == (options.agent is None):
        raise ValueError("evaluate takes either a run folder or zoo entry, or --agent NAME (such as --agent latch)")
    if options.agent is None:
        require_evolved(options.folder)
    else:
        names.one_of("agent", options.agent, names.AGENTS)

    from enu_lib.base.kinds import Batch, conform

    if options.n is not None:
        conform(Batch, options.n, "--n")

    from enu_lib.analysis.battery import battery
    from enu_lib.analysis.scores import scores
    from enu_lib.tasks.maze import Maze

    subject = evolved(options.folder) if options.agent is None else None
    if subject is not None and not isinstance(subject.task, Maze):
        measured = scores(subject.model, subject.genome, subject.task, options.n or 2048, options.seed)
        if options.json:
            print(json.dumps(measured, indent=1))
        else:
            print_table([(key, f"{value:.5g}") for key, value in measured.items()])
        return
    n, seed, double = options.n or 480, options.seed, options.double or None
    if subject is None:
        results = battery(options.agent, n=n, seed=seed, double=double)
    else:
        results = battery(subject.model, subject.genome, subject.task, n, seed, double, options.folder)
    if options.json:
        print(json.dumps(results.as_json(), indent=1))
        return
    print(f"{results.agent}: {n} episodes in each maze")
    print_table(results.table())
