"""Measures of evolved single units: spike coincidence, firing-frequency curve, plasticity window.

All use inputs that were not used in evolution (separate random streams).  Shapes as in `rollout`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.contracts import AnyModel
from enu_lib.rollout import rollout
from enu_lib.streams import integers, stream, uniform
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.stdp import STDP, weight_change
from enu_lib.trace import Trace


def coincidence(a: Tensor, b: Tensor, within: int = 1) -> float:
    """Proportion of the spikes in a (.., T) with a spike of b within `within` steps; NaN if a has no spikes."""
    near = torch.nn.functional.max_pool1d(
        b.float().reshape(-1, 1, b.shape[-1]), 2 * within + 1, stride=1, padding=within
    ).reshape(b.shape)
    return (near.bool() & a).sum().item() / a.sum().item() if a.any() else float("nan")


class FrequencyCurve(NamedTuple):
    """Firing frequency against mean input current (extended data Fig. 2)."""

    current: Tensor  # (F,) mean input per step
    target: Tensor  # (F,) spikes per step of the integrate-and-fire model
    evolved: Tensor  # (F,) spikes per step of the evolved unit
    target_sd: Tensor  # (F,) s.d. over sequences
    evolved_sd: Tensor  # (F,)
    n: int  # sequences per current

    @property
    def deviation(self) -> Tensor:
        """Relative deviation (F,) of the evolved unit's mean frequency from the model neuron's."""
        return self.evolved / self.target - 1


def firing_frequency(spikes: Tensor) -> Tensor:
    """Spikes per step (..) of spike trains (.., T) bool: the inverse of the mean interspike interval.

    With fewer than two spikes, their number divided by T.  Counting spikes in a window would be too coarse: with an
    interval of a third of the window, a shift by one step adds or removes a spike.
    """
    steps = spikes.shape[-1]
    t = torch.arange(steps, device=spikes.device)
    count = spikes.sum(-1)
    first = torch.where(spikes, t, steps).amin(-1)
    last = torch.where(spikes, t, -1).amax(-1)
    return torch.where(count > 1, (count - 1).float() / (last - first).clamp(min=1), count.float() / steps)


def frequency_curve(model: AnyModel, genome: Tensor, task: IAF, points: int = 33, n: int = 64, seed: int = 1) -> FrequencyCurve:
    """Firing frequency of model neuron and evolved unit, for mean currents over the range used in evolution.

    The mean current is constant within a sequence: U(low, high) at each step, times a factor between 1 and `task.factors`
    that here need not be an integer.
    """
    factor = torch.linspace(1, task.factors, points, dtype=torch.float32, device="cpu")
    u = uniform(points, n, task.steps, generator=stream(seed, "frequency"))
    current = (task.low + (task.high - task.low) * u) * factor[:, None, None]
    batch = task.respond(current.flatten(0, 1))
    trace = rollout(model, genome, task, batch=batch)
    fired = firing_frequency(task.fired(trace.y[0])).reshape(points, n)
    spikes = firing_frequency(batch.spikes).reshape(points, n)
    mean = factor * (task.low + task.high) / 2
    return FrequencyCurve(mean, spikes.mean(1), fired.mean(1), spikes.std(1), fired.std(1), n)


class Window(NamedTuple):
    """Synaptic change against spike distance D = t_post - t_pre (Fig. 3, extended data Fig. 3)."""

    distance: Tensor  # (W,) steps
    target: Tensor  # (W,) change in %
    evolved: Tensor  # (W,) change in %, mean over sequences
    evolved_sd: Tensor  # (W,)
    n: int  # sequences per distance


def plasticity_window(
    model: AnyModel,
    genome: Tensor,
    task: STDP,
    modulator: int,
    reach: int = 30,
    n: int = 32,
    seed: int = 1,
) -> Window:
    """Change of the mean output from before the first spike to after the second one, in %, for D in -reach..reach.

    D = 0 is left out, as in evolution.  The pair is centred on the middle of the sequence, with a random shift of up to 5
    steps; the graded input is drawn as in evolution.  `n` sequences per distance.
    """
    d = torch.cat([torch.arange(-reach, 0, device="cpu"), torch.arange(1, reach + 1, device="cpu")])
    generator = stream(seed, "window")
    x = uniform(len(d), n, task.steps, generator=generator)
    x = task.low + (task.high - task.low) * x
    middle = int(task.spike_mean) + integers(-5, 6, (len(d), n), generator)
    t_pre = middle - torch.div(d, 2, rounding_mode="floor")[:, None]
    t_post = t_pre + d[:, None]
    m = torch.full((len(d) * n,), modulator, device="cpu")
    batch = task.respond(x.flatten(0, 1), t_pre.flatten(), t_post.flatten(), m)
    trace = rollout(model, genome, task, batch=batch)
    percent = relative_change(trace).reshape(len(d), n)
    target = 100 * weight_change(task.rule, d, torch.tensor(float(modulator), dtype=torch.float32, device="cpu"), task.tau)
    return Window(d, target, percent.mean(1), percent.std(1), n)


def relative_change(trace: Trace) -> Tensor:
    """Synaptic change (B,) of each sequence, in %: (output / input after the pair) / (output / input before it) - 1.

    Mean outputs are divided by the mean input over the same steps, which removes the fluctuation of the input.
    """
    batch, y = trace.batch, trace.y[0, :, :, 0]
    t = torch.arange(y.shape[-1], device=y.device)
    first = torch.minimum(batch.t_pre, batch.t_post)[:, None]
    later = torch.maximum(batch.t_pre, batch.t_post)[:, None]
    x = batch.inputs[..., 0]
    before, after = (t < first) & (t >= 5), t > later + 1  # the unit may need some steps to settle
    gain = [(y * span).sum(1) / (x * span).sum(1) for span in (before, after)]
    return 100 * (gain[1] / gain[0] - 1)
