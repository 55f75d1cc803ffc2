"""The command line: python -m enu_lib evolve | evaluate | zoo | ...

What cannot be used gets one line naming the value and the remedy, and exit code 2.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

EPILOG = """examples:
  python -m enu_lib evolve stdp --out runs/stdp          evolve a synapse in minutes; run it again to go on
  python -m enu_lib evolve iaf --model lstm --seed 3 --out runs/iaf-lstm-3
  python -m enu_lib evolve tmaze --set task.arm=3 --time-limit 30m --out runs/tmaze-3
  python -m enu_lib evaluate runs/stdp                   judge a run on inputs it never saw
  python -m enu_lib evaluate tmaze-enu                   what a network learns in mazes, ability by ability
  python -m enu_lib sweep --time-limit 2h                all models, tasks and seeds; again to go on
  python -m enu_lib claims                               what of the paper is reproduced, and by which rule
  python -m enu_lib zoo list                             the evolved genomes that ship with the package
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        code = options.run(options) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # as by `| head`; what is left to be written goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        print("enu_lib: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        from enu_lib.faults import explain

        line = explain(error)
        if line is None:
            raise
        print(f"enu_lib: {line}", file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    """Tells of arguments that cannot be used in one line, as everything else here."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"enu_lib: {' '.join(message.split())[:300]}; see {self.prog} --help\n")


def _path(text: str) -> str:
    return os.path.expanduser(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m enu_lib",
        description="Evolve neural units that learn, and look at those that have evolved.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_evolve(commands)

    evaluate = commands.add_parser("evaluate", help="judge a genome, or a scripted agent, on fresh environments")
    evaluate.add_argument("folder", nargs="?", type=_path, metavar="RUN", help="run folder, or zoo entry")
    evaluate.add_argument("--agent", metavar="NAME", help="a scripted agent of the mazes in its place, such as latch")
    evaluate.add_argument("--double", action="store_true", help="in the double T-maze too, wherever it evolved")
    evaluate.add_argument("--n", type=int, help="sequences (2048), or episodes in each maze (480)")
    evaluate.add_argument("--seed", type=int, default=77, help="of the environments (%(default)s)")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(run=_evaluate)

    bench = commands.add_parser("bench", help="seconds and GFLOP/s of a generation, all paths side by side")
    bench.add_argument("--json", type=_path, metavar="FILE", help="write everything that was measured")
    bench.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    bench.add_argument("--only", default="", metavar="WORDS", help="only tables whose name holds these words, such as paper")
    bench.set_defaults(run=_bench)

    _add_sweep(commands)
    _add_claims(commands)

    zoo = commands.add_parser("zoo", help="the evolved genomes that ship with the package")
    actions = zoo.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="names, with a line each").set_defaults(run=_zoo_list)
    show = actions.add_parser("show", help="where an entry comes from, and its scores, as JSON")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(run=_zoo_show)
    verify = actions.add_parser("verify", help="measure entries again on other fresh environments")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    verify.set_defaults(run=_zoo_verify)
    add = actions.add_parser("add", help="store a run's best genome as an entry")
    add.add_argument("folder", type=_path, metavar="RUN", help="run folder")
    add.add_argument("name", metavar="NAME", help="EXPERIMENT-MODEL, as stdp-enu")
    add.add_argument("--note", default="", help="a sentence for those who come after")
    add.add_argument("--latest", action="store_true", help="the latest parent, not the best one on held-out environments")
    add.set_defaults(run=_zoo_add)
    return parser


def _add_evolve(commands: Any) -> None:
    from enu_lib.experiments import MODELS, NAMES, PROFILES

    evolve = commands.add_parser(
        "evolve",
        help="evolve an experiment (goes on where it was, if the run folder exists)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Evolve an experiment of the paper. Ctrl-C, SIGTERM and SIGHUP end cleanly; the same command goes on.\n\n"
            f"experiments: {', '.join(NAMES)}\nmodels: {', '.join(MODELS)}\n"
            f"profiles: {', '.join(PROFILES)} (seconds; our settings; the published sizes)"
        ),
    )
    evolve.add_argument("experiment", metavar="EXPERIMENT", help="one of those above")
    evolve.add_argument("--model", default="enu", help="of the units (%(default)s)")
    evolve.add_argument("--profile", default="laptop", help="sizes and generations (%(default)s)")
    evolve.add_argument("--seed", type=int, default=0, help="of everything random (%(default)s)")
    evolve.add_argument("--out", type=_path, metavar="FOLDER", help="run folder (runs/EXPERIMENT-MODEL-PROFILE-SEED)")
    for name, kind, text in (
        ("generations", int, "generations in all"),
        ("population", int, "offspring a generation, even"),
        ("environments", int, "environments a generation"),
        ("sigma", float, "s.d. of mutations"),
        ("hidden", int, "memory values of a unit"),
    ):
        evolve.add_argument(f"--{name}", type=kind, help=text)
    evolve.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="settings",
        help="any other setting, as task.shuffle=none or es.power=3; may be repeated",
    )  # fmt: skip
    evolve.add_argument("--parent", type=_path, metavar="NAME", help="begin from this zoo entry or run folder's genome")
    evolve.add_argument("--time-limit", type=_seconds, metavar="TIME", help="stop after 90s, 9m, 2h")
    evolve.add_argument("--threads", type=int, help="of the CPU kernel (all cores)")
    evolve.add_argument("--device", default="auto", help="auto, cpu, cuda (%(default)s)")
    evolve.add_argument("--quiet", action="store_true", help="no progress bar, nor a line a minute where there is no terminal")
    evolve.set_defaults(run=_evolve)


def _evolve(options: argparse.Namespace) -> None:
    from enu_lib.evolve import evolve

    names = ("generations", "population", "environments", "sigma", "hidden")
    short = {n: getattr(options, n) for n in names if getattr(options, n) is not None}
    out = options.out or f"runs/{options.experiment}-{options.model}-{options.profile}-{options.seed}"
    run = evolve(
        options.experiment,
        model=options.model,
        profile=options.profile,
        seed=options.seed,
        out=out,
        parent=_evolved(options.parent).genome if options.parent else None,
        threads=options.threads,
        device=options.device,
        time_limit=options.time_limit,
        progress=not options.quiet,
        settings=dict(_setting(text) for text in options.settings),
        **short,
    )
    left = run.experiment.generations - run.generation
    print(
        f"{run.stopped} after {run.generation} generations and {run.seconds:.0f} s; "
        f"best held-out fitness {run.score:.5g}; {out}"
    )
    if left and run.stopped in ("interrupted", "time limit"):
        hours = left * run.seconds / max(1, run.generation) / 3600
        print(f"{left} generations left, about {hours:.1f} h at this speed: the same command goes on")


def _add_sweep(commands: Any) -> None:
    sweep = commands.add_parser("sweep", help="all models on all tasks, many seeds; again to go on")
    sweep.add_argument("--profile", default="laptop", help="smoke, laptop, paper (%(default)s)")
    sweep.add_argument("--experiments", metavar="A,B", help="only these, with commas between (all)")
    sweep.add_argument("--models", metavar="A,B", help="only these, with commas between (all)")
    sweep.add_argument(
        "--seeds", type=int, help="at most so many of each (10 for single units, 5 for mazes and for some checks)"
    )
    sweep.add_argument("--no-checks", action="store_true", help="only the models that the claims compare")
    sweep.add_argument("--jobs", type=int, help="processes of one thread each (all cores)")
    sweep.add_argument("--time-limit", type=_seconds, metavar="TIME", help="stop after 90s, 9m, 2h, with all saved")
    sweep.add_argument("--out", type=_path, metavar="FOLDER", help="of the run folders (runs/sweep-PROFILE)")
    sweep.add_argument("--dry-run", action="store_true", help="only say what there is, what is left, and how long it takes")
    sweep.add_argument("--collect", action="store_true", help="only store the results of what is done, for the figures")
    sweep.add_argument("--again", action="store_true", help="run those too whose results are stored already")
    sweep.add_argument("--results", type=_path, metavar="FOLDER", help="where --collect stores them (in the package)")
    sweep.add_argument("--quiet", action="store_true", help="no progress bar, nor a line a minute where there is no terminal")
    sweep.set_defaults(run=_sweep)


def _sweep(options: argparse.Namespace) -> int:
    from pathlib import Path

    from enu_lib.kernels import default_threads
    from enu_lib.kinds import Between, conform
    from enu_lib.study import results, sweep

    names = options.experiments.split(",") if options.experiments else sweep.ORDER
    models = options.models.split(",") if options.models else None
    todo = sweep.jobs(options.profile, names, options.seeds, not options.no_checks, models)
    out = Path(options.out) if options.out else sweep.default_out(options.profile)
    jobs = default_threads() if options.jobs is None else conform(Annotated[int, Between(1, 4096)], options.jobs, "--jobs")
    errors: list[str] = []
    folder = Path(options.results) if options.results else None
    if options.collect:
        print(f"{len(results.collect(options.profile, out, folder).runs)} runs stored")
        return 0
    stored = {} if options.again else sweep.stored_jobs(options.profile, todo, folder)
    if not options.dry_run:
        left = [job for job in todo if job not in stored]
        errors = sweep.run(options.profile, left, out, jobs, options.time_limit, not options.quiet)
    plans = sweep.plan(options.profile, todo, out, stored)
    head = ("experiment", "model", "memory", "parameters", "generations", "runs done", "seconds each")
    rows = [
        (p.experiment, p.model, str(p.hidden), str(p.n_params), str(p.generations), f"{p.done}/{p.runs}", f"{p.seconds:.0f}")
        for p in plans
    ]
    _table([head, *rows])
    print(f"{sum(p.runs - p.done for p in plans)} runs left, about {sweep.hours(plans, jobs):.1f} h on {jobs} cores; {out}")
    for error in errors:
        print(f"enu_lib: {error}", file=sys.stderr)
    return 1 if errors else 0


def _add_claims(commands: Any) -> None:
    claims = commands.add_parser("claims", help="what of the paper is reproduced, by which rule, from what is stored")
    claims.add_argument("--json", action="store_true", help="print JSON, rules and all parts with it")
    claims.add_argument("--markdown", action="store_true", help="print the README's table")
    claims.add_argument("--write", type=_path, metavar="README", help="put that table into this file, between its marks")
    claims.add_argument("--measure", action="store_true", help="first simulate reference agents and spiking anew (a minute)")
    claims.set_defaults(run=_claims)


def _claims(options: argparse.Namespace) -> None:
    from enu_lib.study import claims, evidence, ledger

    if options.measure:
        evidence.measure()
    found = claims.judge(evidence.gather())
    if options.write:
        ledger.write(options.write, found)
    elif options.json:
        print(json.dumps(ledger.as_json(found), indent=1))
    elif options.markdown:
        print(ledger.as_markdown(found))
    else:
        for finding in found:
            print(f"{finding.claim.key:4}{finding.verdict:12}{finding.claim.statement}")
            for part in finding.parts:
                print(f"    {ledger.MARK[part.outcome]} {part.name}: {part.measured}")


def _evolved(name: str) -> Any:
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


def _setting(text: str) -> tuple[str, Any]:
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


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 9m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _evaluate(options: argparse.Namespace) -> None:
    from enu_lib.analysis.battery import battery
    from enu_lib.analysis.scores import scores
    from enu_lib.kinds import Batch, conform
    from enu_lib.network import Network
    from enu_lib.tasks.maze import Maze

    if options.n is not None:
        conform(Batch, options.n, "--n")
    if (options.folder is None) == (options.agent is None):
        raise ValueError("evaluate takes one of a run folder, a zoo entry, and --agent NAME (such as --agent latch)")
    subject = _evolved(options.folder) if options.agent is None else None
    if subject is not None and not (isinstance(subject.task, Maze) and isinstance(subject.model, Network)):
        measured = scores(subject.model, subject.genome, subject.task, options.n or 2048, options.seed)
        if options.json:
            print(json.dumps(measured, indent=1))
        else:
            _table([(key, f"{value:.5g}") for key, value in measured.items()])
        return
    n, seed, double = options.n or 480, options.seed, options.double or None
    if subject is None:
        found = battery(options.agent, n=n, seed=seed, double=double)
    else:
        found = battery(subject.model, subject.genome, subject.task, n, seed, double, options.folder)
    if options.json:
        print(json.dumps(found.as_json(), indent=1))
        return
    print(f"{found.agent}: {n} lives in each maze")
    _table(found.table())


def _bench(options: argparse.Namespace) -> None:
    from pathlib import Path

    from enu_lib.bench import cases as bench

    found = bench.measure(options.quick, options.only)
    if options.json:
        Path(options.json).write_text(bench.to_json(found), encoding="utf-8")


def _zoo_list(_: argparse.Namespace) -> None:
    from enu_lib import zoo

    rows = []
    for name in zoo.names():
        entry = zoo.load(name)
        p = entry.provenance
        text = f"{p['generations']} generations, {p['seconds'] / 60:.0f} min, {p['date']}"
        rows.append((name, f"fitness {entry.scores['fitness']:.5g}", text))
    _table(rows)


def _zoo_show(options: argparse.Namespace) -> None:
    from enu_lib import zoo

    print(json.dumps(zoo.load(options.name).provenance, indent=1))


def _zoo_verify(options: argparse.Namespace) -> None:
    from enu_lib import zoo

    for name in options.names or zoo.names():
        rows = [(k, f"{a:.5g}", f"{b:.5g}") for k, (a, b) in zoo.verify(name).items()]
        print(name)
        _table([("  measure", "stored", "found again"), *((f"  {k}", a, b) for k, a, b in rows)])


def _zoo_add(options: argparse.Namespace) -> None:
    from enu_lib import zoo
    from enu_lib.storage.run import load_run

    entry = zoo.add(load_run(options.folder), options.name, note=options.note, latest=options.latest)
    print(json.dumps(entry.scores, indent=1))


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
