"""The rule of each claim: a function from the evidence to the outcomes of the claim's parts.

The rules are described in words in `enu_lib.study.claims`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from enu_lib.analysis import stats
from enu_lib.analysis.learning import interval
from enu_lib.analysis.measures import Measure
from enu_lib.study.comparisons import compared, final_comparisons, speed_comparisons, values_of_pair
from enu_lib.study.design import LABEL, MAIN
from enu_lib.study.evidence import Evidence
from enu_lib.study.outcomes import Verdict, verdict
from enu_lib.tasks.maze import Maze

Outcome = Literal["holds", "fails", "undecided", "not judged"]
OUTCOMES: dict[Verdict, Outcome] = {
    "supported": "holds", "contradicted": "fails", "undecided": "undecided", "not tested": "not judged",
}  # fmt: skip
OFTEN = 0.9  # of the visits
MIN_EVENTS = 30
MOVE = Maze().move_every  # steps


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


def beyond(m: Measure, bound: float, below: bool = False) -> Outcome:
    """Whether a measure is above a bound (or below it), by its 95% interval; not judged on fewer than MIN_EVENTS events."""
    if m.n < MIN_EVENTS:
        return "not judged"
    low, high = (-m.high, -m.low) if below else (m.low, m.high)
    bound = -bound if below else bound
    return _side(low, high, bound)


def _side(low: float, high: float, bound: float) -> Outcome:
    """Whether a value with this interval is above the bound."""
    if low > bound:
        return "holds"
    return "fails" if high < bound else "undecided"


def share(m: Measure) -> str:
    """A share in percent; "none" where there was nothing to measure."""
    return f"{m.value:.0%}" if m.n else "none"


def difference(c: stats.Comparison) -> Outcome:
    """The outcome of "the first model is better": refuted if it is worse or a large difference can be excluded."""
    return OUTCOMES[verdict(c)]


def likeness(c: stats.Comparison) -> Outcome:
    """The outcome of "the models are alike": refuted if one of them is better."""
    return OUTCOMES[verdict(c, alike=True)]


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


# Models compared, over the evolutions of the second study, or of the first sweep as long as there are none


def second_study(e: Evidence, claim: str) -> list[Part]:
    """The parts of a claim by the second study; empty as long as none of its experiments is complete."""
    mine = [j for j in e.judged if claim in j.compared.claims] if any(j.comparison for j in e.judged) else []
    return [Part(j.name, OUTCOMES[j.verdict], j.text, LABEL[j.planned.experiment]) for j in mine]


def compared_part(name: str, comparison: stats.Comparison | str, task: str, label: str, alike: bool = False) -> Part:
    if isinstance(comparison, str):
        return Part(name, "not judged", comparison, label)
    return Part(name, likeness(comparison) if alike else difference(comparison), f"{label}: {comparison.text}", task)


def ends_better(e: Evidence) -> list[Part]:
    if parts := second_study(e, "C5"):
        return parts
    for experiment in ("complex-stdp", "double-tmaze"):
        by_pair, task = final_comparisons(e, experiment), LABEL[experiment]
        for rival in ("gru", "lstm", "nfenu"):
            name = f"ENU reaches a higher final fitness than {LABEL[rival]} on {task}"
            parts.append(compared_part(name, by_pair["enu", rival], task, f"{task}, ENU against {LABEL[rival]}"))
    both, task = ("gru", "lstm"), LABEL["double-tmaze"]
    by_pair = compared(e, "double-tmaze", [both], e.final)
    name = f"GRU and LSTM are alike on {task}"
    return [*parts, compared_part(name, by_pair[both], task, f"{task}, GRU against LSTM", alike=True)]


def converges_faster(e: Evidence) -> list[Part]:
    if parts := second_study(e, "C6"):
        return parts
    for experiment in ("complex-stdp", "double-tmaze"):
        task = LABEL[experiment]
        for (first, second), comparison in speed_comparisons(e, experiment).items():
            name = f"{LABEL[first]} is faster than {LABEL[second]} on {task}"
            parts.append(compared_part(name, comparison, task, f"{task}, {LABEL[first]} before {LABEL[second]}"))
    return parts


def feedback_helps(e: Evidence) -> list[Part]:
    if parts := second_study(e, "C7"):
        return parts
    for experiment in MAIN:
        name, task = f"ENU reaches a higher final fitness than NFENU on {LABEL[experiment]}", LABEL[experiment]
        parts.append(compared_part(name, final_comparisons(e, experiment)["enu", "nfenu"], task, task))
    return parts


def shared_rules_fail(e: Evidence) -> list[Part]:
    if parts := second_study(e, "C8"):
        return parts
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
    names = (
        "eats more than any fixed arm", "one poison is enough", "avoids poison on sight once punished",
        "because of what its sensors show", "finds the food after each swap",
    )  # fmt: skip
    network = "tmaze-enu"
    if network not in e.abilities:
        return not_judged(names, "not in the zoo, or its abilities have not been measured", network)
    measures, arm = e.abilities[network], e.abilities.get("fixed-arm")
    food, exchanged = measures["standard.food"], measures["exchanged.first"]
    if arm is None:
        eats = Part(names[0], "not judged", "the reference agent has not been measured", network)
    else:
        bound = arm["standard.food"].value
        text = f"food {food.value:.2f} (95% interval {food.low:.2f} to {food.high:.2f}), a fixed arm {bound:.2f}"
        eats = Part(names[0], beyond(food, bound), text, network)
    poisoned, sight, kept = measures["switching.1"], measures["standard.no_mistake"], measures["left_alone.first"]
    falls = beyond(exchanged, 0.5, below=True) if beyond(kept, 0.5) == "holds" else "fails"
    again = [measures["swapped.2"], measures["swapped.3"]]
    outcomes = {beyond(m, OFTEN) for m in again}
    worst: Outcome = next((o for o in ("fails", "not judged", "undecided") if o in outcomes), "holds")
    second, third = map(share, again)
    swaps = f"food within two visits after {second} of the second swaps and {third} of the third"
    return [
        eats,
        Part(names[1], beyond(poisoned, OFTEN), f"{share(poisoned)} right after a first poison", network),
        Part(names[2], beyond(sight, OFTEN), f"no mistake after {share(sight)} of the changes after a poison", network),
        Part(
            names[3], falls,
            f"{share(kept)} right with unchanged sensors, {share(exchanged)} with those for food and poison exchanged",
            network,
        ),
        Part(names[4], worst, swaps, network),
    ]  # fmt: skip


def pulse_criteria(measured: Mapping[str, float]) -> tuple[bool, bool, bool]:
    """Whether outputs are at rest most of the time, all or none, and brief.  NaN (no output varies) meets none of them."""
    return measured["on"] < 0.5, measured["graded"] < 0.25, measured["length"] < MOVE


def networks_that_pulse(e: Evidence) -> list[bool]:
    """For each independent network of the T-maze that learns: whether it meets all three criteria."""
    return [all(pulse_criteria(measured)) for measured in e.spiking.values()]


def came_to_spike(e: Evidence) -> list[Part]:
    names = ("at rest most of the time", "all or none", "brief", "more often than without selection")
    if not e.spiking:
        return not_judged(names, "no networks in the zoo, or their outputs have not been measured", "tmaze-enu")
    met_by = np.array([pulse_criteria(measured) for measured in e.spiking.values()])
    texts = ("on less than half of the time", "seldom at intermediate values", "on for less than a move at a time")
    parts = [
        Part(name, most(int(k), len(met_by)), f"{k} of {len(met_by)} networks are {text}", "tmaze-enu")
        for name, text, k in zip(names, texts, met_by.sum(0), strict=False)
    ]
    if not e.neutral:
        return [*parts, *not_judged(names[3:], "evolution without selection has not been run", "tmaze-enu")]
    evolved, neutral = networks_that_pulse(e), [all(pulse_criteria(measured)) for measured in e.neutral]
    text = f"{sum(evolved)} of {len(evolved)} networks pulse, {sum(neutral)} of {len(neutral)} without selection"
    return [*parts, Part(names[3], more_often(evolved, neutral), text, "tmaze-enu")]


def most(k: int, n: int) -> Outcome:
    """Whether more than half of all such evolutions meet a criterion, by the 95% (Wilson) interval of k out of n."""
    return _side(*interval(k, n), 0.5)


def more_often(a: Sequence[bool], b: Sequence[bool]) -> Outcome:
    """Whether something is more frequent in the first sample than in the second (Fisher's exact test)."""
    from scipy import stats as scipy_stats

    table = [[sum(v), len(v) - sum(v)] for v in (a, b)]
    if scipy_stats.fisher_exact(table).pvalue >= stats.ALPHA:
        return "undecided"
    return "holds" if np.mean(a) > np.mean(b) else "fails"


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
