"""The scores of a genome on inputs that were not used in evolution."""

from __future__ import annotations

import torch
from torch import Tensor

from enu_lib.analysis import learning
from enu_lib.analysis.units import coincidence, frequency_curve, plasticity_window
from enu_lib.base.precision import in_float32
from enu_lib.contracts import AnyModel, Task
from enu_lib.rollout import record_episodes, rollout
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.maze import Maze
from enu_lib.tasks.stdp import STDP


@in_float32
def scores(model: AnyModel, genome: Tensor, task: Task, n: int = 2048, seed: int = 77) -> dict[str, float]:
    """Fitness and task-specific measures of a genome on `n` new sequences or episodes, as {measure: value}."""
    if isinstance(task, IAF):
        return _iaf_scores(model, genome, task, n, seed)
    if isinstance(task, STDP):
        return _stdp_scores(model, genome, task, n, seed)
    if isinstance(task, Maze):
        return learning.measures(record_episodes(model, genome, task, n, seed))
    trace = rollout(model, genome, task, n, seed)
    return {"n": n, "fitness": trace.fitness.mean().item()}


def _iaf_scores(model: AnyModel, genome: Tensor, task: IAF, n: int, seed: int) -> dict[str, float]:
    trace = rollout(model, genome, task, n, seed)
    fired, spikes = task.fired(trace.y[0]), trace.batch.spikes
    curve = frequency_curve(model, genome, task, seed=seed)
    early = fired & (spikes.cumsum(-1) == 0) & ~spikes.roll(-1, -1)
    apart = curve.deviation.abs()
    return {
        "n": n,
        "fitness": trace.fitness.mean().item(),
        "target spikes met within 1 step": coincidence(spikes, fired),
        "unit spikes met within 1 step": coincidence(fired, spikes),
        "target spikes met exactly": coincidence(spikes, fired, 0),
        "spikes, unit / target": fired.sum().item() / spikes.sum().item(),
        "f-I deviation, mean": apart.mean().item(),
        "f-I deviation, max": apart.max().item(),
        "sequences with a spurious early spike": early.any(-1).float().mean().item(),
    }


def _stdp_scores(model: AnyModel, genome: Tensor, task: STDP, n: int, seed: int) -> dict[str, float]:
    trace = rollout(model, genome, task, n, seed)
    rmse = (trace.y[0, ..., 0] - trace.batch.target).square().mean().sqrt().item()
    measures: dict[str, float] = {"n": n, "fitness": trace.fitness.mean().item(), "output RMSE": rmse}
    for modulator in (1,) if task.rule == "plain" else (1, 0):
        window = plasticity_window(model, genome, task, modulator, seed=seed)
        name = "with NT" if modulator else "without NT"
        if window.target.any():
            pair = torch.stack([window.target, window.evolved])
            measures[f"window correlation {name}"] = torch.corrcoef(pair)[0, 1].item()
        measures[f"mean |change - target| {name}, %"] = (window.evolved - window.target).abs().mean().item()
        measures[f"mean |change| {name}, %"] = window.evolved.abs().mean().item()
    return measures
