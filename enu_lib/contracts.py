"""Protocols of tasks, models and steppers, and checks that name what an object lacks.

Shapes throughout: P offspring, B environments, T steps, D parameters, C outputs.  Population first, environments second.
A task or model of your own implements one of these protocols; it need not inherit from anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from enu_lib.streams import Noise

if TYPE_CHECKING:
    from typing_extensions import TypeIs

S = TypeVar("S")  # state of a task, or of a model: what its `reset` returns and its `step` takes
W = TypeVar("W")  # weights of a model: what its `unpack` returns and its `step` takes
B = TypeVar("B", bound="Batch")
Intervention = Callable[[int, Any], Any]  # (t, model state) -> model state, called before step t


@dataclass(frozen=True)
class AtSteps:
    """An intervention before certain steps only; before the others, the state is not read, as that takes longer than a step."""

    steps: frozenset[int]
    change: Intervention

    def __call__(self, t: int, state: Any) -> Any:
        return self.change(t, state) if t in self.steps else state


class Batch(Protocol):
    """A sequence task's sample: a named tuple of tensors, environments first."""

    @property
    def inputs(self) -> Tensor: ...  # (B, T, n_in) float32


@runtime_checkable
class SequenceTask(Protocol[B]):
    """A task whose inputs do not depend on the model's outputs; fitness is the mean over the steps.

    The paper's tasks also have `n_in` and `n_out`, the numbers of inputs and outputs of a unit for them.
    """

    @property
    def steps(self) -> int: ...

    def sample(self, environments: int, generator: torch.Generator, /) -> B:
        """B random sequences with their targets: a `Batch`.  All randomness comes from `generator`."""

    def score(self, batch: B, outputs: Tensor, /) -> Tensor:
        """Fitness of every step (P, B, T) for outputs (P, B, T, C); higher is better."""


@runtime_checkable
class ClosedLoopTask(Protocol[S]):
    """A task whose inputs depend on the model's outputs; fitness is the sum over the steps.

    It may have `done(state) -> (P, B) bool`: episodes that have ended and earn no more fitness.  Simulation stops once all
    have ended.  If its attribute `own_shuffles` is true, each offspring gets draws of its own: `reset` is called for P
    offspring instead of one.  What it draws for offspring p must not depend on P, so it must draw from a `streams.branch` of
    the generator, which is used again afterwards.
    """

    @property
    def steps(self) -> int: ...

    def reset(self, population: int, environments: int, generator: torch.Generator, /) -> S:
        """The initial state, a named tuple of tensors (P or 1, B, ..)."""

    def observe(self, state: S, t: int, /) -> Tensor:
        """The model's input at step t: (P, B, n_in), or (P, B, I, k) for a network with I input neurons."""

    def step(self, state: S, y: Tensor, t: int, /) -> tuple[S, Tensor]:
        """The next state, and the step's fitness (P, B), for outputs y (P, B, C)."""


Task = SequenceTask[Any] | ClosedLoopTask[Any]


@runtime_checkable
class Model(Protocol[W, S]):
    """A cell or a network.  Immutable: weights and state are passed to `step`, for a whole population at once.

    If its attribute `own_noise` is true, each offspring gets noise of its own.
    """

    @property
    def n_params(self) -> int: ...

    @property
    def noise_shape(self) -> tuple[int, ...]: ...  # shape of the noise per environment and step; () for none

    def init(self, generator: torch.Generator, /) -> Tensor:
        """A random initial genome (D,)."""

    def unpack(self, genomes: Tensor, /) -> W:
        """Genomes (P, D) as weights, in the form that `step` takes."""

    def reset(self, population: int, environments: int, device: torch.device | str = "cpu", /) -> S:
        """The state before the first step."""

    def step(self, weights: W, state: S, x: Tensor, noise: Tensor | None = None, /) -> tuple[S, Tensor]:
        """The next state, and the outputs y (P, B, C), for input x (P or 1, B, ..)."""


AnyModel = Model[Any, Any]


class Stepper(Protocol):
    """A population of models during their episodes, advanced one step at a time: reference, fused or compiled."""

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """Outputs (P, B, C) of step t for input x (P or 1, B, ..)."""


class SettableStepper(Stepper, Protocol):
    """A stepper whose state, in the form of the model's `step`, can be read and set between steps."""

    @property
    def state(self) -> Any: ...

    @state.setter
    def state(self, state: Any) -> None: ...


class Evolved(Protocol):
    """A genome with its model and task, whose classes depend on the experiment: a run, or a zoo entry."""

    @property
    def model(self) -> Any: ...

    @property
    def task(self) -> Any: ...

    @property
    def genome(self) -> Tensor: ...


class Drawn(NamedTuple):
    """B sampled environments and their noise: everything random about a batch of episodes."""

    start: Any  # a sequence task's batch, or a closed loop's initial state (1 or P, B, ..)
    noise: Noise | None
    environments: int  # B

    def to(self, device: torch.device) -> Drawn:
        """The same on a device."""
        start = type(self.start)(*(v.to(device) if isinstance(v, Tensor) else v for v in self.start))
        return self._replace(start=start, noise=None if self.noise is None else self.noise.to(device))


_PARTS: dict[type, tuple[str, ...]] = {
    SequenceTask: ("steps", "sample", "score"),
    ClosedLoopTask: ("steps", "reset", "observe", "step"),
    Model: ("n_params", "noise_shape", "init", "unpack", "reset", "step"),
}


def is_sequence(task: object) -> TypeIs[SequenceTask[Any]]:
    """Whether a task is a sequence task rather than a closed loop.  Raises TypeError naming what is missing if neither."""
    if hasattr(task, "sample") or hasattr(task, "score"):
        _lacks_nothing(task, SequenceTask, "sequence task")
        return True
    _lacks_nothing(task, ClosedLoopTask, "closed-loop task")
    return False


def check_model(model: object) -> None:
    """Raise TypeError naming the missing parts of an incomplete model."""
    _lacks_nothing(model, Model, "model")


def _lacks_nothing(value: object, contract: type, what: str) -> None:
    missing = [part for part in _PARTS[contract] if not hasattr(value, part)]
    if missing:
        raise TypeError(
            f"{type(value).__name__} is not a {what}: it lacks {', '.join(missing)} (see enu_lib.contracts.{contract.__name__})"
        )
