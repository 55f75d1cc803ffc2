"""The second study as tables for its page: what is compared, what it can show, what it costs, and the verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from enu_lib.analysis import agents, power, stats
from enu_lib.analysis.units import coincidence
from enu_lib.experiments import LAYOUTS
from enu_lib.rollout import rollout
from enu_lib.streams import stream
from enu_lib.study import protocol, results, second
from enu_lib.study.design import LABEL
from enu_lib.study.evidence import SHARE
from enu_lib.study.model_name import without_variant
from enu_lib.study.outcomes import MEASURES, Judged
from enu_lib.study.protocol import FINAL_SIGMA, PLANNED, STRATEGIES, Compared, Measure, Planned
from enu_lib.study.tables import Row, markdown, name

AGENTS = (
    "fixed-arm",
    "latch",
    "memory-only",
    "alternating",
    "once-bitten",
)  # the last learns once, the others ignore their sensors
STARTS = {"first": "run first", "named": "when computing time allows", "later": "needs a curriculum first"}


def experiments_table() -> list[Row]:
    """The planned experiments: task, models, evolutions of each."""
    return [
        {
            "experiment": p.key,
            "task": LABEL[p.experiment],
            "models": ", ".join(map(name, p.models)),
            "evolutions of each": p.seeds,
            "strategies searched for each": len(STRATEGIES) if p.tuned else "none",
            "": STARTS[p.start],
        }
        for p in PLANNED
    ]


def comparisons_table() -> list[Row]:
    """All planned comparisons, with the claims that rest on them and the difference that they can show."""
    return [
        {
            "experiment": p.key,
            "comparison": Judged(p, c, "not tested", "").name,
            "claims": ", ".join(c.claims) or "none (explains)",
            "primary outcome": MEASURES[c.measure],
            "test": "log-rank" if c.measure == "time" else "exact Mann-Whitney",
            "smallest difference shown": f"A = {visible(p, c):.2f}" if not math.isnan(visible(p, c)) else "none",
        }
        for p in PLANNED
        for c in p.comparisons
    ]


def visible(p: Planned, c: Compared) -> float:
    """The smallest A shown with a power of 80% at the first step of Holm's correction; for times if all reach the level."""
    alpha = stats.ALPHA / len(p.comparisons)
    return power.log_rank_detectable(2 * p.seeds, alpha) if c.measure == "time" else power.detectable(p.seeds, alpha)


def needed_table(differences: Sequence[float] = (0.7, 0.75, 0.8, 0.85, 0.9)) -> list[Row]:
    """Evolutions of each model that show a difference with a power of 80%, alone or as the first of several comparisons."""
    families = sorted({1, 3, *(len(p.comparisons) for p in PLANNED)})
    return [
        {"A": f"{a:.2f}", **{f"of {m}" if m > 1 else "alone": power.needed(a, stats.ALPHA / m) for m in families}}
        for a in differences
    ]


def likeness_table() -> list[Row]:
    """The probability of showing that two equal models are alike, by the number of evolutions of each."""
    sizes = sorted({10, 40, *(p.seeds for p in PLANNED)})
    return [{"evolutions of each": n, "equal models are shown to be alike": f"{power.likeness_power(n):.0%}"} for n in sizes]


def trivial_table() -> list[Row]:
    """Scores of trivial units and agents in the primary outcomes, which show how demanding these are."""
    known, every, outcome, met = results.references(), *metronome()
    who, text = f"a metronome: a spike every {every:.1f} steps", f"it meets {met:.0%} of the spikes"
    rows: list[Row] = [_trivial("iaf", "ratio", who, f"{outcome:.2f} (best: 0)", text)]
    for task in ("complex-stdp", "stdp"):
        loss = -known.level[task] / SHARE
        text = f"the level is {-math.log(SHARE * loss):.2f}"
        rows.append(_trivial(task, "loss", "a unit that transmits its input unchanged", f"{-math.log(loss):.2f}", text))
    avoiding = protocol.build("tmaze", "enu")
    target = math.inf if avoiding.target is None else avoiding.target
    for agent in AGENTS:
        fitness = agents.scores(avoiding.task, agent, protocol.EPISODES)["fitness"]
        text = f"held-out fitness {fitness:.1f}; the ability requires {target:g}"
        rows.append(_trivial("tmaze", "reached", f"the agent {agent}", "yes" if fitness >= target else "no", text))
        food = known.agents[LAYOUTS["double-tmaze"]][agent]["food"]
        rows.append(_trivial("double-tmaze", "food", f"the agent {agent}", f"{food:.2f}", ""))
    return sorted(rows, key=lambda row: list(LABEL.values()).index(str(row["task"])))


def metronome(n: int = protocol.EPISODES) -> tuple[float, float, float]:
    """A unit that fires at regular intervals, about as often as the target of the integrate-and-fire task.

    Returns its mean interval, its primary outcome, and the share of the target's spikes that it meets within one step.
    """
    spikes = protocol.build("iaf", "enu").task.sample(n, stream(1, "metronome")).spikes
    fired = _regular(spikes)
    return spikes.numel() / spikes.sum().item(), -abs(math.log(_ratio(fired, spikes))), coincidence(spikes, fired)


def spikes_table(n: int = 256) -> list[Row]:
    """How the units compared on the integrate-and-fire task fire in `n` new sequences, and how a metronome does.

    Medians and ranges over the evolutions of each model; empty until their experiment is complete.
    """
    planned = next(p for p in PLANNED if p.experiment == "iaf")
    known = second.finished(planned, results.load(second.name("laptop")))
    jobs = second.comparison(planned, known)
    if not jobs or any(job not in known for job in jobs):
        return []
    genomes, batch = second.genomes(), protocol.build("iaf", "enu").task.sample(n, stream(2, "metronome"))
    trains: dict[str, list[Tensor]] = {}
    for job in jobs:
        built = protocol.build(job.experiment, job.model)
        trace = rollout(built.model, genomes[job.name], built.task, n, batch=batch, backend="auto")
        trains.setdefault(name(without_variant(job.model)), []).append(built.task.fired(trace.y[0]))
    trains["metronome"] = [_regular(batch.spikes)]
    return [
        {
            "unit": unit,
            "n": len(fired),
            "spikes, unit / target": _spread([_ratio(f, batch.spikes) for f in fired]),
            "target's spikes met": _spread([coincidence(batch.spikes, f) for f in fired]),
            "unit's spikes met": _spread([coincidence(f, batch.spikes) for f in fired]),
            "directly after another": _spread([following(f) for f in fired]),
        }
        for unit, fired in trains.items()
    ]


def following(spikes: Tensor) -> float:
    """The share of spikes (.., T) bool that come one step after another: a pulse of two steps counts as two spikes."""
    return ((spikes[..., 1:] & spikes[..., :-1]).sum() / spikes.sum()).item()


def _ratio(fired: Tensor, target: Tensor) -> float:
    return (fired.sum() / target.sum()).item()


def _regular(spikes: Tensor) -> Tensor:
    """Spikes at regular intervals, about as many as in `spikes` (.., T), and in all sequences at the same steps."""
    ticks = (torch.arange(spikes.shape[-1] + 1, device="cpu") * spikes.float().mean()).round()
    return (ticks[1:] > ticks[:-1]).expand(spikes.shape)


def _spread(values: Sequence[float]) -> str:
    """Median, and range in brackets."""
    median = f"{np.median(values):.2f}"
    return f"{median} ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else median


def _trivial(task: str, measure: Measure, who: str, value: str, beside: str) -> Row:
    return {
        "task": LABEL[task],
        "primary outcome": MEASURES[measure],
        "unit or agent": who,
        "score": value,
        "for comparison": beside,
    }


def strategies_table() -> list[Row]:
    """The strategies that are searched: initial and final mutation size, and how soon it shrinks."""
    return [
        {
            "strategy": key,
            "initial s.d. of mutations": f"{sigma:g}",
            "final": f"{FINAL_SIGMA:g}",
            "reached after": "all generations" if share == 1 else f"{share:.2f} of the generations",
        }
        for key, (sigma, share) in STRATEGIES.items()
    ]


def cost_table() -> list[Row]:
    """The core-hours of every part of every experiment that can be run, at most."""
    rows: list[Row] = []
    for part in second.table([p for p in PLANNED if p.start != "later"]):
        key, task, text, done, hours = second.label(part)
        rows.append({"experiment": key, "task": task, "part": text, "evolutions done": done, "core-hours at most": hours})
    return rows


def first_hours() -> float:
    """The core-hours, at most, of the experiments that are run first."""
    return sum(part.seconds for part in second.table([p for p in PLANNED if p.start == "first"])) / 3600


def after_the_first(judged: Sequence[Judged], claims: Mapping[str, str], also: str = "") -> str:
    """The verdicts on {claim: the claim in brief}, below results of the first sweep: how the studies differ, and a table."""
    named = " and ".join(f"{claim} ({brief})" for claim, brief in claims.items())
    return (
        "The results above are those of the first sweep, which could settle little ([why](31_second_study.py)). The second "
        "study uses new seeds, measures fixed beforehand and, for single units, a strategy found for each model by a search. "
        f"{also}Its verdicts ([figure](32_second_study_results.py)) on {named}:\n\n{markdown(verdict_table(judged, *claims))}"
    )


def verdict_table(judged: Sequence[Judged], *claims: str) -> list[Row]:
    """The verdicts on all planned comparisons, or on those of some claims; without stored results, none has been tested.

    If claims are given, the table names only these.
    """
    every = judged or [Judged(p, c, "not tested", "has not been run") for p in PLANNED for c in p.comparisons]
    shown = [j for j in every if not claims or set(claims) & set(j.compared.claims)]
    return [
        {
            "comparison": j.name,
            "claims": ", ".join(c for c in j.compared.claims if not claims or c in claims) or "none (explains)",
            "verdict": f"**{j.verdict}**",
            "measured": j.text,
        }
        for j in shown
    ]


def verdicts(judged: Sequence[Judged]) -> str:
    """The verdicts on the comparisons that have been tested, and how many have not, as Markdown."""
    tested = [j for j in judged if j.verdict != "not tested"]
    left = sum(len(planned.comparisons) for planned in PLANNED) - len(tested)
    table = markdown(verdict_table(tested)) + "\n" if tested else ""
    return f"{table}{left} of {left + len(tested)} comparisons have not been tested."
