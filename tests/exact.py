"""Float64 as the judge of float32: how far from the exact outputs may roundings lead?

Units amplify small errors, some of them a thousandfold within tens of steps, so no fixed tolerance is right for two
computations of the same life.  Here the model runs in float64, beside copies of it whose every memory value and output is
shaken a little before each step, as float32's roundings shake it.  An honest computation stays within a few times the
largest deviation of these copies, whatever the processor and the order of its sums; a mistake in a rule does not.
"""

import torch

ERROR = 2e-7  # s.d. of the errors in each value, of a memory and of outputs, at each step: some roundings of float32
COPIES = 4
MARGIN = 8  # honest computations have been seen at a sixth of the bound


class Exact:
    """A unit's or a network's steps for genomes (P, D) in B environments."""

    def __init__(self, model, genomes, environments):
        self.model, self.environments = model, environments
        self.weights = model.unpack(genomes.double())
        self.state = _each(model.reset(len(genomes), environments * (1 + COPIES)), lambda v: v.double())
        self.largest = torch.full((len(genomes), 1, 1), ERROR, dtype=torch.float64)
        self.generator = torch.Generator().manual_seed(0)

    def _shaken(self, value):
        own = value.shape[1] // (1 + COPIES)  # rows of the exact one
        error = ERROR * torch.randn(value.shape, generator=self.generator, dtype=torch.float64) * value.abs().clamp(min=1)
        error[:, :own] = 0
        return value + error

    def step(self, x, noise=None):
        """x (P or 1, B, ..), noise (B, ..) -> exact outputs (P, B, C), and each offspring's bound (P, 1, 1) up to now."""
        x = torch.cat([x.double()] * (1 + COPIES), 1)
        noise = None if noise is None else torch.cat([noise.double()] * (1 + COPIES))
        state = _each(self.state, self._shaken)
        self.state, y = self.model.step(self.weights, state, x, noise)
        exact, *copies = y.split(self.environments, 1)
        for copy in copies:
            self.largest = self.largest.maximum((copy - exact).abs().amax((1, 2), keepdim=True))
        return exact, MARGIN * self.largest


def _each(state, change):
    """A state, a tensor or nested tuples of tensors, with every tensor changed."""
    if torch.is_tensor(state):
        return change(state)
    parts = [_each(part, change) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
