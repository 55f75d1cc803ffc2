"""Recorded episodes, and the recorder that `rollout.play` calls at every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor

from enu_lib.cells import ENU
from enu_lib.contracts import AnyModel, SettableStepper, Stepper
from enu_lib.network import Network


@dataclass(frozen=True)
class Trace:
    """Recorded episodes: population first, environments second, time third.

    x: inputs (P, B, T, ..).  y: outputs (P, B, T, C).  fitness: fitness of each step (P, B, T).  batch: the batch of a
    sequence task.  task: a closed loop's state after each step, by field.  model: the model's state after each step, by name
    (`memory`; for networks `neuron_memory`, `neuron_output`, `synapse_memory`, `transmitted`; see `named_state`).
    """

    x: Tensor
    y: Tensor
    fitness: Tensor
    batch: Any = None
    task: dict[str, Tensor] = field(default_factory=dict)
    model: dict[str, Tensor] = field(default_factory=dict)


class Recorder:
    """Collects a `Trace` step by step.  memory: also record the model's state (large for networks)."""

    def __init__(self, model: AnyModel | None, memory: bool = False) -> None:
        self.model, self.memory = model, memory
        self.x: list[Tensor] = []
        self.y: list[Tensor] = []
        self.fitness: list[Tensor] = []
        self.task_states: list[Any] = []
        self.model_states: list[dict[str, Tensor]] = []

    def __call__(
        self, x: Tensor, y: Tensor, stepper: Stepper | None = None, state: Any = None, fitness: Tensor | None = None
    ) -> None:
        """Record one step: input and outputs; for a closed loop also the step's fitness and the state after it."""
        self.x.append(x.expand(*y.shape[:2], *x.shape[2:]))
        self.y.append(y)
        if fitness is not None:
            self.fitness.append(fitness)
            self.task_states.append(state)
        if self.memory:
            self.model_states.append(named_state(self.model, cast(SettableStepper, stepper).state))

    def outputs(self) -> Tensor:
        """All outputs so far (P, B, T, C)."""
        return torch.stack(self.y, 2)

    def trace(self, batch: Any = None, fitness: Tensor | None = None) -> Trace:
        """The recorded episodes.  For a sequence task, which is scored at its end, pass its `batch` and `fitness` (P, B, T)."""
        score = torch.stack(self.fitness, 2) if fitness is None else fitness
        return Trace(
            torch.stack(self.x, 2), self.outputs(), score, batch, over_time(self.task_states), over_time(self.model_states)
        )


def named_state(model: AnyModel | None, state: Any) -> dict[str, Tensor]:
    """A model's state by name.

    A cell: memory (P, B, H).  A network: neuron_memory (P, B, N, H), neuron_output (P, B, N, C), synapse_memory
    (P, B, N, S, H); for ENUs also transmitted (P, B, N, S, C), the synapses' outputs.
    """
    if not isinstance(model, Network):
        return {"memory": state[0]}
    p, b, n, _ = state.output.shape
    s = model.synapses
    names = {
        "neuron_memory": state.neuron[0].unflatten(1, (b, n)),
        "neuron_output": state.output,
        "synapse_memory": state.synapse[0].unflatten(1, (b, n, s)),
    }
    if isinstance(model.synapse_cell, ENU):
        names["transmitted"] = state.synapse[1].unflatten(1, (b, n, s))
    return names


def over_time(states: list[Any]) -> dict[str, Tensor]:
    """Fields of named tuples, or values of dictionaries, stacked over time as the third dimension.

    Omits fields without the leading dimensions (P, B).  A field that is the same tensor at every step, such as a maze's
    places, is expanded rather than copied.
    """
    if not states:
        return {}
    each = [state if isinstance(state, dict) else state._asdict() for state in states]
    fields = {}
    for name, value in each[0].items():
        if value.dim() >= 2:
            values = [state[name] for state in each]
            same = all(v is value for v in values)
            fields[name] = value.unsqueeze(2).expand(-1, -1, len(each), *value.shape[2:]) if same else torch.stack(values, 2)
    return fields
