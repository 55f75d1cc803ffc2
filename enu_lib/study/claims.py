"""The ledger: what the paper claims, how we measure it, and the rule by which each claim gets its verdict.

The rules were committed before the sweep of models and the evolved networks that they judge existed (the single units of
the zoo did exist; where an earlier page of the book had a threshold for them, it is the one used here).  A rule is
changed only with a reason that does not depend on the result.

Every claim is cut into parts.  A part holds, does not hold, or cannot be judged (nothing stored, fewer than MIN_SEEDS
evolutions, or nobody got far enough for a difference to mean anything).  From these:

    reproduced    every part holds
    in part       some parts hold, others do not or cannot be judged
    not           of the parts that can be judged, none holds
    not tested    no part can be judged

Between models, the unit is one evolution: its evolved parent's mean fitness over 30 trial runs.  Statistics, and why these:
`enu_lib.analysis.stats`.  Nothing here simulates; `enu_lib.study.evidence` gathers what is stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from enu_lib.analysis import stats

VERDICTS = ("reproduced", "in part", "not", "not tested")
MIN_SEEDS = 5  # evolutions of each model, below which two models are not compared
MAIN = {  # the models compared, by experiment; what is at matched size or clipped is shown beside, and decides nothing
    "iaf": ("enu", "nfenu", "gru", "lstm"),
    "stdp": ("enu", "nfenu", "gru", "lstm"),
    "complex-stdp": ("enu", "nfenu", "gru", "lstm"),
    "tmaze": ("enu", "nfenu", "gru", "lstm", "shared"),
    "double-tmaze": ("enu", "nfenu", "gru", "lstm", "shared"),
}
LABEL = {
    "iaf": "IAF", "stdp": "STDP", "complex-stdp": "complex STDP", "tmaze": "T-maze", "double-tmaze": "double T-maze",
    "enu": "ENU", "nfenu": "NFENU", "gru": "GRU", "lstm": "LSTM", "shared": "SHAREDENU",
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What is known; all of it may be missing.

    zoo: scores of zoo entries on fresh environments.  final: fitness of each evolution's parent (mean of 30 trial runs)
    by (experiment, model).  reached: generations until the held-out fitness was at the experiment's level, inf if never.
    level: that fitness.  references: scores of reference agents by layout ("t", "double-t").  spiking: measures of a zoo
    entry's outputs, "evolved" and "before" evolution.
    """

    zoo: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    final: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    reached: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)
    level: Mapping[str, float] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    spiking: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)


class Part(NamedTuple):
    """One thing that must hold."""

    name: str
    holds: bool | None  # None: cannot be judged
    measured: str  # in words, with numbers; why not, if it cannot be judged
    of: str = ""  # what it was measured on


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and our rule for it."""

    key: str
    statement: str  # the paper's, in our words
    where: str  # in the paper
    measure: str
    rule: str
    source: str  # zoo entry or stored sweep
    judge: Callable[[Evidence], list[Part]]


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict."""

    claim: Claim
    verdict: str
    parts: tuple[Part, ...]


def judge(evidence: Evidence) -> list[Finding]:
    """All claims, in order, with their verdicts."""
    found = [(claim, tuple(claim.judge(evidence))) for claim in CLAIMS]
    return [Finding(claim, verdict(parts), parts) for claim, parts in found]


def verdict(parts: Sequence[Part]) -> str:
    """From the parts of a claim to its verdict; see the head of this file."""
    judged = [part.holds for part in parts if part.holds is not None]
    if not judged:
        return "not tested"
    if all(judged):
        return "reproduced" if len(judged) == len(parts) else "in part"
    return "in part" if any(judged) else "not"


def _scores(evidence: Evidence, name: str) -> tuple[str, Mapping[str, float]] | None:
    """A zoo entry's scores, if there is one."""
    return (name, evidence.zoo[name]) if name in evidence.zoo else None


def _missing(name: str, *parts: str) -> list[Part]:
    return [Part(part, None, "not in the zoo", name) for part in parts]


def _at_least(name: str, value: float, bound: float, text: str, of: str) -> Part:
    """NaN does not hold: what never came to pass has not been shown."""
    return Part(name, bool(value >= bound), text, of)


def _iaf_spikes(e: Evidence) -> list[Part]:
    names = ("target spikes met", "unit spikes right", "as many spikes")
    if (found := _scores(e, "iaf-enu")) is None:
        return _missing("iaf-enu", *names)
    name, s = found
    met, right = s["target spikes met within 1 step"], s["unit spikes met within 1 step"]
    ratio = s["spikes, unit / target"]
    return [
        _at_least(names[0], met, 0.95, f"{met:.1%} of the target's spikes met within one step", name),
        _at_least(names[1], right, 0.95, f"{right:.1%} of the unit's spikes right within one step", name),
        Part(names[2], abs(ratio - 1) <= 0.05, f"{ratio:.3f} times as many spikes", name),
    ]


def _iaf_frequency(e: Evidence) -> list[Part]:
    if (found := _scores(e, "iaf-enu")) is None:
        return _missing("iaf-enu", "mean deviation", "largest deviation")
    name, s = found
    mean, most = s["f-I deviation, mean"], s["f-I deviation, max"]
    return [
        Part("mean deviation", mean <= 0.03, f"frequency off by {mean:.1%} on average", name),
        Part("largest deviation", most <= 0.1, f"{most:.1%} at most", name),
    ]


def _stdp(e: Evidence) -> list[Part]:
    names = ("shape", "size", "nothing without neuromodulator")
    if (found := _scores(e, "stdp-enu")) is None:
        return _missing("stdp-enu", *names)
    name, s = found
    r, off = s["window correlation with NT"], s["mean |change - target| with NT, %"]
    without = s["mean |change| without NT, %"]
    return [
        _at_least(names[0], r, 0.999, f"correlation {r:.4f} with the rule", name),
        Part(names[1], off <= 2, f"off by {off:.2f}% of the weight on average", name),
        Part(names[2], without <= 0.5, f"{without:.2f}% change without neuromodulator", name),
    ]


def _complex(e: Evidence) -> list[Part]:
    late, early = e.zoo.get("complex-stdp-enu-3000"), e.zoo.get("complex-stdp-enu-1000")
    parts = []
    for text in ("with", "without"):
        key, name = f"window correlation {text} NT", f"approximates the rule {text} neuromodulator"
        better = f"better than after 1,000 generations, {text} neuromodulator"
        if late is None:
            parts += _missing("complex-stdp-enu-3000", name, better)
            continue
        parts.append(
            _at_least(name, late[key], 0.99, f"{text} neuromodulator correlation {late[key]:.3f}", "complex-stdp-enu-3000")
        )
        if early is None:
            parts += _missing("complex-stdp-enu-1000", better)
        else:
            text = f"{early[key]:.3f} after 1,000 generations"
            parts.append(Part(better, late[key] > early[key], text, "complex-stdp-enu-1000"))
    return parts


def _pair(
    e: Evidence, experiment: str, first: str, second: str, of: Mapping[tuple[str, str], Sequence[float]]
) -> str | tuple[list[float], list[float]]:
    """Values of both models, or why they cannot be compared."""
    a, b = list(of.get((experiment, first), ())), list(of.get((experiment, second), ()))
    if min(len(a), len(b)) < MIN_SEEDS:
        if not a and not b:
            return "not run yet"
        return f"too few evolutions ({len(a)} and {len(b)}, {MIN_SEEDS} each are needed)"
    finals = [e.final.get((experiment, model), ()) for model in (first, second)]
    level = e.level.get(experiment, -math.inf)
    if not any(len(f) and float(np.median(f)) >= level for f in finals):
        return "neither median is at the level at which something has been learnt"
    return a, b


def _compared(
    e: Evidence, experiment: str, pairs: Sequence[tuple[str, str]], of: Mapping[tuple[str, str], Sequence[float]], sign: int
) -> dict[tuple[str, str], stats.Comparison | str]:
    """Comparisons of one family, corrected together; `sign` -1 where less is better."""
    said: dict[tuple[str, str], stats.Comparison | str] = {}
    able, compared = [], []
    for pair in pairs:
        found = _pair(e, experiment, *pair, of)
        if isinstance(found, str):
            said[pair] = found
        else:
            able.append(pair)
            compared.append(stats.compare(*([sign * v for v in values] for values in found)))
    return {**said, **dict(zip(able, stats.holm(compared), strict=True))}


def final_comparisons(e: Evidence, experiment: str) -> dict[tuple[str, str], stats.Comparison | str]:
    """ENU against every other model of an experiment in final fitness; a string says why there is none."""
    pairs = [("enu", other) for other in MAIN[experiment][1:]]
    return _compared(e, experiment, pairs, e.final, 1)


def speed_comparisons(e: Evidence, experiment: str) -> dict[tuple[str, str], stats.Comparison | str]:
    """Generations to the level: ENU against GRU and LSTM, GRU against LSTM."""
    return _compared(e, experiment, [("enu", "gru"), ("enu", "lstm"), ("gru", "lstm")], e.reached, -1)


def words(c: stats.Comparison) -> str:
    """A comparison in one line."""
    return f"A = {c.effect:.2f} [{c.low:.2f}, {c.high:.2f}], p = {c.p_holm:.2g}, n = {c.n[0]} and {c.n[1]}"


def _better(name: str, found: stats.Comparison | str, of: str, label: str) -> Part:
    if isinstance(found, str):
        return Part(name, None, found, label)
    return Part(name, found.better, f"{label}: {words(found)}", of)


def _wins(e: Evidence) -> list[Part]:
    parts = []
    for experiment in ("complex-stdp", "double-tmaze"):
        found = final_comparisons(e, experiment)
        for rival in ("gru", "lstm", "nfenu"):
            name = f"ENU ends better than {LABEL[rival]} on {LABEL[experiment]}"
            label = f"{LABEL[experiment]}, ENU against {LABEL[rival]}"
            parts.append(_better(name, found["enu", rival], LABEL[experiment], label))
    alike = _compared(e, "double-tmaze", [("gru", "lstm")], e.final, 1)["gru", "lstm"]
    name, of = "GRU and LSTM are alike on double T-maze", LABEL["double-tmaze"]
    if isinstance(alike, str):
        return [*parts, Part(name, None, alike, of)]
    return [*parts, Part(name, alike.alike, f"{of}, GRU against LSTM: {words(alike)}", of)]


def _faster(e: Evidence) -> list[Part]:
    parts = []
    for experiment in ("complex-stdp", "double-tmaze"):
        for (first, second), found in speed_comparisons(e, experiment).items():
            name = f"{LABEL[first]} is faster than {LABEL[second]} on {LABEL[experiment]}"
            label = f"{LABEL[experiment]}, {LABEL[first]} before {LABEL[second]}"
            parts.append(_better(name, found, LABEL[experiment], label))
    return parts


def _feedback(e: Evidence) -> list[Part]:
    parts = []
    for experiment in MAIN:
        name = f"ENU ends better than NFENU on {LABEL[experiment]}"
        found = final_comparisons(e, experiment)["enu", "nfenu"]
        parts.append(_better(name, found, LABEL[experiment], LABEL[experiment]))
    return parts


def _shared(e: Evidence) -> list[Part]:
    parts = []
    for experiment in ("tmaze", "double-tmaze"):
        name, of = f"SHAREDENU fails on {LABEL[experiment]} where ENU does not", LABEL[experiment]
        values = _pair(e, experiment, "enu", "shared", e.final)
        if isinstance(values, str):
            parts.append(Part(name, None, values, of))
            continue
        level, compared = e.level[experiment], final_comparisons(e, experiment)["enu", "shared"]
        own, shared = (float(np.median(v)) for v in values)
        if own < level:
            parts.append(Part(name, None, "ENU's own median is not at the level at which something has been learnt", of))
            continue
        holds = level > shared and not isinstance(compared, str) and compared.better
        text = f"median fitness {own:.2f} (ENU) and {shared:.2f} (SHAREDENU), level {level:.2f}, n = {len(values[1])}"
        parts.append(Part(name, holds, f"{LABEL[experiment]}: {text}", of))
    return parts


def _learns(e: Evidence) -> list[Part]:
    names = ("eats more than any fixed arm", "one poison is enough", "learns anew after a swap")
    if (found := _scores(e, "tmaze-enu")) is None:
        return _missing("tmaze-enu", *names)
    name, s = found
    low, bound = s["food"] - 1.96 * s["food s.e."], e.references.get("t", {}).get("fixed-arm", {}).get("food")
    eaten = Part(names[0], None, "the reference agent has not been measured", name)
    if bound is not None:
        eaten = Part(names[0], low > bound, f"food {s['food']:.2f} (s.e. {s['food s.e.']:.2f}), a fixed arm {bound:.2f}", name)
    second, again = s["second visit right after poison"], s["right again after one mistake"]
    return [
        eaten,
        _at_least(names[1], second, 0.8, f"after a first poison {second:.0%} of second visits right", name),
        _at_least(names[2], again, 0.9, f"after a swap and one mistake {again:.0%} right again", name),
    ]


def _spikes(e: Evidence) -> list[Part]:
    names = ("mostly silent", "all or none", "brief")
    name = "tmaze-enu"
    if name not in e.spiking:
        return [Part(part, None, "not in the zoo, or its outputs have not been measured", name) for part in names]
    now, before = e.spiking[name]["evolved"], e.spiking[name]["before"]
    parts = []
    for part, key, most, text in (
        (names[0], "active", 0.5, "active in {:.0%} of steps"),
        (names[1], "graded", 0.5, "{:.0%} of active values are neither near 0 nor near 1"),
        (names[2], "tonic", 0.5, "{:.0%} of activity is in runs longer than a move"),
    ):
        value, was = now[key], before[key]
        words = f"{text.format(value)} ({was:.0%} before evolution)"
        parts.append(Part(part, bool(value < most and value < was), words, name))
    return parts


def _double(e: Evidence) -> list[Part]:
    names = ("eats more than any fixed end", "half way to memory-only")
    if (found := _scores(e, "double-tmaze-enu")) is None:
        return _missing("double-tmaze-enu", *names)
    name, s = found
    agents = e.references.get("double-t", {})
    if not {"fixed-arm", "memory-only"} <= set(agents):
        return [Part(part, None, "the reference agents have not been measured", name) for part in names]
    low, high = agents["fixed-arm"]["food"], agents["memory-only"]["food"]
    food, error = s["food"], s["food s.e."]
    way = (food - low) / (high - low)
    return [
        Part(names[0], food - 1.96 * error > low, f"food {food:.2f} (s.e. {error:.2f}), a fixed end {low:.2f}", name),
        _at_least(names[1], way, 0.5, f"{way:.0%} of the way to memory-only ({high:.2f})", name),
    ]


CLAIMS = (
    Claim(
        "C1", "An evolved ENU fires when an integrate-and-fire neuron fires.", "Fig. 3",
        "Spikes of target and unit that coincide within one step, and the ratio of their numbers, on 2,048 fresh sequences.",
        "At least 95% of the target's spikes are met, at least 95% of the unit's are right, and their numbers differ by at "
        "most 5%.",
        "zoo: iaf-enu", _iaf_spikes,
    ),
    Claim(
        "C2", "Its firing frequency depends on the input current as the model's does.", "ED Fig. 2",
        "Relative deviation of the firing frequency over 33 currents in the evolved range.",
        "At most 3% on average and 10% anywhere.",
        "zoo: iaf-enu", _iaf_frequency,
    ),
    Claim(
        "C3", "An evolved ENU changes as neuromodulated STDP asks, and not without the neuromodulator.", "Fig. 3",
        "Synaptic change against spike distance: correlation with the rule, mean absolute error, and mean absolute change "
        "without neuromodulator, in % of the weight.",
        "Correlation at least 0.999, error at most 2%, change without neuromodulator at most 0.5%.",
        "zoo: stdp-enu", _stdp,
    ),
    Claim(
        "C4", "It approximates an invented rule, and better after 3,000 generations than after 1,000.", "ED Fig. 3",
        "Correlation of the synaptic change with the rule (our formula for it), with and without neuromodulator.",
        "Both at least 0.99 after 3,000 generations, and both larger than after 1,000.",
        "zoo: complex-stdp-enu-3000, complex-stdp-enu-1000", _complex,
    ),
    Claim(
        "C5", "The ENU ends better than GRU, LSTM and NFENU on complex STDP and double T-maze; on the latter GRU and LSTM "
        "are alike.", "ED Table 1",
        "Evolved parent's mean fitness over 30 trial runs, one value an evolution; A = probability that an evolution of the "
        "first ends better.",
        "For each rival and task, A > 0.5 with p < 0.05 (exact Mann-Whitney, Holm within the task); alike: p >= 0.05 and A "
        "between 0.29 and 0.71.  The paper's p < 0.005 is out of reach of five evolutions a model.",
        "stored sweep", _wins,
    ),
    Claim(
        "C6", "The ENU converges faster than GRU and LSTM on both, and LSTM takes longer than GRU.", "ED Fig. 5",
        "Generations until held-out fitness reaches a level fixed beforehand (single units: a tenth of the loss of a "
        "unit that learns nothing; mazes: the agent that always takes the same arm); never counts as longest.",
        "As C5, on these generations, for ENU before GRU, ENU before LSTM, GRU before LSTM.",
        "stored sweep", _faster,
    ),
    Claim(
        "C7", "Without feedback of its output the unit does worse.", "ED Fig. 1, ED Fig. 5",
        "As C5, ENU against NFENU.",
        "As C5, on each of the five tasks.",
        "stored sweep", _feedback,
    ),
    Claim(
        "C8", "With one set of rules for synapses and neurons the network does not converge, in either maze.",
        "ED Fig. 1, ED Fig. 5",
        "Median fitness of the evolved parents, against that of the agent that always takes the same arm.",
        "In each maze: ENU at or above that line, SHAREDENU below it, and the difference as in C5.  Where ENU itself does "
        "not get there, nothing is said.",
        "stored sweep", _shared,
    ),
    Claim(
        "C9", "A network learns the T-maze within one life, from single events, and learns anew after a swap.",
        "Fig. 4, Fig. 5",
        "2,048 fresh episodes, sensors shuffled for every agent: food, second visits after a first poison, visits after a "
        "swap and one mistake.",
        "Food above a fixed arm's (lower 95% bound), at least 80% of the second visits right, at least 90% right again.",
        "zoo: tmaze-enu", _learns,
    ),
    Claim(
        "C10", "The network's units came to spike, though nothing asked for it.", "Fig. 4",
        "Outputs of all neurons over fresh lives, on the channels in use: share of steps above 0.05 (active); of these, "
        "values below 0.95 (graded), and in runs longer than one move of 4 steps (tonic); against genomes before evolution.",
        "Each of the three below one half, and below what it was before evolution.",
        "zoo: tmaze-enu", _spikes,
    ),
    Claim(
        "C11", "A network learns the double T-maze.", "ED Fig. 4",
        "Food in 2,048 fresh episodes, against reference agents in the same maze (our layout of it).",
        "Above a fixed end's (lower 95% bound), and at least half way from there to the agent that has memory only.",
        "zoo: double-tmaze-enu", _double,
    ),
)  # fmt: skip
