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
# # The double T-maze (extended data Fig. 4)
#
# ## Question
#
# The double T-maze has four arm ends: one holds food, one poison, two nothing, and after every fifth food both places may be
# redrawn. The paper describes four phases of behaviour. The agent meets poison (a) and then finds food elsewhere (b); when
# poison lies where food was, it detects it, turns around and finds food in another part of the maze (c); and if one side holds
# neither, it goes to the other side (d). Does our network do this, and what does it learn?
#
# ## Approach
#
# The phases are found by code (`enu_lib.analysis.phases`) among many episodes. The network is then compared with scripted
# agents, and its episodes are split by where food and poison are.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the network that ships; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 2048

# %%
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, live, widgets
from enu_lib.analysis import agents, learning
from enu_lib.analysis.phases import find_groups
from enu_lib.study import claims, evidence, ledger, mazes, tables
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.tasks.maze import geometry
from enu_lib.rollout import record_episodes

use_style()
entry = enu.zoo.obtain("double-tmaze-enu", profile, seed)
n = 60 if profile == "smoke" else episodes
lives = record_episodes(entry.model, entry.genome, entry.task, n, seed=seed + 500)
found = learning.measures(lives)
compared = ("looking", "memory-only", "once-bitten", "latch", "fixed-arm")
references = {a: learning.measures(agents.play(entry.task, a, n, seed=seed + 500)) for a in compared}
scripted = agents.play(entry.task, "looking", 400, seed=seed)
groups = zip(find_groups(lives, entry.task), find_groups(scripted, entry.task), strict=True)
phases = [(phase, lives if own else scripted) for own, other in groups for phase in own or other]
borrowed = "".join(letter for letter, (_, shown) in zip("abcd", phases, strict=True) if shown is scripted)

stands_in = f"No episode of the evolved network shows {', '.join(borrowed)}; the scripted agent that looks is shown instead."
stands_in = stands_in if borrowed else ""

# %% [markdown]
# ## Figure

# %%
grid = geometry(entry.task)
fig = plt.figure(figsize=(PAGE, 4.6))
rows = fig.add_gridspec(2, 4, height_ratios=[1, 1.3])
axes = [fig.add_subplot(rows[0, k]) for k in range(4)] + [fig.add_subplot(rows[1, :2]), fig.add_subplot(rows[1, 2:])]
for ax, (phase, shown) in zip(axes, phases, strict=False):
    figures.learning.frame(ax, grid, shown, phase)
    who = "evolved network" if shown is lives else "scripted agent"
    ax.set_xlabel(phase.name.replace(": ", ":\n") + f"\n({who})")
keys = {
    "second visit right after poison": "second visit right,\nafter poison",
    "later visits right": "later visits right",
    "no mistake after a change": "right at once\nafter a change",
}
figures.mazes.shares(axes[4], {"evolved network": found, **references}, keys)
axes[4].get_legend().remove()
meals = pd.DataFrame({"evolved": found, **references}).T[["food", "poison"]]
meals.plot.barh(ax=axes[5], color=[figures.PALETTE["food"], figures.PALETTE["poison"]])
axes[5].set(xlabel="meals per episode")
axes[5].invert_yaxis()
panel_letters(axes)
files = save_figure(
    fig, "ed4_double_tmaze", figures_dir, zoo=[entry.name],
    data={
        "a_d": figures.data.panels(
            {letter: figures.data.visit(grid, shown, phase) for letter, (phase, shown) in zip("abcd", phases, strict=False)}
        ),
        "e_f": pd.DataFrame({"evolved network": found, **references}).T.rename_axis("agent").reset_index(),
    },
    caption=f"""**a-d**, Four phases of behaviour, each from the first of {n:,} episodes that shows it. {stands_in} Plus: food;
    cross: poison; triangle: start; ring: what was eaten. **e**, Shares of visits that end with food; colours as in Fig. 4.
    **f**, Meals per episode, evolved network and scripted agents; mean of {n:,} episodes.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
Markdown(tables.numbers({"evolved network": found, **references}, 3, "measure", upright=True))

# %%
low, high = references["fixed-arm"]["food"], references["memory-only"]["food"]
share, error = (found["food"] - low) / (high - low), found["food s.e."] / (high - low)
Markdown(
    f"""In {n:,} fresh episodes, shuffle *{entry.task.shuffle}*, the network eats **{found["food"]:.2f} food** (standard
error {found["food s.e."]:.2f}) and {found["poison"]:.2f} poison: **{share:.0%}** (standard error {error:.1%}) of the way
from an agent that always goes to the same end ({low:.2f}) to one that remembers where food was ({high:.2f})."""
)

# %% [markdown]
# ### Where it falls short
#
# Episodes by where the food is at first: on the side that the agent faces, or behind it. To get behind its start, the agent has
# to turn around in a corridor where no sensor is active, or to leave the bar at a junction that it cannot see.

# %%
Markdown(tables.numbers(mazes.by_side(lives, entry.task), 2, "episodes with"))

# %% [markdown]
# Mean food when the places never change, by where food and poison are; ends 1 and 2 are ahead of the agent, 3 and 4 behind it:

# %%
Markdown(tables.numbers(mazes.by_placement(entry, min(n, 480), seed + 504), 1, empty=""))

# %% [markdown]
# The network makes a round. At first it goes ahead and turns left at walls; where that end is empty it crosses to the other
# side and walks from one end to the next there. Poison reverses the round: from then on, a visit begins with the other arm
# ahead. In this way it finds the food wherever it is, also on a side that it has to leave and beside the poison, and when a
# place has changed, it walks on until it has found the new one. It does not remember where on the far side the food was: each
# visit repeats the whole round, which takes time. [Elsewhere](40_what_was_learnt.py) this network is put into the plain T-maze,
# where it avoids poison on sight once it has been poisoned.
#
# ## Reconstruction
#
# The geometry ([drawn here](14_mazes.py)) and the energy. The network is the last of a [sequence of
# evolutions](62_what_was_tried_in_the_double_tmaze.py) through easier mazes, which was not repeated with other seeds.
#
# ## Verdict
#
# The verdict by the rule of the [ledger](30_claims.py), on the network in the zoo, in further episodes not used here:

# %% tags=["hide-input"]
Markdown(ledger.as_markdown([f for f in claims.judge(evidence.gather()) if f.claim.key == "C11"]))

# %% [markdown]
# ## Try it
#
# Of twelve fresh episodes, the one with the most food.

# %%
recorded = enu.rollout(entry.model, entry.genome, entry.task, 12, seed=seed + 501, memory=True)
best = int(recorded.task["foods"][0, :, -1].argmax())
live.maze(recorded, entry.task, entry.model, life=best, text="An episode of the evolved network in the double T-maze")

# %% tags=["hide-input"]
live.toy(entry.model, entry.genome, entry.task, seed)

# %% tags=["explorer"]
widgets.MazeLife(entry.model, entry.genome, entry.task, seed=seed)
