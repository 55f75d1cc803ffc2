"""All models on all tasks, many seeds: one run folder a cell, every core at work, stopped and resumed at will.

    python -m enu_lib sweep --profile laptop --time-limit 2h      # again to go on

A **cell** is (experiment, model, seed).  Cells come seed by seed, so that a sweep stopped half way has whole seeds of all
models; what checks our choices (matched parameter counts, clipped read-outs) and other evolution strategies come after
what the claims need.  Workers share no queue: each takes the first unfinished cell that nobody holds the lock of.  A worker
that dies loses what came after its last checkpoint, and nothing else.  A cell is done when its evaluation is written, or
its record is stored (`enu_lib.results`), on whatever machine that was; a done cell is not run again, with one exception: a
double T-maze goes on from a T-maze's genome, and where only that one's record is stored it is evolved anew, to the same end.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from queue import Empty
from typing import Any

import torch
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from enu_lib import experiments
from enu_lib.claims import MAIN
from enu_lib.config import from_config
from enu_lib.evolve import Run, evolve, load_run
from enu_lib.experiments import Experiment
from enu_lib.kernels import default_threads
from enu_lib.results import Record, Stored, collect, load, record, references
from enu_lib.runfolder import RunFolderError, read_tensors, write_atomically

MATCHED = "-matched"  # the model with as many parameters as the ENU of that experiment, or as near as its sizes allow
CHECKS = {  # what examines our choices
    "complex-stdp": ("gru-clip", "lstm-clip", "lstm-matched"),
    "stdp": ("gru-clip", "lstm-clip", "lstm-matched"),
    "iaf": ("gru-clip", "lstm-clip", "lstm-matched"),
    "tmaze": ("gru-clip", "lstm-matched", "shared-matched"),  # the GRU has nine tenths of the ENU's parameters as it is
}
# Settings changed.  As other evolution strategies, for how soon a level is reached: same lives in all as the sweep's own, but
# for the published one, which gets four times as many; a run ends where the experiment's held-out fitness is at that level.
# As our choices undone, to see what each is worth; as other rules to be evolved.
NARROW: dict[str, Any] = {"es.sigma": 0.01, "es.sigma_final": None}  # mutations as published
VARIANTS: dict[str, dict[str, Any]] = {
    "published": {**NARROW, "es.population": 512, "generations": 6000},
    "constant": {"es.sigma_final": None},
    "small": {"es.population": 64, "es.decay_generations": 12_000, "generations": 12_000, "evaluate_every": 80},
    "few": {"environments": 8, "es.decay_generations": 12_000, "generations": 12_000, "evaluate_every": 80},
    "adam": {"es.optimizer": "adam", "es.shaping": "centred", "es.learning_rate": 0.02},
    "narrow": NARROW,
    "narrow-small": {**NARROW, "es.population": 64, "generations": 12_000, "evaluate_every": 80},
    "narrow-few": {**NARROW, "environments": 8, "generations": 12_000, "evaluate_every": 80},
    "unscaled": {"task.input_scale": 1.0},
    "unrested": {"task.before": 0},
    "large": {"model.hidden": 32},
    "tau5": {"task.tau": 5.0},
    "tau20": {"task.tau": 20.0},
}
WAYS = ("published", "constant", "small", "few", "adam", "narrow", "narrow-small", "narrow-few")
STRATEGIES = {"complex-stdp": tuple(f"enu@{name}" for name in WAYS)}
TAUS = {"stdp": ("enu@tau5", "enu@tau20")}  # rules of other time constants than the published 10 steps
CHOICES = {"iaf": tuple(f"enu@{name}" for name in ("unscaled", "unrested", "constant", "large"))}  # one choice undone in each
ORDER = ("complex-stdp", "stdp", "iaf", "tmaze", "double-tmaze")
UNITS = ("complex-stdp", "stdp", "iaf")

# What differs from the profile of the same name in `experiments`; the same for all models of an experiment.
SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "smoke": {name: {} for name in ORDER},
    "laptop": {
        **{name: {"generations": 1500, "es.decay_generations": 1500, "evaluate_every": 10} for name in ("stdp", "iaf")},
        "complex-stdp": {"generations": 3000, "evaluate_every": 20},  # as many as the paper shows; half as many are too few
        "tmaze": {"generations": 350, "evaluate_every": 10, "evaluate_environments": 240},
        "double-tmaze": {"generations": 100, "environments": 24, "evaluate_every": 5, "evaluate_environments": 240},
    },
    "paper": {name: {} for name in ORDER},
}
SEEDS = {"smoke": (2, 1), "laptop": (10, 5), "paper": (10, 5)}  # of single units, of mazes

# A double T-maze's cell goes on from the best parent of the T-maze's cell of the same model and seed (reconstruction: a
# curriculum): from a random genome ours had hardly begun to eat there after 200 generations, even in the smallest one.
AFTER = {"smoke": {"double-tmaze": "tmaze"}, "laptop": {"double-tmaze": "tmaze"}, "paper": dict[str, str]()}

# Core-seconds of one offspring's life of one environment, 10^-6, measured with one core of an AMD Zen 5 (AVX-512): for
# the estimate of --dry-run before anything has been run.  In mazes lives end early at first; this is near their mean.
COST = {"complex-stdp": 3.5, "stdp": 3.5, "iaf": 5.5, "tmaze": 140.0, "double-tmaze": 280.0}
SLOWER = {"lstm": 1.35}


@dataclass(frozen=True)
class Cell:
    """One evolution of the sweep."""

    experiment: str
    model: str  # as in `experiments.MODELS`, perhaps with -matched
    seed: int

    @property
    def name(self) -> str:
        return f"{self.experiment}-{self.model}-{self.seed}"


SMOKE_CHECKS = [Cell("complex-stdp", model, 0) for model in ("lstm-matched", *STRATEGIES["complex-stdp"])]


def cells(
    profile: str,
    names: Sequence[str] = ORDER,
    seeds: int | None = None,
    checks: bool = True,
    only: Sequence[str] | None = None,
) -> list[Cell]:
    """The cells of a sweep in the order in which they are run; `seeds`: at most so many of each; `only`: these models."""
    if profile not in SETTINGS:
        raise ValueError(f"unknown profile {profile!r}: choose one of {', '.join(SETTINGS)}")
    for name in names:
        if name not in ORDER:
            raise ValueError(f"experiment {name!r} is not in the sweep: choose of {', '.join(ORDER)}")
    if seeds is not None and seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    found = []
    for models in (MAIN, CHECKS, CHOICES, TAUS, STRATEGIES) if checks else (MAIN,):
        for seed in range(max(SEEDS[profile])):
            for name in (n for n in ORDER if n in names):
                many = SEEDS[profile][name not in UNITS or models in (CHOICES, TAUS, STRATEGIES)]
                if seed < min(many, seeds or many):
                    found += [Cell(name, model, seed) for model in models.get(name, ())]
    known = dict.fromkeys(cell.model for cell in found)
    for model in only or ():
        if model not in known:
            raise ValueError(f"model {model!r} is not among these runs: choose of {', '.join(known)}")
    return [cell for cell in found if only is None or cell.model in only]


@lru_cache
def build(name: str, model: str, profile: str) -> Experiment:
    """The experiment of a cell: the same task, evolution strategy and evaluations for all models."""
    kind, _, variant = model.partition("@")
    base = kind.removesuffix(MATCHED)
    settings = dict(SETTINGS[profile][name])
    if model in STRATEGIES.get(name, ()):
        settings["target"] = references()["level"][name]
    if variant and profile != "smoke":
        settings |= VARIANTS[variant]
    experiment = experiments.get(name, model=base, profile=profile, settings=settings)
    if base == kind:
        return experiment
    hidden = nearest(lambda h: _size(name, base, profile, h), build(name, "enu", profile).model.n_params)
    return experiments.get(name, model=base, profile=profile, settings=settings, hidden=hidden)


def _size(name: str, model: str, profile: str, hidden: int) -> int:
    return experiments.get(name, model=model, profile=profile, hidden=hidden).model.n_params


def nearest(size: Callable[[int], int], wanted: int) -> int:
    """The number of memory values whose number of parameters, which grows with it, is nearest to the one wanted."""
    hidden = 1
    while size(hidden + 1) <= wanted:
        hidden += 1
    return min(hidden, hidden + 1, key=lambda h: abs(size(h) - wanted))


def stored_cells(profile: str, todo: Sequence[Cell], folder: Path | None = None) -> dict[Cell, Record]:
    """Those cells whose records are stored already, of a run with the same settings."""
    known = load(profile, folder)
    records = {(r.experiment, r.model, r.seed): r for r in known.runs}
    return {
        cell: records[cell.experiment, cell.model, cell.seed]
        for cell in todo
        if (cell.experiment, cell.model, cell.seed) in records
        and from_config(known.configs[f"{cell.experiment}-{cell.model}"]) == build(cell.experiment, cell.model, profile)
    }


def evaluated(folder: Path) -> dict[str, Any] | None:
    """The record of a done cell, or None.  Raises RunFolderError for one that cannot be read."""
    path = folder / "evaluation.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise RunFolderError(f"{path} is damaged: delete that file, and the run is evaluated again") from None


def generations_done(folder: Path) -> int:
    """How far a cell has got, from its checkpoint."""
    path = folder / "checkpoint.safetensors"
    return int(read_tensors(path)[1]["generation"]) if path.exists() else 0


def run(
    profile: str,
    todo: Sequence[Cell],
    out: str | Path,
    jobs: int | None = None,
    time_limit: float | None = None,
    progress: bool = True,
) -> list[str]:
    """Run cells that are not done, and return what went wrong, a line each.

    out: folder of the run folders.  jobs: processes of one thread each (None: one a core; 1: none but this one).
    time_limit: seconds after which all runs are saved where they are.  Ctrl-C does the same.
    """
    out = Path(out)
    deadline = None if time_limit is None else time.time() + time_limit
    jobs = min(jobs or default_threads(), max(1, len(todo)))
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    before = {cell.name: _progress(profile, cell, out) for cell in todo}
    total = sum(build(c.experiment, c.model, profile).generations for c in todo)
    with tqdm(total=total, initial=sum(before.values()), unit="gen", disable=not progress, mininterval=1) as bar:
        view = _View(bar, profile, todo, out, before)
        if jobs == 1:
            _work(profile, todo, out, deadline, view.take)
        else:
            _share(profile, todo, out, deadline, jobs, view)
    return view.errors


class _View:
    """One bar for all workers, in generations."""

    def __init__(self, bar: Any, profile: str, todo: Sequence[Cell], out: Path, before: dict[str, int]) -> None:
        self.bar, self.at, self.errors = bar, dict(before), list[str]()
        self.left = sum(evaluated(out / cell.name) is None for cell in todo)
        self.many = len(todo)
        bar.set_description(f"{self.many - self.left} of {self.many} runs")

    def take(self, kind: str, name: str, value: Any) -> None:
        """News of a cell: `at` a generation, `done`, or an `error`.  A cell that is only gone on from may not be ours."""
        if kind == "error":
            self.errors.append(f"{name}: {value}")
        if kind == "error" or name not in self.at:
            return
        if kind == "done":
            self.left -= 1
            self.bar.set_description(f"{self.many - self.left} of {self.many} runs")
        self.bar.update(max(0, value - self.at[name]))
        self.at[name] = max(value, self.at[name])


def _progress(profile: str, cell: Cell, out: Path) -> int:
    """Generations that count as done.  Raises RunFolderError where the cell's folder holds other settings."""
    e, config = build(cell.experiment, cell.model, profile), out / cell.name / "config.json"
    if config.exists() and from_config(json.loads(config.read_text())["experiment"]) != e:
        raise RunFolderError(f"{config.parent} holds a run of other settings: choose another folder with --out, or delete it")
    whole = e.generations
    return whole if evaluated(out / cell.name) else min(whole, generations_done(out / cell.name))


def _share(profile: str, todo: Sequence[Cell], out: Path, deadline: float | None, jobs: int, view: _View) -> None:
    context = mp.get_context("spawn")
    news: Any = context.Queue()
    end = context.Event()
    arguments = (profile, tuple(todo), out, deadline, news, end)
    workers = [context.Process(target=_worker, args=arguments, daemon=True) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    interrupted = False
    while any(worker.is_alive() for worker in workers) or not news.empty():
        try:
            _drain(news, view)
        except KeyboardInterrupt:  # the workers save and end, whether they had it too or not; a second one ends them at once
            if interrupted:
                raise
            interrupted = True
            end.set()
    for worker in workers:
        worker.join()
        if worker.exitcode and not interrupted:
            view.errors.append(f"a worker ended with exit code {worker.exitcode}; the same command goes on")


def _drain(news: Any, view: _View) -> None:
    with suppress(Empty):
        view.take(*news.get(timeout=0.5))


def _worker(profile: str, todo: Sequence[Cell], out: Path, deadline: float | None, news: Any, end: Any) -> None:
    parent = mp.parent_process()

    def tell(kind: str, name: str, value: Any) -> bool:
        news.put((kind, name, value))
        return end.is_set() or (parent is not None and not parent.is_alive())

    _work(profile, todo, out, deadline, tell)


def _work(profile: str, todo: Sequence[Cell], out: Path, deadline: float | None, tell: Callable[[str, str, Any], Any]) -> None:
    """Cell after cell, until none is left, the time is up, or one was interrupted.  `tell` may ask for the end."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        left = list(todo)
        while left:
            held = []
            for cell in left:
                with _claimed(out, cell) as mine:
                    if not mine or evaluated(out / cell.name):
                        continue
                    if deadline is not None and time.time() >= deadline:
                        return
                    try:
                        stopped = _one(profile, cell, out, deadline, tell)
                    except (ValueError, FloatingPointError) as error:
                        tell("error", cell.name, str(error))
                        continue
                    if stopped == HELD:
                        held.append(cell)
                    elif stopped not in ("finished", "target"):
                        return
            left = held
            if left and (_interrupted_in_a_second() or tell("at", left[0].name, 0)):
                return
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _claimed(out: Path, cell: Cell) -> Iterator[bool]:
    """Whether this process may work on a cell: nobody else does."""
    try:
        (out / ".locks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"cannot write in {out} ({error.strerror}): choose another folder with --out") from None
    lock = FileLock(out / ".locks" / cell.name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _interrupted_in_a_second() -> bool:
    """Wait a second; whether Ctrl-C came in it."""
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        return True
    return False


HELD = "held"  # what a cell goes on from is being run by another process


def _one(profile: str, cell: Cell, out: Path, deadline: float | None, tell: Callable[[str, str, Any], Any]) -> str:
    """Run a cell, and before it what it goes on from.  Returns how it stopped, as `Run.stopped`, or HELD."""
    experiment, parent = build(cell.experiment, cell.model, profile), None
    if (name := AFTER[profile].get(cell.experiment)) is not None:
        before = Cell(name, cell.model, cell.seed)
        _progress(profile, before, out)  # raises RunFolderError for a run of other settings
        if not evaluated(out / before.name):
            with _claimed(out, before) as mine:
                stopped = _one(profile, before, out, deadline, tell) if mine else HELD
            if stopped not in ("finished", "target"):
                return stopped
        parent = load_run(out / before.name).genome

    def each(run: Run) -> bool:
        return bool(tell("at", cell.name, run.generation))

    left = None if deadline is None else max(0.0, deadline - time.time())
    found = evolve(
        experiment, seed=cell.seed, out=out / cell.name, parent=parent, threads=1, device="cpu", time_limit=left,
        progress=False, each=each,
    )  # fmt: skip
    if found.stopped in ("finished", "target"):
        kept = json.dumps(record(found, cell.model, quick=profile == "smoke"))
        write_atomically(out / cell.name / "evaluation.json", kept.encode())
        tell("done", cell.name, experiment.generations)
    return found.stopped


@dataclass(frozen=True)
class Plan:
    """What a (experiment, model) of the sweep asks for, and what there is."""

    experiment: str
    model: str
    hidden: int
    n_params: int
    done: int
    runs: int
    generations: int
    seconds: float  # core-seconds a run: mean of the done ones, else an estimate


def plan(profile: str, todo: Sequence[Cell], out: str | Path, stored: Mapping[Cell, Record] | None = None) -> list[Plan]:
    """One line for each (experiment, model), in order of first appearance; `stored` ones count as done."""
    pairs = list(dict.fromkeys((cell.experiment, cell.model) for cell in todo))
    return [
        _plan(profile, pair, [c for c in todo if (c.experiment, c.model) == pair], Path(out), stored or {}) for pair in pairs
    ]


def _plan(profile: str, pair: tuple[str, str], runs: Sequence[Cell], out: Path, stored: Mapping[Cell, Record]) -> Plan:
    e = build(*pair, profile)
    found = [stored[cell]._asdict() if cell in stored else evaluated(out / cell.name) for cell in runs]
    records = [r for r in found if r]
    guess = estimate(e) if not records else sum(r["seconds"] for r in records) / len(records)
    return Plan(*pair, e.model.hidden, e.model.n_params, len(records), len(runs), e.generations, guess)


def estimate(e: Experiment) -> float:
    """Core-seconds of a run, from what was measured on our machine (16 memory values; more cost in proportion)."""
    lives = e.generations * e.es.population * e.environments
    size = -(-e.model.hidden // 16)
    return 1e-6 * COST[e.name] * lives * size * SLOWER.get(e.model_name.removesuffix("-clip"), 1.0)


def hours(plans: Sequence[Plan], jobs: int) -> float:
    """Wall-clock hours that are left on so many cores."""
    return sum(p.seconds * (p.runs - p.done) for p in plans) / jobs / 3600


def default_out(profile: str) -> Path:
    """Where the run folders of a sweep lie."""
    return Path("runs") / f"sweep-{profile}"


def obtain(profile: str) -> Stored:
    """What the pages draw: stored runs, with those that a sweep on this machine has done since.

    profile "zoo": the runs that ship (laptop sizes).  smoke: a tiny sweep, made on the spot, and kept under build/.
    """
    if profile == "zoo":
        return load("laptop")
    out = default_out(profile) if profile != "smoke" else Path("build/runs/sweep-smoke")
    kept = Path("build/results")
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / f"{profile}.lock"):  # several pages may ask at once
        if profile == "smoke":
            errors = run(profile, [*cells(profile, checks=False), *SMOKE_CHECKS], out, jobs=1, progress=False)
            if errors:
                raise RunFolderError("; ".join(errors))
        return collect(profile, out, kept)
