"""The published settings of the T-maze in four versions, as experiments and as commands.

    experiment("own-draws")           # for `enu_lib.evolve`
    command("own-draws", seed=2)      # the same in a terminal

A first evolution at the published settings found a network that eats only when one particular sensor shows the wall.  Each
condition adds something that the authors' code probably does.  Does any of them lead to a network that eats whichever sensor
shows the wall?
"""

from __future__ import annotations

import shlex

from enu_lib import experiments
from enu_lib.base.kinds import Changes
from enu_lib.base.names import one_of
from enu_lib.experiments import Experiment
from enu_lib.study.tables import Row

GENERATIONS = 3000  # the first run at the published settings improved for about as long
_DRAWS: Changes = {
    "task.own_shuffles": True,
    "task.balanced": False,
    "task.reward_steps": 1,
    "model.own_noise": True,
}
# 5 x 5 squares, including walls.  An agent that faces along the stem reaches an arm's end in 3 moves (forward, turn, forward),
# a number that is a constant in the authors' code.
_SMALL: Changes = {"task.corridor": 1, "task.arm": 1, "task.facing": "wall"}

CONDITIONS: dict[str, Changes] = {  # differences from `tmaze` in the profile paper
    "control": {"task.tie": "nothing"},
    "tie": {},
    "own-draws": _DRAWS,
    "small": {**_DRAWS, **_SMALL},
}
MEANING = {
    "control": "if two outputs tie for the largest sum, nothing happens",
    "tie": "if two outputs tie, the first acts",
    "own-draws": "also, shuffles and noise are drawn for each offspring, and a reward is shown for one step",
    "small": "also, the maze has 5 x 5 squares, and the agent starts facing a wall",
}
FEWER: Changes = {"model.hidden": 16, "model.channels": 4}  # a network for a CPU


def experiment(condition: str, generations: int = GENERATIONS, cpu: bool = False) -> Experiment:
    """The experiment of a condition.  cpu: with a smaller network, for a machine without a GPU."""
    return experiments.get("tmaze", profile="paper", generations=generations, settings=_settings(condition, cpu))


def command(condition: str, seed: int = 0, generations: int = GENERATIONS, cpu: bool = False) -> str:
    """The command that evolves the `experiment` of the same arguments from a seed."""
    words = ["python", "-m", "enu_lib", "evolve", "tmaze", "--profile", "paper", "--seed", str(seed)]
    words += ["--generations", str(generations)]
    for path, value in _settings(condition, cpu).items():
        words += ["--set", f"{path}={str(value).lower() if isinstance(value, bool) else value}"]
    return shlex.join([*words, "--out", f"runs/published-{condition}{'-cpu' * cpu}-{seed}"])


def table(seed: int = 0) -> list[Row]:
    """Each condition, how it differs from the one before, and its command."""
    return [{"condition": name, "what differs": MEANING[name], "command": command(name, seed)} for name in CONDITIONS]


def _settings(condition: str, cpu: bool) -> Changes:
    one_of("condition", condition, tuple(CONDITIONS))
    return {**CONDITIONS[condition], **(FEWER if cpu else {})}
