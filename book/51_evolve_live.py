# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Evolve one now
#
# Below, a unit with 16 memory values and a random genome becomes a synapse with spike-timing-dependent plasticity, in some
# ten seconds to a minute of one processor core. It has a start already: *play* goes on from there, *begin anew* takes it back
# to nothing. At the left, the loss of the parent on sequences that evolution does not meet; at the right, what the parent
# does with a pair of spikes at each distance, and the rule (dashed) that the fitness asks for.
#
# Things to try while it runs:
#
# - **Mutations ten times as wide**, or ten times as narrow. Does the parent keep anything? Does it get anywhere?
# - **Few offspring.** With 16, the best of a generation is not much better than the parent: each generation costs less, and
#   is worth less.
# - **Do not narrow the mutations.** The window soon has the right shape, and then keeps trembling.
# - **Another seed.** How long does it sit on a unit that only passes its input on?
#
# It is the library's own `ask`, `fitness` and `tell` ([how the units evolve](11_evolution_strategy.py)): with the controls
# left alone, `enu.evolve(live.small_synapse(), seed=seed)` goes through the same genomes. In a page without a running kernel
# this is a picture; [a recorded evolution](11_evolution_strategy.py) plays without one.

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

# %% tags=["explorer"]
evolution
