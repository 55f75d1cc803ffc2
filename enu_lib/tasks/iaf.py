"""Integrate-and-fire task: evolve a unit that spikes like a model neuron (paper: Fig. 3, extended data Fig. 2 and 7).

The rule and its constants are from the authors' public code, except for the two fields marked as reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import torch
from torch import Tensor

from enu_lib.base.kinds import Between, Count, NotNegative, Positive, Real, check
from enu_lib.streams import integers, uniform


class IAFBatch(NamedTuple):
    inputs: Tensor  # (B, T, 1) graded input to the unit
    spikes: Tensor  # (B, T) bool, spikes of the model neuron
    potential: Tensor  # (B, T) membrane potential of the model neuron after each step


def integrate_and_fire(current: Tensor, threshold: float = 0.5) -> tuple[Tensor, Tensor]:
    """The model neuron: v += x; if v > threshold, spike and reset v to 0.  current (.., T) -> spikes (bool), potential."""
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
    """Steps since the last spike, (.., T) bool -> (.., T); 0 at a spike.  `before`: steps from a last spike to the start."""
    t = torch.arange(spikes.shape[-1], device=spikes.device, dtype=torch.int32)
    last = torch.where(spikes, t, -1 - before).cummax(-1).values
    return t - last


@dataclass(frozen=True)
class IAF:
    """Spike at the same times as the model neuron.

    Input: U(low, high) at each step, times an integer factor from 1 to `factors` that is drawn for each quarter of the
    sequence.  The unit spikes when its output o exceeds `fires_above`.  Loss per step: (steps since the model neuron's last
    spike - steps since the unit's)^2, plus (o - 1)^2 at the unit's spikes.  Fitness: minus the mean loss.
    """

    steps: Annotated[int, Between(4, 10**6)] = 100  # at least one per quarter
    low: NotNegative = 0.01
    high: Positive = 0.02
    factors: Count = 9
    threshold: Real = 0.5
    fires_above: Real = 0.05
    input_scale: Real = 1.0  # reconstruction: factor on the unit's input, not on the model neuron's
    before: Annotated[int, Between(0, 10**6)] = 0  # reconstruction: steps from the last spike of both to the start

    name: ClassVar[str] = "iaf"
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check(self)
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got low={self.low}, high={self.high}")

    def sample(self, environments: int, generator: torch.Generator) -> IAFBatch:
        """Random input sequences with their targets, for B environments."""
        x = uniform(environments, self.steps, generator=generator)
        factor = integers(1, self.factors + 1, (environments, 4), generator)
        quarter = torch.arange(self.steps, device="cpu") * 4 // self.steps
        return self.respond((self.low + (self.high - self.low) * x) * factor[:, quarter])

    def respond(self, current: Tensor) -> IAFBatch:
        """The batch for a given input current (B, T)."""
        spikes, potential = integrate_and_fire(current, self.threshold)
        return IAFBatch(self.input_scale * current[..., None], spikes, potential)

    def fired(self, outputs: Tensor) -> Tensor:
        """Spikes (.., T) bool of a unit with outputs (.., T, 1)."""
        return outputs[..., 0] > self.fires_above

    def score(self, batch: IAFBatch, outputs: Tensor) -> Tensor:
        """Fitness (P, B, T) of every step, for outputs (P, B, T, 1)."""
        fired = self.fired(outputs)
        apart = steps_since(batch.spikes, self.before) - steps_since(fired, self.before)
        height = torch.where(fired, (outputs[..., 0] - 1) ** 2, 0.0)
        return -(apart.float() ** 2 + height) + 0 * outputs[..., 0]  # a NaN output stays NaN
