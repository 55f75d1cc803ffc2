"""Spike-timing-dependent plasticity (STDP): evolve a plastic synapse (paper: Fig. 3, extended data Fig. 3 and 7).

The synapse transmits a graded input x, scaled by its weight w.  There is one presynaptic and one postsynaptic spike; one step
after the later one, w changes as a function of the interval D = t_post - t_pre and of the neuromodulator NT.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from enu_lib.base.kinds import Between, Positive, Real, check
from enu_lib.streams import integers, normal, uniform

Rule = Literal["neuromodulated", "plain", "complex"]
RULES: tuple[Rule, ...] = get_args(Rule)


class STDPBatch(NamedTuple):
    inputs: Tensor  # (B, T, n_in) graded input, presynaptic spike, postsynaptic spike[, neuromodulator]
    target: Tensor  # (B, T) the weighted graded input w x
    t_pre: Tensor  # (B,) steps
    t_post: Tensor  # (B,) steps
    modulator: Tensor  # (B,) 0 or 1


def weight_change(rule: str, distance: Tensor, modulator: Tensor, tau: float = 10.0) -> Tensor:
    """Change of w (from 1) under the target rule, for the interval D = t_post - t_pre in steps and NT in {0, 1}.

    neuromodulated: 0.5 sign(D) exp(-|D| / tau) NT.  plain: the same with NT = 1.
    complex, NT = 1: 0.5 exp(-|D| / tau); NT = 0: 0.5 cos(pi D / tau)^2 exp(-(D / 2 tau)^2).  The complex formula is our
    reconstruction: extended data Fig. 3 shows and describes the rule without a formula.  Published: tau = 10.
    """
    d = distance.float()
    decay = torch.exp(-d.abs() / tau)
    if rule == "plain":
        return 0.5 * d.sign() * decay
    if rule == "neuromodulated":
        return 0.5 * d.sign() * decay * modulator
    if rule == "complex":
        without = torch.cos(math.pi * d / tau) ** 2 * torch.exp(-((d / (2 * tau)) ** 2))
        return 0.5 * torch.where(modulator > 0, decay, without)
    raise ValueError(f"unknown STDP rule {rule!r}: choose one of {', '.join(RULES)}")


@dataclass(frozen=True)
class STDP:
    """Transmit w x, with the weight w changed according to the rule.

    Inputs at each step: x ~ U(low, high), presynaptic spike, postsynaptic spike, NT (0 or 1 throughout a sequence; absent
    for the plain rule).  There is one spike of each kind, at N(spike_mean, spike_sd) rounded, never both in the same step.
    Loss per step: (w x - o)^2; w is 1 up to the later spike and changes in the step after it.  Fitness: minus the mean loss.
    """

    rule: Rule = "neuromodulated"
    steps: Annotated[int, Between(3, 10**6)] = 100
    low: Real = 0.45
    high: Real = 0.55
    spike_mean: Real = 50.0
    spike_sd: Positive = 7.0
    tau: Positive = 10.0  # steps; time constant of the rule

    name: ClassVar[str] = "stdp"
    n_out: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check(self)
        if self.apart < 0.01:
            raise ValueError(
                f"the two spikes would almost always coincide with spike_mean={self.spike_mean:g}, spike_sd={self.spike_sd:g}, "
                f"steps={self.steps}: choose a mean between 0 and {self.steps - 2}, or a larger s.d."
            )

    @property
    def n_in(self) -> int:
        return 3 if self.rule == "plain" else 4

    @property
    def apart(self) -> float:
        """Probability that two independently drawn spike times differ."""
        edges = torch.arange(0.5, self.steps - 2, dtype=torch.float64, device="cpu")  # between the steps 0 .. steps - 2
        below = torch.special.ndtr((edges - self.spike_mean) / self.spike_sd)
        each = below.diff(prepend=below.new_zeros(1), append=below.new_ones(1))
        return 1 - float((each**2).sum())

    def sample(self, environments: int, generator: torch.Generator) -> STDPBatch:
        """Random sequences with their targets, for B environments."""
        times = torch.zeros(environments, 2, dtype=torch.float32, device="cpu")
        again = torch.ones(environments, dtype=torch.bool, device="cpu")
        while again.any():  # until no two spikes coincide
            draw = self.spike_mean + self.spike_sd * normal(environments, 2, generator=generator)
            times = torch.where(again[:, None], draw.round().clamp(0, self.steps - 2), times)
            again = times[:, 0] == times[:, 1]
        x = self.low + (self.high - self.low) * uniform(environments, self.steps, generator=generator)
        modulator = integers(0, 2, (environments,), generator)
        return self.respond(x, times[:, 0].long(), times[:, 1].long(), modulator)

    def respond(self, x: Tensor, t_pre: Tensor, t_post: Tensor, modulator: Tensor) -> STDPBatch:
        """The batch for a given graded input x (B, T), spike times (B,) and neuromodulator (B,)."""
        t = torch.arange(x.shape[-1], device=x.device)
        change = weight_change(self.rule, t_post - t_pre, modulator.float(), self.tau)
        w = 1 + change[:, None] * (t > torch.maximum(t_pre, t_post)[:, None])
        channels = [x, (t == t_pre[:, None]).float(), (t == t_post[:, None]).float()]
        if self.n_in == 4:
            channels.append(modulator[:, None].float().expand_as(x))
        return STDPBatch(torch.stack(channels, -1), w * x, t_pre, t_post, modulator)

    def score(self, batch: STDPBatch, outputs: Tensor) -> Tensor:
        """Fitness (P, B, T) of every step, for outputs (P, B, T, 1)."""
        return -((batch.target - outputs[..., 0]) ** 2)
