# ---
# jupyter:
#   jupytext:
#     notebook_metadata_filter: -jupytext.text_representation.format_version,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A task of your own
#
# ## Question
#
# What does it take to evolve a unit for a task that is not in the paper?
#
# ## Approach
#
# A task is a small object with four attributes (`n_in`, `n_out`, `steps`, `name`) and two methods: `sample` draws inputs, and
# `score` judges outputs. Our example is **remember**. A number $v$ is shown at one step, and the unit has to hold it until the
# end, whatever noise follows. It is judged by $-(o - v)^2$ at each later step. `enu_lib` does not know this task; it evolves
# below, in seconds, through the public interface. `out="runs/remember"` would save the run and resume it. Where a random unit
# earns nothing, begin with an easier task: `stages=(enu.Stage(until=100, task=easier),)`.

# %% tags=["parameters"]
profile = "zoo"  # smoke: fewer generations
seed = 0
figures_dir = None  # build/figures
generations = 400

# %%
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
import torch
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import PAGE, PALETTE, panel_letters, save_figure, use_style

use_style()


class Numbers(NamedTuple):
    inputs: torch.Tensor  # (B, T, 2) the number (noise when it is not shown), and whether it is shown now
    value: torch.Tensor  # (B,)


@dataclass(frozen=True)
class Remember:
    steps: int = 40
    shown_at: int = 5
    name: ClassVar[str] = "remember"
    n_in: ClassVar[int] = 2
    n_out: ClassVar[int] = 1

    def sample(self, environments, generator):
        x = torch.rand(environments, self.steps, generator=generator)
        shown = (torch.arange(self.steps) == self.shown_at).float().expand_as(x)
        return Numbers(torch.stack([x, shown], -1), x[:, self.shown_at])

    def score(self, batch, outputs):  # (P, B, T, 1) -> (P, B, T), higher is better
        after = (torch.arange(self.steps) > self.shown_at).float()
        return -((outputs[..., 0] - batch.value[:, None]) ** 2) * after


Remember = enu.register(Remember)  # so that run folders can be read again

# %%
task = Remember()
experiment = enu.Experiment(
    "remember", task, enu.ENU(task.n_in, task.n_out, hidden=8),
    es=enu.ES(population=64, sigma=0.05, sigma_final=0.01, decay_generations=generations),
    generations=8 if profile == "smoke" else generations, environments=32,
)  # fmt: skip
run = enu.evolve(experiment, seed=seed, progress=False)
trace = enu.rollout(run.model, run.genome, task, environments=256, seed=seed + 1)

# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
outputs, numbers = trace.y[0, :8, :, 0], trace.batch.value[:8]
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.6))
figures.units.progress(axes[0], run.log)
axes[1].plot([task.shown_at, task.steps - 1], [numbers, numbers], **figures.units.BELOW)
axes[1].plot(outputs.T, color=PALETTE["evolved"])
axes[1].axvline(task.shown_at, color=PALETTE["input"], ls=":")
axes[1].annotate("number shown", (task.shown_at + 0.5, 1.06), color=PALETTE["input"], va="bottom", annotation_clip=False)
axes[1].set(xlabel="time (steps)", ylabel="output")
panel_letters(axes)
held = pd.DataFrame([row for row in run.log if "held_out" in row])
data = {
    "a": pd.DataFrame({"generation": held["generation"] + 1, "held-out loss": -held["held_out"]}),
    "b_output": figures.data.long({"sequence": None, "time (steps)": range(task.steps)}, {"output": outputs}),
    "b_number": figures.data.long({"sequence": None}, {"number shown": numbers}),
}
files = save_figure(
    fig, "own_task", figures_dir, data=data,
    caption=f"""A task defined in the notebook. **a**, Loss of the parent on held-out sequences (log scale; lower is better),
    one run (seed {seed}). **b**, Output of the evolved unit (blue) in eight fresh sequences; grey bands: the numbers shown
    at step {task.shown_at} (dotted), which the output should hold until the end; the closer blue follows grey, the better.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
error = trace.y[0, :, task.shown_at + 1 :, 0] - trace.batch.value[:, None]
guess = 0.5 - trace.batch.value
Markdown(
    f"After {run.generation} generations the r.m.s. error on fresh numbers is {error.square().mean().sqrt():.3f}; a unit that "
    f"always answers 0.5 has {guess.square().mean().sqrt():.3f}."
)

# %% [markdown]
# ## Try it
#
# Show the unit a number.


# %% tags=["explorer"]
def show_number(value=0.7, noise=1.0):
    x = 0.5 + noise * (torch.rand(1, task.steps, generator=enu.stream(seed, "explorer")) - 0.5)
    x[:, task.shown_at] = value
    shown = (torch.arange(task.steps) == task.shown_at).float().expand_as(x)
    batch = Numbers(torch.stack([x, shown], -1), x[:, task.shown_at])
    y = enu.rollout(run.model, run.genome, task, batch=batch).y[0, 0, :, 0]
    fig, ax = plt.subplots(figsize=(5, 2.4))
    ax.plot(x[0], color="0.7", label="input")
    ax.plot(y, label="output")
    ax.axhline(value, ls=":", color="k", label="number shown")
    ax.set(xlabel="time (steps)", ylabel="value", ylim=(-0.05, 1.05))
    ax.legend()
    return fig


widgets.explorer(
    show_number, value=widgets.slider("number", 0.7, 0.0, 1.0, 0.05), noise=widgets.slider("noise after it", 1.0, 0.0, 1.0, 0.1)
)
