"""Discrimination: cues announce food or poison, whatever the agent does (reconstruction, for a curriculum).

In a maze, making a little use of the sensors affects fitness less than chance and other habits do, so evolution rarely takes
the first step from merely walking to learning.  Here, as in Pavlovian conditioning, behaviour has no consequences: all
offspring get the same cues and outcomes, so that they differ only in how they respond.
Shapes: P offspring, B environments, K trials, T steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from enu_lib.base.kinds import Between, NotNegative, Share, check
from enu_lib.streams import balanced, uniform
from enu_lib.tasks.geometry import FORWARD, LEFT, RIGHT
from enu_lib.tasks.maze import FOOD, POISON, WALL

Length = Annotated[int, Between(1, 1000)]


class DiscriminationBatch(NamedTuple):
    inputs: Tensor  # (B, T, 4, 3) as in a maze: three sensors on channel 0, a reward neuron on channels 1 and 2
    sensor_of: Tensor  # (B, 3) int64, the sensor neurons for wall, food, poison
    cue: Tensor  # (B, K) int64: what is detected; WALL, FOOD or POISON
    shown: Tensor  # (B, K) bool: the reward neuron shows the outcome in the next trial's approach; in the last trial, unused


@dataclass(frozen=True)
class Discrimination:
    """Trials in which a sensor detects food or poison, and the reward neuron then shows which of the two it was.

    A trial stands for the way to a meal in a maze: `approach_steps` with nothing ahead, then `cue_steps` during which the
    sensor for food or that for poison is active.  If the outcome is shown, the reward neuron is active during the approach of
    the next trial.  Each trial's cue is that of the trial before or, with probability `change`, the other one.  The outcome is
    omitted with probability `omit`, so that what was learnt has to last.  With probability `walls`, a trial shows a wall, and
    no outcome follows; the wall replaces the trial's cue but does not interrupt the series of cues.

    Fitness of each step: 1 minus the squared error of the mean output for moving forward; the mean is over the trial's
    approach, or over its cue.  The output should be 1 in the approach and in front of food, and 0 in front of poison and walls.
    An agent that has learnt nothing does best with 0.5 at every cue; with approach and cue equally long and without walls, it
    earns 0.875.  Two more errors of the mean outputs may be subtracted.  `turning` weights the mean squared error of the two
    other outputs: the one for turning left should be 1 in front of poison and walls and otherwise 0, the one for turning right
    always 0.  `choosing` is subtracted unless the output that should be 1 (forward or left) is the largest; if it ties with
    n - 1 others, (n - 1) / n of it.  NaN in any output gives NaN.

    What these settings are for, as far as we could tell: (1) The approach keeps the sensors connected to the outputs.
    Without it, evolution first made the outputs constant, and learning then needs two mutations that are useless alone.  (2)
    `change` below one half makes responding to the last outcome, whatever the cue, pay a little.  (3) Omissions keep
    evolution from ending with a memory of the last trial only.  (4) With `network.ORDERED`, the three outputs of a random
    network are nearly the same.  `choosing` rewards even the smallest difference in the right direction, and `turning` larger
    ones.

    The meaning of the sensors is shuffled.  Environments come in pairs with the same sensors and the same events, except that
    food and poison are exchanged, so that always expecting food, or always poison, gains nothing.  Preferring one sensor gains
    nothing, either (with `walls`, on average), if the number of environments is a multiple of 12.
    """

    trials: Length = 20
    approach_steps: Length = 4
    cue_steps: Length = 4
    change: Share = 0.25
    omit: Share = 0.5
    walls: Share = 0.0
    turning: NotNegative = 0.0
    choosing: NotNegative = 0.0

    name: ClassVar[str] = "discrimination"
    n_inputs: ClassVar[int] = 4
    n_outputs: ClassVar[int] = 3

    def __post_init__(self) -> None:
        check(self)

    @property
    def steps(self) -> int:
        """Network steps of an episode."""
        return self.trials * (self.approach_steps + self.cue_steps)

    def sample(self, environments: int, generator: torch.Generator) -> DiscriminationBatch:
        """Random trials for B environments; every shuffle of the sensors equally often if B is a multiple of 12."""
        pairs = math.ceil(environments / 2)
        every = torch.tensor(list(permutations(range(3))), device="cpu")
        sensor_of = every[balanced(len(every), pairs, generator)]
        changes = uniform(pairs, self.trials, generator=generator) < self.change
        changes[:, 0] = uniform(pairs, generator=generator) < 0.5  # which of a pair begins with food
        shown = uniform(pairs, self.trials, generator=generator) >= self.omit
        wall = uniform(pairs, self.trials, generator=generator) < self.walls

        def paired(x: Tensor) -> Tensor:
            return x.repeat_interleave(2, 0)[:environments]

        food = (paired(changes).cumsum(1) + torch.arange(environments, device="cpu")[:, None]) % 2 == 0
        cue = torch.where(food, FOOD, POISON).masked_fill(paired(wall), WALL)
        return self.present(paired(sensor_of), cue, paired(shown & ~wall))

    def present(self, sensor_of: Tensor, cue: Tensor, shown: Tensor) -> DiscriminationBatch:
        """The batch for given sensors (B, 3), cues (B, K) and shown outcomes (B, K); fields as in `DiscriminationBatch`."""
        b, k = cue.shape
        x = torch.zeros(b, k, self.approach_steps + self.cue_steps, 4, 3, dtype=torch.float32, device=cue.device)
        x[:, :, self.approach_steps :, :3, 0] = one_hot(sensor_of.gather(1, cue), 3)[:, :, None].float()
        x[:, 1:, : self.approach_steps, 3, 1] = (shown & (cue == FOOD))[:, :-1, None].float()
        x[:, 1:, : self.approach_steps, 3, 2] = (shown & (cue == POISON))[:, :-1, None].float()
        return DiscriminationBatch(x.flatten(1, 2), sensor_of, cue, shown)

    def responses(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean outputs during each approach and each cue, both (P, B, K, 3), for outputs (P, B, T, 3)."""
        trials = outputs.unflatten(2, (self.trials, self.approach_steps + self.cue_steps))
        return trials[..., : self.approach_steps, :].mean(-2), trials[..., self.approach_steps :, :].mean(-2)

    def score(self, batch: DiscriminationBatch, outputs: Tensor) -> Tensor:
        """Fitness of every step (P, B, T) for outputs (P, B, T, 3)."""
        food = batch.cue == FOOD
        wanted = torch.ones_like(food), food
        errors = []
        for mean, forward in zip(self.responses(outputs), wanted, strict=True):
            error = (mean[..., FORWARD] - forward.float()).square() + 0 * mean.sum(-1)  # NaN stays NaN
            if self.turning:
                turns = (mean[..., LEFT] - (~forward).float()).square() + mean[..., RIGHT].square()
                error = error + self.turning * turns / 2
            if self.choosing:
                largest = mean == mean.amax(-1, keepdim=True)
                share = largest.float() / largest.sum(-1, keepdim=True)
                error = error + self.choosing * (1 - torch.where(forward, share[..., FORWARD], share[..., LEFT]))
            errors.append(error)
        steps = [e[..., None].expand(*e.shape, n) for e, n in zip(errors, (self.approach_steps, self.cue_steps), strict=True)]
        return 1 - torch.cat(steps, -1).flatten(2)
