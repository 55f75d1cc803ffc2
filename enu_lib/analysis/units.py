"""What an evolved single unit does: spike coincidence, firing-frequency curve, plasticity window.

Everything is measured on inputs that evolution never saw (random streams of their own).  Shapes as in `rollout`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from enu_lib.rollout import rollout
from enu_lib.streams import integers, stream, uniform
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.stdp import STDP, weight_change
from enu_lib.trace import Trace


def coincidence(a: Tensor, b: Tensor, within: int = 1) -> float:
    """Share of the spikes in a (.., T) that have a spike of b within `within` steps; NaN if a has none."""
    near = torch.nn.functional.max_pool1d(
        b.float().reshape(-1, 1, b.shape[-1]), 2 * within + 1, stride=1, padding=within
    ).reshape(b.shape)
    return (near.bool() & a).sum().item() / a.sum().item() if a.any() else float("nan")


class FrequencyCurve(NamedTuple):
    """Extended data Fig. 2: firing frequency against mean input current."""

    current: Tensor  # (F,) mean input a step
    target: Tensor  # (F,) spikes a step of the integrate-and-fire model
    evolved: Tensor  # (F,) spikes a step of the evolved unit
    target_sd: Tensor  # (F,) s.d. over sequences
    evolved_sd: Tensor  # (F,)
    n: int  # sequences a current


def firing_frequency(spikes: Tensor) -> Tensor:
    """Spikes a step, (.., T) bool -> (..): the inverse of the mean interval between spikes; with less than two, their count
    over T.

    Counting spikes in a window would round: at an interval of a third of the window, one step decides on a third spike.
    """
    steps = spikes.shape[-1]
    t = torch.arange(steps, device=spikes.device)
    count = spikes.sum(-1)
    first = torch.where(spikes, t, steps).amin(-1)
    last = torch.where(spikes, t, -1).amax(-1)
    return torch.where(count > 1, (count - 1).float() / (last - first).clamp(min=1), count.float() / steps)


def frequency_curve(model: Any, genome: Tensor, task: IAF, points: int = 33, n: int = 64, seed: int = 1) -> FrequencyCurve:
    """Firing frequency of model neuron and unit, for mean currents over the range that evolution used.

    Each current is held for a whole sequence: U(low, high) at each step times a factor between 1 and `task.factors`,
    which need not be an integer here.
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
    """Synaptic change against the spikes' distance D = t_post - t_pre (Fig. 3, extended data Fig. 3)."""

    distance: Tensor  # (W,) steps
    target: Tensor  # (W,) change in %
    evolved: Tensor  # (W,) change in %, mean over sequences
    evolved_sd: Tensor  # (W,)
    n: int  # sequences a distance


def plasticity_window(
    model: Any,
    genome: Tensor,
    task: STDP,
    modulator: int,
    reach: int = 30,
    n: int = 32,
    seed: int = 1,
) -> Window:
    """Change of the mean output from before the first spike to after the later one, in %, for D in -reach..reach.

    D = 0 is left out, as in evolution.  The pair lies symmetrically about the middle of the sequence, shifted at random
    by up to 5 steps; the graded input is as in evolution.  `n` sequences a distance.
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
    percent = relative_change(trace, task).reshape(len(d), n)
    target = 100 * weight_change(task.rule, d, torch.tensor(float(modulator), dtype=torch.float32, device="cpu"), task.tau)
    return Window(d, target, percent.mean(1), percent.std(1), n)


def relative_change(trace: Trace, task: STDP) -> Tensor:
    """Synaptic change of each sequence, in %, (B,): (output / input after the pair) / (the same before it) - 1.

    The mean output is divided by the mean input of the same steps, so that the input's own fluctuation does not count.
    """
    batch, y = trace.batch, trace.y[0, :, :, 0]
    t = torch.arange(y.shape[-1], device=y.device)
    first = torch.minimum(batch.t_pre, batch.t_post)[:, None]
    later = torch.maximum(batch.t_pre, batch.t_post)[:, None]
    x = batch.inputs[..., 0]
    before, after = (t < first) & (t >= 5), t > later + 1  # the unit may need some steps to settle
    gain = [(y * span).sum(1) / (x * span).sum(1) for span in (before, after)]
    return 100 * (gain[1] / gain[0] - 1)
