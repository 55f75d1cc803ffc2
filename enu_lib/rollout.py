"""Episodes: a population of genomes goes through a batch of environments.

    fitness(model, genomes, task, environments, generator) -> (P, B)      # as fast as the processor allows
    rollout(model, genome, task, environments=64, seed=1) -> Trace        # the same episodes, everything recorded

Both `draw` the environments and `play` them.  Two sorts of task (`enu_lib.contracts`).  A sequence task (`sample`, `score`)
knows all inputs beforehand; its fitness is the mean over the steps.  A closed loop (`reset`, `observe`, `step`) answers to
what the model does; its fitness is the sum over the steps.
Shapes: P offspring, B environments, T steps.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from enu_lib import kernels
from enu_lib.contracts import Drawn, Intervention, SettableStepper, Stepper, is_sequence
from enu_lib.kernels import door
from enu_lib.network import Network
from enu_lib.precision import in_float32
from enu_lib.streams import Noise, draw_noise, stream
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Recorder, Trace


@in_float32
def fitness(
    model: Any,
    genomes: Tensor,
    task: Any,
    environments: int,
    generator: torch.Generator,
    threads: int | None = None,
    backend: str = "auto",
) -> Tensor:
    """Fitness (P, B) of every genome (P, D) in every environment; higher is better.

    All genomes meet the same environments and the same noise, drawn from `generator`.  `backend`: auto, cpp, cuda, torch or
    reference (see `enu_lib.kernels`).  `threads`: of the CPU kernel; None: all cores.

    Computed in float32 whatever the genomes' and the task's dtype and torch's defaults are.  Raises ValueError, the same on
    every backend, where model, genomes and task do not fit; TypeError naming what a task or model lacks.
    """
    genomes, drawn = draw(model, genomes, task, environments, generator)
    return play(model, genomes, task, drawn, threads=threads, backend=backend)


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
    backend: str = "reference",
) -> Trace:
    """Episodes in `environments` environments with everything recorded.

    genome: (D,) or (P, D).  `memory=True` records the model's state too (large for networks; the reference backend only).
    `intervene(t, state)` may return another model state before step t: lesions, freezing, resets.  `batch`: use these inputs
    and targets of a sequence task (as its `sample` returns them) in the place of random ones.
    """
    genomes = genome[None] if isinstance(genome, Tensor) and genome.dim() == 1 else genome
    genomes, drawn = draw(model, genomes, task, environments, stream(seed, "rollout"), batch)
    recorder = Recorder(model, memory)
    stepper = kernels.stepper(model, genomes, drawn.environments, None, backend, settable=memory or intervene is not None)
    scores = play(model, genomes, task, drawn, recorder, intervene, stepper)
    return recorder.trace(drawn.start, scores) if is_sequence(task) else recorder.trace()


@in_float32
def record_episodes(
    network: Network,
    genome: Tensor,
    maze: Maze | Altered,
    environments: int = 2048,
    seed: int = 1,
    intervene: Intervention | None = None,
) -> Trace:
    """Episodes of one genome (D,) as `rollout` records them, but for the model's state: many more in the same time.

    Without `intervene` the fastest backend makes all outputs, and the maze answers them once more.  `intervene` may not
    change what neurons send without changing their own output (`interventions.silence`): that is for `rollout`.
    """
    if intervene is not None or type(maze) is not Maze:
        return rollout(network, genome, maze, environments, seed, intervene=intervene, backend="auto")
    genomes, drawn = draw(network, genome[None], maze, environments, stream(seed, "rollout"))
    outputs = kernels.maze_lives(network, genomes, maze, drawn.start, drawn.noise, record=True).outputs
    assert outputs is not None, "they were asked to be recorded"
    recorder = Recorder(network)
    play(network, genomes, maze, drawn, recorder, stepper=_Replay(outputs))
    return recorder.trace()


def draw(
    model: Any, genomes: Any, task: Any, environments: int, generator: torch.Generator, batch: Any = None
) -> tuple[Tensor, Drawn]:
    """Genomes as the kernels take them, and B random environments with their noise; all of it checked.

    batch: a sequence task's batch to take in the place of a random one; the noise is what it is for a random one.
    """
    contract = is_sequence(task)
    door.fits(model, task)
    genomes, environments = door.genomes(model, genomes), door.environments(environments)
    steps, device = task.steps, genomes.device
    if not contract:
        start = door.start(task, task.reset(1, environments, generator), environments, device)
    elif batch is None:
        start = door.batch(model, task, task.sample(environments, generator), environments, device)
    else:
        start = door.batch(model, task, batch, None, device)
        environments, steps = start.inputs.shape[0], max(steps, start.inputs.shape[1])
        task.sample(environments, generator)
    noise = draw_noise(steps, environments, generator).to(device) if model.noise_shape else None
    return genomes, Drawn(start, noise, environments)


@in_float32
def play(
    model: Any,
    genomes: Tensor,
    task: Any,
    drawn: Drawn,
    recorder: Recorder | None = None,
    intervene: Intervention | None = None,
    stepper: Stepper | None = None,
    threads: int | None = None,
    backend: str = "auto",
) -> Tensor:
    """Play what was drawn and return the fitness (P, B); with a recorder, of a sequence task that of every step (P, B, T).

    stepper: steps the models; None: the backend's own, or where nothing is recorded its whole episodes at once.
    """
    whole = recorder is None and intervene is None and stepper is None and backend != "reference"
    sequence, environments = is_sequence(task), drawn.environments
    if whole and not sequence and type(model) is Network and type(task) is Maze:
        return kernels.maze_lives(model, genomes, task, drawn.start, drawn.noise, threads, backend).fitness
    if whole and sequence and type(model) in door.CELLS:
        outputs = kernels.unit_outputs(model, genomes, drawn.start.inputs, drawn.noise, threads, backend)
        return door.reward(task, task.score(drawn.start, outputs), outputs.shape[:3]).mean(-1)
    stepper = stepper or kernels.stepper(model, genomes, environments, threads, backend, intervene is not None)
    if not sequence:
        return _closed_loop(model, genomes, task, drawn, stepper, recorder, intervene)
    record = recorder or Recorder(model)
    for t in range(drawn.start.inputs.shape[1]):
        x = drawn.start.inputs[None, :, t]
        _step(stepper, x, drawn.noise, t, intervene, record)
    outputs = record.outputs()
    scores = door.reward(task, task.score(drawn.start, outputs), outputs.shape[:3])
    return scores if recorder else scores.mean(-1)


def _closed_loop(
    model: Any,
    genomes: Tensor,
    task: Any,
    drawn: Drawn,
    stepper: Stepper,
    recorder: Recorder | None,
    intervene: Intervention | None,
) -> Tensor:
    population, environments, device = len(genomes), drawn.environments, genomes.device
    state = type(drawn.start)(
        *(v.expand(population, *v.shape[1:]).clone() if isinstance(v, Tensor) else v for v in drawn.start)
    )
    total = torch.zeros(population, environments, dtype=torch.float32, device=device)
    for t in range(task.steps):
        x = door.observation(model, task.observe(state, t), t, population, environments, device)
        y = _step(stepper, x, drawn.noise, t, intervene)
        state, gained = task.step(state, y, t)
        gained = door.reward(task, gained, (population, environments))
        total += gained
        if recorder is not None:
            recorder(x, y, stepper, state, gained)
        elif hasattr(task, "done") and bool(task.done(state).all()):
            break  # nothing more can be earned
    return total


def _step(
    stepper: Stepper, x: Tensor, noise: Noise | None, t: int, intervene: Intervention | None, recorder: Recorder | None = None
) -> Tensor:
    if intervene is not None:
        open_stepper = cast(SettableStepper, stepper)
        open_stepper.state = intervene(t, open_stepper.state)
    y = stepper.step(x, noise, t)
    if recorder is not None:
        recorder(x, y, stepper)
    return y


class _Replay:
    """Steps through outputs (P, B, T, C) that have been computed already."""

    def __init__(self, outputs: Tensor) -> None:
        self._outputs = outputs

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        return self._outputs[:, :, t]
