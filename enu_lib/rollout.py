"""Lives: a population of genomes goes through a batch of environments (reference path, and the door to the fast ones).

    fitness(model, genomes, task, environments, generator) -> (P, B)      # as fast as the processor allows
    rollout(model, genome, task, environments=64, seed=1) -> Trace        # the same lives, everything recorded

Two sorts of task.  A sequence task (`sample`, `score`) knows all inputs beforehand; its fitness is the mean over the
steps.  A closed loop (`reset`, `observe`, `step`) answers to what the model does; its fitness is the sum over the steps.
Shapes: P offspring, B environments, T steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from enu_lib import kernels
from enu_lib.cells import ENU
from enu_lib.kernels import door
from enu_lib.network import Network
from enu_lib.precision import in_float32
from enu_lib.streams import Noise, draw_noise, stream
from enu_lib.tasks.maze import Maze

Intervention = Callable[[int, Any], Any]


@dataclass(frozen=True)
class Trace:
    """A life with everything recorded; population first, environments second, time third.

    x: inputs (P, B, T, ..).  y: outputs (P, B, T, C).  fitness: of each step (P, B, T).  batch: what a sequence task
    sampled.  task: a closed loop's state after each step, by field.  model: the model's state after each step, by name
    (`memory`, and for networks `neuron_memory`, `synapse_memory`, `output`, `transmitted`).
    """

    x: Tensor
    y: Tensor
    fitness: Tensor
    batch: Any = None
    task: dict[str, Tensor] = field(default_factory=dict)
    model: dict[str, Tensor] = field(default_factory=dict)


@in_float32
def fitness(
    model: Any,
    genomes: Tensor,
    task: Any,
    environments: int,
    generator: torch.Generator,
    threads: int | None = None,
    path: str = "auto",
) -> Tensor:
    """Fitness (P, B) of every genome (P, D) in every environment; higher is better.

    All genomes meet the same environments and the same noise, drawn from `generator`.  `path`: auto, cpp, torch or
    reference (see `enu_lib.kernels`).  `threads`: of the CPU kernel; None: all cores.

    Computed in float32 whatever the genomes' and the task's dtype and torch's defaults are.  Raises ValueError, the same on
    every path, where model, genomes and task do not fit.
    """
    door.fits(model, task)
    genomes, environments = door.genomes(model, genomes), door.environments(environments)
    if hasattr(task, "sample"):
        batch, noise = _sample(model, task, environments, generator, genomes.device)
        outputs = _outputs(model, genomes, batch.inputs, noise, threads, path)
        return door.reward(task, task.score(batch, outputs), outputs.shape[:3]).mean(-1)
    state, noise = _reset(model, task, environments, generator, genomes.device)
    if type(model) is Network and type(task) is Maze and path != "reference":
        return kernels.maze_lives(model, genomes, task, state, noise, threads, path).fitness
    return _closed_loop(model, genomes, task, state, noise, threads, path)


@in_float32
def rollout(
    model: Any,
    genome: Tensor,
    task: Any,
    environments: int = 64,
    seed: int = 1,
    memory: bool = False,
    intervene: Intervention | None = None,
    batch: Any = None,
) -> Trace:
    """Live through `environments` environments with everything recorded.

    genome: (D,) or (P, D).  `memory=True` records the model's state too (large for networks).  `intervene(t, state)`
    may return another model state before step t: lesions, freezing, resets.  `batch`: use these inputs and targets of a
    sequence task (as its `sample` returns them) in the place of random ones.
    """
    door.fits(model, task)
    genomes = door.genomes(model, genome[None] if isinstance(genome, Tensor) and genome.dim() == 1 else genome)
    environments = door.environments(environments)
    generator = stream(seed, "rollout")
    if hasattr(task, "sample"):
        if batch is None:
            batch, noise = _sample(model, task, environments, generator, genomes.device)
        else:
            batch = door.batch(model, task, batch, None, genomes.device)
            environments, steps = batch.inputs.shape[:2]
            task.sample(environments, generator)  # the noise is what it is for random inputs
            noise = _noise(model, max(steps, task.steps), environments, generator, genomes.device)
        steps, task_state = batch.inputs.shape[1], None
    else:
        task_state, noise = _reset(model, task, environments, generator, genomes.device)
        task_state = _each(task_state, lambda v: v.expand(len(genomes), *v.shape[1:]).clone())
        steps = task.steps
    weights = model.unpack(genomes)
    population = len(genomes)
    state = model.reset(population, environments, genomes.device)
    xs, ys, fs, task_states, model_states = [], [], [], [], []
    for t in range(steps):
        if task_state is None:
            x = batch.inputs[None, :, t]
        else:
            x = door.observation(model, task.observe(task_state, t), population, environments, genomes.device)
        if intervene is not None:
            state = intervene(t, state)
        state, y = model.step(weights, state, x, _noise_at(model, noise, t))
        if task_state is not None:
            task_state, f = task.step(task_state, y, t)
            fs.append(door.reward(task, f, (population, environments)))
            task_states.append(task_state)
        xs.append(x.expand(population, environments, *x.shape[2:]))
        ys.append(y)
        if memory:
            model_states.append(named_state(model, state))
    y = torch.stack(ys, 2)
    score = door.reward(task, task.score(batch, y), y.shape[:3]) if task_state is None else torch.stack(fs, 2)
    names = model_states[0] if memory else ()
    recorded = {name: torch.stack([s[name] for s in model_states], 2) for name in names}
    return Trace(torch.stack(xs, 2), y, score, batch, by_field(task_states), recorded)


def by_field(states: list[Any]) -> dict[str, Tensor]:
    """A closed loop's states after each step, field by field (P, B, T, ..): a view where a field was never replaced."""
    names = [name for name in states[0]._fields if getattr(states[0], name).dim() >= 2] if states else []
    fields = {}
    for name in names:
        values = [getattr(state, name) for state in states]
        same = all(value is values[0] for value in values)
        fields[name] = (
            values[0].unsqueeze(2).expand(-1, -1, len(values), *values[0].shape[2:]) if same else torch.stack(values, 2)
        )
    return fields


def named_state(model: Any, state: Any) -> dict[str, Tensor]:
    """A model's state by name: memory (P, B, H); of a network, neuron_memory (P, B, N, H), neuron_output (P, B, N, C),
    synapse_memory (P, B, N, S, H), and transmitted (P, B, N, S, C) where the cell keeps its output."""
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


def _sample(model, task, environments, generator, device):
    batch = door.batch(model, task, task.sample(environments, generator), environments, device)
    return batch, _noise(model, task.steps, environments, generator, device)


def _reset(model, task, environments, generator, device):
    state = door.start(task, task.reset(1, environments, generator), environments, device)
    return state, _noise(model, task.steps, environments, generator, device)


def _noise(model, steps, environments, generator, device) -> Noise | None:
    if not model.noise_shape:
        return None
    return draw_noise(steps, environments, generator).to(device)


def _noise_at(model: Any, noise: Noise | None, t: int) -> Tensor | None:
    return None if noise is None else noise.at(t, model.noise_shape)


def _each(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A named tuple with every tensor changed."""
    return type(state)(*(change(v) if isinstance(v, Tensor) else v for v in state))


@in_float32
def _outputs(model, genomes, inputs, noise, threads, path) -> Tensor:
    """Outputs (P, B, T, C) for inputs (B, T, n_in) that are the same for all offspring."""
    if type(model) in door.CELLS and path != "reference":
        return kernels.unit_outputs(model, genomes, inputs, noise, threads, path)
    weights = model.unpack(genomes)
    state = model.reset(len(genomes), len(inputs), genomes.device)
    outputs = []
    for t in range(inputs.shape[1]):
        state, y = model.step(weights, state, inputs[None, :, t], _noise_at(model, noise, t))
        outputs.append(y)
    return torch.stack(outputs, 2)


@in_float32
def _closed_loop(model, genomes, task, state, noise, threads, path) -> Tensor:
    """Fitness (P, B) of a closed loop, one step after another, with a fast step where the model has one."""
    state = _each(state, lambda v: v.expand(len(genomes), *v.shape[1:]).clone())
    environments = next(v for v in state if isinstance(v, Tensor)).shape[1]
    population, device = len(genomes), genomes.device
    fast = type(model) is Network and path != "reference"
    if fast:
        stepper = kernels.network_stepper(model, genomes, environments, threads, path)
    else:
        weights, model_state = model.unpack(genomes), model.reset(population, environments, device)
    total = torch.zeros(population, environments, dtype=torch.float32, device=device)
    for t in range(task.steps):
        x = door.observation(model, task.observe(state, t), population, environments, device)
        if fast:
            y = stepper.step(x, noise, t)
        else:
            model_state, y = model.step(weights, model_state, x, _noise_at(model, noise, t))
        state, f = task.step(state, y, t)
        total += door.reward(task, f, (population, environments))
        if hasattr(task, "done") and bool(task.done(state).all()):
            break  # nothing more can be earned
    return total
