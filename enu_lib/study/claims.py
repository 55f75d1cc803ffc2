"""The paper's claims, how each is measured, and the rule that gives its verdict.

The rules were committed before the sweep of models and the evolved networks that they judge existed.  The single units of
the zoo already existed; where an earlier page of the book had a threshold for them, that threshold is used.  `Claim.history`
records each change of a rule: the old rule, the date, the reason, and what was known of the networks when it was changed.

Every claim has several parts.  A part holds, fails (is refuted), is undecided (neither shown nor refuted), or is not judged
(no stored results, fewer than MIN_SEEDS evolutions, or no model that learnt enough for a meaningful comparison):

    reproduced    every part holds
    in part       some parts hold, others do not or are not judged
    not           no part holds, and at least one is refuted
    undecided     no part holds and none is refuted
    not tested    no part can be judged

The rules are implemented in `enu_lib.study.rules`.  Nothing is simulated here; `enu_lib.study.evidence` reads stored results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from enu_lib.study import rules
from enu_lib.study.design import MAIN
from enu_lib.study.evidence import INDEPENDENT, Evidence
from enu_lib.study.rules import Part

VERDICTS = ("reproduced", "in part", "not", "undecided", "not tested")


class Change(NamedTuple):
    """A rule that was replaced."""

    date: str
    rule: str  # the old one
    reason: str


class Repeats(NamedTuple):
    """Independent evolutions to which the rule for a single unit or network is also applied."""

    name: str  # zoo entry on which the claim is judged
    experiment: str = ""  # experiment of the sweep whose evolutions replace that entry
    others: Mapping[str, tuple[str, ...]] = MappingProxyType({})  # or zoo entries from separate evolutions, by their kind

    def evidence(self, e: Evidence, model: str = "enu") -> dict[str, list[Evidence]]:
        """Copies of the evidence in which each of these evolutions replaces the zoo entry, by kind of evolution."""
        if self.experiment:
            return {"in the sweep": [replace(e, zoo={self.name: v}) for v in e.scores.get((self.experiment, model), ())]}
        return {
            kind: [replace(e, abilities={**e.abilities, self.name: e.abilities[n]}) for n in names if n in e.abilities]
            for kind, names in self.others.items()
        }


@dataclass(frozen=True)
class Claim:
    """A claim of the paper with our measure and rule."""

    key: str
    statement: str  # the claim in our words
    where: str  # figure or table of the paper
    measure: str
    rule: str
    source: str  # zoo entry or stored sweep
    judge: Callable[[Evidence], list[Part]]
    headline: int | None = None  # index of the part whose measure is displayed; None: the number of parts that hold
    repeats: Repeats | None = None  # None for claims that compare models or count networks
    counted: Callable[[Evidence], list[bool]] | None = None  # for each network, whether it passes
    tasks: tuple[str, ...] = ()  # experiments of the first sweep on which models are compared
    models: tuple[str, ...] = ()  # models that are compared
    history: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict."""

    claim: Claim
    verdict: str
    parts: tuple[Part, ...]
    evolutions: str  # number of independent evolutions that pass, or that were compared

    @property
    def number(self) -> str:
        """The one measure that is displayed for the claim."""
        known = [part for part in self.parts if part.outcome != "not judged"]
        if self.claim.headline is not None or not known:
            return self.parts[self.claim.headline or 0].measured
        shown, refuted = (sum(part.outcome == outcome for part in known) for outcome in ("holds", "fails"))
        return f"{shown} of {len(self.parts)} comparisons shown, {refuted} refuted"


def judge(evidence: Evidence, *keys: str) -> list[Finding]:
    """The verdicts on the claims with these keys, such as "C9", or on all, in order."""
    findings = []
    for claim in CLAIMS:
        if keys and claim.key not in keys:
            continue
        parts = tuple(claim.judge(evidence))
        findings.append(Finding(claim, verdict(parts), parts, evolutions(claim, evidence)))
    return findings


def verdict(parts: Sequence[Part]) -> str:
    """The verdict that follows from the parts of a claim; see the module's docstring."""
    judged = [part.outcome for part in parts if part.outcome != "not judged"]
    if not judged:
        return "not tested"
    if "holds" in judged:
        return "reproduced" if set(judged) == {"holds"} and len(judged) == len(parts) else "in part"
    return "not" if "fails" in judged else "undecided"


def evolutions(claim: Claim, evidence: Evidence) -> str:
    """The number of independent evolutions that pass a claim's rule, or of evolutions compared, as text."""
    if claim.counted is not None:
        each = claim.counted(evidence)
        return f"{sum(each)} of {len(each)} in the zoo" if each else "none in the zoo"
    if claim.repeats is None:
        counts = [len(evidence.final.get((task, model), ())) for task in claim.tasks for model in claim.models]
        if rules.second_study(evidence, claim.key):
            tested = [j.comparison for j in evidence.judged if claim.key in j.compared.claims and j.comparison]
            counts = [n for c in tested for n in c.n] or [0]
        if not (high := max(counts)):
            return "none compared yet"
        many = high if (low := min(counts)) == high else f"{low} to {high}"
        return f"compares {many} of each model"
    each_kind = [(kind, *passes(claim, each)) for kind, each in claim.repeats.evidence(evidence).items()]
    text = ", ".join(f"{passing} of {many} {kind}" for kind, passing, many in each_kind if many)
    return text or "one evolution, not repeated"


def passes(claim: Claim, each: Sequence[Evidence]) -> tuple[int, int]:
    """The number of evolutions that pass all parts that can be judged, and the number of evolutions."""
    outcomes = [{part.outcome for part in claim.judge(e)} - {"not judged"} for e in each]
    return outcomes.count({"holds"}), len(outcomes)


_PAIRS = (
    "the difference holds where A > 0.5 with p < 0.05 (exact Mann-Whitney, Holm within the task); it is refuted where A < 0.5 "
    "with p < 0.05, or where the 90% interval of A lies within 0.29 to 0.71, short of a large effect either way; else it is "
    "undecided."
)
_REASON = (
    "With 5 or 10 evolutions of each model, p >= 0.05 is common even where a difference exists. The old rule counted "
    "that as a refutation."
)
_AT_THE_EDGE = (
    "A lower bound below the agent's score was counted as a refutation, also where the agent's score lies within the interval."
)
_CHANGED = "2026-11-26"
_SECOND = (
    "Judged by the second study as soon as one of its experiments is complete, with its measures, tests and verdicts "
    "(`enu_lib.study.protocol`; supported: holds, contradicted: fails); parts whose experiment is not complete are not judged. "
    "Until then, judged by the first sweep: "
)
_ANSWERS = (
    "The first sweep cannot answer this: fitness counts steps survived, a head start counts as speed, the level hides clear "
    "differences, the strategy was chosen using ENUs, and five evolutions can show only a complete separation. The protocol of "
    "the second study was committed before the first of its runs, when the results of the first sweep were known."
)
_BOTH = "second study, or the stored first sweep"


def _replaced(rule: str) -> Change:
    return Change(_CHANGED, rule, _ANSWERS)


_C5 = (
    f"For each rival and task: {_PAIRS} Alike: holds where that interval lies within 0.29 to 0.71, is refuted where p < 0.05, "
    "else undecided. Five evolutions of each model can show neither this nor the paper's p < 0.005."
)
_C6 = "As C5, on these generations, for ENU before GRU, ENU before LSTM, GRU before LSTM."
_C7 = "As C5, on each of the five tasks."
_C8 = (
    "In each maze: ENU at or above that line, SHAREDENU below it, and the difference as in C5. Refuted where SHAREDENU is at "
    "or above the line. Where ENU itself does not get there, nothing is said."
)

CLAIMS = (
    Claim(
        "C1", "An evolved ENU fires when an integrate-and-fire neuron fires.", "Fig. 3",
        "Spikes of target and unit that coincide within one step, and the ratio of their numbers, on 2,048 fresh sequences.",
        "At least 95% of the target's spikes are met, at least 95% of the unit's are right, and their numbers differ by at "
        "most 5%.",
        "zoo: iaf-enu", rules.iaf_spikes, 0, Repeats("iaf-enu", "iaf"),
    ),
    Claim(
        "C2", "Its firing frequency depends on the input current as the model's does.", "ED Fig. 2",
        "Relative deviation of the firing frequency over 33 currents in the evolved range.",
        "At most 3% on average and 10% anywhere.",
        "zoo: iaf-enu", rules.iaf_frequency, 0, Repeats("iaf-enu", "iaf"),
    ),
    Claim(
        "C3", "An evolved ENU follows the neuromodulated STDP rule, and does not change without the neuromodulator.", "Fig. 3",
        "Synaptic change against spike distance: correlation with the rule, mean absolute error, and mean absolute change "
        "without neuromodulator, in % of the weight.",
        "Correlation at least 0.999, error at most 2%, change without neuromodulator at most 0.5%.",
        "zoo: stdp-enu", rules.stdp, 0, Repeats("stdp-enu", "stdp"),
    ),
    Claim(
        "C4", "It approximates an invented rule, and better after 3,000 generations than after 1,000.", "ED Fig. 3",
        "Correlation of the synaptic change with the rule (our formula for it), with and without neuromodulator.",
        "Both at least 0.99 after 3,000 generations, and both larger than after 1,000.",
        "zoo: complex-stdp-enu-3000, complex-stdp-enu-1000", rules.complex_stdp, 2,
        Repeats("complex-stdp-enu-3000", "complex-stdp"),
    ),
    Claim(
        "C5", "The ENU reaches a higher final fitness than GRU, LSTM and NFENU on complex STDP and the double T-maze; on the "
        "latter, GRU and LSTM are alike.", "ED Table 1",
        "Mean fitness of the evolved parent over 30 trial runs, one value per evolution; A = probability that an evolution of "
        "the first model reaches a higher final fitness.",
        f"{_SECOND}{_C5}",
        _BOTH, rules.ends_better, tasks=("complex-stdp", "double-tmaze"), models=("enu", "nfenu", "gru", "lstm"),
        history=(
            Change(
                _CHANGED,
                "For each rival and task, A > 0.5 with p < 0.05 (exact Mann-Whitney, Holm within the task); alike: p >= 0.05 "
                "and A between 0.29 and 0.71. The paper's p < 0.005 is out of reach of five evolutions a model.",
                f"{_REASON} And it took the same p >= 0.05 as evidence of likeness, which it is not.",
            ),
            _replaced(_C5),
        ),
    ),
    Claim(
        "C6", "The ENU converges faster than GRU and LSTM on both, and LSTM takes longer than GRU.", "ED Fig. 5",
        "Generations until held-out fitness reaches a level fixed beforehand (single units: a tenth of the loss of a "
        "unit that learns nothing; mazes: the agent that always takes the same arm); never counts as longest.",
        f"{_SECOND}{_C6}",
        _BOTH, rules.converges_faster, tasks=("complex-stdp", "double-tmaze"), models=("enu", "gru", "lstm"),
        history=(Change(_CHANGED, "As C5, with the rule that C5 had then.", _REASON), _replaced(_C6)),
    ),
    Claim(
        "C7", "Without feedback of its output the unit does worse.", "ED Fig. 1, ED Fig. 5",
        "As C5, ENU against NFENU.",
        f"{_SECOND}{_C7}",
        _BOTH, rules.feedback_helps, tasks=tuple(MAIN), models=("enu", "nfenu"),
        history=(Change(_CHANGED, "As C5, with the rule that C5 had then.", _REASON), _replaced(_C7)),
    ),
    Claim(
        "C8", "With one set of rules for synapses and neurons the network does not converge, in either maze.",
        "ED Fig. 1, ED Fig. 5",
        "Median fitness of the evolved parents, against that of the agent that always takes the same arm.",
        f"{_SECOND}{_C8}",
        _BOTH, rules.shared_rules_fail, tasks=("tmaze", "double-tmaze"), models=("enu", "shared"),
        history=(
            Change(
                _CHANGED,
                "In each maze: ENU at or above that line, SHAREDENU below it, and the difference as in C5 [as it was then]. "
                "Where ENU itself does not get there, nothing is said.",
                _REASON,
            ),
            _replaced(_C8),
        ),
    ),
    Claim(
        "C9", "A network learns the T-maze within one episode: after one poison it takes the other arm, it then knows poison "
        "on sight, and it finds the food again after each swap.",
        "Fig. 4, Fig. 5",
        "2,048 fresh episodes in each of several mazes, sensors shuffled for every agent. Food; the visit after the first "
        "poison, where poison does not kill; the visits directly after a swap, in episodes with an earlier poison; the same "
        "visits after the sensors for food and poison have exchanged their meanings in mid-episode; and food at one of the "
        "two visits after the second and the third swap, where poison does not kill.",
        "Food above a fixed arm's; at least 90% of the visits after a first poison right; no mistake after at least 90% of "
        "the swaps; with exchanged sensors less than half of the visits right, and more than half without; food within two "
        "visits of at least 90% of the second and of the third swaps. Each by its 95% interval; undecided where the interval "
        "contains the bound. A latch fails the last three, an agent that only remembers an arm the third and fourth, one that "
        "alternates the first and fourth. Passing takes little: one bit and the sensor of the first poison, in an agent that "
        "never relearns (once-bitten).",
        "zoo: tmaze-enu", rules.learns_tmaze, 2, Repeats("tmaze-enu", others=INDEPENDENT),
        history=(
            Change(
                _CHANGED,
                "Food above a fixed arm's (lower 95% bound), at least 80% of the second visits right, at least 90% right "
                "again.",
                _AT_THE_EDGE,
            ),
            Change(
                _CHANGED,
                "Food above a fixed arm's (95% interval; undecided where the fixed arm's lies within it), at least 80% of the "
                "second visits right, at least 90% right again [after a swap and one mistake].",
                "An agent that goes left, and right for ever after its first poison, passes: in the published maze a second "
                "poison kills, so that switching twice was not tested. The network of the zoo at that time was such a latch. "
                "And the paper says that its agent detects poison, which no part of the rule tested. When the new rule was "
                "written, the network that it first judged (now tmaze-enu-three-runs) did not exist. But its parent "
                "(tmaze-volatile-enu) did, and was known to make no mistake once poisoned. The network judged now evolved "
                "later, with this rule known. Neither verdict is a blind test.",
            ),
        ),
    ),
    Claim(
        "C10", "The network's units spike although spiking was not selected for.", "Fig. 4",
        "First channel of the output neurons over fresh episodes, corrected for its resting level: share of steps above a "
        "threshold midway between the 5th and the 99th percentile (on), share of steps in the middle half between the two "
        "(graded), and mean length of an event. Networks of the T-maze from independent evolutions, and as many generations "
        "of the same strategy without selection (offspring ranked at random).",
        "On less than half of the time; graded less than a quarter of the time; events shorter than a move of 4 steps: each in "
        "more than half of the networks (95% interval of the share). All three more often than without selection (Fisher's "
        "exact test, p < 0.05).",
        "zoo: T-maze networks of separate evolutions", rules.came_to_spike, 3, counted=rules.networks_that_pulse,
        history=(
            Change(
                _CHANGED,
                "Outputs of all neurons and channels in use: share of steps above 0.05 (active); of these, values below 0.95 "
                "(graded), and in runs longer than one move (tonic). Each below one half, and below what it was before "
                "evolution.",
                "The paper's figure shows the first channel of the output neurons; other channels need not spike. A resting "
                "level above 0.05 counted as tonic firing. And random genomes are mostly silent, so that they are no "
                "comparison; evolution without selection is one. When the new rule was written, three of the four networks "
                "existed and had been measured in this way, and so had four evolutions without selection, of another length.",
            ),
        ),
    ),
    Claim(
        "C11", "A network learns the double T-maze.", "ED Fig. 4",
        "Food in 2,048 fresh episodes, against reference agents in the same maze (our layout of it).",
        "Above a fixed end's (95% interval; undecided where the fixed end's lies within it), and at least half way from there "
        "to the agent that has memory only.",
        "zoo: double-tmaze-enu", rules.learns_double_tmaze, 1,
        Repeats("double-tmaze-enu", "double-tmaze"),
        history=(
            Change(
                _CHANGED,
                "Above a fixed end's (lower 95% bound), and at least half way from there to the agent that has memory only.",
                _AT_THE_EDGE,
            ),
        ),
    ),
)  # fmt: skip
