"""Reference backend: runs any model with its own `step`, which defines the correct result."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from enu_lib.contracts import Model
from enu_lib.streams import Noise


class Stepper:
    """A population of models stepped by `model.step`; its state may be read and set between steps."""

    def __init__(self, model: Model, genomes: Tensor, environments: int) -> None:
        self.model, self.weights = model, model.unpack(genomes)
        self.state: Any = model.reset(len(genomes), environments, genomes.device)

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """Outputs (P, B, C) for input x (P or 1, B, ..) and the noise of step t."""
        now = None if noise is None else noise.at(t, self.model.noise_shape)
        self.state, y = self.model.step(self.weights, self.state, x, now)
        return y
