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
# One parent, many mutated offspring, and a weighted mean of their mutations. In each generation the parent's genome
# $\theta$ gets $P$ offspring $\theta \pm \epsilon_i$ in antithetic pairs, $\epsilon_i \sim N(0, \sigma^2)$, of which the
# first pair is the parent itself. All offspring meet the same environments. The fitness only counts by its rank $r$ among
# the $P$ (0 is the worst):
#
# $$w_i \propto (r_i / P)^5, \qquad m \leftarrow 0.9\,m + \sum_i w_i \epsilon_i, \qquad \theta \leftarrow \theta + m .$$
#
# The best fifth has about four fifths of the weight. Constants are the published ones; our `laptop` profile begins with wider
# mutations and narrows them (an addition of ours, named in its settings).

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = "figures"

# %%
import matplotlib.pyplot as plt
import torch

import enu_lib as enu
from enu_lib import es, live, plots, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()

# %% [markdown]
# ## One generation, in two dimensions
#
# A genome of two numbers on a slope whose best point is the cross. This is the library's own `ask` and `tell`.

# %%
OPTIMUM = torch.tensor([1.0, 0.5])


def quadratic(genomes):
    return -((genomes - OPTIMUM) ** 2).sum(-1)


def generation(ax, population=64, sigma=0.1, start=(0.0, 0.0)):
    settings = enu.ES(population=population, sigma=sigma)
    state = es.start(torch.tensor(start))
    genomes, mutations = es.ask(settings, state, seed)
    merit = quadratic(genomes)
    after = es.tell(settings, state, mutations, merit).parent
    plots.one_generation(ax, state.parent, genomes, es.shape(settings, merit), after)
    ax.set(xlabel="gene 1", ylabel="gene 2")


def climb(ax, population=64, sigma=0.1, generations=60):
    settings = enu.ES(population=population, sigma=sigma)
    state, path = es.start(torch.zeros(2)), []
    for _ in range(generations):
        genomes, mutations = es.ask(settings, state, seed)
        path.append(-quadratic(state.parent).item())
        state = es.tell(settings, state, mutations, quadratic(genomes))
    ax.plot(path, label=f"$P$ = {population}, $\\sigma$ = {sigma:g}")
    ax.set(xlabel="generation", ylabel="squared distance of the parent", yscale="log")
    ax.legend()


fig, axes = plt.subplots(1, 3, figsize=(PAGE, 2.3))
generation(axes[0])
weights = es.shape(enu.ES(population=512), torch.arange(512.0))
axes[1].plot(torch.arange(512) / 512, weights)
axes[1].set(xlabel="rank / P", ylabel="weight")
climb(axes[2])
panel_letters(axes)
files = save_figure(
    fig, "method_generation", figures_dir,
    caption=f"""a, One generation of 64 offspring in two dimensions: area shows an offspring's weight, the arrow the parent's
    step. b, Weight against rank for 512 offspring; the best fifth has {weights[-102:].sum():.0%} of it.
    c, Sixty generations, seed {seed}.""",
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
