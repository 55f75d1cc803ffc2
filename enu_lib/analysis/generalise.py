"""Generalisation and robustness of evolved single units: new inputs, several events, noise, lesions (beyond the paper).

Quality is one number, at best 1.  For an integrate-and-fire unit it is the smaller of two proportions: target spikes that
the unit matches within one step, and unit spikes that match a target spike.  For a synapse it is the explained part of the
target's change: 1 - loss / (loss of a unit that copies its input).
Shapes as in `rollout`: P genomes, B sequences, T steps.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from enu_lib.analysis.units import Window, coincidence
from enu_lib.cells import State
from enu_lib.contracts import Evolved, Intervention
from enu_lib.rollout import rollout
from enu_lib.streams import integers, normal, stream, uniform
from enu_lib.tasks.iaf import IAF
from enu_lib.tasks.stdp import STDP, STDPBatch, weight_change


def quality(task: IAF | STDP, batch: Any, y: Tensor) -> float:
    """Quality of outputs y (B, T, 1) on a batch."""
    if isinstance(task, IAF):
        fired = task.fired(y)
        return min(coincidence(batch.spikes, fired), coincidence(fired, batch.spikes)) if fired.any() else 0.0
    nothing = (batch.target - batch.inputs[..., 0]).square().mean()
    return 1 - ((batch.target - y[..., 0]).square().mean() / nothing).item()


def measure(entry: Evolved, task: IAF | STDP, batch: Any, intervene: Intervention | None = None) -> float:
    """Quality of a zoo unit on a batch of `task`, which may differ from the task that it evolved on."""
    return quality(task, batch, rollout(entry.model, entry.genome, task, batch=batch, intervene=intervene).y[0])


def on_other_inputs(entry: Evolved, n: int, seed: int) -> dict[str, float]:
    """Quality of a zoo unit on n sequences of each kind of input: `iaf_cases`, or `stdp_cases` and several spike pairs."""
    synapse = isinstance(entry.task, STDP)
    cases: Mapping[str, IAF | STDP] = stdp_cases(entry.task) if synapse else iaf_cases(entry.task)
    found = {
        text: measure(entry, task, task.sample(n, stream(seed, "generalise", int(synapse), i)))
        for i, (text, task) in enumerate(cases.items())
    }
    for pairs in (2, 3) if synapse else ():
        batch = several_pairs(entry.task, pairs, n, seed=seed)
        found[f"{pairs} spike pairs"] = measure(entry, entry.task, batch)
    return found


def iaf_cases(task: IAF) -> dict[str, IAF]:
    """Current ranges and sequence lengths; only the first was used in evolution."""
    return {
        "as evolved": task,
        "0.5 x current": replace(task, low=task.low / 2, high=task.high / 2),
        "1.5 x current": replace(task, low=1.5 * task.low, high=1.5 * task.high),
        "2 x current": replace(task, low=2 * task.low, high=2 * task.high),
        "4 x length": replace(task, steps=4 * task.steps),
    }


def stdp_cases(task: STDP) -> dict[str, STDP]:
    """Spike times, spike distances and sequence lengths; only the first was used in evolution."""
    return {
        "as evolved": task,
        "3 x distances": replace(task, steps=200, spike_mean=100.0, spike_sd=3 * task.spike_sd),
        "later spikes": replace(task, steps=200, spike_mean=150.0),
        "earlier spikes": replace(task, spike_mean=25.0),
        "3 x retention": replace(task, steps=200),
    }


def several_pairs(task: STDP, pairs: int, n: int, gap: int = 60, seed: int = 1) -> STDPBatch:
    """`n` sequences with several spike pairs, `gap` steps apart, whose weight changes add up (reconstruction).

    Evolution used one pair per sequence.  The spike times returned are those of the first pair.
    """
    generator = stream(seed, "pairs")
    steps = task.steps + gap * (pairs - 1)
    x = task.low + (task.high - task.low) * uniform(n, steps, generator=generator)
    modulator = integers(0, 2, (n,), generator)
    one = [task.sample(n, generator) for _ in range(pairs)]
    t, rows = torch.arange(steps, device="cpu"), torch.arange(n, device="cpu")
    inputs = torch.stack([x, *[torch.zeros_like(x)] * 2, modulator[:, None].expand(n, steps).float()], -1)
    w = torch.ones_like(x)
    for k, pair in enumerate(one):
        pre, post = pair.t_pre + k * gap, pair.t_post + k * gap
        inputs[rows, pre, 1] = inputs[rows, post, 2] = 1.0
        change = weight_change(task.rule, post - pre, modulator.float(), task.tau)
        w += change[:, None] * (t > torch.maximum(pre, post)[:, None])
    return STDPBatch(inputs[..., : task.n_in], w * x, one[0].t_pre, one[0].t_post, modulator)


def noisy(batch: Any, share: float, seed: int = 1) -> Any:
    """The batch with Gaussian noise on the graded input (s.d.: `share` of its mean); the target stays noise-free."""
    inputs = batch.inputs.clone()
    noise = normal(*inputs.shape[:2], generator=stream(seed, "input noise"))
    inputs[..., 0] += share * inputs[..., 0].mean() * noise
    return batch._replace(inputs=inputs)


def noise_curve(entry: Evolved, shares: Sequence[float], n: int = 256, seed: int = 1) -> list[float]:
    """Quality at each noise level on the graded input (see `noisy`)."""
    batch = entry.task.sample(n, stream(seed, "robustness"))
    return [measure(entry, entry.task, noisy(batch, share, seed)) for share in shares]


def mutation_curve(entry: Evolved, sigmas: Sequence[float], genomes: int = 16, n: int = 64, seed: int = 1) -> list[list[float]]:
    """Quality of `genomes` mutants at each mutation s.d., one list per s.d."""
    batch = entry.task.sample(n, stream(seed, "robustness"))
    rows = []
    for number, sigma in enumerate(sigmas):
        mutation = normal(genomes, len(entry.genome), generator=stream(seed, "mutants", number))
        y = rollout(entry.model, entry.genome + sigma * mutation, entry.task, batch=batch).y
        rows.append([quality(entry.task, batch, each) for each in y])
    return rows


def without_memory(entry: Evolved, n: int = 256, seed: int = 1) -> list[float]:
    """Quality with each memory value in turn clamped to zero."""
    batch = entry.task.sample(n, stream(seed, "robustness"))

    def silence(value: int) -> Intervention:
        def intervene(_: int, state: State) -> State:
            h = state[0].clone()
            h[..., value] = 0
            return (h, *state[1:])

        return intervene

    return [measure(entry, entry.task, batch, silence(k)) for k in range(entry.model.hidden)]


def time_constant(window: Window, first: int, last: int) -> float:
    """Time constant tau (steps) of a exp(-|D| / tau) fitted to a plasticity window over D = first..last.

    NaN if the fit does not converge or the window does not determine tau.
    """
    from scipy.optimize import OptimizeWarning, curve_fit

    d, change = window.distance.numpy(), window.evolved.numpy()
    at = (d >= first) & (d <= last)
    try:
        with warnings.catch_warnings(action="error", category=OptimizeWarning):
            fit, _ = curve_fit(lambda x, a, tau: a * np.exp(-x / tau), d[at], change[at], p0=(50.0, 10.0), maxfev=10_000)
    except (RuntimeError, ValueError, OptimizeWarning):  # no convergence; values that are not finite; no covariance
        return float("nan")
    return float(fit[1])
