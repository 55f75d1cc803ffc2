"""The protocol of the second study as data: which evolutions are run, and what is compared, fixed before the first of them.

Page 31 of the book says why.  Each experiment compares models on one task.  A **tuned** experiment first searches `STRATEGIES`
for the best one for each model, on separate seeds; the evolutions that are compared have new seeds.

    for planned in PLANNED: tuning(planned), compared(planned, chosen)       # jobs, as `enu_lib.study.design.Job`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from enu_lib import experiments
from enu_lib.config import with_settings
from enu_lib.experiments import Experiment
from enu_lib.study import design
from enu_lib.study.design import LABEL, UNITS, Job
from enu_lib.study.model_name import ModelName, with_variant

Measure = Literal["loss", "ratio", "food", "reached", "time"]
PROFILES = ("smoke", "laptop")
FIRST_SEED = 1000  # of the evolutions that are compared: 1000, 1001, ..
TUNING_SEEDS = (900, 901, 902)
EPISODES = 2048  # fresh sequences or episodes in which evolved parents are scored
STRATEGIES = {  # initial s.d. of mutations (the final one: FINAL_SIGMA), and the share of the generations in which it decays
    "low-fast": (0.02, 1 / 3),
    "low-slow": (0.02, 1.0),
    "high-fast": (0.04, 1 / 3),
    "high-slow": (0.04, 1.0),
}
FINAL_SIGMA = 0.002
LIMIT = {"smoke": 2, "laptop": 10**9}  # at most this many seeds and strategies
AVOIDS, AVOIDS_BY = 3, 500  # stage of the curriculum whose target is the ability; generation at which E1 ends at the latest


@dataclass(frozen=True)
class Compared:
    """A comparison of two models.  claimed: that the first is better, or (`alike`) that the two are alike.

    claims: keys of the claims that rest on it; none for comparisons that help to explain the others.
    """

    first: str
    second: str
    measure: Measure
    claims: tuple[str, ...] = ()
    alike: bool = False


@dataclass(frozen=True)
class Planned:
    """A planned experiment: `seeds` evolutions of each model on one task, all of which are run before any is looked at."""

    key: str
    experiment: str  # as in `experiments.NAMES`
    models: tuple[str, ...]
    seeds: int
    comparisons: tuple[Compared, ...]
    tuned: bool = True
    start: Literal["first", "named", "later"] = "first"  # run by default, only if named, or not before there is a curriculum


def _all(pairs: tuple[tuple[str, str], ...], measure: Measure, *claims: str) -> tuple[Compared, ...]:
    return tuple(Compared(*pair, measure, claims) for pair in pairs)


_FASTER = (("enu", "gru"), ("enu", "lstm"), ("gru", "lstm"))
PLANNED = (
    Planned("E3", "iaf", ("enu", "nfenu"), 20, _all((("enu", "nfenu"),), "ratio", "C7")),
    Planned(
        "E2", "complex-stdp", ("enu", "nfenu", "gru", "lstm", "gru-gain", "enu-plain"), 30,
        (
            *_all((("enu", "gru"), ("enu", "lstm")), "loss", "C5"),
            *_all((("enu", "nfenu"),), "loss", "C5", "C7"),
            *_all(_FASTER, "time", "C6"),
            *_all((("gru-gain", "gru"), ("enu", "gru-gain"), ("enu", "enu-plain")), "loss"),
        ),
    ),
    Planned("E6", "stdp", ("enu", "nfenu"), 20, _all((("enu", "nfenu"),), "loss", "C7"), start="named"),
    Planned(
        "E1", "tmaze", ("enu", "nfenu", "shared", "shared-matched"), 10,
        (
            *_all((("enu", "nfenu"),), "reached", "C7"),
            *_all((("enu", "shared"), ("enu", "shared-matched")), "reached", "C8"),
        ),
        tuned=False, start="named",
    ),
    Planned(
        "E4", "double-tmaze", ("enu", "nfenu", "shared", "gru", "lstm"), 10,
        (
            *_all((("enu", "gru"), ("enu", "lstm")), "food", "C5"),
            *_all((("enu", "nfenu"),), "food", "C5", "C7"),
            Compared("gru", "lstm", "food", ("C5",), alike=True),
            *_all(_FASTER, "time", "C6"),
            *_all((("enu", "shared"),), "reached", "C8"),
        ),
        tuned=False, start="later",
    ),
)  # fmt: skip


def chosen_by(names: str | None) -> list[Planned]:
    """The planned experiments with these names (tasks, or keys such as E2), or those that are run first.

    Raises ValueError for an unknown name, or an experiment that cannot be run yet.
    """
    if names is None:
        return [planned for planned in PLANNED if planned.start == "first"]
    known = {name: planned for planned in PLANNED for name in (planned.key, planned.experiment)}
    plans = []
    for name in names.split(","):
        if name not in known:
            raise ValueError(f"experiment {name!r} is not in the second study: choose from {', '.join(known)}")
        if known[name].start == "later":
            raise ValueError(
                f"experiment {name!r} cannot be run yet: it needs a curriculum for the {LABEL[known[name].experiment]}"
            )
        plans.append(known[name])
    return list(dict.fromkeys(plans))


def strategies(profile: str = "laptop") -> list[str]:
    """The names of the strategies that are searched."""
    return list(STRATEGIES)[: LIMIT[checked(profile)]]


def checked(profile: str) -> str:
    """The profile's name.  Raises ValueError for one without a second study."""
    if profile not in PROFILES:
        raise ValueError(f"the second study has no profile {profile!r}: choose one of {', '.join(PROFILES)}")
    return profile


def tuning(planned: Planned, profile: str = "laptop") -> list[Job]:
    """The jobs of the search: every model with every strategy; none if the experiment is not tuned."""
    seeds = TUNING_SEEDS if checked(profile) == "laptop" else TUNING_SEEDS[:1]
    each = strategies(profile) if planned.tuned else ()
    return [Job(planned.experiment, with_variant(model, s), seed) for seed in seeds for model in planned.models for s in each]


def compared(planned: Planned, chosen: Mapping[str, str], profile: str = "laptop") -> list[Job]:
    """The jobs of the evolutions that are compared, by seed.  chosen: the strategy of every model, if tuned."""
    names = [with_variant(model, chosen[model]) if planned.tuned else model for model in planned.models]
    many = min(planned.seeds, LIMIT[checked(profile)])
    return [Job(planned.experiment, name, FIRST_SEED + k) for k in range(many) for name in names]


@lru_cache
def build(name: str, model: str, profile: str = "laptop") -> Experiment:
    """The experiment of a job.  model: a `ModelName` as text; its variant is the strategy, if tuned.

    On single units, all evolutions of an experiment have the same numbers of generations and of episodes in each.  In mazes
    they follow the curriculum of `experiments.get`, whose stages, and the run itself, end early once a target is reached.  In
    the T-maze they end with the third stage, whose target is the ability, at generation `AVOIDS_BY` at the latest.
    """
    parts = ModelName.parse(model)
    base = parts.model
    if name in UNITS:
        e = design.build(name, base, checked(profile))
    else:
        e = experiments.get(name, base, checked(profile))
        if parts.matched:
            wanted = experiments.get(name, "enu", profile).model.n_params
            hidden = design.nearest(lambda h: experiments.get(name, base, profile, hidden=h).model.n_params, wanted)
            e = experiments.get(name, base, profile, hidden=hidden)
    if name == "tmaze" and e.stages:
        avoid = e.stages[AVOIDS - 1]
        es = avoid.es or e.es
        e = replace(e, task=avoid.task, es=es, target=avoid.target, stages=e.stages[: AVOIDS - 1], generations=AVOIDS_BY)
    if not parts.variant:
        return e
    sigma, share = STRATEGIES[parts.variant]
    decay = round(share * e.generations)
    return with_settings(e, {"es.sigma": sigma, "es.sigma_final": FINAL_SIGMA, "es.decay_generations": decay})
