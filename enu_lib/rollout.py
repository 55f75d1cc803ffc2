"""Episodes: simulate a population of genomes in a batch of environments.

    fitness(model, genomes, task, environments, generator) -> (P, B)      # fitness only, on the fastest backend
    rollout(model, genome, task, environments=64, seed=1) -> Trace        # the same simulation, everything recorded

Both `draw` the environments, then `play` them.  There are two kinds of task (`enu_lib.contracts`).  The inputs of a sequence
task (`sample`, `score`) are known beforehand; its fitness is the mean over the steps.  The inputs of a closed loop (`reset`,
`observe`, `step`) depend on the model's outputs; its fitness is the sum over the steps.
Shapes: P offspring, B environments, T steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

from enu_lib import contracts, kernels
from enu_lib.base.names import Backend
from enu_lib.base.precision import in_float32
from enu_lib.contracts import AnyModel, Batch, ClosedLoopTask, Drawn, Intervention, S, Stepper, Task, is_sequence
from enu_lib.kernels import door, reference
from enu_lib.kernels.door import Genomes
from enu_lib.offspring import Offspring, noise_for, rows_of
from enu_lib.streams import Noise, stream
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Recorder, Trace

X = TypeVar("X")  # what `act` returns beside the outputs: an observation, or the state


@in_float32
def fitness(
    model: AnyModel,
    genomes: Tensor | Offspring,
    task: Task,
    environments: int,
    generator: torch.Generator,
    threads: int | None = None,
    backend: Backend = "auto",
) -> Tensor:
    """Fitness (P, B) of every genome (P, D), or of every offspring, in every environment; higher is better.

    All genomes get the same environments and the same noise, drawn from `generator`, except for what a task or model draws
    for each of them (`Maze.own_shuffles`, `Network.own_noise`): what genome p, or offspring number p, gets does not depend on
    how many are simulated together.  `backend`: auto, cpp, cuda, torch or reference (see `enu_lib.kernels`).  `threads`:
    threads of the CPU kernel; None: all cores.

    Computed in float32, whatever the dtype of genomes and task and torch's defaults.  Raises ValueError, the same on every
    backend, if model, genomes and task do not fit together; TypeError naming what a task or model lacks.
    """
    genomes, drawn = draw(model, genomes, task, environments, generator)
    return play(model, genomes, task, drawn, threads=threads, backend=backend)


@in_float32
def rollout(
    model: AnyModel,
    genome: Tensor,
    task: Task,
    environments: int = 64,
    seed: int = 1,
    memory: bool = False,
    intervene: Intervention | None = None,
    batch: Batch | None = None,
    backend: Backend = "reference",
) -> Trace:
    """Episodes in `environments` environments, with inputs, outputs, fitness and task state recorded.

    genome: (D,) or (P, D).  `memory=True` also records the model's state (large for networks).  `intervene(t, state)` returns
    the model state to use in step t: for lesions, freezing or resets.  `batch`: a sequence task's batch to use, as in `draw`.
    """
    genomes = genome[None] if isinstance(genome, Tensor) and genome.dim() == 1 else genome
    genomes, drawn = draw(model, genomes, task, environments, stream(seed, "rollout"), batch)
    recorder = Recorder(model, memory)
    stepper = kernels.stepper(model, genomes, drawn.environments, None, backend, settable=memory or intervene is not None)
    scores = play(model, genomes, task, drawn, recorder, intervene, stepper)
    return recorder.trace(drawn.start, scores) if is_sequence(task) else recorder.trace()


@in_float32
def record_episodes(
    model: AnyModel,
    genome: Tensor,
    maze: Maze | Altered,
    environments: int = 2048,
    seed: int = 1,
    intervene: Intervention | None = None,
) -> Trace:
    """Episodes of one genome (D,) as `rollout` records them, without the model's state but much faster.

    Without `intervene`, a kernel for whole episodes, if there is one for the model, computes all outputs, and the maze is then
    replayed with them.  `intervene` must not set what neurons transmit apart from their own output (`interventions.silence`
    does): use `rollout` for that.
    """
    if intervene is not None or type(maze) is not Maze or not kernels.runs_mazes(model, genome):
        return rollout(model, genome, maze, environments, seed, intervene=intervene, backend="auto")
    genomes, drawn = draw(model, genome[None], maze, environments, stream(seed, "rollout"))
    outputs = kernels.maze_episodes(model, genomes, maze, drawn.start, drawn.noise, record=True).outputs
    assert outputs is not None, "they were asked to be recorded"
    recorder = Recorder(model)
    play(model, genomes, maze, drawn, recorder, stepper=reference.Replay(outputs))
    return recorder.trace()


def draw(
    model: AnyModel, genomes: Genomes, task: Task, environments: int, generator: torch.Generator, batch: Batch | None = None
) -> tuple[Genomes, Drawn]:
    """Checked genomes (P, D) in the kernels' form, and B random environments with their noise.

    batch: a sequence task's batch to use instead of a random one; the noise is the same either way.  A batch and its noise are
    on the genomes' device; the environments of a closed loop and their noise are on the CPU, and `play` moves them.
    """
    is_sequence(task)  # raises TypeError if it is no task
    door.fits(model, task)
    genomes, environments = door.genomes(model, genomes), door.environments(environments)
    steps, rows = task.steps, rows_of(genomes)
    device = genomes.device if is_sequence(task) else torch.device("cpu")
    if not is_sequence(task):
        drawn = rows if getattr(task, "own_shuffles", False) else (0, 1)
        start = door.start(task, task.reset(drawn[1], environments, generator), drawn, environments, device)
    elif batch is None:
        start = door.batch(model, task, task.sample(environments, generator), environments, device)
    else:
        start = door.batch(model, task, batch, None, device)
        environments, steps = start.inputs.shape[0], max(steps, start.inputs.shape[1])
        task.sample(environments, generator)
    noise = noise_for(model, steps, environments, generator, rows)
    return genomes, Drawn(start, None if noise is None else noise.to(device), environments)


@in_float32
def play(
    model: AnyModel,
    genomes: Tensor | Offspring,
    task: Task,
    drawn: Drawn,
    recorder: Recorder | None = None,
    intervene: Intervention | None = None,
    stepper: Stepper | None = None,
    threads: int | None = None,
    backend: Backend = "auto",
) -> Tensor:
    """Fitness (P, B) in the sampled environments; (P, B, T), for every step, of a sequence task with a recorder.

    stepper: advances the models; None: the backend's own, or its whole-episode kernel if nothing is recorded.
    """
    whole = recorder is None and intervene is None and stepper is None and backend != "reference"
    if whole and type(task) is Maze and kernels.runs_mazes(model, genomes, backend):
        return kernels.maze_episodes(model, genomes, task, drawn.start, drawn.noise, threads, backend).fitness
    if whole and is_sequence(task) and door.is_cell(model):
        return kernels.unit_scores(model, genomes, task, drawn.start, drawn.noise, threads, backend).mean(-1)
    genomes = door.matrix(model, genomes)
    stepper = stepper or kernels.stepper(model, genomes, drawn.environments, threads, backend, intervene is not None)
    if intervene is not None:
        stepper = reference.Intervened(stepper, intervene)
    if not is_sequence(task):
        return _closed_loop(model, genomes, task, drawn, stepper, recorder)
    record = recorder or Recorder(model)
    present(stepper, drawn.start.inputs, drawn.noise, record)
    outputs = record.outputs()
    scores = door.reward(task, task.score(drawn.start, outputs), outputs.shape[:3])
    return scores if recorder else scores.mean(-1)


def present(stepper: Stepper, inputs: Tensor, noise: Noise | None, recorder: Recorder) -> None:
    """Step the models through inputs (B, T, ..) that do not depend on their outputs, and record every step."""
    for t, x in enumerate(inputs.unbind(1)):
        recorder(x[None], stepper.step(x[None], noise, t), stepper)


def turns(
    task: ClosedLoopTask[S], state: S, act: Callable[[S, int], tuple[X, Tensor]]
) -> Iterator[tuple[X, Tensor, S, Tensor]]:
    """Each step of a closed loop: what the agent observes, its outputs, the state after the step, and the step's fitness.

    act(state, t): what the agent observes, yielded unchanged, and its outputs (P, B, C) at step t.
    """
    for t in range(task.steps):
        x, y = act(state, t)
        state, fitness = contracts.stepped(task, task.step(state, y, t), state)
        yield x, y, state, fitness


def _closed_loop(
    model: AnyModel, genomes: Tensor, task: ClosedLoopTask[S], drawn: Drawn, stepper: Stepper, recorder: Recorder | None
) -> Tensor:
    population, environments, device, drawn = len(genomes), drawn.environments, genomes.device, drawn.to(genomes.device)

    def act(state: S, t: int) -> tuple[Tensor, Tensor]:
        x = door.observation(model, task.observe(state, t), t, population, environments, device, task)
        return x, stepper.step(x, drawn.noise, t)

    start = (v.expand(population, *v.shape[1:]).clone() if isinstance(v, Tensor) else v for v in drawn.start)
    total = torch.zeros(population, environments, dtype=torch.float32, device=device)
    for x, y, state, gained in turns(task, type(drawn.start)(*start), act):
        gained = door.reward(task, gained, (population, environments))
        total += gained
        if recorder is not None:
            recorder(x, y, stepper, state, gained)
        elif hasattr(task, "done") and contracts.all_done(task, task.done(state), total.shape):
            break  # all episodes have ended
    return total
