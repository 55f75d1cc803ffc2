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
# # Can evolution find the rules of neurons and synapses?
#
# Below, an evolved network lives in a maze. Each of its synapses and neurons computes and remembers by evolved rules, and
# nothing tells the network which of its sensors signals food. Press *Run*; then swap food and poison, reshuffle the sensors,
# silence a neuron or freeze the synapses. Does the network still find the food?

# %% tags=["hide-input"]
from enu_lib import live, zoo

shown = zoo.load("tmaze-enu")
live.toy(shown.model, shown.genome, shown.task)

# %% [markdown]
# ## Question
#
# Neuroscience knows many rules by which neurons fire and synapses change: integrate-and-fire dynamics, spike-timing-dependent
# plasticity (STDP), and more. Each was discovered in data or derived from theory, and written down by hand. P. Bertens and
# S.-W. Lee ask whether such rules can be **evolved** instead, and whether a network of units with evolved rules can learn
# within its lifetime.
#
# ## Approach
#
# Their answer is the **evolvable neural unit** (ENU): a small gated recurrent unit that can take the place of a synapse or of a
# neuron. Two time scales are kept apart. The unit's parameters are its *genome*: they change from one generation to the next,
# but never within an episode. The unit's *memory* starts empty in each episode, and everything that is learnt is stored there.
#
# This book follows the paper in four steps, in the order of the table of contents.
#
# 1. [The unit](10_enu.py), the two [tasks for a single unit](27_ed7_setup.py), and the [evolution
#    strategy](11_evolution_strategy.py) that optimises its genome.
# 2. [A single unit](13_single_units.py) becomes an integrate-and-fire neuron or an STDP synapse; only the genome differs.
# 3. [A network](12_network.py) in which every neuron and every synapse is such a unit, with one genome for all neurons and one
#    for all synapses.
# 4. [Mazes](14_mazes.py) in which the meaning of the sensors is shuffled for each agent. How much of what [evolves
#    there](15_fig4_tmaze.py) is learning, and what kind of learning, is [measured](17_what_kind_of_learner.py).
#
# Terms coined in this book, such as *zoo*, *level* and *latch*, are explained in the [glossary](glossary.md).
#
# No data are taken from the paper. Every statement about evolved units is based on units evolved by this code and measured in
# environments that were not used in evolution; each page is a notebook, executed to make this book. Where a claim of the paper
# does not hold here, the page says so.

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
# ## Figure
#
# One unit was selected for firing when a model neuron fires, the other for an output that follows that of a synapse with
# neuromodulated STDP. Neither was told how. Both are shown new inputs here.

# %%
iaf, stdp = (enu.zoo.obtain(name, profile, seed) for name in ("iaf-enu", "stdp-enu"))
trace = enu.rollout(iaf.model, iaf.genome, iaf.task, environments=6, seed=seed + 300)
window = enu.analysis.plasticity_window(stdp.model, stdp.genome, stdp.task, modulator=1)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.5), width_ratios=[1.4, 1])
fired = iaf.task.fired(trace.y[0])
figures.units.spike_trains(axes[0], trace.batch.spikes, fired)
figures.units.window(axes[1], window)
panel_letters(axes)
files = save_figure(
    fig, "overview", figures_dir, zoo=["iaf-enu", "stdp-enu"],
    data={
        "a": figures.data.spikes({"model neuron": trace.batch.spikes, "evolved unit": fired}),
        "b": figures.data.window(window),
    },
    caption=f"""Two evolved units on inputs not used in evolution. **a**, Spikes of a model integrate-and-fire neuron (grey)
    and of the unit evolved to imitate it (blue), in the {len(trace.batch.spikes)} random sequences of Fig. 3. **b**, Synaptic
    change of the unit evolved as a neuromodulated STDP synapse against spike-time difference, neuromodulator present; mean and
    s.d. of {window.n} sequences per difference; grey band: the rule to be met. The closer blue follows grey, the better.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# Three claims of the paper concern the two units above. Here they are tested on sequences drawn for this page; the ledger uses
# a different draw, so its numbers differ a little:

# %% tags=["hide-input"]
n = 1024 if profile != "smoke" else 64
scores = {e.name: enu.analysis.scores(e.model, e.genome, e.task, n, seed=seed + 200) for e in (iaf, stdp)}
Markdown(ledger.verdicts(scores, "C1", "C2", "C3"))

# %% [markdown]
# ## Verdict
#
# The paper makes eleven claims, which this book numbers C1 to C11. For each, a measure and a rule for the verdict were fixed
# before the evolved networks and the sweep existed; both are in the [claims ledger](30_claims.py). From the evolved units and
# the stored runs of this book:

# %% tags=["hide-input"]
Markdown(ledger.as_summary(claims.judge(evidence.gather())))

# %% [markdown]
# ## Try it
#
# Change the input current and compare the two neurons.

# %% tags=["explorer"]
widgets.neuron_explorer(iaf)
