"""An interactive evolved synapse: the script simulates the unit from its genome whenever a slider moves."""

from __future__ import annotations

import torch

from enu_lib.analysis.units import plasticity_window, relative_change
from enu_lib.live.chart import Line, chart, dots, path
from enu_lib.live.page import Live, pack, slider
from enu_lib.rollout import rollout
from enu_lib.streams import stream, uniform
from enu_lib.tasks.stdp import weight_change
from enu_lib.zoo import Entry

EARLIEST, LATEST = 20, 80  # range of spike times, steps


def window(entry: Entry, pre: int = 45, post: int = 52, modulator: bool = True, seed: int = 1) -> Live:
    """The response of an evolved synapse to two spikes at adjustable times (`widgets.synapse_explorer` without a kernel).

    entry: an ENU evolved on an STDP task with a neuromodulator.  The script simulates it from its genome; the mean
    plasticity windows in the background come from `plasticity_window`.  Raises ValueError for another entry.
    """
    task, model = entry.task, entry.model
    if getattr(model, "kind", None) != "enu" or getattr(task, "n_in", None) != 4:
        raise ValueError(f"{entry.name} is not an ENU with a neuromodulator input: use zoo.load('stdp-enu')")
    x = task.low + (task.high - task.low) * uniform(1, task.steps, generator=stream(seed, "explorer"))
    batch = task.respond(x, *(torch.tensor([v], device="cpu") for v in (pre, post, int(modulator))))
    trace = rollout(model, entry.genome, task, batch=batch)
    y, steps = trace.y[0, 0, :, 0], range(task.steps)
    rule = [plasticity_window(model, entry.genome, task, m) for m in (0, 1)]
    reach = int(rule[0].distance[-1])
    high = max(60.0, 10 * float(torch.cat([w.target for w in rule]).abs().max() // 10 + 1))
    change = relative_change(trace, task)
    goal = 100 * weight_change(task.rule, batch.t_post - batch.t_pre, batch.modulator, task.tau)
    output = chart(
        "Output of the evolved synapse and of the rule against time, with both spikes",
        [
            Line("x", "input", path(steps, x[0]), "thin", "graded input"),
            Line("target", "target", path(steps, batch.target[0]), "dashed", "rule"),
            Line("y", "evolved", path(steps, y), "line", "evolved unit"),
            Line("pre", "pre", f"M{pre} -0.9V-1", "line", "presynaptic spike"),
            Line("post", "post", f"M{post} -0.9V-1", "line", "postsynaptic spike"),
        ],
        (0, task.steps), (0, 1), ("time (steps)", "potential"), [0, 25, 50, 75, 100], [0, 0.5, 1],
    )  # fmt: skip
    curves = chart(
        "Synaptic change against the distance of the spikes",
        [
            Line("rule0", "target", path(rule[0].distance, rule[0].target, 1.5), "dashed"),
            Line("rule1", "target", path(rule[1].distance, rule[1].target, 1.5), "dashed", "rule"),
            Line("unit0", "modulator", path(rule[0].distance, rule[0].evolved, 1.5), "line", "unit, no neuromodulator"),
            Line("unit1", "evolved", path(rule[1].distance, rule[1].evolved, 1.5), "line", "unit, neuromodulator"),
            Line("goal", "target", dots([post - pre], goal), "dot"),
            Line("change", "post", dots([post - pre], change), "dot", "this pair"),
        ],
        (-reach, reach), (-high, high), ("t(post) - t(pre) (steps)", "synaptic change (%)"),
        [-30, -20, -10, 0, 10, 20, 30], [-50, -25, 0, 25, 50],
    )  # fmt: skip
    body = (
        '<div class="enu-controls" hidden>'
        f"{slider('pre', 'presynaptic spike (step)', pre, EARLIEST, LATEST)}"
        f"{slider('post', 'postsynaptic spike (step)', post, EARLIEST, LATEST)}"
        f'<label><input type="checkbox" data-set="modulator"{" checked" if modulator else ""}> neuromodulator present</label>'
        f'</div><div class="enu-row">{output}{curves}</div>'
        '<p class="enu-said" data-part="said">'
        f"distance {post - pre} steps: the unit changes by {float(change):.1f}%, the rule by {float(goal):.1f}%.</p>"
    )
    payload = {
        "genome": pack(entry.genome.numpy()),
        "x": pack(x[0].numpy()),
        "n_in": model.n_in,
        "n_out": model.n_out,
        "hidden": model.hidden,
        "feedback": model.feedback,
        "gain": model.gain,
        "rule": task.rule,
        "tau": task.tau,
    }
    return Live("window", "The evolved synapse and its rule", body, payload)
