"""What kind of learner an agent in the T-maze is: a latch, one that remembers, or one that knows its sensors.

networks = of_networks(zoo.load("tmaze-enu"), "zoo")    # as stored, with other networks of the zoo
agents = of_agents(("looking", "latch"))                # scripted agents
across({**networks, **agents}, SHARES)                  # a table, one column per agent
in_words(networks["tmaze-enu"], agents)                 # Markdown
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from enu_lib import zoo
from enu_lib.analysis import exchange
from enu_lib.analysis.battery import CHANGES, POISONS, battery, stays_after_poisons
from enu_lib.analysis.measures import Measure
from enu_lib.experiments import attempt_began
from enu_lib.study import evidence
from enu_lib.study.evidence import ABILITIES
from enu_lib.study.protocol import AVOIDS
from enu_lib.study.rules import share
from enu_lib.study.tables import Row
from enu_lib.zoo import Entry

Measures = Mapping[str, Measure]
SHARES = {  # measures of the battery that are shares of visits, in the order of the figure
    "switching.1": "after the 1st poison",
    "switching.2": "after the 2nd poison",
    "switching.3": "after the 3rd poison",
    "swapped.1": "within two visits\nof the 1st swap",
    "swapped.2": "within two visits\nof the 2nd swap",
    "swapped.3": "within two visits\nof the 3rd swap",
    "standard.no_mistake": "directly after a swap,\npoisoned before",
    "every_food.no_mistake": "the same, swaps\nafter every food",
    "left_alone.first": "sensors as they were",
    "exchanged.first": "food and poison\nsensors exchanged",
    "exchanged.later": "sixth meal after\nthe exchange and on",
    "hidden.remembers": "food and poison\nhidden, no swap",
}
FOOD = {
    "standard.food": "published T-maze",
    "every_food.food": "swaps after\nevery food",
    "hidden.food": "food and poison\nhidden",
    "cut_poison.food": "poison without\npunishment",
}
NEARLY_ALWAYS = 0.95  # share of swaps after which an agent that knows its sensors makes no mistake
ALLOWED = 45  # minutes of one core
HISTORY = ("stopped", "restarted", f"minutes to target {AVOIDS}", "tested")  # columns of `of_curriculum`
REVERSES = 0.9  # share of visits that end with food, for a reversal learner
RELEARNS = "tmaze-enu-relearns"  # in the zoo
EXCHANGES = 701  # seed of the episodes with an exchange; not that of the battery, by which this network was noticed
MOSTLY = 0.5  # share of visits above which an agent is said to do something


def episodes(profile: str) -> int:
    """Number of episodes of a network's battery in each maze: for the zoo, that of the stored results; for smoke, few."""
    return {"zoo": ABILITIES, "smoke": 16}.get(profile, 480)


def of_networks(entry: Entry, profile: str) -> dict[str, Measures]:
    """Battery measures of an evolved network, by name; for the zoo, the stored ones, with its other tested networks.

    Those of `evidence.REVERSAL` are left out: they were tested with food and poison hidden, so they cannot be compared.
    """
    if profile == "zoo":
        stored = evidence.without_sweeps().abilities
        others = [name for name in stored if name in zoo.names() and name not in evidence.REVERSAL]
        return {name: stored[name] for name in (entry.name, *others)}
    return {entry.name: battery(entry.model, entry.genome, entry.task, episodes(profile), double=False).measures}


def of_agents(names: Sequence[str]) -> dict[str, Measures]:
    """Stored battery measures of scripted agents, by name; they do not depend on any evolution."""
    stored = evidence.without_sweeps().abilities
    return {name: stored[name] for name in names}


def around_exchange(entry: Entry, profile: str) -> dict[str, dict[int, Measure]]:
    """Visits around an exchange of the sensors for food and poison: of a network, of scripted agents, and of other networks.

    The other networks, for the zoo only: `RELEARNS`, then all from the evolutions with restarts.
    """
    others = (RELEARNS, *evidence.RESTARTS) if profile == "zoo" else ()
    entries, n = {entry.name: entry, **{name: zoo.load(name) for name in others}}, min(480, episodes(profile))
    return {
        **{name: exchange.around_exchange(e.model, e.genome, e.task, n, EXCHANGES) for name, e in entries.items()},
        **{name: exchange.around_exchange(name, n=n, seed=EXCHANGES) for name in ("looking", "looking-once", "memory-only")},
    }


def around_table(agents: Mapping[str, Mapping[int, Measure]], numbers: Sequence[int]) -> list[Row]:
    """Shares of visits that end with food, before and after an event: one row per agent.  numbers: those of the visits."""
    return [{"agent": name, **{f"visit {k}": share(of[k]) for k in numbers}} for name, of in agents.items()]


def across(agents: Mapping[str, Measures], keys: Mapping[str, str]) -> list[Row]:
    """Chosen measures of several agents: one row per measure, one column per agent."""

    def text(m: Measure) -> str:
        return "none" if not m.n else f"{m.value:.2f}"

    return [
        {"measure": label.replace("\n", " "), **{name: text(of[key]) for name, of in agents.items()}}
        for key, label in keys.items()
    ]


def in_words(network: Measures, agents: Mapping[str, Measures]) -> str:
    """What a network's battery shows, compared with the agents "looking" and "latch", as Markdown.

    Its rule for having learnt what the sensors mean is not that of `knows_its_sensors`: it asks for fewer swaps without a
    mistake, in the published T-maze, and judges by intervals.
    """
    food, sight, exchanged = (network[k] for k in ("standard.food", "standard.no_mistake", "exchanged.first"))
    best, latch = (agents[name]["standard.food"].value for name in ("looking", "latch"))
    knows = sight.n and sight.low > MOSTLY and exchanged.high < MOSTLY
    first = (
        f"In the published T-maze the network eats **{food.value:.2f} food** (95% interval {food.low:.2f} to {food.high:.2f}; "
        f"an agent that looks {best:.2f}, a latch {latch:.2f}). "
    )
    if not sight.n:
        return first + "There was no swap after it had eaten poison, so nothing can be said about its use of the sensors."
    shares = (
        f"once poisoned, it makes no mistake after {share(sight)} of the swaps, and when the sensors for food and poison "
        f"exchange their meanings, {share(exchanged)} of its next visits end with food"
    )
    if knows:
        return first + f"It **has learnt what its sensors mean**: {shares}."
    return first + f"It **does not rely on what its sensors show of food and poison**: {shares}."


def knows_its_sensors(agent: Measures) -> bool:
    """Whether an agent knows what its sensors mean, by a rule fixed before the networks of `evidence.CURRICULUM` evolved.

    With swaps after every food and an earlier poison: no mistake after at least `NEARLY_ALWAYS` of the swaps; and of the first
    visits after the sensors for food and poison are exchanged, less than half right, but more than half if they are not.  All
    by the values themselves, not their intervals; an agent without such visits does not pass.
    """
    sight, exchanged, alone = (agent[k] for k in ("every_food.no_mistake", "exchanged.first", "left_alone.first"))
    return bool(sight.n and sight.value >= NEARLY_ALWAYS and exchanged.value < MOSTLY < alone.value)


def of_seeds(names: Sequence[str]) -> tuple[int, int]:
    """The number of evolutions with the curriculum that count, and the number of all.

    One counts if its stage `AVOIDS` reached its target within `ALLOWED` minutes and its network knows its sensors: a rule fixed
    before `evidence.RESTARTS` evolved.
    """
    stored = evidence.without_sweeps().abilities
    count = sum(knows_its_sensors(stored[name]) and _reached(zoo.load(name)) <= ALLOWED for name in names)
    return count, len(names)


def of_curriculum(names: Sequence[str], agents: Mapping[str, Measures]) -> list[Row]:
    """For evolutions with the curriculum, and for scripted agents: what they can do; how far the evolution had come."""
    stored = evidence.without_sweeps().abilities
    rows: list[Row] = []
    for name, tested in {**{name: stored[name] for name in names}, **agents}.items():
        history = _history(zoo.load(name)) if name in names else dict.fromkeys(HISTORY, "")
        exchange = (tested[key] for key in ("left_alone.first", "exchanged.first", "exchanged.later"))
        rows.append({
            "agent": name,
            **history,
            "food": f"{tested['standard.food'].value:.1f}",
            "with swaps": f"{tested['every_food.food'].value:.1f}",
            "no mistake": share(tested["every_food.no_mistake"]),
            "exchange": ", ".join(map(share, exchange)),
            "knows its sensors": "yes" if knows_its_sensors(tested) else "no",
        })  # fmt: skip
    return rows


def of_reversal(names: Sequence[str], agents: Mapping[str, Measures] | None = None) -> list[Row]:
    """For networks of `evidence.REVERSAL`, and for other agents: whether they reverse."""
    stored = evidence.without_sweeps().abilities
    rows: list[Row] = []
    for name, tested in {**{name: stored[name] for name in names}, **(agents or {})}.items():
        rows.append({
            "agent": name,
            "started from": evidence.REVERSAL.get(name, ""),
            "generations": zoo.load(name).provenance["generations"] if name in names else "",
            "after poison 1, 2, 3": ", ".join(share(tested[f"switching.{k}"]) for k in (1, 2, 3)),
            "nothing changed": share(tested["hidden.remembers"]),
            "the same, after 2 or more": share(_stays(name)),
            "food": f"{tested['hidden.food'].value:.1f}",
            "reversal learner": "yes" if reverses(tested) else "no",
        })  # fmt: skip
    return rows


def _stays(name: str) -> Measure:
    """`stays_after_poisons` of a zoo entry or a scripted agent."""
    if name not in zoo.names():
        return stays_after_poisons(name)
    entry = zoo.load(name)
    return stays_after_poisons(entry.model, entry.genome, entry.task)


def _history(entry: Entry) -> Row:
    """When an evolution with the curriculum stopped, restarted and reached `AVOIDS`'s target, and which parent is tested."""
    progress, minutes = entry.provenance["progress"], _reached(entry)
    generation = progress["generation"][progress["held_out"].index(max(progress["held_out"]))]
    begun = attempt_began(entry.restarts, generation)
    stage = 1 + sum(begun < end < generation for end in entry.stage_ends)
    return dict(zip(HISTORY, (
        str(entry.provenance["generations"]),
        ", ".join(map(str, entry.restarts)) or "no",
        f"{minutes:.0f}" if math.isfinite(minutes) else "never",
        f"{generation}, {stage}",
    ), strict=True))  # fmt: skip


def _reached(entry: Entry) -> float:
    """Minutes until the stage of the curriculum in which networks evolve to avoid poison reached its target; inf: never."""
    begun, progress = attempt_began(entry.restarts), entry.provenance["progress"]
    ends = [end for end in entry.stage_ends if end > begun]
    if len(ends) < AVOIDS or ends[AVOIDS - 1] >= entry.experiment.stage(AVOIDS - 1, begun).until:
        return math.inf
    seconds: float = progress["seconds"][progress["generation"].index(ends[AVOIDS - 1])]
    return seconds / 60


def poison_table(agent: Measures) -> list[Row]:
    """Share of visits after the first, second, .. poison that end with food, with intervals; poison does not kill."""
    return _table(agent, "poisons eaten", "next visit ends with food", "switching", POISONS)


def swap_table(agent: Measures) -> list[Row]:
    """Share of first, second, .. swaps with food at one of the two visits that follow, with intervals."""
    return _table(agent, "swaps", "food within two visits", "swapped", CHANGES)


def _table(agent: Measures, counted: str, text: str, key: str, most: int) -> list[Row]:
    return [
        {
            counted: k,
            text: share(m),
            "95% interval": f"{m.low:.0%} to {m.high:.0%}" if m.n else "",
            "cases": m.n,
        }
        for k, m in ((k, agent[f"{key}.{k}"]) for k in range(1, most + 1))
    ]


def switches(agent: Measures) -> bool:
    """Whether at least `REVERSES` of the visits after a first, a second and a third (harmless) poison end with food."""
    return all(m.n > 0 and m.value >= REVERSES for m in (agent[f"switching.{k}"] for k in (1, 2, 3)))


def stays(agent: Measures) -> bool:
    """Whether at least `REVERSES` of the visits in places that have not changed end with food, which no sensor shows."""
    unchanged = agent["hidden.remembers"]
    return unchanged.n > 0 and unchanged.value >= REVERSES


def reverses_again(agent: Measures, after_two: Measure) -> bool:
    """Whether an agent is a reversal learner that also stays after two poisons: the rule for seeds 180 to 184, fixed before.

    after_two: `battery.stays_after_poisons` of the agent.
    """
    return reverses(agent) and after_two.n > 0 and after_two.value >= REVERSES


def reverses(agent: Measures) -> bool:
    """Whether an agent is a reversal learner, by a rule fixed before the networks of `evidence.HIDDEN` evolved.

    An agent that alternates, or goes to the second arm only directly after poison, switches but does not stay; a latch does
    not switch.
    """
    return switches(agent) and stays(agent)


def reversal_in_words(agent: Measures, alternating: Measures) -> str:
    """Whether the agent finds the food again after every swap, and does not merely alternate between the arms, as Markdown.

    An agent that alternates finds the food within two visits of every swap, too, but leaves an arm that holds food, and does
    not see where it is.
    """
    after = [agent[f"switching.{k}"] for k in (1, 2)]
    swaps = [agent[f"swapped.{k}"] for k in (2, 3)]
    first, second = map(share, after)
    again = f"it finds food within two visits after {share(swaps[0])} of the second swaps and {share(swaps[1])} of the third"
    if swaps[0].n and swaps[0].value >= MOSTLY and after[0].n and after[0].value >= MOSTLY:
        stayed, theirs = (of["hidden.remembers"] for of in (agent, alternating))
        visits = f"{first} of its visits after a first poison end with food, and {again}"
        unchanged = (
            f"where nothing has changed, and no sensor shows food or poison, {share(stayed)} of its visits end with food"
        )
        told = f"{unchanged} (for an agent that alternates between the arms: {share(theirs)})"
        if stayed.n and stayed.low > MOSTLY:
            return f"It **finds the food again after every swap** and then stays with it: {visits}; {told}."
        sees, chance = (of["left_alone.first"] for of in (agent, alternating))
        if sees.n and sees.low > NEARLY_ALWAYS:
            often = f"where food and poison may swap after every food, {share(sees)} of the visits tested end with food"
            told = f"{often} (for an agent that alternates between the arms: {share(chance)})"
            return f"It **finds the food again after every swap**, and does so on sight: {visits}; {told}."
        return f"It finds the food again after every swap, but **may merely alternate between the arms**: {visits}; {told}."
    if not after[0].n:
        return "It ate no poison, so nothing can be said about whether it reverses."
    if after[0].value < MOSTLY:
        return f"It does not reverse: {first} of its visits after a first poison end with food."
    if not swaps[0].n:
        unknown = "There was no second swap, so whether it reverses again is unknown"
        return f"{unknown}: {first} of its visits after a first poison end with food."
    return (
        f"It switches arms **once and for good**, as a one-bit latch does: where poison does not kill, {first} of the "
        f"visits after its first poison end with food, and {second} of those after its second; {again}."
    )
