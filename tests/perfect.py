"""Models that solve the single-unit tasks exactly, or not at all.  They have one parameter, which they ignore."""

import torch

from enu_lib.tasks.stdp import weight_change


class Ideal:
    n_params, noise_shape = 1, ()

    def unpack(self, genomes):
        return genomes


class IntegrateAndFire(Ideal):
    """The integrate-and-fire target as a model: it fires and resets above 0.5."""

    def reset(self, population, rows, device="cpu"):
        return (torch.zeros(population, rows, 1),)

    def step(self, weights, state, x, noise=None):
        v = state[0] + x
        fired = v > 0.5
        return (torch.where(fired, 0.0, v),), fired.float()


class Constant(Ideal):
    """The same output at every step."""

    def __init__(self, output):
        self.output = output

    def reset(self, population, rows, device="cpu"):
        return (torch.full((population, rows, 1), float(self.output)),)

    def step(self, weights, state, x, noise=None):
        return state, state[0]


class Synapse(Ideal):
    """A synapse that transmits w x, with w changed by the neuromodulated rule one step after the later spike, or never."""

    def __init__(self, plastic=True):
        self.plastic = plastic

    def reset(self, population, rows, device="cpu"):
        """Weight, step, and the steps of both spikes; -1: not yet."""
        one = torch.ones(population, rows, 1)
        return one, 0 * one, -one, -one

    def step(self, weights, state, x, noise=None):
        w, t, *seen = state
        graded, *spikes, modulator = x.expand(*w.shape[:2], -1).split(1, -1)
        pre, post = (torch.where(now > 0, t, before) for now, before in zip(spikes, seen, strict=True))
        both = (pre >= 0) & (post >= 0) & self.plastic
        return (torch.where(both, 1 + weight_change("neuromodulated", post - pre, modulator), w), t + 1, pre, post), w * graded
