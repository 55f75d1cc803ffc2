"""The outcomes of the second study: one value per evolution, the strategy chosen for each model, and the verdicts.

An experiment is judged only when all of its evolutions are complete (`enu_lib.study.protocol`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from enu_lib.analysis import power, stats
from enu_lib.study import protocol
from enu_lib.study.design import LABEL, Job
from enu_lib.study.model_name import ModelName, with_variant, without_variant
from enu_lib.study.protocol import Compared, Measure, Planned
from enu_lib.study.results import Record, final_fitness, generations_to

Verdict = Literal["supported", "contradicted", "undecided", "not tested"]
MEASURES: dict[Measure, str] = {  # what an evolution's value is; higher is better, except for times
    "loss": "minus the logarithm of the evolved parent's loss in 30 trial runs",
    "ratio": "minus the absolute logarithm of the ratio of its number of spikes to the target's",
    "food": "food of the evolved parent",
    "reached": "whether the ability was reached",
    "time": "evaluations until the held-out loss or fitness reached the level",
}
WORDS: dict[Measure, str] = {
    "loss": "reaches a lower final loss",
    "ratio": "comes nearer to the target's number of spikes",
    "food": "eats more",
    "reached": "reaches the ability more often",
    "time": "is faster",
}
HALF = 0.5  # share of the evolutions of two models that must reach the level before the two can be shown to be alike


@dataclass(frozen=True)
class Judged:
    """A planned comparison with its verdict.  `comparison` and `visible` are None if it has not been tested."""

    planned: Planned
    compared: Compared
    verdict: Verdict
    reason: str  # why it has not been tested
    comparison: stats.Comparison | None = None
    visible: float | None = None  # smallest A that would have been shown with a power of 80%

    @property
    def name(self) -> str:
        """The claim, in words."""
        first, second = map(_label, (self.compared.first, self.compared.second))
        task = LABEL[self.planned.experiment]
        if self.compared.alike:
            return f"{first} and {second} are alike on {task}"
        return f"{first} {WORDS[self.compared.measure]} than {second} on {task}"

    @property
    def text(self) -> str:
        """What was measured, as one line; for an undecided comparison with the difference that could have been seen."""
        c = self.comparison
        if c is None:
            return f"{self.planned.key}: {self.reason}"
        line = f"{self.planned.key}: {c.text}"
        if self.verdict != "undecided" or self.visible is None:
            return line
        seen = "no A" if math.isnan(self.visible) else f"A of {self.visible:.2f} or more"
        return f"{line}; {seen} would have been shown four times out of five"


def _label(model: str) -> str:
    parts = ModelName.parse(model)
    return LABEL[parts.model] + (" of matched size" if parts.matched else "")


def verdict(c: stats.Comparison, alike: bool = False, likeness: bool = True) -> Verdict:
    """The verdict on a claimed difference (or, if `alike`, on a claimed likeness).

    likeness: whether the two can be shown to be alike at all.  Where most evolutions have not reached a level, they are equal
    only in that; and where all reach it, the level is too low to tell them apart.
    """
    same = likeness and c.alike
    if alike:
        if c.better or c.worse:
            return "contradicted"
        return "supported" if same else "undecided"
    if c.better:
        return "supported"
    return "contradicted" if c.worse or same else "undecided"


def value(record: Record, measure: Measure, level: float) -> float:
    """The primary outcome of an evolution (see `MEASURES`).  level: fitness from which something counts as reached."""
    if measure == "loss":
        loss = -final_fitness(record)
        return math.inf if loss <= 0 else -math.log(loss)
    if measure == "ratio":
        ratio = record.scores.get("spikes, unit / target")
        return -abs(math.log(ratio)) if ratio else -math.inf
    if measure == "food":
        food = record.scores.get("food")
        return -math.inf if food is None else food
    first = generations_to(record, level)
    if measure == "reached":
        return float(math.isfinite(first))
    return first * record.evaluations / record.generations


def chosen(planned: Planned, records: Mapping[Job, Record], profile: str = "laptop") -> dict[str, str] | None:
    """The best strategy of every model: the one with the highest median final fitness; None before the search is complete."""
    jobs = protocol.tuning(planned, profile)
    if any(job not in records for job in jobs):
        return None
    best = {}
    for model in planned.models if planned.tuned else ():
        median = {
            s: float(np.median([final_fitness(records[job]) for job in jobs if job.model == with_variant(model, s)]))
            for s in protocol.strategies(profile)
        }
        best[model] = max(median, key=lambda s: median[s])
    return best


def judged(
    planned: Planned, records: Mapping[Job, Record], level: Mapping[str, float], profile: str = "laptop"
) -> list[Judged]:
    """The verdicts on all comparisons of an experiment, with Holm's correction over all of them.

    level: fitness from which a task counts as learnt.  Where the experiment has a target (the T-maze), that counts instead.
    """
    best = chosen(planned, records, profile)
    jobs = [] if best is None else protocol.compared(planned, best, profile)
    missing = sum(job not in records for job in jobs)
    if best is None or missing:
        reason = (
            "has not been run" if best is None or missing == len(jobs) else f"{missing} of {len(jobs)} evolutions are missing"
        )
        return [Judged(planned, c, "not tested", reason) for c in planned.comparisons]
    name = planned.experiment
    target = protocol.build(name, jobs[0].model, profile).target or level.get(name, math.inf)
    each: dict[tuple[str, Measure], list[float]] = {
        (model, c.measure): [value(records[j], c.measure, target) for j in jobs if without_variant(j.model) == model]
        for c in planned.comparisons
        for model in (c.first, c.second)
    }
    ended = max(records[job].evaluations for job in jobs)
    alpha = stats.ALPHA / len(planned.comparisons)
    tests = [_test(c.measure, each[c.first, c.measure], each[c.second, c.measure], ended, alpha) for c in planned.comparisons]
    untested = stats.Comparison((0, 0), 0.5, 0.5, 0.5, 1.0, 1.0, (0.0, 1.0))  # counts in the family
    family = stats.holm([untested if test is None else test.comparison for test in tests])
    return [
        Judged(planned, c, "not tested", "no evolution of either model reached the level")
        if test is None
        else Judged(planned, c, verdict(corrected, c.alike, test.likeness), "", corrected, test.visible)
        for c, test, corrected in zip(planned.comparisons, tests, family, strict=True)
    ]


class _Test(NamedTuple):
    comparison: stats.Comparison  # not corrected
    visible: float
    likeness: bool


def _test(measure: Measure, first: list[float], second: list[float], ended: float, alpha: float) -> _Test | None:
    """The test of one comparison; None if nothing can be said of it, since no evolution reached the level."""
    visible, likeness = power.detectable(len(first), alpha), True
    if measure in ("time", "reached"):
        events = sum(math.isfinite(v) if measure == "time" else v > 0 for v in (*first, *second))
        if not events:
            return None
        likeness = measure == "time" and events >= HALF * (len(first) + len(second))
        if measure == "time":
            return _Test(stats.compare_times(first, second, ended), power.log_rank_detectable(events, alpha), likeness)
    return _Test(stats.compare(first, second), visible, likeness)
