"""python -m enu_lib zoo: the evolved genomes that ship with the package."""

from __future__ import annotations

import argparse
import json

from enu_lib.cli.arguments import Commands, path, print_table


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    zoo = commands.add_parser("zoo", help="the evolved genomes that ship with the package")
    actions = zoo.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="list the entries").set_defaults(run=list_entries)
    show = actions.add_parser("show", help="print the provenance and scores of an entry as JSON")
    show.add_argument("name", metavar="NAME", help="an entry's name, as `zoo list` prints it")
    show.set_defaults(run=show_entry)
    verify = actions.add_parser("verify", help="measure entries again, on other new environments")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    verify.set_defaults(run=verify_entries)
    new = actions.add_parser("add", help="store a run's best genome as an entry")
    new.add_argument("folder", type=path, metavar="RUN", help="run folder")
    new.add_argument("name", metavar="NAME", help="EXPERIMENT-MODEL, such as stdp-enu")
    new.add_argument("--note", default="", help="a sentence to store with the entry")
    new.add_argument("--latest", action="store_true", help="store the latest parent instead of the best held-out one")
    new.set_defaults(run=add_entry)


def list_entries(_: argparse.Namespace) -> None:
    """Print all entries, one per line."""
    from enu_lib import zoo

    rows = []
    for name, p in zoo.listing().items():
        text = f"{p['generations']} generations, {p['seconds'] / 60:.0f} min, {p['date']}"
        rows.append((name, f"fitness {p['scores']['fitness']:.5g}", text))
    print_table(rows)


def show_entry(options: argparse.Namespace) -> None:
    """Print an entry's provenance."""
    from enu_lib import zoo

    print(json.dumps(zoo.load(options.name).provenance, indent=1))


def verify_entries(options: argparse.Namespace) -> None:
    """Measure entries again, and print the stored and the new scores."""
    from enu_lib import zoo

    for name in options.names or zoo.names():
        rows = [(k, f"{a:.5g}", f"{b:.5g}") for k, (a, b) in zoo.verify(name).items()]
        print(name)
        print_table([("  measure", "stored", "measured again"), *((f"  {k}", a, b) for k, a, b in rows)])


def add_entry(options: argparse.Namespace) -> None:
    """Store a run as an entry."""
    from enu_lib import zoo
    from enu_lib.storage.run import load_run

    entry = zoo.add(load_run(options.folder), options.name, note=options.note, latest=options.latest)
    print(json.dumps(entry.scores, indent=1))
