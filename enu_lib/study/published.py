"""The published settings of the T-maze and three changes to them, as experiments and as commands.

    experiment("own-draws")           # for `enu_lib.evolve`
    command("own-draws", seed=2)      # the same in a terminal

A first evolution at the published settings learnt to serve one of the three meanings of a sensor only.  Each condition changes
something more to what the authors' code probably does.  Does any of them let the published wiring serve all meanings?
"""

from __future__ import annotations

import shlex
from typing import Any

from enu_lib import experiments
from enu_lib.experiments import Experiment
from enu_lib.names import one_of
from enu_lib.study.tables import Row

GENERATIONS = 3000  # the first run at the published settings improved for about as long
_DRAWS: dict[str, Any] = {
    "task.own_shuffles": True,
    "task.balanced": False,
    "task.reward_steps": 1,
    "model.own_noise": True,
}
# 5 x 5 squares with the walls around them.  Forward, turn and forward lead from the stem to an arm's end: 3 steps, as in a
# constant of the authors' code.
_SMALL: dict[str, Any] = {"task.corridor": 1, "task.arm": 1, "task.facing": "wall"}

CONDITIONS: dict[str, dict[str, Any]] = {  # differences from `tmaze` in the profile paper
    "control": {"task.tie": "nothing"},
    "tie": {},
    "own-draws": _DRAWS,
    "small": {**_DRAWS, **_SMALL},
}
MEANING = {
    "control": "two outputs that tie for the largest sum do nothing",
    "tie": "the first of them acts",
    "own-draws": "and shuffles and noise are drawn for each offspring, and a reward is shown for one step",
    "small": "and the maze has 5 x 5 squares, and the agent starts facing a wall",
}
FEWER: dict[str, Any] = {"model.hidden": 16, "model.channels": 4}  # a network for a CPU


def experiment(condition: str, generations: int = GENERATIONS, cpu: bool = False) -> Experiment:
    """The experiment of a condition.  cpu: with a smaller network, for a machine without a GPU."""
    return experiments.get("tmaze", profile="paper", generations=generations, settings=_settings(condition, cpu))


def command(condition: str, seed: int = 0, generations: int = GENERATIONS, cpu: bool = False) -> str:
    """The command that runs a condition, with the arguments of `experiment`, from a seed."""
    words = ["python", "-m", "enu_lib", "evolve", "tmaze", "--profile", "paper", "--seed", str(seed)]
    words += ["--generations", str(generations)]
    for path, value in _settings(condition, cpu).items():
        words += ["--set", f"{path}={str(value).lower() if isinstance(value, bool) else value}"]
    return shlex.join([*words, "--out", f"runs/published-{condition}{'-cpu' * cpu}-{seed}"])


def table(seed: int = 0) -> list[Row]:
    """Each condition, what it adds to the one before, and its command."""
    return [{"condition": name, "what differs": MEANING[name], "command": command(name, seed)} for name in CONDITIONS]


def _settings(condition: str, cpu: bool) -> dict[str, Any]:
    one_of("condition", condition, tuple(CONDITIONS))
    return {**CONDITIONS[condition], **(FEWER if cpu else {})}
