"""python -m enu_lib evolve: evolve an experiment, or resume it."""

from __future__ import annotations

import argparse
import os
import textwrap
from collections.abc import Sequence

from enu_lib.base import names
from enu_lib.cli.arguments import Commands, evolved, path, require_evolved, seconds, setting


def _listed(what: str, which: Sequence[str]) -> str:
    """Names on lines of a terminal's width."""
    return textwrap.fill(f"{what}: {', '.join(which)}", 80, subsequent_indent="    ", break_on_hyphens=False)


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    evolve = commands.add_parser(
        "evolve",
        help="evolve an experiment (resumes if the run folder exists)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Evolve an experiment of the paper.\n\n"
            "Ctrl-C, SIGTERM and SIGHUP save and stop; run the same command to resume.\n"
            "Several processes: torchrun --nproc-per-node=4 -m enu_lib evolve EXPERIMENT\n\n"
            f"{_listed('experiments', names.EXPERIMENTS)}\n{_listed('models', names.MODELS)}\n"
            "profiles: smoke (takes seconds, evolves next to nothing), laptop (our settings),\n"
            "    paper (the published sizes)"
        ),
    )
    evolve.add_argument("experiment", metavar="EXPERIMENT", help="one of the experiments above")
    what = evolve.add_argument_group("what is evolved (on one kind of processor, this determines the result)")
    how = evolve.add_argument_group("how it is run")
    what.add_argument("--model", default="enu", help="kind of unit (%(default)s)")
    what.add_argument("--profile", default="laptop", help="sizes and generations (%(default)s)")
    what.add_argument("--seed", type=int, default=0, help="random seed (%(default)s)")
    how.add_argument("--out", type=path, metavar="FOLDER", help="run folder (runs/EXPERIMENT-MODEL-PROFILE-SEED)")
    for name, kind, text in (
        ("generations", int, "total number of generations"),
        ("population", int, "offspring per generation, an even number"),
        ("environments", int, "environments per generation"),
        ("sigma", float, "standard deviation of mutations"),
        ("hidden", int, "memory values per unit"),
    ):
        what.add_argument(f"--{name}", type=kind, help=text)
    what.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="settings",
        help="any other setting, such as task.shuffle=none or es.power=3; may be repeated",
    )  # fmt: skip
    what.add_argument(
        "--parent", type=path, metavar="NAME",
        help="start from the best genome of this zoo entry or run folder, by held-out fitness, with its wiring",
    )  # fmt: skip
    how.add_argument("--time-limit", type=seconds, metavar="TIME", help="save and stop after this time, e.g. 90s, 9m, 2h")
    how.add_argument("--threads", type=int, help="threads of the CPU kernel (all cores)")
    how.add_argument(
        "--device", default="auto", help="auto (a GPU for networks), cpu, cuda; processes share the GPUs (%(default)s)"
    )
    how.add_argument(
        "--process-timeout", type=seconds, default=600.0, metavar="TIME",
        help="how long the processes that torchrun starts wait for one another (10m)",
    )  # fmt: skip
    how.add_argument("--quiet", action="store_true", help="do not show progress")
    evolve.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    # what can be checked without torch, before importing it
    names.one_of("experiment", options.experiment, names.EXPERIMENTS)
    names.one_of("model", options.model, names.MODELS)
    names.one_of("profile", options.profile, names.PROFILES)
    settings = dict(setting(text) for text in options.settings)
    if options.parent:
        require_evolved(options.parent)

    # set before torch is imported: if processes lose contact, its stack traces would bury our message
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")
    from enu_lib.evolve import evolve
    from enu_lib.parallel.processes import join

    bare = ("generations", "population", "environments", "sigma", "hidden")
    short = {n: getattr(options, n) for n in bare if getattr(options, n) is not None}
    out = options.out or f"runs/{options.experiment}-{options.model}-{options.profile}-{options.seed}"
    with join(options.process_timeout) as processes:
        run = evolve(
            options.experiment,
            model=options.model,
            profile=options.profile,
            seed=options.seed,
            out=out,
            parent=evolved(options.parent) if options.parent else None,
            threads=options.threads,
            device=options.device,
            time_limit=options.time_limit,
            progress=not options.quiet,
            processes=processes,
            settings=settings,
            **short,
        )
    if processes.rank > 0:
        return
    left = run.experiment.generations - run.generation
    print(
        f"{run.stopped} after {run.generation} generations and {run.seconds:.0f} s; "
        f"best held-out fitness {run.score:.5g}; {out}"
    )
    if left and run.stopped in ("interrupted", "time limit"):
        hours = left * run.seconds / max(1, run.generation) / 3600
        print(f"{left} generations left, about {hours:.1f} h at this speed: run the same command to resume")
