"""Where a fitness that is NaN or infinite comes from: a notice, or an error, that names the part of the task or model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from enu_lib.base.notices import tell
from enu_lib.contracts import AnyModel, Task, is_sequence
from enu_lib.kernels import door
from enu_lib.offspring import Offspring
from enu_lib.rollout import draw, play
from enu_lib.streams import stream
from enu_lib.trace import Recorder

_LOOK = "look there for a division by zero, the root or logarithm of a negative number, or a value that grows without bound"


@dataclass
class Watch:
    """Looks for fitness that is NaN or infinite in a run, and says where it comes from: in a notice, the first time.

    Such fitness ranks last (`es.fitness_shaping`), and a parent with such held-out fitness is never the best.
    """

    model: AnyModel
    seed: int
    tells: bool  # whether this process prints the notice
    told: bool = False

    def generation(self, f: Tensor, offspring: Offspring, task: Task, environments: int, generation: int) -> None:
        """Check the aggregated fitness (P,) of all offspring.  Raises FloatingPointError if that of none is finite.

        offspring: those that this process has simulated, with the mutations of all.
        """
        unfit = (~f.isfinite()).nonzero()[:, 0].tolist()
        if not unfit or (len(unfit) < len(f) and (self.told or not self.tells)):
            return
        one = replace(offspring, rows=(unfit[0], unfit[0] + 1))
        where = origin(self.model, one, task, environments, stream(self.seed, "environment", generation))
        if len(unfit) == len(f):
            raise FloatingPointError(f"the fitness of every offspring is NaN or infinite in generation {generation}: {where}")
        some = f"the fitness of {len(unfit)} of {len(f)} offspring is NaN or infinite in generation {generation}"
        self._tell(f"{some}, and they rank last: {where}")

    def held_out(self, f: float, parent: Tensor, task: Task, environments: int, generation: int) -> None:
        """Print where the NaN or infinite held-out fitness of a parent (D,) comes from, once `generation` is over."""
        if self.tells and not self.told:
            where = origin(self.model, parent[None], task, environments, stream(self.seed, "held-out"))
            self._tell(f"held-out fitness is {f} after generation {generation}, which counts as lowest: {where}")

    def _tell(self, text: str) -> None:
        self.told = True
        tell(f"{text} (this notice is printed once)")


def origin(model: AnyModel, genome: Tensor | Offspring, task: Task, environments: int, generator: torch.Generator) -> str:
    """The part of the model or task that first returns NaN or infinity, in words, and what to do.

    genome: (1, D), or one of the offspring.  Repeats its episodes, which `generator` draws, step by step.
    """
    genome, drawn = draw(model, genome, task, environments, generator)
    if not bool(door.matrix(model, genome).isfinite().all()):
        return "genomes have outgrown float32: restart from an earlier checkpoint with a smaller sigma or learning rate"
    recorder = Recorder(model)
    scores = play(model, genome, task, drawn, recorder)
    sequence, tasks, models = is_sequence(task), type(task).__name__, type(model).__name__
    x, y = _first(recorder.x), _first(recorder.y)
    f = _first(list(scores.unbind(2)) if sequence else recorder.fitness)
    if x < math.inf and x <= min(y, f):
        return f"it comes from `observe` of {tasks} at step {x}, after finite outputs of {models}: {_LOOK}"
    if y < math.inf and (sequence or y <= f):  # `score` is given the outputs of all steps
        return f"it comes from `step` of {models} at step {y}, for finite inputs: {_LOOK}"
    if f < math.inf:
        part = "score" if sequence else "step"
        return f"it comes from `{part}` of {tasks} at step {f}, for finite outputs of {models}: {_LOOK}"
    if not bool(scores.sum().isfinite()):
        return f"the fitness of each step is finite, but together they exceed float32: let {tasks} return smaller numbers"
    return f"it comes from {tasks} or {models}, but not when this offspring is simulated alone: no offspring may affect another"


def _first(steps: list[Tensor]) -> float:
    """The first step with a value that is NaN or infinite; infinity if there is none."""
    return next((t for t, x in enumerate(steps) if not bool(x.isfinite().all())), math.inf)
