"""Reference backend: runs any model with its own `step`, which defines the correct result.  Also steppers made from others."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from enu_lib import contracts
from enu_lib.contracts import AnyModel, AtSteps, Intervention, SettableStepper
from enu_lib.streams import Noise


class Stepper:
    """A population of models stepped by `model.step`; its state may be read and set between steps."""

    def __init__(self, model: AnyModel, genomes: Tensor, environments: int) -> None:
        self.model, self.weights = model, model.unpack(genomes)
        self.state: Any = model.reset(len(genomes), environments, genomes.device)
        self._shape = len(genomes), environments

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """Outputs (P, B, C) for input x (P or 1, B, ..) and the noise of step t."""
        now = None if noise is None else noise.at(t, self.model.noise_shape)
        returned = self.model.step(self.weights, self.state, x, now)
        self.state, y = contracts.stepped(self.model, returned)
        return contracts.outputs(self.model, y, *self._shape)


class Intervened:
    """A stepper whose state an intervention may change before each step."""

    def __init__(self, stepper: contracts.Stepper, intervene: Intervention) -> None:
        self.stepper, self.intervene = cast(SettableStepper, stepper), intervene

    @property
    def state(self) -> Any:
        return self.stepper.state

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """As the stepper's `step`."""
        if not isinstance(self.intervene, AtSteps) or t in self.intervene.steps:
            self.stepper.state = self.intervene(t, self.stepper.state)
        return self.stepper.step(x, noise, t)


class Replay:
    """A stepper that returns precomputed outputs (P, B, T, C)."""

    def __init__(self, outputs: Tensor) -> None:
        self.outputs = outputs

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """The outputs (P, B, C) of step t."""
        return self.outputs[:, :, t]
