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
# # How the units evolve
#
# **Asked.** A genome has thousands of numbers, and a life gives one number back: its fitness. In a maze there is no gradient
# to follow, since rewards come from what an agent does; where there is one, it is not used. How does one get better?
#
# **The idea.** Try many small changes at once and move by a weighted mean of them (an *evolution strategy*). Around the
# parent's genome $\theta$ stand $P$ offspring in antithetic pairs, $\theta + \epsilon_i$ and $\theta - \epsilon_i$, with
# $\epsilon_i \sim N(0, s^2)$ in each number of the genome; one pair has $\epsilon = 0$ and is the parent itself. All
# offspring of a generation live in the same environments, so that none is luckier than another. The fitness of an offspring
# is its mean over them. Offspring $i$ is then worth only its rank $r_i$ among the $P$ (0 for the worst), and the parent moves
# with momentum:
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
# Only the order of the offspring counts, so that one with an extreme fitness pulls no harder than the next. All constants
# above are the published ones, as are $P = 512$ and $s = 0.01$.
#
# **Reconstruction.** How ties are ranked is not said. Here, as in the public code, equal fitness is ranked by index: on a
# plateau the parent drifts at random, and so can leave it. Additions of ours, named in the settings of each run and each zoo
# entry: the `laptop` profile has wider mutations and, for single units, narrows them; the T-maze begins with a lesson, a
# smaller maze; and in mazes offspring are ranked not by their mean fitness but by **breadth**,
#
# $$
# \frac{1}{B} \sum_b \sqrt{\max(F_b - b_0,\ 0)} ,
# $$ (eq-breadth)
#
# with $F_b$ the fitness in environment $b$ and $b_0$ a constant (`breadth`): passable lives in many environments are worth more
# than excellent ones in few.

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

import enu_lib as enu
from enu_lib import es, live, figures, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()

# %% [markdown]
# ## One generation, in two dimensions
#
# A genome of two numbers on a slope whose best point is the cross, moved by the library's own `ask` and `tell`.

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
    figures.units.one_generation(ax, state.parent, genomes, es.fitness_shaping(settings, aggregated), after)
    ax.set(xlabel="gene 1", ylabel="gene 2")


def climb(ax, population=64, sigma=0.1, generations=60):
    settings = enu.ES(population=population, sigma=sigma)
    state, path = es.init(torch.zeros(2)), []
    for _ in range(generations):
        genomes, mutations = es.ask(settings, state, seed)
        path.append(-quadratic(state.parent).item())
        state = es.tell(settings, state, mutations, quadratic(genomes))
    ax.plot(path, label=f"$P$ = {population}, $s$ = {sigma:g}")
    ax.set(xlabel="generation", ylabel="squared distance of the parent", yscale="log")
    ax.legend()


# %%
fig, axes = plt.subplots(1, 3, figsize=(PAGE, 2.3))
generation(axes[0])
weights = es.fitness_shaping(enu.ES(population=512), torch.arange(512.0))
axes[1].plot(torch.arange(512) / 512, weights)
axes[1].set(xlabel="rank / P", ylabel="weight")
climb(axes[2])
panel_letters(axes)
files = save_figure(
    fig, "method_generation", figures_dir,
    caption=f"""The evolution strategy on two numbers. **a**, One generation of 64 offspring: area shows an offspring's weight,
    the arrow the parent's step. **b**, Weight against rank for 512 offspring; the best fifth has {weights[-102:].sum():.0%} of
    it. **c**, Sixty generations: squared distance of the parent from the best point; one run, seed {seed}.""",
)  # fmt: skip

# %% [markdown]
# ## A synapse, generation by generation
#
# The same `ask` and `tell`, with a unit of 16 memory values as the genome's owner and spike-timing-dependent plasticity
# ([the next chapters](13_single_units.py)) as its task. Left: loss of the parent on sequences that evolution does not meet.
# Right: what the parent does with a pair of spikes, beside the rule. Evolved when this page was made, seed as above.

# %%
small = live.small_synapse(12, 4) if profile == "smoke" else live.small_synapse()
live.evolution(live.record(small, seed))

# %% [markdown]
# ## Try it
#
# What does a small population cost? What do wide mutations do far from the best point, and what near it?


# %% tags=["explorer"]
def explore(population=64, sigma=0.1):
    fig, axes = plt.subplots(1, 2, figsize=(6, 2.4))
    generation(axes[0], population, sigma)
    climb(axes[1], population, sigma)
    return fig


widgets.explorer(
    explore,
    population=widgets.slider("population P", 64, 4, 512, 2),
    sigma=widgets.slider("mutation s.d.", 0.1, 0.01, 0.5, 0.01),
)
