"""Spike-timing-dependent plasticity: become a synapse that learns (paper: Fig. 3, extended data Fig. 3 and 7).

The synapse passes on a graded input x, weighted by w.  One presynaptic and one postsynaptic spike arrive; one step after
the later one, w changes by a rule of their distance D = t_post - t_pre and of the neuromodulator NT.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from enu_lib.streams import integers, normal, uniform

RULES = ("neuromodulated", "plain", "complex")


class STDPBatch(NamedTuple):
    inputs: Tensor  # (B, T, n_in) graded input, presynaptic spike, postsynaptic spike[, neuromodulator]
    target: Tensor  # (B, T) the modified graded input
    t_pre: Tensor  # (B,) steps
    t_post: Tensor  # (B,) steps
    modulator: Tensor  # (B,) 0 or 1


def weight_change(rule: str, distance: Tensor, modulator: Tensor, tau: float = 10.0) -> Tensor:
    """The target rule: change of w (from 1) for D = t_post - t_pre in steps and NT in {0, 1}.

    neuromodulated: 0.5 sign(D) exp(-|D| / tau) NT.  plain: the same with NT = 1.
    complex, with NT: 0.5 exp(-|D| / tau); without: 0.5 cos(pi D / tau)^2 exp(-(D / 2 tau)^2).  The complex formula is our
    reconstruction of extended data Fig. 3, of which the paper gives the picture and a description.  Published: tau = 10.
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
    """Pass on w x, and change w as the rule says.

    Inputs at each step: x ~ U(low, high), presynaptic spike, postsynaptic spike, NT (0 or 1 for a whole sequence; not
    for the plain rule).  Each spike comes once, at N(spike_mean, spike_sd) rounded, never both at once.  Loss of a
    step: (w x - o)^2; w is 1 up to the later spike and changed from the next step on.  Fitness: minus the mean loss.
    """

    rule: str = "neuromodulated"
    steps: int = 100
    low: float = 0.45
    high: float = 0.55
    spike_mean: float = 50.0
    spike_sd: float = 7.0
    tau: float = 10.0  # steps; time constant of the rule

    name: ClassVar[str] = "stdp"
    n_out: ClassVar[int] = 1

    def __post_init__(self) -> None:
        one = torch.ones(1, dtype=torch.float32, device="cpu")
        weight_change(self.rule, one, one)
        if self.steps < 3:
            raise ValueError(f"steps must be at least 3, got {self.steps}")
        if self.spike_sd <= 0:
            raise ValueError(f"spike_sd must be positive, got {self.spike_sd}")
        if self.tau <= 0:
            raise ValueError(f"tau must be positive, got {self.tau}")

    @property
    def n_in(self) -> int:
        return 3 if self.rule == "plain" else 4

    def sample(self, environments: int, generator: torch.Generator) -> STDPBatch:
        """`environments` random sequences with their targets."""
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
        """The batch for given graded input x (B, T), spike times (B,) and neuromodulator (B,)."""
        t = torch.arange(x.shape[-1], device=x.device)
        change = weight_change(self.rule, t_post - t_pre, modulator.float(), self.tau)
        w = 1 + change[:, None] * (t > torch.maximum(t_pre, t_post)[:, None])
        channels = [x, (t == t_pre[:, None]).float(), (t == t_post[:, None]).float()]
        if self.n_in == 4:
            channels.append(modulator[:, None].float().expand_as(x))
        return STDPBatch(torch.stack(channels, -1), w * x, t_pre, t_post, modulator)

    def score(self, batch: STDPBatch, outputs: Tensor) -> Tensor:
        """Fitness of every step, (P, B, T), for outputs (P, B, T, 1)."""
        return -((batch.target - outputs[..., 0]) ** 2)
