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
# # The learned rule, taken apart
#
# ## Question
#
# A single poison changes what the network does for the rest of its life. Which of its 48 synapses change, which of them carry
# what has been learnt, and what do they do? Can the rule be said in words, and does an agent that follows these words eat as
# the network does?
#
# ## Approach
#
# Each episode is interrupted as the agent starts its next visit after its first poison, and then goes on in many copies. In one
# copy a single synapse's memory is **set back** to what it was before the poison; in another, all synapses *but* one are. If
# setting one synapse back makes the agent forget, the synapse is necessary; if the agent still knows with all others set back,
# it is sufficient. The outputs of the synapses and the memories of the neurons are not touched.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the networks that ship; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 48

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.study import machine, tables

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
n = 12 if profile == "smoke" else episodes
subjects = {"the network of Fig. 4": entry}
if profile == "zoo":
    subjects["a latch"] = enu.zoo.load("tmaze-enu-latch")
found = {name: machine.dissect(e, n, seed + 700) for name, e in subjects.items()}

# %% [markdown]
# ## Figure

# %%
fig, axes = plt.subplots(len(found), 4, figsize=(PAGE, 1.9 * len(found) + 0.3), squeeze=False, width_ratios=[1, 1, 1, 1.1])
for row, (name, part) in zip(axes, found.items(), strict=True):
    network = subjects[name].model
    figures.synapses.table(row[0], network, part.one.changed, float(part.one.changed.max()), "moved by the poison")
    figures.synapses.table(row[1], network, 1 - part.one.forgets, 1, "forgets if set back")
    figures.synapses.table(row[2], network, part.one.knows, 1, "knows if all others are set back")
    figures.synapses.portrait(row[3], part.paths, part.events)
    row[3].set_title(f"memory of {part.carrier}", fontsize=6.5)
    row[0].set_ylabel(name)
panel_letters(axes.flat)
files = save_figure(
    fig, "learned_rule", figures_dir, zoo=[e.name for e in subjects.values()],
    caption=f"""One row per network. Each square is a synapse: its row is the neuron that it belongs to, its label the source
    (S: sensors, R: reward, H: hidden, O: output neurons). **a**, Distance that the first poison moves the synapse's memory.
    **b**, Share of next visits that become wrong if this synapse alone is set back to before the poison (dark: necessary).
    **c**, Share of next visits still right if all other synapses are set back (dark: sufficient). **d**, The memory of the
    synapse that matters most, in the plane of its two main components, in up to eight episodes: grey before the first poison,
    red after it; dots: just before it, and at the end. Up to {n} episodes, those with a poison.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
rows = [row for name, part in found.items() for row in machine.summary(name, part)]
Markdown(tables.markdown(rows))

# %% [markdown]
# What the first poison has taught, and where it is kept:

# %%
Markdown("\n\n".join(f"**{name}**\n\n{machine.in_words(subjects[name], part)}" for name, part in found.items()))
