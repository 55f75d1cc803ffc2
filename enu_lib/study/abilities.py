"""What kind of learner an agent in the T-maze is, from its battery: a latch, a reversal learner, a user of its senses.

    found = battery(network, genome, maze, parts=NEEDED)
    kind(found)          # Kind(reverses="once", uses_sensors=False)
    table([found, battery("latch", parts=NEEDED)])

In the published T-maze a second poison kills, so that an agent that switches arms once and for ever eats as much as one that
remembers which arm was good.  The parts of the battery that tell them apart are those in `NEEDED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from enu_lib.analysis.battery import POISONS, Battery, Measure
from enu_lib.study.tables import Row

NEEDED = ("standard", "switching", "hidden")
MOSTLY = 0.5  # of the visits after a poison

Reverses = Literal["never", "once", "again"]


class Kind(NamedTuple):
    """What an agent's battery shows."""

    reverses: Reverses | None  # after a poison; None: too few poisons to say
    uses_sensors: bool  # it eats less when its sensors do not show food and poison


def kind(found: Battery) -> Kind:
    """The kind of learner, from the parts of the battery in `NEEDED`."""
    return Kind(reverses(found["switching.1"], found["switching.2"]), uses_sensors(found))


def uses_sensors(found: Battery) -> bool:
    """Whether an agent eats less when its sensors do not show food and poison, by intervals that do not overlap."""
    return found["hidden.food"].high < found["standard.food"].low


def reverses(first: Measure, second: Measure) -> Reverses | None:
    """Whether an agent switches arms, by its visits after the first and after the second poison that does not kill."""
    if not first.n:
        return None
    if first.value < MOSTLY:
        return "never"
    if not second.n:
        return None
    return "again" if second.value >= MOSTLY else "once"


def table(found: Sequence[Battery]) -> list[Row]:
    """One row per agent: food, the visits after each poison that does not kill, and food when the sensors do not show it."""
    return [
        {
            "agent": b.agent,
            "food": f"{b['standard.food'].value:.2f}",
            **{f"right after poison {k}": share(b[f"switching.{k}"]) for k in range(1, POISONS + 1)},
            "food, food and poison hidden": f"{b['hidden.food'].value:.2f}",
        }
        for b in found
    ]


def share(measure: Measure) -> str:
    """A share in percent; "none" where there was nothing to measure."""
    return f"{measure.value:.0%}" if measure.n else "none"


def poison_table(found: Battery) -> list[Row]:
    """The visits after the first, second, .. poison that does not kill, with their intervals."""
    measures = ((k, found[f"switching.{k}"]) for k in range(1, POISONS + 1))
    return [
        {
            "poisons eaten": k,
            "next visit ends with food": share(m),
            "95% interval": f"{m.low:.0%} to {m.high:.0%}" if m.n else "",
            "visits": m.n,
        }
        for k, m in measures
    ]


def reversal_in_words(found: Battery) -> str:
    """Whether the agent reverses after a second poison, with the shares, as Markdown."""
    measures = [found[f"switching.{k}"] for k in (1, 2)]
    first, second = map(share, measures)
    where = (
        f"where poison does not kill, {first} of the visits after its first poison end with food, and {second} of those after"
    )
    return {
        None: "It met too few poisons to say whether it reverses again.",
        "never": f"It does not reverse: after its first poison, {first} of its next visits end with food.",
        "once": f"It switches arms **once and for good**, as a latch of one bit does: {where} its second.",
        "again": f"It **reverses again and again**: {where} its second.",
    }[reverses(*measures)]


def senses_in_words(found: Battery) -> str:
    """Whether the agent uses its sensors, with what it eats, as Markdown."""
    shown, hidden = found["standard.food"], found["hidden.food"]
    says = "**uses its sensors**" if uses_sensors(found) else "**ignores what its sensors show of food and poison**"
    return (
        f"It {says}: it eats {shown.value:.2f} food (95% interval {shown.low:.2f} to {shown.high:.2f}), and "
        f"{hidden.value:.2f} ({hidden.low:.2f} to {hidden.high:.2f}) when they do not show it."
    )
