# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Can evolution find the rules of neurons and synapses?
#
# We know rules by which neurons fire and synapses change: integrate and fire, spike-timing-dependent plasticity (STDP), and
# many more. Somebody found each of them, in data or by thought, and wrote it down. P. Bertens and S.-W. Lee ask whether such
# rules can be **evolved** instead, and whether a network of units with evolved rules learns within its life.
#
# Their answer is the **evolvable neural unit** (ENU): a small gated recurrent unit that can stand in the place of a synapse,
# or of a neuron. Two time scales are kept apart. The unit's parameters are its *genome*: they change from generation to
# generation and never within a life. The unit's *memory* starts empty in each life; whatever is learnt in a life is there.
#
# This book follows the paper in four steps.
#
# 1. [The unit](10_enu.py), and the [evolution strategy](11_evolution_strategy.py) that finds its genome.
# 2. [A single unit](13_single_units.py) becomes an integrate-and-fire neuron, or a synapse with STDP, by a change of genome
#    alone.
# 3. [A network](12_network.py) in which every neuron and every synapse is such a unit, with one genome for all neurons and one
#    for all synapses.
# 4. [Mazes](14_mazes.py) in which each agent has to find out what its own sensors mean.
#
# Nothing is replayed from the paper. What is said of evolved units comes from units evolved by this code, measured on
# environments that evolution never saw; each page ran to be made. Where a claim does not hold here, the page says so.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the evolved units that ship with enu_lib; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.study import claims, evidence, ledger
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()

# %% [markdown]
# ## Two units that evolved
#
# One was judged by how well it fires when a model neuron fires; the other by how well its output follows that of a synapse
# with neuromodulated STDP. Neither was told how. Here each meets inputs that are new to it.

# %%
iaf, stdp = (enu.zoo.obtain(name, profile, seed) for name in ("iaf-enu", "stdp-enu"))
trace = enu.rollout(iaf.model, iaf.genome, iaf.task, environments=8, seed=seed + 100)
window = enu.analysis.plasticity_window(stdp.model, stdp.genome, stdp.task, modulator=1)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.5), width_ratios=[1.4, 1])
figures.units.spike_trains(axes[0], trace.batch.spikes, iaf.task.fired(trace.y[0]))
figures.units.window(axes[1], window)
panel_letters(axes)
files = save_figure(
    fig, "overview", figures_dir, zoo=["iaf-enu", "stdp-enu"],
    caption=f"""Two evolved units on inputs that evolution never saw. **a**, Spikes of a model integrate-and-fire neuron (grey)
    and of the unit evolved to be one (blue), {len(trace.batch.spikes)} random sequences. **b**, Synaptic change of the unit
    evolved to be a neuromodulated STDP synapse against the distance of the two spikes, neuromodulator present; mean and s.d.
    of {window.n} sequences a distance; dashed: the rule.""",
)  # fmt: skip

# %% [markdown]
# ## The claims so far
#
# The paper's claims, C1 to C11, each have a measure and a rule for the verdict, fixed before the evolved networks and the
# sweep existed: the [claims ledger](30_claims.py). From the evolved units and the runs that ship with this book:

# %% tags=["hide-input"]
Markdown(ledger.as_summary(claims.judge(evidence.gather())))

# %% [markdown]
# The first three are about the two units above; measured now, on inputs drawn for this page:

# %% tags=["hide-input"]
n = 1024 if profile != "smoke" else 64
scores = {e.name: enu.analysis.scores(e.model, e.genome, e.task, n, seed=seed + 200) for e in (iaf, stdp)}
Markdown(ledger.verdicts(scores, "C1", "C2", "C3"))

# %% [markdown]
# ## Try it
#
# Change the input current: both neurons answer.

# %% tags=["explorer"]
widgets.neuron_explorer(iaf)
