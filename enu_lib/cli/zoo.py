"""python -m enu_lib zoo: the evolved genomes that ship with the package."""

from __future__ import annotations

import argparse
import json
from typing import Any

from enu_lib.cli.arguments import path, print_table


def add(commands: Any) -> None:
    """Add the command to the parser."""
    zoo = commands.add_parser("zoo", help="the evolved genomes that ship with the package")
    actions = zoo.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="names, with a line each").set_defaults(run=list_entries)
    show = actions.add_parser("show", help="where an entry comes from, and its scores, as JSON")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=show_entry)
    verify = actions.add_parser("verify", help="measure entries again on other fresh environments")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    verify.set_defaults(run=verify_entries)
    new = actions.add_parser("add", help="store a run's best genome as an entry")
    new.add_argument("folder", type=path, metavar="RUN", help="run folder")
    new.add_argument("name", metavar="NAME", help="EXPERIMENT-MODEL, as stdp-enu")
    new.add_argument("--note", default="", help="a sentence for those who come after")
    new.add_argument("--latest", action="store_true", help="the latest parent, not the best one on held-out environments")
    new.set_defaults(run=add_entry)


def list_entries(_: argparse.Namespace) -> None:
    """Print all entries, a line each."""
    from enu_lib import zoo

    rows = []
    for name in zoo.names():
        entry = zoo.load(name)
        p = entry.provenance
        text = f"{p['generations']} generations, {p['seconds'] / 60:.0f} min, {p['date']}"
        rows.append((name, f"fitness {entry.scores['fitness']:.5g}", text))
    print_table(rows)


def show_entry(options: argparse.Namespace) -> None:
    """Print where an entry comes from."""
    from enu_lib import zoo

    print(json.dumps(zoo.load(options.name).provenance, indent=1))


def verify_entries(options: argparse.Namespace) -> None:
    """Measure entries again."""
    from enu_lib import zoo

    for name in options.names or zoo.names():
        rows = [(k, f"{a:.5g}", f"{b:.5g}") for k, (a, b) in zoo.verify(name).items()]
        print(name)
        print_table([("  measure", "stored", "found again"), *((f"  {k}", a, b) for k, a, b in rows)])


def add_entry(options: argparse.Namespace) -> None:
    """Store a run as an entry."""
    from enu_lib import zoo
    from enu_lib.storage.run import load_run

    entry = zoo.add(load_run(options.folder), options.name, note=options.note, latest=options.latest)
    print(json.dumps(entry.scores, indent=1))
