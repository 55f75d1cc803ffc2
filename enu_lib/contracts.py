"""What a task, a model and a stepper have to offer: the contracts between the parts, and errors that name what is missing.

Shapes throughout: P offspring, B environments, T steps, D parameters, C outputs.  Population first, environments second.
A task or model of your own keeps one of these protocols; it inherits nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from enu_lib.streams import Noise

Intervention = Callable[[int, Any], Any]  # (t, model state) -> model state, called before step t


class Batch(Protocol):
    """What a sequence task samples: a named tuple of tensors, environments first."""

    @property
    def inputs(self) -> Tensor: ...  # (B, T, n_in) float32


@runtime_checkable
class SequenceTask(Protocol):
    """A task whose inputs are all known beforehand; fitness is the mean over the steps."""

    @property
    def n_in(self) -> int: ...

    @property
    def n_out(self) -> int: ...

    @property
    def steps(self) -> int: ...

    def sample(self, environments: int, generator: torch.Generator) -> Any:
        """B random sequences with their targets: a `Batch`, drawn from `generator` alone."""

    def score(self, batch: Any, outputs: Tensor) -> Tensor:
        """Fitness of every step (P, B, T) for outputs (P, B, T, C); higher is better."""


@runtime_checkable
class ClosedLoopTask(Protocol):
    """A task that answers to what the model does; fitness is the sum over the steps.

    It may have `done(state) -> (P, B) bool`, episodes that have ended and earn nothing any more: a run stops once all have.
    """

    @property
    def steps(self) -> int: ...

    def reset(self, population: int, environments: int, generator: torch.Generator) -> Any:
        """The first state, a named tuple of tensors (P or 1, B, ..), the same environments for all offspring."""

    def observe(self, state: Any, t: int) -> Tensor:
        """The model's input at step t: (P, B, n_in), or (P, B, I, k) for a network with I input neurons."""

    def step(self, state: Any, y: Tensor, t: int) -> tuple[Any, Tensor]:
        """The next state, and the step's fitness (P, B), for outputs y (P, B, C)."""


Task = SequenceTask | ClosedLoopTask


@runtime_checkable
class Model(Protocol):
    """A cell or a network: a value without state of its own, stepped for a whole population at once."""

    @property
    def n_params(self) -> int: ...

    @property
    def noise_shape(self) -> tuple[int, ...]: ...  # of one environment's noise at one step; () for none

    def init(self, generator: torch.Generator) -> Tensor:
        """A genome (D,) to begin evolution from."""

    def unpack(self, genomes: Tensor) -> Any:
        """Genomes (P, D) as weights, in whatever form `step` takes."""

    def reset(self, population: int, environments: int, device: torch.device | str = "cpu") -> Any:
        """The state before the first step."""

    def step(self, weights: Any, state: Any, x: Tensor, noise: Tensor | None = None) -> tuple[Any, Tensor]:
        """The next state, and the outputs y (P, B, C), for input x (P or 1, B, ..)."""


class Stepper(Protocol):
    """A population of models in the middle of their episodes, one step after another: reference, fused or compiled."""

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """The outputs (P, B, C) of step t for input x (P or 1, B, ..)."""


class SettableStepper(Stepper, Protocol):
    """A stepper whose models' state, as their `step` has it, may be read and set between steps."""

    @property
    def state(self) -> Any: ...

    @state.setter
    def state(self, state: Any) -> None: ...


class Evolved(Protocol):
    """A genome with the model and the task that it was evolved for: a run, or an entry of the zoo."""

    @property
    def model(self) -> Any: ...

    @property
    def task(self) -> Any: ...

    @property
    def genome(self) -> Tensor: ...


class Drawn(NamedTuple):
    """All that is random about B environments: what they are, and the noise in them."""

    start: Any  # a sequence task's batch, or a closed loop's first state (1, B, ..)
    noise: Noise | None


_PARTS: dict[Any, tuple[str, ...]] = {
    SequenceTask: ("n_in", "n_out", "steps", "sample", "score"),
    ClosedLoopTask: ("steps", "reset", "observe", "step"),
    Model: ("n_params", "noise_shape", "init", "unpack", "reset", "step"),
}


def is_sequence(task: Any) -> bool:
    """Whether a task is a sequence task (else a closed loop).  Raises TypeError naming what it lacks if it is neither."""
    if hasattr(task, "sample") or hasattr(task, "score"):
        _lacks_nothing(task, SequenceTask, "sequence task")
        return True
    _lacks_nothing(task, ClosedLoopTask, "closed-loop task")
    return False


def check_model(model: Any) -> None:
    """Raise TypeError naming what a model lacks."""
    _lacks_nothing(model, Model, "model")


def _lacks_nothing(value: Any, contract: Any, what: str) -> None:
    missing = [part for part in _PARTS[contract] if not hasattr(value, part)]
    if missing:
        raise TypeError(
            f"{type(value).__name__} is no {what}: it lacks {', '.join(missing)} (see enu_lib.contracts.{contract.__name__})"
        )
