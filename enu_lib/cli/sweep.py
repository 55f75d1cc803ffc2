"""python -m enu_lib sweep: evolve all models on all tasks with many seeds."""

from __future__ import annotations

import argparse
import sys

from enu_lib.base import names
from enu_lib.cli.arguments import Commands, path, print_table, seconds


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    sweep = commands.add_parser("sweep", help="evolve all models on all tasks with many seeds; run again to resume")
    sweep.add_argument(
        "--study",
        default="first",
        choices=("first", "second"),
        help="first, or second, whose protocol was fixed beforehand (%(default)s)",
    )
    sweep.add_argument("--profile", default="laptop", help="smoke, laptop, paper (%(default)s)")
    sweep.add_argument("--experiments", metavar="A,B", help="only these, separated by commas (all)")
    sweep.add_argument("--models", metavar="A,B", help="only these, separated by commas (all)")
    sweep.add_argument("--seeds", type=int, help="at most this many seeds (10 for single units, 5 for mazes and some checks)")
    sweep.add_argument("--no-checks", action="store_true", help="only the models that the claims compare")
    sweep.add_argument("--jobs", type=int, help="number of processes, with one thread each (one per core or GPU)")
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="use the workers of this Dask scheduler; they must see FOLDER")
    sweep.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="cuda: one process per GPU (%(default)s)")
    sweep.add_argument("--per-device", type=int, default=1, metavar="N", help="evolutions at a time on each GPU (%(default)s)")
    sweep.add_argument("--time-limit", type=seconds, metavar="TIME", help="save and stop after this time, e.g. 90s, 9m, 2h")
    sweep.add_argument("--out", type=path, metavar="FOLDER", help="where to keep the run folders (runs/sweep-PROFILE)")
    sweep.add_argument("--dry-run", action="store_true", help="only list the runs, what is left to do, and how long it takes")
    sweep.add_argument("--collect", action="store_true", help="only store the results of finished runs, for the figures")
    sweep.add_argument("--again", action="store_true", help="also run those whose results are already stored")
    sweep.add_argument("--results", type=path, metavar="FOLDER", help="where --collect stores results (in the package)")
    sweep.add_argument("--quiet", action="store_true", help="do not show progress")
    sweep.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    # what can be checked without torch, before importing it
    names.one_of("profile", options.profile, names.PROFILES)
    if options.study == "second":
        return _second(options)
    chosen = options.experiments.split(",") if options.experiments else names.SWEPT
    for name in chosen:
        names.one_of("experiment of the sweep", name, names.SWEPT)

    from enu_lib.study import results, sweep

    models = options.models.split(",") if options.models else None
    todo = sweep.jobs(options.profile, chosen, options.seeds, not options.no_checks, models)
    out = options.out or sweep.default_out(options.profile)
    jobs = 1 if options.scheduler else len(sweep.gpus(options.device, options.per_device, options.jobs))
    if options.collect:
        print(f"{len(results.collect(options.profile, out, options.results).runs)} runs stored")
        return 0
    stored = {} if options.again else sweep.stored_jobs(options.profile, todo, options.results)
    left = [] if options.dry_run else [job for job in todo if job not in stored]
    errors = sweep.run(
        options.profile, left, out, jobs=options.jobs, time_limit=options.time_limit, progress=not options.quiet,
        scheduler=options.scheduler, device=options.device, per_device=options.per_device,
    )  # fmt: skip
    plans = sweep.plan(options.profile, todo, out, stored)
    head = ("experiment", "model", "memory", "parameters", "generations", "runs done", "seconds each")
    rows = [
        (p.experiment, p.model, str(p.hidden), str(p.n_params), str(p.generations), f"{p.done}/{p.runs}", f"{p.seconds:.0f}")
        for p in plans
    ]
    print_table([head, *rows])
    print(f"{sum(p.runs - p.done for p in plans)} runs left, about {_shared(sweep.hours(plans), jobs, options)}; {out}")
    for error in errors:
        print(f"enu_lib: {error}", file=sys.stderr)
    return 1 if errors else 0


def _second(options: argparse.Namespace) -> int:
    """Run the second study, whose models and seeds are fixed."""
    from pathlib import Path

    for name in ("models", "seeds", "no_checks", "again"):
        if getattr(options, name):
            option = "--" + name.replace("_", "-")
            raise ValueError(f"{option} does not apply to --study second, whose runs are fixed: leave it out")

    from enu_lib.study import protocol, second, sweep

    planned = protocol.chosen_by(options.experiments)
    out = Path(options.out) if options.out else second.default_out(options.profile)
    folder = Path(options.results) if options.results else None
    if options.collect:
        print(f"{second.collect(options.profile, out, folder)} runs stored")
        return 0
    jobs = 1 if options.scheduler else len(sweep.gpus(options.device, options.per_device, options.jobs))
    errors: list[str] = []
    if not options.dry_run:
        errors = second.run(
            planned, out, options.profile, folder, options.time_limit, jobs=options.jobs, progress=not options.quiet,
            scheduler=options.scheduler, device=options.device, per_device=options.per_device,
        )  # fmt: skip
    parts = second.table(planned, options.profile, out, folder)
    print_table([("experiment", "task", "part", "runs done", "core-hours at most"), *map(second.label, parts)])
    left = sum(part.seconds * (part.runs - part.done) / part.runs for part in parts) / 3600
    print(f"{sum(p.runs - p.done for p in parts)} runs left, at most about {_shared(left, jobs, options)}; {out}")
    for error in errors:
        print(f"enu_lib: {error}", file=sys.stderr)
    return 1 if errors else 0


def _shared(core_hours: float, jobs: int, options: argparse.Namespace) -> str:
    """How long these workers will take, as text; only core-hours where they are not local cores, whose speed is unknown."""
    if options.scheduler:
        return f"{core_hours:.1f} core-hours"
    if options.device == "cuda":
        return f"{core_hours:.1f} core-hours of work, shared by {jobs} GPU worker{'s' if jobs > 1 else ''}"
    return f"{core_hours / jobs:.1f} h on {jobs} core{'s' if jobs > 1 else ''}"
