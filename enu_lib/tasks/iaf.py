"""Integrate and fire: become the simplest spiking neuron (paper: Fig. 3, extended data Fig. 2 and 7).

Rule and constants as in the authors' public code, but for the two fields marked as reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor

from enu_lib.kinds import Between, Count, NotNegative, Positive, Real, check
from enu_lib.streams import integers, uniform


class IAFBatch(NamedTuple):
    inputs: Tensor  # (B, T, 1) graded input, as the unit sees it
    spikes: Tensor  # (B, T) bool, the model neuron's spikes
    potential: Tensor  # (B, T) the model neuron's potential after each step


def integrate_and_fire(current: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """The target: v += x; where v > threshold a spike, and v = 0.  current (.., T) -> spikes (bool), potential."""
    v = torch.zeros(current.shape[:-1], dtype=current.dtype, device=current.device)
    spikes, potential = [], []
    for x in current.unbind(-1):
        v = v + x
        fired = v > threshold
        v = torch.where(fired, 0.0, v)
        spikes.append(fired)
        potential.append(v)
    return torch.stack(spikes, -1), torch.stack(potential, -1)


def steps_since(spikes: Tensor, before: int = 0) -> Tensor:
    """Steps since the last spike (0 at a spike).  (.., T) bool -> (.., T); `before`: steps already gone at the start."""
    t = torch.arange(spikes.shape[-1], device=spikes.device, dtype=torch.int32)
    last = torch.where(spikes, t, -1 - before).cummax(-1).values
    return t - last


@dataclass(frozen=True)
class IAF:
    """Spike when the model neuron spikes.

    Input: U(low, high) at each step, times an integer factor in 1..factors that is drawn anew for each quarter of the
    sequence.  Loss of a step: (steps since the target's last spike - steps since the unit's)^2, plus (o - 1)^2 where the
    output o exceeds `fires_above`, which is what counts as a spike.  Fitness: minus the mean loss.
    """

    steps: Annotated[int, Between(4, 10**6)] = 100  # four quarters at least
    low: NotNegative = 0.01
    high: Positive = 0.02
    factors: Count = 9
    threshold: Real = 0.5
    fires_above: Real = 0.05
    input_scale: Real = 1.0  # reconstruction: the unit sees the current times this; the model neuron does not
    before: Annotated[int, Between(0, 10**6)] = 0  # reconstruction: steps since both neurons' last spikes, at the start

    name: ClassVar[str] = "iaf"
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check(self)
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got low={self.low}, high={self.high}")

    def sample(self, environments: int, generator: torch.Generator) -> IAFBatch:
        """`environments` random input sequences with their targets."""
        x = uniform(environments, self.steps, generator=generator)
        factor = integers(1, self.factors + 1, (environments, 4), generator)
        quarter = torch.arange(self.steps, device="cpu") * 4 // self.steps
        return self.respond((self.low + (self.high - self.low) * x) * factor[:, quarter])

    def respond(self, current: Tensor) -> IAFBatch:
        """The batch for a given input current (B, T)."""
        spikes, potential = integrate_and_fire(current, self.threshold)
        return IAFBatch(self.input_scale * current[..., None], spikes, potential)

    def fired(self, outputs: Tensor) -> Tensor:
        """Which outputs (.., T, 1) count as spikes, (.., T) bool."""
        return outputs[..., 0] > self.fires_above

    def score(self, batch: IAFBatch, outputs: Tensor) -> Tensor:
        """Fitness of every step, (P, B, T), for outputs (P, B, T, 1)."""
        fired = self.fired(outputs)
        apart = steps_since(batch.spikes, self.before) - steps_since(fired, self.before)
        height = torch.where(fired, (outputs[..., 0] - 1) ** 2, 0.0)
        return -(apart.float() ** 2 + height) + 0 * outputs[..., 0]  # a NaN output stays NaN
