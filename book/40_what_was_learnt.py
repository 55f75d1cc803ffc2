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
# # Where does it store what it learnt?
#
# ## Question
#
# The paper shows *that* its network adapts in the T-maze. [An earlier page](17_what_kind_of_learner.py) measures what kind of
# learner ours is. Here we ask: where is the memory of an episode stored? What does a single meal change? And how far does the
# behaviour generalise?
#
# ## Approach
#
# We change the maze or the network in one respect at a time and look at what the agent eats, and at which visits end with food.
# *Interventions* reset, scramble or freeze the memory of one compartment in mid-episode; *conditioning* drives the network
# through its inputs only, without a maze.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the network that ships; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 192  # in each condition
moment = 200  # network step of an intervention; an episode has 400

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, live, widgets
from enu_lib.analysis.conditioning import REWARDS, conditioning, repeated
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.study import dissection, tables
from enu_lib.tasks.geometry import ACTIONS

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
network, maze, smoke = entry.model, entry.task, profile == "smoke"
n = 16 if smoke else episodes

# %% [markdown]
# ## Figure
#
# Both synapses and neurons have memory. Halfway through an episode we **reset** the memory of one compartment to zero,
# **scramble** it (permute it among the units of the compartment), or **freeze** it (from then on, every step starts with the
# memory of that moment), and look at the following visits. Only the memory $h$ is changed, not the outputs. If nothing is lost,
# what was learnt is not stored there alone; if something is lost, it may be what was learnt, or the ability to walk. Control:
# the same episodes, untouched. Visits at which food and poison had just swapped places are left out.

# %%
disturbed = dissection.disturb(entry, n, moment, seed + 601)
after = {name: d.recovery for name, d in disturbed.items()}
eaten = {name: d.eaten for name, d in disturbed.items()}
living = len(eaten["untouched"])

# %%
fig, axes = plt.subplots(1, 3, figsize=(PAGE, 2.7), width_ratios=[1.1, 1, 1])
figures.learning.eaten(axes[0], eaten)
for ax, part in zip(axes[1:], ("synapses", "neurons"), strict=True):
    figures.learning.recovery(ax, {k: v for k, v in after.items() if k.startswith((part, "untouched"))})
panel_letters(axes)
files = save_figure(
    fig, "where_memory_lives", figures_dir, zoo=[entry.name],
    data={
        "a": figures.data.series("memory", eaten, {"episode": None}, "food after the intervention"),
        "b_c": figures.data.panels(
            {k: figures.data.long({"visit": None}, {"with food": v.right, "visits": v.n}) for k, v in after.items()}, "memory"
        ),
    },
    caption=f"""After the memory of all synapses or of all neurons was reset, scrambled or frozen at step {moment} of an
    episode: **a**, food eaten in the rest of the episode, mean and 95% interval; **b**, synapses, **c**, neurons: share of
    visits that end with food, in the order of visits, with 95% (Wilson) intervals; points need at least 10 visits; dotted:
    chance, as there are two arms. An agent that has died makes no more visits, so later points are those of agents still
    alive. More is better; what falls below *untouched*, the control, was lost. {n} episodes each, of
    which {living} had not ended by then; visits at which the places had just changed are left out.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# ### Where is the memory of an episode stored?

# %%
Markdown(tables.markdown(dissection.disturbed_table(disturbed)))

# %%
Markdown(
    f"""In the {living} episodes that had not ended by then, the untouched network eats a further
{eaten["untouched"].mean():.2f} food. With the memory of the synapses reset it eats {eaten["synapses reset"].mean():.2f},
scrambled {eaten["synapses scrambled"].mean():.2f}, frozen {eaten["synapses frozen"].mean():.2f}; with the memory of the
neurons reset {eaten["neurons reset"].mean():.2f}, scrambled {eaten["neurons scrambled"].mean():.2f}, frozen
{eaten["neurons frozen"].mean():.2f}. Scrambling preserves what the units of a compartment hold together and only loses
which unit holds what: where it hurts, that assignment matters."""
)

# %% [markdown]
# ### What does one meal change?
#
# The network is driven through its inputs only (`enu_lib.analysis.conditioning`), as in Pavlovian conditioning. One sensor is
# active for a move, as the wall's would be; then another sensor is active for a move, and a reward or punishment follows at
# some delay after its onset, or before it; later the second sensor serves as a probe. Compared with the same network with the
# same noise, to which neither the sensor nor a meal was shown before, this gives the learnt rule in the form of an STDP
# window; the effect of a meal is the difference from *nothing*. Then several meals in a row: how many does it take?

# %%
delays, samples = range(-16, 25, 8 if smoke else 4), 2 if smoke else 8
dish = conditioning(network, entry.genome, delays, episodes=samples, seed=seed + 602)
rows = {reward: repeated(network, entry.genome, reward, 4, episodes=samples, seed=seed + 605) for reward in REWARDS}
forward = dish.outputs[..., 0]
fig, axes = plt.subplots(2, 2, figsize=(PAGE, 4.4))
figures.learning.conditioning(axes[0, 0], dish, forward, "change of the output for\nmoving forward (output 1)")
for ax, (reward, outputs) in zip(axes.flat[1:], rows.items(), strict=True):
    figures.learning.in_a_row(ax, outputs, ACTIONS)
    ax.set(xlabel=f"{reward}, times in a row", ylabel="output at the probe", ylim=(-0.03, 1.03))
    ax.get_legend().remove()
axes[0, 0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1, handlelength=1.2)
axes[0, 1].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1, handlelength=1.8)
panel_letters(axes.flat)
paired = {"meal": list(REWARDS), "delay from sensor to meal (steps)": dish.delay, "noise sample": None}
files = save_figure(
    fig, "conditioning", figures_dir, zoo=[entry.name],
    data={
        "a": figures.data.long(paired, {"change of output 1": forward}),
        "b_d": figures.data.series(
            "meal", rows, {"meals in a row": range(5), "noise sample": None, "output": ACTIONS}, "output at the probe"
        ),
    },
    caption=f"""What single events change in a network that is driven through its inputs only. **a**, A sensor paired with
    food, poison or nothing, against the delay from sensor to meal: output for moving forward when the same sensor is active
    again, minus that of the same network without sensor and meal. **b** to **d**, Outputs (by what they do) while this
    sensor is active, after 0 to 4 such meals in a row of food, poison or nothing. Mean and s.d. over {samples} noise seeds. No
    direction is better; an effect of a meal is a difference from *nothing*.""",
)  # fmt: skip

# %%
once = {reward: y[1, :, 0].mean().item() for reward, y in rows.items()}
often = {reward: y[4, :, 0].mean().item() for reward, y in rows.items()}
Markdown(
    f"""When the sensor is active again after one poison, the output for moving forward is {once["poison"]:.2f}; after one
food it is {once["food"]:.2f}, after nothing {once["nothing"]:.2f}. After four of each, it is {often["poison"]:.2f},
{often["food"]:.2f} and {often["nothing"]:.2f}. A network that learns from food would differ between *food* and *nothing*, one
that learns from poison between *poison* and *nothing*."""
)

# %% [markdown]
# ### How far does it generalise?
#
# Mazes and episodes that were not used in evolution, scored like all others (in the published maze, a different draw from that
# of Fig. 4). *Silenced*: the output is not transmitted to other neurons; an output neuron still acts.

# %%
elsewhere = dissection.elsewhere(entry, 60 if smoke else 256, seed + 603)
far = elsewhere | dissection.silenced(entry, n // 3, seed + 604)
wanted = ["n", "food", "food s.e.", "poison", "second visit right after poison", "right again after one mistake"]
Markdown(tables.numbers({name: {key: row[key] for key in wanted} for name, row in far.items()}, 2, "maze or network"))

# %% [markdown]
# ## Reconstruction
#
# None of these measurements is in the paper: the disturbances, the conditioning and the other mazes are ours.
#
# ## Verdict

# %%
Markdown(
    f"""{dissection.stored_in_words(disturbed)}

After four pairings of a sensor with a meal, the output for moving forward in front of it differs from that after four times
the sensor alone by {often["poison"] - often["nothing"]:+.2f} (poison) and {often["food"] - often["nothing"]:+.2f} (food).

{dissection.elsewhere_in_words(elsewhere)}"""
)

# %% [markdown]
# ## Try it
#
# Freeze the memory of the synapses or the neurons in the middle of an episode; silence a neuron; swap food and poison.

# %% tags=["hide-input"]
live.toy(network, entry.genome, maze, seed)

# %% tags=["explorer"]
widgets.MazeLife(network, entry.genome, maze, seed=seed)
