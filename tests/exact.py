"""Error bounds for float32 computations from perturbed float64 computations.

Units amplify small errors, some a thousandfold within tens of steps, so that no fixed tolerance suits all models.  Here the
model runs in float64, together with copies whose memories and outputs are perturbed before each step by errors of the size
of float32 rounding.  A correct computation stays within a few times the largest deviation of these copies, on any processor
and with any order of summation; an incorrect rule does not.
"""

import torch

ERROR = 2e-7  # s.d. of the perturbation of each memory value and output per step: a few float32 roundings
COPIES = 4
MARGIN = 8  # correct computations reached up to a sixth of the bound


class Exact:
    """Float64 steps of a unit or network for genomes (P, D) in B environments, with error bounds."""

    def __init__(self, model, genomes, environments):
        self.model, self.environments = model, environments
        self.weights = model.unpack(genomes.double())
        self.state = _each(model.reset(len(genomes), environments * (1 + COPIES)), lambda v: v.double())
        self.largest = torch.full((len(genomes), 1, 1), ERROR, dtype=torch.float64)
        self.generator = torch.Generator().manual_seed(0)

    def _perturbed(self, value):
        own = value.shape[1] // (1 + COPIES)  # rows of the unperturbed copy
        error = ERROR * torch.randn(value.shape, generator=self.generator, dtype=torch.float64) * value.abs().clamp(min=1)
        error[:, :own] = 0
        return value + error

    def step(self, x, noise=None):
        """Exact outputs (P, B, C) and error bounds (P, 1, 1) for inputs x (P or 1, B, ..) and noise ([P,] B, n)."""
        x = torch.cat([x.double()] * (1 + COPIES), 1)
        noise = None if noise is None else torch.cat([noise.double()] * (1 + COPIES), -2)
        state = _each(self.state, self._perturbed)
        self.state, y = self.model.step(self.weights, state, x, noise)
        exact, *copies = y.split(self.environments, 1)
        for copy in copies:
            self.largest = self.largest.maximum((copy - exact).abs().amax((1, 2), keepdim=True))
        return exact, MARGIN * self.largest


def _each(state, change):
    """Apply a function to every tensor of a state (a tensor or nested tuples of tensors)."""
    if torch.is_tensor(state):
        return change(state)
    parts = [_each(part, change) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
