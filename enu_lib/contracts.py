"""Protocols of tasks, models and steppers, and checks that name the part that an object lacks or that breaks its contract.

Shapes throughout: P offspring, B environments, T steps, D parameters, C outputs.  Population first, environments second.
A task or model of your own implements one of these protocols; it need not inherit from anything.

The library checks what the methods return, and raises ValueError for what breaks a contract.  What a method itself raises is
not caught: it ends the run, whose folder keeps the last checkpoint.  The command line prints ValueError and
FloatingPointError in one line.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, SupportsIndex, TypeVar, cast, runtime_checkable

import torch
from torch import Tensor

from enu_lib.base.kinds import shown
from enu_lib.streams import Noise

if TYPE_CHECKING:
    from typing_extensions import TypeIs

S = TypeVar("S")  # state of a task, or of a model: what its `reset` returns and its `step` takes
W = TypeVar("W")  # weights of a model: what its `unpack` returns and its `step` takes
B = TypeVar("B", bound="Batch")
Intervention = Callable[[int, Any], Any]  # (t, model state) -> model state, called before step t


@dataclass(frozen=True)
class AtSteps:
    """An intervention before certain steps only; before others the state is not read: reading takes longer than a step."""

    steps: frozenset[int]
    change: Intervention

    def __call__(self, t: int, state: Any) -> Any:
        return self.change(t, state) if t in self.steps else state


class Batch(Protocol):
    """A sequence task's sample: a named tuple of tensors, environments first."""

    @property
    def inputs(self) -> Tensor: ...  # (B, T, n_in) float32; (B, T, I, k) for networks, and for units with n_in = I k


@runtime_checkable
class SequenceTask(Protocol[B]):
    """A task whose inputs do not depend on the model's outputs; fitness is the mean over the steps.

    The paper's tasks also have `n_in` and `n_out`, the numbers of inputs and outputs of a unit for them, and any task may have
    a `name`, which error messages use.
    """

    @property
    def steps(self) -> int: ...

    def sample(self, environments: int, generator: torch.Generator, /) -> B:
        """B random sequences with their targets: a `Batch` with finite inputs.  All randomness comes from `generator`."""

    def score(self, batch: B, outputs: Tensor, /) -> Tensor:
        """Fitness of every step (P, B, T) for outputs (P, B, T, C); higher is better.

        Outputs may be NaN, and so may fitness then.  Offspring whose fitness is NaN or infinite rank last; if that of none is
        finite, the run ends with FloatingPointError (`enu_lib.diagnosis`).
        """


@runtime_checkable
class ClosedLoopTask(Protocol[S]):
    """A task whose inputs depend on the model's outputs; fitness is the sum over the steps.

    Two more members are optional, and so not part of the protocol: callers ask for them with `hasattr` and `getattr`.

    done(state) -> (P, B) bool: episodes that have ended and earn no more fitness.  Simulation stops once all have ended,
    unless it is recorded.
    own_shuffles: if true, each offspring gets draws of its own: `reset` is called for P offspring instead of one.  What it
    draws for offspring p must not depend on P, so it must draw from a `streams.branch` of the generator, which is used again
    afterwards.
    """

    @property
    def steps(self) -> int: ...

    def reset(self, population: int, environments: int, generator: torch.Generator, /) -> S:
        """The initial state, a named tuple of tensors (P or 1, B, ..)."""

    def observe(self, state: S, t: int, /) -> Tensor:
        """The model's input at step t: (P, B, n_in), or (P, B, I, k) for I input neurons (one row for a single unit).

        It must be finite at step 0.  Later it may depend on outputs that are NaN; the model is given NaN for infinity, too.
        """

    def step(self, state: S, y: Tensor, t: int, /) -> tuple[S, Tensor]:
        """The next state, a named tuple too, and the step's fitness (P, B), for outputs y (P, B, C).

        Outputs and fitness may be NaN, as in `SequenceTask.score`.
        """


Task = SequenceTask[Any] | ClosedLoopTask[Any]


@runtime_checkable
class Model(Protocol[W, S]):
    """A cell or a network.  Immutable: weights and state are passed to `step`, for a whole population at once.

    The attribute `own_noise` is optional, and so not part of the protocol: callers ask for it with `getattr`.  If it is true,
    each offspring gets noise of its own.
    """

    @property
    def n_params(self) -> int: ...

    @property
    def noise_shape(self) -> tuple[int, ...]: ...  # shape of the noise per environment and step; () for none

    def init(self, generator: torch.Generator, /) -> Tensor:
        """A random initial genome (D,), with D = `n_params` finite numbers.  Not called for models that do not evolve."""

    def unpack(self, genomes: Tensor, /) -> W:
        """Genomes (P, D) as weights, in the form that `step` takes.

        It should raise ValueError unless D is `n_params`, since callers leave this check to it.  A genome that has overflowed
        float32 is NaN throughout.
        """

    def reset(self, population: int, environments: int, device: torch.device | str = "cpu", /) -> S:
        """The state before the first step."""

    def step(self, weights: W, state: S, x: Tensor, noise: Tensor | None = None, /) -> tuple[S, Tensor]:
        """The next state, and the outputs y (P, B, C), for input x (P or 1, B, ..).  Weights and input may be NaN."""


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


_SIZES: dict[type, tuple[str, ...]] = {
    SequenceTask: ("steps",),
    ClosedLoopTask: ("steps",),
    Model: ("n_params", "noise_shape"),
}
_METHODS: dict[type, tuple[str, ...]] = {
    SequenceTask: ("sample", "score"),
    ClosedLoopTask: ("reset", "observe", "step"),
    Model: ("init", "unpack", "reset", "step"),
}


def is_sequence(task: object) -> TypeIs[SequenceTask[Any]]:
    """Whether a task is a sequence task rather than a closed loop.

    Raises TypeError naming what is missing if it is neither; and ValueError if `steps` is not a whole number of at least 1, or
    if a method is not one.
    """
    kinds = [kind for kind in (SequenceTask, ClosedLoopTask) if any(hasattr(task, part) for part in _METHODS[kind])]
    if not kinds and not isinstance(task, type):
        lacking = [", ".join(_missing(task, kind)) for kind in (SequenceTask, ClosedLoopTask)]
        raise TypeError(
            f"{described(task)} is neither a sequence task (it lacks {lacking[0]}) nor a closed loop (it lacks {lacking[1]}): "
            "see enu_lib.contracts.SequenceTask and enu_lib.contracts.ClosedLoopTask"
        )
    sequence = SequenceTask in kinds
    if sequence:
        _lacks_nothing(task, SequenceTask, "sequence task")
    else:
        _lacks_nothing(task, ClosedLoopTask, "closed-loop task")
        if hasattr(task, "done"):
            _is_method(task, "done")
    _counts(task, "steps")
    return sequence


def check_model(model: object, evolves: bool = True) -> None:
    """Raise TypeError naming the missing parts of an incomplete model, and ValueError for parts of the wrong kind.

    A model that does not evolve needs no `init`.
    """
    _lacks_nothing(model, Model, "model", () if evolves else ("init",))
    _counts(model, "n_params")
    shape = getattr(model, "noise_shape")  # noqa: B009
    if not isinstance(shape, tuple) or not all(_is_whole(size, 0) for size in shape):
        raise ValueError(_wrong(model, "noise_shape", "be a tuple of whole numbers, or () for no noise", shown(shape)))


def first_genome(model: AnyModel, parent: Tensor | None, generator: torch.Generator) -> Tensor:
    """The genome (D,) that evolution begins with: the given parent, or a random one from the model's `init`."""
    first: object = model.init(generator) if parent is None else parent
    got, remedy = described(first), "choose a genome of the same model, or set model and hidden to those of the genome"
    if isinstance(first, Tensor) and first.is_floating_point() and first.shape == (model.n_params,):
        if bool(first.isfinite().all()):
            return first
        got, remedy = spread(first), "choose a genome that has not overflowed"
    wanted = f"a tensor of finite floating point numbers ({model.n_params},), one per parameter"
    if parent is None:
        raise ValueError(_wrong(model, "init", f"return {wanted}", got))
    raise ValueError(f"parent must be {wanted} of the model, got {got}: {remedy}")


def stepped(owner: object, returned: object, before: object = None) -> tuple[Any, Any]:
    """The two values that `step` of a task or model has returned: the next state, and fitness or outputs.

    before: the state that a task's `step` was given; the next one must be a named tuple if it is.
    """
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        second = "outputs (P, B, C)" if hasattr(owner, "unpack") else "fitness (P, B)"
        raise ValueError(_wrong(owner, "step", f"return two values, the next state and {second}", described(returned)))
    if hasattr(before, "_fields") and not hasattr(returned[0], "_fields"):
        wanted = f"return the next state, such as {type(before).__name__}(..), before the fitness"
        raise ValueError(_wrong(owner, "step", wanted, described(returned[0])))
    return returned[0], returned[1]


def outputs(model: AnyModel, y: object, population: int, environments: int) -> Tensor:
    """The outputs (P, B, C) that `step` of a model has returned."""
    if not isinstance(y, Tensor) or y.dim() != 3 or y.shape[:2] != (population, environments):
        wanted = f"return outputs ({population}, {environments}, C) after the next state"
        raise ValueError(_wrong(model, "step", wanted, described(y)))
    return y


def all_done(task: object, done: object, shape: tuple[int, ...]) -> bool:
    """Whether all episodes have ended, from what `done` of a closed loop has returned: (P, B) bool."""
    if not isinstance(done, Tensor) or done.dtype != torch.bool or done.shape != shape:
        raise ValueError(_wrong(task, "done", f"return a tensor of bool {tuple(shape)}", described(done)))
    return bool(done.all())


def described(value: object) -> str:
    """A value for an error message: dtype, shape and device of a tensor; plain values as they are; of others, the type."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, Tensor):
        return f"{value.dtype} {tuple(value.shape)} on {value.device}"
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return f"a {type(value).__name__} ({', '.join(type(part).__name__ for part in value)})"
    return shown(value) if value is None or isinstance(value, (str, int, float)) else type(value).__name__


def spread(x: Tensor) -> str:
    """A tensor's shape and range of values, for an error message."""
    finite = x[x.isfinite()].to(torch.float64)
    low, high = (v.item() for v in finite.aminmax()) if finite.numel() else (torch.nan, torch.nan)
    rest = x.numel() - finite.numel()
    return f"{tuple(x.shape)} with values {low:g} to {high:g}" + (f" and {rest} that are NaN or infinite" if rest else "")


def _counts(owner: object, part: str) -> None:
    value = getattr(owner, part)
    if not _is_whole(value, 1):
        raise ValueError(_wrong(owner, part, "be a whole number of at least 1", shown(value)))


def _is_whole(value: object, least: int) -> bool:
    try:
        return not isinstance(value, bool) and operator.index(cast(SupportsIndex, value)) >= least
    except TypeError:
        return False


def _is_method(owner: object, part: str) -> None:
    if not callable(getattr(owner, part)):
        raise ValueError(_wrong(owner, part, "be a method", shown(getattr(owner, part))))


def _wrong(owner: object, part: str, wanted: str, got: str) -> str:
    return f"`{part}` of {type(owner).__name__} must {wanted}, got {got} (see enu_lib.contracts)"


def _missing(value: object, contract: type, unneeded: tuple[str, ...] = ()) -> list[str]:
    parts = (*_SIZES[contract], *_METHODS[contract])
    return [part for part in parts if part not in unneeded and not hasattr(value, part)]


def _lacks_nothing(value: object, contract: type, what: str, unneeded: tuple[str, ...] = ()) -> None:
    if isinstance(value, type):
        raise TypeError(f"{value.__name__} is a class, not a {what}: pass an instance of it, such as {value.__name__}(..)")
    if missing := _missing(value, contract, unneeded):
        raise TypeError(
            f"{described(value)} is not a {what}: it lacks {', '.join(missing)} (see enu_lib.contracts.{contract.__name__})"
        )
    for part in _METHODS[contract]:
        if part not in unneeded:
            _is_method(value, part)
