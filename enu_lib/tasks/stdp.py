"""Spike-timing-dependent plasticity: become a synapse that learns (paper: Fig. 3, extended data Fig. 3 and 7).

The synapse passes on a graded input x, weighted by w.  One presynaptic and one postsynaptic spike arrive; one step after
the later one, w changes by a rule of their distance D = t_post - t_pre and of the neuromodulator NT.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from enu_lib.kinds import Between, Positive, Real, check
from enu_lib.streams import integers, normal, uniform

Rule = Literal["neuromodulated", "plain", "complex"]
RULES: tuple[Rule, ...] = get_args(Rule)


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
                f"two spikes would nearly always coincide with spike_mean={self.spike_mean:g}, spike_sd={self.spike_sd:g}, "
                f"steps={self.steps}: choose a mean between 0 and {self.steps - 2}, or a larger s.d."
            )

    @property
    def n_in(self) -> int:
        return 3 if self.rule == "plain" else 4

    @property
    def apart(self) -> float:
        """The probability that two spike times, as they are drawn, differ."""
        edges = torch.arange(0.5, self.steps - 2, dtype=torch.float64, device="cpu")  # between the steps 0 .. steps - 2
        below = torch.special.ndtr((edges - self.spike_mean) / self.spike_sd)
        each = below.diff(prepend=below.new_zeros(1), append=below.new_ones(1))
        return 1 - float((each**2).sum())

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
