"""The rule of each claim: a function from the evidence to the outcomes of the claim's parts.

The rules are described in words in `enu_lib.study.claims`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from enu_lib.analysis import stats
from enu_lib.study.comparisons import compared, final_comparisons, speed_comparisons, values_of_pair, words
from enu_lib.study.design import LABEL, MAIN
from enu_lib.study.evidence import Evidence

Outcome = Literal["holds", "fails", "undecided", "not judged"]


class Part(NamedTuple):
    """One condition of a claim and its outcome."""

    name: str
    outcome: Outcome
    measured: str  # the measured values as text, or the reason why it is not judged
    of: str = ""  # zoo entry or task that was measured


def met(condition: bool) -> Outcome:
    """The outcome of a threshold condition.  NaN fails: no such event."""
    return "holds" if condition else "fails"


def not_judged(names: Sequence[str], reason: str, of: str) -> list[Part]:
    return [Part(name, "not judged", reason, of) for name in names]


def missing(name: str, parts: Sequence[str]) -> list[Part]:
    """The parts of a claim whose unit is not in the zoo."""
    return not_judged(parts, "not in the zoo", name)


def above(value: float, error: float, bound: float) -> Outcome:
    """Whether a mean is above a bound, given its standard error; undecided if its 95% interval contains the bound."""
    if value - 1.96 * error > bound:
        return "holds"
    return "undecided" if value + 1.96 * error >= bound else "fails"


def difference(c: stats.Comparison) -> Outcome:
    """The outcome of "the first model is better": refuted if it is worse or a large difference can be excluded."""
    if c.better:
        return "holds"
    return "fails" if c.worse or c.alike else "undecided"


def likeness(c: stats.Comparison) -> Outcome:
    """The outcome of "the models are alike": refuted if one of them is better."""
    if c.better or c.worse:
        return "fails"
    return "holds" if c.alike else "undecided"


# Single units of the zoo


def iaf_spikes(e: Evidence) -> list[Part]:
    names = ("target spikes met", "unit spikes right", "as many spikes")
    unit = "iaf-enu"
    if (s := e.zoo.get(unit)) is None:
        return missing(unit, names)
    hit, right = s["target spikes met within 1 step"], s["unit spikes met within 1 step"]
    ratio = s["spikes, unit / target"]
    return [
        Part(names[0], met(hit >= 0.95), f"{hit:.1%} of the target's spikes met within one step", unit),
        Part(names[1], met(right >= 0.95), f"{right:.1%} of the unit's spikes right within one step", unit),
        Part(names[2], met(abs(ratio - 1) <= 0.05), f"{ratio:.3f} times as many spikes", unit),
    ]


def iaf_frequency(e: Evidence) -> list[Part]:
    names = ("mean deviation", "largest deviation")
    unit = "iaf-enu"
    if (s := e.zoo.get(unit)) is None:
        return missing(unit, names)
    mean, most = s["f-I deviation, mean"], s["f-I deviation, max"]
    return [
        Part(names[0], met(mean <= 0.03), f"frequency off by {mean:.1%} on average", unit),
        Part(names[1], met(most <= 0.1), f"{most:.1%} at most", unit),
    ]


def stdp(e: Evidence) -> list[Part]:
    names = ("shape", "size", "nothing without neuromodulator")
    unit = "stdp-enu"
    if (s := e.zoo.get(unit)) is None:
        return missing(unit, names)
    r, off = s["window correlation with NT"], s["mean |change - target| with NT, %"]
    without = s["mean |change| without NT, %"]
    return [
        Part(names[0], met(r >= 0.999), f"correlation {r:.4f} with the rule", unit),
        Part(names[1], met(off <= 2), f"off by {off:.2f}% of the weight on average", unit),
        Part(names[2], met(without <= 0.5), f"{without:.2f}% change without neuromodulator", unit),
    ]


def complex_stdp(e: Evidence) -> list[Part]:
    late, early = "complex-stdp-enu-3000", "complex-stdp-enu-1000"
    parts = []
    for text in ("with", "without"):
        key, name = f"window correlation {text} NT", f"approximates the rule {text} neuromodulator"
        better = f"better than after 1,000 generations, {text} neuromodulator"
        if late not in e.zoo:
            parts += missing(late, (name, better))
            continue
        r = e.zoo[late][key]
        parts.append(Part(name, met(r >= 0.99), f"correlation {r:.3f} {text} neuromodulator", late))
        if early not in e.zoo:
            parts += missing(early, (better,))
        else:
            before = e.zoo[early][key]
            parts.append(Part(better, met(r > before), f"{before:.3f} after 1,000 generations", early))
    return parts


# Models compared, over the evolutions of the sweep


def compared_part(name: str, comparison: stats.Comparison | str, task: str, label: str, alike: bool = False) -> Part:
    if isinstance(comparison, str):
        return Part(name, "not judged", comparison, label)
    return Part(name, likeness(comparison) if alike else difference(comparison), f"{label}: {words(comparison)}", task)


def ends_better(e: Evidence) -> list[Part]:
    parts = []
    for experiment in ("complex-stdp", "double-tmaze"):
        by_pair, task = final_comparisons(e, experiment), LABEL[experiment]
        for rival in ("gru", "lstm", "nfenu"):
            name = f"ENU ends better than {LABEL[rival]} on {task}"
            parts.append(compared_part(name, by_pair["enu", rival], task, f"{task}, ENU against {LABEL[rival]}"))
    both, task = ("gru", "lstm"), LABEL["double-tmaze"]
    by_pair = compared(e, "double-tmaze", [both], e.final)
    name = f"GRU and LSTM are alike on {task}"
    return [*parts, compared_part(name, by_pair[both], task, f"{task}, GRU against LSTM", alike=True)]


def converges_faster(e: Evidence) -> list[Part]:
    parts = []
    for experiment in ("complex-stdp", "double-tmaze"):
        task = LABEL[experiment]
        for (first, second), comparison in speed_comparisons(e, experiment).items():
            name = f"{LABEL[first]} is faster than {LABEL[second]} on {task}"
            parts.append(compared_part(name, comparison, task, f"{task}, {LABEL[first]} before {LABEL[second]}"))
    return parts


def feedback_helps(e: Evidence) -> list[Part]:
    parts = []
    for experiment in MAIN:
        name, task = f"ENU ends better than NFENU on {LABEL[experiment]}", LABEL[experiment]
        parts.append(compared_part(name, final_comparisons(e, experiment)["enu", "nfenu"], task, task))
    return parts


def shared_rules_fail(e: Evidence) -> list[Part]:
    parts = []
    for experiment in ("tmaze", "double-tmaze"):
        name, task = f"SHAREDENU fails on {LABEL[experiment]} where ENU does not", LABEL[experiment]
        values = values_of_pair(e, experiment, ("enu", "shared"), e.final)
        if isinstance(values, str):
            parts.append(Part(name, "not judged", values, task))
            continue
        level, comparison = e.level[experiment], final_comparisons(e, experiment)["enu", "shared"]
        own, shared = (float(np.median(v)) for v in values)
        if own < level:
            reason = "ENU's own median is not at the level at which something has been learnt"
            parts.append(Part(name, "not judged", reason, task))
            continue
        if shared >= level or isinstance(comparison, str):
            outcome: Outcome = "fails"
        else:
            outcome = difference(comparison)
        text = f"median fitness {own:.2f} (ENU) and {shared:.2f} (SHAREDENU), level {level:.2f}, n = {len(values[1])}"
        parts.append(Part(name, outcome, f"{task}: {text}", task))
    return parts


# Networks of the zoo


def learns_tmaze(e: Evidence) -> list[Part]:
    names = ("eats more than any fixed arm", "one poison is enough", "learns anew after a swap")
    network = "tmaze-enu"
    if (s := e.zoo.get(network)) is None:
        return missing(network, names)
    food, error = s["food"], s["food s.e."]
    arm = e.references.get("t", {}).get("fixed-arm", {}).get("food")
    if arm is None:
        eats = Part(names[0], "not judged", "the reference agent has not been measured", network)
    else:
        eats = Part(names[0], above(food, error, arm), f"food {food:.2f} (s.e. {error:.2f}), a fixed arm {arm:.2f}", network)
    second, again = s["second visit right after poison"], s["right again after one mistake"]
    return [
        eats,
        Part(names[1], met(second >= 0.8), f"after a first poison {second:.0%} of second visits right", network),
        Part(names[2], met(again >= 0.9), f"after a swap and one mistake {again:.0%} right again", network),
    ]


def came_to_spike(e: Evidence) -> list[Part]:
    names = ("mostly silent", "all or none", "brief")
    network = "tmaze-enu"
    if network not in e.spiking:
        return not_judged(names, "not in the zoo, or its outputs have not been measured", network)
    now, before = e.spiking[network]["evolved"], e.spiking[network]["before"]
    texts = {
        "active": "active in {:.0%} of steps",
        "graded": "{:.0%} of active values are neither near 0 nor near 1",
        "tonic": "{:.0%} of activity is in runs longer than a move",
    }
    return [
        Part(
            name,
            met(now[key] < 0.5 and now[key] < before[key]),
            f"{text.format(now[key])} ({before[key]:.0%} before evolution)",
            network,
        )
        for name, (key, text) in zip(names, texts.items(), strict=True)
    ]


def learns_double_tmaze(e: Evidence) -> list[Part]:
    names = ("eats more than any fixed end", "half way to memory-only")
    network = "double-tmaze-enu"
    if (s := e.zoo.get(network)) is None:
        return missing(network, names)
    agents = e.references.get("double-t", {})
    if not {"fixed-arm", "memory-only"} <= set(agents):
        return not_judged(names, "the reference agents have not been measured", network)
    low, high = agents["fixed-arm"]["food"], agents["memory-only"]["food"]
    food, error = s["food"], s["food s.e."]
    way = (food - low) / (high - low)
    return [
        Part(names[0], above(food, error, low), f"food {food:.2f} (s.e. {error:.2f}), a fixed end {low:.2f}", network),
        Part(names[1], met(way >= 0.5), f"{way:.0%} of the way from a fixed end to memory-only ({high:.2f})", network),
    ]
