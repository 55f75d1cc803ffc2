"""Record an evolution and replay it in the page: loss and plasticity window over generations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from enu_lib.analysis.units import plasticity_window
from enu_lib.base.kinds import Json
from enu_lib.cells import ENU
from enu_lib.es import ES
from enu_lib.evolve import evolve
from enu_lib.experiments import Experiment
from enu_lib.live.chart import Line, chart, curve, dots
from enu_lib.live.page import Live, pack, player
from enu_lib.storage.run import Run
from enu_lib.tasks.stdp import STDP

SPEEDS = {"2 frames/s": 2.0, "5 frames/s": 5.0, "10 frames/s": 10.0, "20 frames/s": 20.0}


class Recording(NamedTuple):
    """The parent during a run on the STDP task: K recorded generations, W spike distances."""

    generation: np.ndarray  # (K,) number of generations completed
    loss: np.ndarray  # (K,) loss of the parent on held-out sequences
    distance: np.ndarray  # (W,) t_post - t_pre in steps
    target: np.ndarray  # (2, W) change by the rule, without and with neuromodulator, %
    evolved: np.ndarray  # (K, 2, W) change by the parent, %
    note: str  # population, memory size and seed, as text


def small_synapse(generations: int = 400, frames: int = 50) -> Experiment:
    """The STDP task with a small unit; most seeds learn it in 10 to 30 seconds on one core (reconstruction)."""
    task = STDP()
    settings = ES(population=192, sigma=0.03, sigma_final=0.003, decay_generations=600)
    unit = ENU(task.n_in, task.n_out, hidden=16)
    every = max(1, generations // frames)
    return Experiment("stdp", task, unit, es=settings, generations=generations, environments=32, evaluate_every=every)


def record(experiment: Experiment, seed: int = 0, n: int = 4) -> Recording:
    """Evolve an experiment on the STDP task and record the parent at each held-out evaluation.

    experiment.evaluate_every sets the number of frames.  n: sequences per spike distance of the window.
    """
    generations: list[int] = []
    losses: list[float] = []
    windows: list[torch.Tensor] = []
    distance, target = torch.empty(0, device="cpu"), torch.empty(0, device="cpu")

    def keep(run: Run) -> None:
        nonlocal distance, target
        pair = [plasticity_window(run.model, run.parent, run.task, m, n=n) for m in (0, 1)]
        distance, target = pair[0].distance, torch.stack([w.target for w in pair])
        generations.append(run.generation)
        losses.append(-run.log[-1]["held_out"])
        windows.append(torch.stack([w.evolved for w in pair]))

    evolve(experiment, seed=seed, progress=False, each=keep)
    note = f"{experiment.es.population} offspring, {experiment.model.hidden} memory values, seed {seed}"
    return Recording(
        np.array(generations), np.array(losses), distance.numpy(), target.numpy(), torch.stack(windows).numpy(), note
    )


def evolution(recording: Recording, text: str = "A synapse evolves") -> Live:
    """Interactive replay of a recorded evolution."""
    r, at = recording, len(recording.generation) - 1
    reach, high = float(r.distance[-1]), max(60.0, 10 * float(np.abs(r.target).max() // 10 + 1))
    body = f'<div class="enu-row">{loss_chart(r.generation, r.loss, at)}{window_chart(r, at, reach, high)}</div>'
    body += f'<p class="enu-said" data-part="said">generation {r.generation[at]}: loss {r.loss[at]:.2g} ({r.note}).</p>'
    body += player(len(r.generation), "frame", SPEEDS, "10 frames/s", at)
    payload: Json = {
        "generation": [int(g) for g in r.generation],
        "loss": [float(f"{v:.4g}") for v in r.loss],
        "distance": [int(d) for d in r.distance],
        "evolved": pack(np.clip(r.evolved, -10 * high, 10 * high).astype(np.float32)),
        "note": r.note,
    }
    return Live("evolution", text, body, payload)


def loss_chart(generation: np.ndarray, loss: np.ndarray, at: int) -> str:
    """Loss against generations, on a logarithmic scale; `at`: index of the marked point."""
    logs = np.log10(loss)
    low, top = np.floor(logs.min()), np.ceil(max(logs.max(), logs.min() + 0.1))
    last = max(1.0, float(generation[-1]))
    return chart(
        "Loss of the parent on held-out sequences against generations",
        [
            Line("loss", "evolved", curve(generation, logs), "line", "held-out loss"),
            Line("now", "post", dots([generation[at]], [logs[at]]), "dot"),
        ],
        (0, 1.02 * last), (low, top), ("generation", "loss"),
        [0, round(last / 2), last], [(e, f"1e{int(e)}") for e in np.arange(low, top + 1)],
    )  # fmt: skip


def window_chart(r: Recording, at: int, reach: float, high: float) -> str:
    """Plasticity windows of rule and parent, with and without neuromodulator."""
    rules = [Line(f"rule{m}", "target", curve(r.distance, r.target[m], 1.5), "dashed", "rule" if m else "") for m in (0, 1)]
    units = [
        Line(f"unit{m}", color, curve(r.distance, r.evolved[at][m], 1.5), "line", name)
        for m, color, name in ((0, "modulator", "unit, no neuromodulator"), (1, "evolved", "unit, neuromodulator"))
    ]
    return chart(
        "Synaptic change of the parent against the distance of the spikes",
        [*rules, *units], (-reach, reach), (-high, high), ("t(post) - t(pre) (steps)", "synaptic change (%)"),
        [-30, -20, -10, 0, 10, 20, 30], [-50, -25, 0, 25, 50],
    )  # fmt: skip
