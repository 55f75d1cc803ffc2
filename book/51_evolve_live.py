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
# # Evolve a synapse live
#
# ## Question
#
# How does a unit become a synapse, generation by generation, and what do the settings of the evolution strategy do?
#
# ## Approach
#
# Below, a unit with 16 memory values and a random genome becomes a synapse with spike-timing-dependent plasticity, in ten
# seconds to a minute on one processor core. It has had a head start: *play* continues from there, *restart* goes back to a
# random genome. Left: the parent's loss on held-out sequences. Right: the parent's response to a pair of spikes at each time
# difference, and the rule (grey band) that fitness asks for.
#
# It uses the library's own `ask`, `fitness` and `tell` ([how the units evolve](11_evolution_strategy.py)): if the controls are
# not touched, `enu.evolve(live.small_synapse(), seed=seed)` goes through the same genomes. Without a running kernel this page
# shows a picture; [a recorded evolution](11_evolution_strategy.py) plays without one.

# %% tags=["parameters"]
profile = "zoo"  # smoke: a shorter start
seed = 0
start = 200  # generations evolved before you take over

# %%
from enu_lib import widgets
from enu_lib.figures import use_style

use_style()
evolution = widgets.LiveEvolution(seed=seed)
for _ in range(2 if profile == "smoke" else start // 10):
    evolution.advance(10)
    evolution.update()

# %% [markdown]
# ## Try it
#
# - **Mutations ten times as large**, or ten times as small. Does the parent keep what it has learnt? Does it improve?
# - **Few offspring.** With 16, the best of a generation is not much better than the parent: each generation costs less, and
#   gains less.
# - **No annealing of the mutations.** The window soon has the right shape, but keeps fluctuating.
# - **Another seed.** How long does the parent remain a unit that only transmits its input?

# %% tags=["explorer"]
evolution
