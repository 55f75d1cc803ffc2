"""An interactive evolved synapse: the script simulates the unit from its genome whenever a slider moves."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib import kernels
from enu_lib.analysis.units import plasticity_window, relative_change
from enu_lib.cells import ENU
from enu_lib.live.chart import Line, chart, curve, dots
from enu_lib.live.page import Live, pack, slider
from enu_lib.streams import stream, uniform
from enu_lib.tasks.stdp import STDPBatch, weight_change
from enu_lib.trace import Trace
from enu_lib.zoo import Entry

EARLIEST, LATEST = 20, 80  # range of spike times, steps


class Response(NamedTuple):
    """The responses of the rule and of the evolved synapse in one sequence with two spikes."""

    pre: int
    post: int
    modulator: bool
    batch: STDPBatch
    output: Tensor  # (T,) of the unit
    change: float  # of the unit, %
    goal: float  # of the rule, %

    def in_words(self) -> str:
        """The time difference and both changes."""
        return f"distance {self.post - self.pre} steps: the unit changes by {self.change:.1f}%, the rule by {self.goal:.1f}%."


class Probe:
    """An evolved synapse, its plasticity windows without and with neuromodulator, and a random graded input to try it on."""

    def __init__(self, entry: Entry, seed: int = 1) -> None:
        self.entry, self.task = entry, entry.task
        span = self.task.high - self.task.low
        self.input = self.task.low + span * uniform(1, self.task.steps, generator=stream(seed, "explorer"))  # (1, T)
        self.windows = [plasticity_window(entry.model, entry.genome, self.task, m) for m in (0, 1)]

    def respond(self, pre: int = 45, post: int = 52, modulator: bool = True) -> Response:
        """The responses of rule and unit in a sequence with spikes at the steps `pre` and `post`."""
        task = self.task
        batch = task.respond(self.input, *(torch.tensor([v], device="cpu") for v in (pre, post, int(modulator))))
        y = kernels.unit_outputs(self.entry.model, self.entry.genome[None], batch.inputs)  # much faster than rollout
        trace = Trace(batch.inputs[None], y, task.score(batch, y), batch)
        goal = 100 * weight_change(task.rule, batch.t_post - batch.t_pre, batch.modulator, task.tau)
        change = float(relative_change(trace))
        return Response(pre, post, modulator, batch, y[0, 0, :, 0], change, float(goal))

    def charts(self, r: Response) -> str:
        """The output against time, and the change against the distance of the spikes, as HTML."""
        steps, rule = range(self.task.steps), self.windows
        reach = int(rule[0].distance[-1])
        high = max(60.0, 10 * float(torch.cat([w.target for w in rule]).abs().max() // 10 + 1))
        output = chart(
            "Output of the evolved synapse and of the rule against time, with both spikes",
            [
                Line("x", "input", curve(steps, self.input[0]), "thin", "graded input"),
                Line("target", "target", curve(steps, r.batch.target[0]), "dashed", "rule"),
                Line("y", "evolved", curve(steps, r.output), "line", "evolved unit"),
                Line("pre", "pre", f"M{r.pre} -0.9V-1", "line", "presynaptic spike"),
                Line("post", "post", f"M{r.post} -0.9V-1", "line", "postsynaptic spike"),
            ],
            (0, self.task.steps), (0, 1), ("time (steps)", "potential"), [0, 25, 50, 75, 100], [0, 0.5, 1],
        )  # fmt: skip
        curves = chart(
            "Synaptic change against the distance of the spikes",
            [
                Line("rule0", "target", curve(rule[0].distance, rule[0].target, 1.5), "dashed"),
                Line("rule1", "target", curve(rule[1].distance, rule[1].target, 1.5), "dashed", "rule"),
                Line("unit0", "modulator", curve(rule[0].distance, rule[0].evolved, 1.5), "line", "unit, no neuromodulator"),
                Line("unit1", "evolved", curve(rule[1].distance, rule[1].evolved, 1.5), "line", "unit, neuromodulator"),
                Line("goal", "target", dots([r.post - r.pre], [r.goal]), "dot"),
                Line("change", "post", dots([r.post - r.pre], [r.change]), "dot", "this pair"),
            ],
            (-reach, reach), (-high, high), ("t(post) - t(pre) (steps)", "synaptic change (%)"),
            [-30, -20, -10, 0, 10, 20, 30], [-50, -25, 0, 25, 50],
        )  # fmt: skip
        return f'<div class="enu-row">{output}{curves}</div>'


def window(entry: Entry, pre: int = 45, post: int = 52, modulator: bool = True, seed: int = 1) -> Live:
    """The response of an evolved synapse to two spikes at adjustable times (`widgets.SynapseExplorer` without a kernel).

    entry: an ENU evolved on an STDP task with a neuromodulator.  The script simulates it from its genome; the mean
    plasticity windows in the background come from `plasticity_window`.  Raises ValueError for another entry.
    """
    task, model = entry.task, entry.model
    if getattr(model, "kind", None) != "enu" or getattr(task, "n_in", None) != 4:
        raise ValueError(f"{entry.name} is not an ENU with a neuromodulator input: use zoo.load('stdp-enu')")
    if (gates := (model.gate_gain, model.reset_bias)) != (ENU.gate_gain, ENU.reset_bias):
        raise ValueError(f"{entry.name} has gate gain and reset bias {gates}, which the script lacks: use zoo.load('stdp-enu')")
    probe = Probe(entry, seed)
    response = probe.respond(pre, post, modulator)
    body = (
        '<div class="enu-controls" hidden>'
        f"{slider('pre', 'presynaptic spike (step)', pre, EARLIEST, LATEST)}"
        f"{slider('post', 'postsynaptic spike (step)', post, EARLIEST, LATEST)}"
        f'<label><input type="checkbox" data-set="modulator"{" checked" if modulator else ""}> neuromodulator present</label>'
        f'</div>{probe.charts(response)}<p class="enu-said" data-part="said">{response.in_words()}</p>'
    )
    payload = {
        "genome": pack(entry.genome.numpy()),
        "x": pack(probe.input[0].numpy()),
        "n_in": model.n_in,
        "n_out": model.n_out,
        "hidden": model.hidden,
        "feedback": model.feedback,
        "gain": model.gain,
        "rule": task.rule,
        "tau": task.tau,
    }
    return Live("window", "The evolved synapse and its rule", body, payload)
