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
# # How the units evolve
#
# ## Question
#
# A genome has thousands of parameters, and an evaluation returns a single number: its fitness. In a maze there is no gradient
# to follow, since rewards depend on what the agent does; where a gradient exists, it is not used. How can a genome improve?
#
# ## Approach
#
# Try many small mutations at once and move the parent by their weighted mean (an *evolution strategy*). Around the parent's
# genome $\theta$ there are $P$ offspring in antithetic pairs, $\theta + \epsilon_i$ and $\theta - \epsilon_i$, with $\epsilon_i
# \sim N(0, s^2)$ for each parameter; one pair has $\epsilon = 0$ and is the parent itself. All offspring of a generation are
# evaluated in the same environments, so that none is luckier than the others. The fitness of an offspring is its mean over
# these environments. Only its rank $r_i$ among the $P$ offspring counts (0 is the worst), and the parent moves with momentum:
#
# $$
# u_i = \frac{(r_i / P)^5}{\sum_j (r_j / P)^5}
# $$ (eq-rank)
#
# $$
# \begin{aligned}
# m &\leftarrow 0.9\,m + \sum_i u_i\,\epsilon_i\\
# \theta &\leftarrow \theta + m
# \end{aligned}
# $$ (eq-move)
#
# Because only the order of the offspring counts, one with an extreme fitness has no more weight than its rank gives it. All
# constants above are the published ones, as are $P = 512$ and $s = 0.01$.

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import pandas as pd
import torch

import enu_lib as enu
from enu_lib import es, live, figures, widgets
from enu_lib.figures import PAGE, better, panel_letters, save_figure, use_style

use_style()

# %% [markdown]
# ## Figure
#
# One generation in two dimensions: a genome with two parameters and a quadratic fitness that is largest at the cross. The
# parent is moved by the library's own `ask` and `tell`.

# %%
OPTIMUM = torch.tensor([1.0, 0.5])


def quadratic(genomes):
    return -((genomes - OPTIMUM) ** 2).sum(-1)


def generation(ax, population=64, sigma=0.1, start=(0.0, 0.0)):
    settings = enu.ES(population=population, sigma=sigma)
    state = es.init(torch.tensor(start))
    genomes, mutations = es.ask(settings, state, seed)
    aggregated = quadratic(genomes)
    after = es.tell(settings, state, mutations, aggregated).parent
    drawn = (state.parent, genomes, es.fitness_shaping(settings, aggregated), after, OPTIMUM)
    figures.units.one_generation(ax, *drawn)
    return figures.data.one_generation(*drawn)


def climb(ax, population=64, sigma=0.1, generations=60):
    settings = enu.ES(population=population, sigma=sigma)
    state, path = es.init(torch.zeros(2)), []
    for _ in range(generations):
        genomes, mutations = es.ask(settings, state, seed)
        path.append(-quadratic(state.parent).item())
        state = es.tell(settings, state, mutations, quadratic(genomes))
    ax.plot(path, label=f"$P$ = {population}, $s$ = {sigma:g}")
    ax.set(xlabel="generation", ylabel=better("squared distance", up=False), yscale="log")
    ax.legend()
    return pd.DataFrame({"generation": range(generations), "squared distance of the parent": path})


# %%
fig, axes = plt.subplot_mosaic([["a", "b"], ["a", "c"]], figsize=(PAGE, 3.6), width_ratios=[1.3, 1])
weights = es.fitness_shaping(enu.ES(population=512), torch.arange(512.0))
shown = {
    "a": generation(axes["a"]),
    "b": pd.DataFrame({"rank / P": torch.arange(512) / 512, "weight": weights}),
    "c": climb(axes["c"]),
}
axes["b"].plot("rank / P", "weight", data=shown["b"])
axes["b"].set(xlabel="rank / P (best: 1)", ylabel="weight")
panel_letters(axes.values())
files = save_figure(
    fig, "method_generation", figures_dir, data=shown,
    caption=f"""The evolution strategy with two parameters, genes 1 and 2. **a**, One generation: each dot is
    an offspring, its area the offspring's weight; arrow: the parent's step; grey circles: lines of equal fitness, which rises
    towards the optimum (cross).
    **b**, Weight against rank for 512 offspring; the best fifth has {weights[-102:].sum():.0%} of the total. **c**, Sixty
    generations: squared distance of the parent from the optimum (lower is better); one run, seed {seed}. Because of momentum
    the parent overshoots the optimum and returns.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# The same `ask` and `tell` evolve a unit with 16 memory values to become a synapse with spike-timing-dependent plasticity
# (STDP): one that is strengthened when the presynaptic spike comes shortly before the postsynaptic one, and weakened when it
# comes shortly after ([the tasks](27_ed7_setup.py)). Left: loss of the parent on held-out sequences. Right: the parent's
# response to a pair of spikes, and the rule. It was evolved when this page was made, with the seed given above.

# %%
small = live.small_synapse(12, 4) if profile == "smoke" else live.small_synapse()
live.evolution(live.record(small, seed))

# %% [markdown]
# ## Reconstruction
#
# The paper does not say how ties are ranked. Here, as in the public code, equal fitness is ranked by index, so that on a
# plateau the parent drifts at random and can leave it. We also made additions, which are named in the settings of each run and
# each zoo entry. The `laptop` profile mostly uses larger mutations and, for single units, anneals them. Evolution by
# `evolve tmaze` follows a [curriculum](61_how_the_networks_were_found.py). And in mazes, offspring are ranked by **breadth**
# instead of mean fitness,
#
# $$
# \frac{1}{B} \sum_b \sqrt{\max(F_b - b_0,\ 0)} ,
# $$ (eq-breadth)
#
# where $F_b$ is the fitness in environment $b$ and $b_0$ a constant (`breadth`): fair performance in many environments is worth
# more than excellent performance in a few.
#
# ## Verdict
#
# No claim rests on this page. How far this strategy gets is judged for [single units](13_single_units.py) and for [networks in
# the T-maze](15_fig4_tmaze.py).
#
# ## Try it
#
# What does a small population cost? How do large mutations behave far from the optimum, and how do they behave near it?


# %% tags=["explorer"]
drawn, panels = plt.subplots(1, 2, figsize=(6, 2.4))
for axis in (panels[0].xaxis, panels[0].yaxis):
    axis.set_major_formatter("{x:.2f}")  # all equally long, so that the layout does not change


def explore(population=64, sigma=0.1):
    generation(panels[0], population, sigma)
    climb(panels[1], population, sigma)
    panels[1].set(ylim=(1e-5, 10))  # the same for all settings, so that they can be compared
    panels[1].minorticks_off()
    panels[1].yaxis.set_major_formatter("{x:g}")  # quicker to draw than powers of ten


widgets.explorer(
    explore,
    drawn,
    population=widgets.slider("population P", 64, 4, 512, 2),
    sigma=widgets.slider("mutation s.d.", 0.1, 0.01, 0.5, 0.01),
)
