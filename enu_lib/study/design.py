"""The design of the sweep: models, tasks, jobs, their order, and the experiment of each job.

A **job** is one evolution: an experiment, a model and a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from enu_lib import experiments
from enu_lib.base.kinds import Changes
from enu_lib.base.names import SWEPT, one_of
from enu_lib.experiments import Experiment, Stage
from enu_lib.network import ORDERED, Network
from enu_lib.study.model_name import ModelName, with_variant
from enu_lib.study.results import references
from enu_lib.tasks.maze import Maze

MAIN = {  # models compared by the claims; others (matched size, clipped read-out) are only displayed
    "iaf": ("enu", "nfenu", "gru", "lstm"),
    "stdp": ("enu", "nfenu", "gru", "lstm"),
    "complex-stdp": ("enu", "nfenu", "gru", "lstm"),
    "tmaze": ("enu", "nfenu", "gru", "lstm", "shared"),
    "double-tmaze": ("enu", "nfenu", "gru", "lstm", "shared"),
}
LABEL = {
    "iaf": "IAF", "stdp": "STDP", "complex-stdp": "complex STDP", "tmaze": "T-maze", "double-tmaze": "double T-maze",
    "enu": "ENU", "nfenu": "NFENU", "gru": "GRU", "lstm": "LSTM", "shared": "SHAREDENU",
    "gru-gain": "GRU with gain", "enu-plain": "ENU without gain",
}  # fmt: skip
UNITS = ("complex-stdp", "stdp", "iaf")


class Group(NamedTuple):
    """Jobs for one question."""

    models: Mapping[str, Sequence[str]]  # by experiment
    few: bool = False  # with only as many seeds as for mazes
    to_level: bool = False  # stop a run once its held-out fitness reaches the experiment's level


_CHECKS = ("gru-clip", "lstm-clip", "lstm-matched")
_OTHERS = ("constant", "small", "few", "adam", "narrow", "narrow-small", "narrow-few")
GROUPS = {  # in the order in which they run
    "models": Group(MAIN),
    "checks": Group(  # choices that could bias the comparison; GRUs have the ENU's size, in mazes 90% of it
        {**dict.fromkeys(UNITS, _CHECKS), "tmaze": ("gru-clip", "lstm-matched", "shared-matched")}
    ),
    "strategies": Group(  # ours against the published one; does the ranking of models depend on the strategy?
        {
            "complex-stdp": ("enu@published", "enu@annealed", "nfenu@annealed", "gru@annealed", "lstm@annealed"),
            "stdp": ("enu@published", "enu@annealed"),
        },
        to_level=True,
    ),
    "choices": Group({"iaf": ("enu@unscaled", "enu@unrested", "enu@constant", "enu@large")}, few=True),  # one undone each
    "rules": Group({"stdp": ("enu@tau5", "enu@tau20")}, few=True),  # published: 10 steps
    "other strategies": Group({"complex-stdp": tuple(with_variant("enu", name) for name in _OTHERS)}, few=True, to_level=True),
}
# Settings changed by MODEL@VARIANT relative to the profile laptop.  Strategies get the same number of episodes as the sweep's
# own, or SPEND times as many.  "annealed" was chosen among some forty strategies tried on seeds 100 to 103 (most on one or two
# of them), before it was run on any seed of the sweep.
NARROW: Changes = {"es.sigma": 0.01, "es.sigma_final": None}  # the published mutations
VARIANTS: dict[str, Changes] = {
    "published": {**NARROW, "es.population": 512},
    "annealed": {"es.sigma": 0.02, "es.sigma_final": 0.003, "es.decay_generations": 1000},
    "constant": {"es.sigma_final": None},
    "small": {"es.population": 64, "es.decay_generations": 12_000, "evaluate_every": 80},
    "few": {"environments": 8, "es.decay_generations": 12_000, "evaluate_every": 80},
    "adam": {"es.optimizer": "adam", "es.shaping": "centred", "es.learning_rate": 0.02},
    "narrow": NARROW,
    "narrow-small": {**NARROW, "es.population": 64, "evaluate_every": 80},
    "narrow-few": {**NARROW, "environments": 8, "evaluate_every": 80},
    "unscaled": {"task.input_scale": 1.0},
    "unrested": {"task.before": 0},
    "large": {"model.hidden": 32},
    "tau5": {"task.tau": 5.0},
    "tau20": {"task.tau": 20.0},
}
SPEND = {"published": 4}

# Differences from the profile of the same name in `experiments`; the same for all models of an experiment.
SETTINGS: dict[str, dict[str, Changes]] = {
    "smoke": {name: {} for name in SWEPT},
    "laptop": {
        **{name: {"generations": 1500, "es.decay_generations": 1500, "evaluate_every": 10} for name in ("stdp", "iaf")},
        "complex-stdp": {"generations": 3000, "evaluate_every": 20},  # as in the paper; half of that is too few
        "tmaze": {"generations": 350, "evaluate_every": 10, "evaluate_environments": 240},
        "double-tmaze": {"generations": 100, "environments": 24, "evaluate_every": 5, "evaluate_environments": 240},
    },
    "paper": {name: {} for name in SWEPT},
}
SEEDS = {"smoke": (2, 1), "laptop": (10, 5), "paper": (10, 5)}  # per model: for single units, for mazes

# A double T-maze job starts from the best parent of the T-maze job with the same model and seed (a curriculum,
# reconstruction): from random genomes, our networks hardly ate after 200 generations even in the smallest double T-maze.
AFTER: dict[str, dict[str, str]] = {"smoke": {"double-tmaze": "tmaze"}, "laptop": {"double-tmaze": "tmaze"}, "paper": {}}


@dataclass(frozen=True)
class Job:
    """One evolution of the sweep."""

    experiment: str
    model: str  # a `ModelName`, as text
    seed: int

    @property
    def name(self) -> str:
        return f"{self.experiment}-{self.model}-{self.seed}"

    def before(self, after: Mapping[str, str]) -> Job | None:
        """The job whose evolved genome this one starts from, or None.  after: experiments and those that they start from."""
        return replace(self, experiment=after[self.experiment]) if self.experiment in after else None


def strategies(name: str) -> tuple[str, ...]:
    """The models of an experiment with another strategy, which are evolved until they reach the experiment's level."""
    return tuple(model for group in GROUPS.values() if group.to_level for model in group.models.get(name, ()))


SMOKE_CHECKS = [Job("complex-stdp", model, 0) for model in ("lstm-matched", *strategies("complex-stdp"))]


def jobs(
    profile: str,
    names: Sequence[str] = SWEPT,
    seeds: int | None = None,
    checks: bool = True,
    only: Sequence[str] | None = None,
) -> list[Job]:
    """The jobs of a sweep in the order in which they run.

    seeds: at most this many per model.  checks: all groups, not only the models compared by the claims.  only: restrict to
    these models.  Raises ValueError for an unknown profile, experiment or model, or seeds < 1.
    """
    one_of("profile", profile, SETTINGS)
    for name in names:
        one_of("experiment of the sweep", name, SWEPT)
    if seeds is not None and seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    chosen = []
    for group in GROUPS.values() if checks else [GROUPS["models"]]:
        for seed in range(max(SEEDS[profile])):
            for name in (n for n in SWEPT if n in names):
                of_units, of_mazes = SEEDS[profile]
                many = of_units if name in UNITS and not group.few else of_mazes
                if seed < min(many, seeds or many):
                    chosen += [Job(name, model, seed) for model in group.models.get(name, ())]
    if profile == "paper":  # variants are defined for the profile laptop
        chosen = [job for job in chosen if not ModelName.parse(job.model).variant]
    known = dict.fromkeys(job.model for job in chosen)
    for model in only or ():
        if model not in known:
            raise ValueError(f"model {model!r} is not among these runs: choose from {', '.join(known)}")
    return [job for job in chosen if only is None or job.model in only]


@lru_cache
def build(name: str, model: str, profile: str) -> Experiment:
    """The experiment of a job: the same task, strategy and evaluations for all models, except for a variant's change."""
    parts = ModelName.parse(model)
    settings = dict(SETTINGS[profile][name])
    if model in strategies(name):
        settings["target"] = references().level[name]
    if parts.variant and profile != "smoke":
        settings |= VARIANTS[parts.variant]
    experiment = _get(name, model=parts.model, profile=profile, settings=settings)
    if model in strategies(name) and profile != "smoke":
        total = SPEND.get(parts.variant, 1) * build(name, parts.model, profile).total_episodes
        return replace(experiment, generations=total // (experiment.total_episodes // experiment.generations))
    if not parts.matched:
        return experiment
    hidden = nearest(lambda h: _size(name, parts.model, profile, h), build(name, "enu", profile).model.n_params)
    return _get(name, model=parts.model, profile=profile, settings=settings, hidden=hidden)


def _get(name: str, **choice: Any) -> Experiment:
    """As `experiments.get`, but mazes keep the settings of the stored sweep (ties, wiring and curriculum changed later)."""
    experiment = experiments.get(name, **choice)
    if not isinstance(experiment.task, Maze):
        return experiment
    task = replace(experiment.task, tie="nothing")
    if choice["profile"] != "laptop" or task.layout != "t":
        return replace(experiment, task=task)
    model = experiment.model
    if isinstance(model, Network):
        model = replace(model, connections=ORDERED)
    small = Stage(150, replace(task, corridor=2, arm=1))
    es = replace(experiment.es, sigma=0.03, breadth=1.5)
    return replace(experiment, task=task, model=model, es=es, environments=36, stages=(small,), target=None)


def _size(name: str, model: str, profile: str, hidden: int) -> int:
    return _get(name, model=model, profile=profile, hidden=hidden).model.n_params


def nearest(size: Callable[[int], int], wanted: int) -> int:
    """The number of memory values whose parameter count `size` (increasing) is closest to `wanted`."""
    hidden = 1
    while size(hidden + 1) <= wanted:
        hidden += 1
    return min(hidden, hidden + 1, key=lambda h: abs(size(h) - wanted))
