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
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, live, widgets
from enu_lib.analysis import agents, learning
from enu_lib.analysis.battery import battery
from enu_lib.analysis.phases import find_groups
from enu_lib.study import claims, evidence, ledger, mazes, tables
from enu_lib.figures import PAGE, better, panel_letters, save_figure, use_style
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

whole = len({p.episode for p, _ in phases}) == 1
told = f"all from one of {n:,} episodes" if whole else f"no one of {n:,} episodes has all, so each is the first that does"
stands_in = f"No episode of the evolved network shows {', '.join(borrowed)}; the scripted agent that looks is shown instead."
stands_in = stands_in if borrowed else ""

keys = {
    "double.second": "second visit,\nplaces unchanged",
    "double.later": "fourth visit and on,\nplaces unchanged",
    "double.no_mistake": "directly after a change,\npoisoned before",
}
able = {
    "evolved network": battery(entry.model, entry.genome, entry.task, n, seed + 505, double=True, parts=()),
    **{agent: battery(agent, None, entry.task, n, seed + 505, double=True, parts=()) for agent in compared},
}

# %% [markdown]
# ## Figure

# %%
grid = geometry(entry.task)
fig, axes = plt.subplots(4, 2, figsize=(PAGE, 8.6), height_ratios=[1.3, 1.3, 0.6, 1.2])
for ax, (phase, shown) in zip(axes.flat, phases, strict=False):
    figures.learning.frame(ax, grid, shown, phase)
    who = f"episode {phase.episode}" if shown is lives else f"the scripted agent, episode {phase.episode}"
    ax.set_xlabel(f"{phase.name}\n{who}, steps {phase.first} to {phase.last}")
figures.mazes.key(axes[2, 0])
axes[2, 1].axis("off")
figures.abilities.measures(axes[3, 0], able, keys)
axes[3, 0].set(xlim=(-0.03, 1.03), xlabel=better("share of visits that end with food", up=True))
axes[2, 1].legend(*axes[3, 0].get_legend_handles_labels(), loc="lower left", title="agents in e and f", ncols=2)
figures.abilities.measures(axes[3, 1], able, {"double.food": "food", "double.poison": "poison"})
axes[3, 1].set(xlim=(-0.4, None), xlabel="meals per episode (more food and less poison is better)")
panel_letters([*axes[:2].flat, *axes[3]])
files = save_figure(
    fig, "ed4_double_tmaze", figures_dir, zoo=[entry.name],
    data={
        "a_d": figures.data.panels(
            {letter: figures.data.visit(grid, shown, phase) for letter, (phase, shown) in zip("abcd", phases, strict=False)}
        ),
        "e_f": figures.abilities.table(able, ("double.food", "double.poison", *keys)),
    },
    caption=f"""**a-d**, Four phases of the evolved network's behaviour, examples: {told}. {stands_in} Arrows: the path;
    numbers: the network step at which the agent begins, turns or ends. **e**, Shares of visits that end with food, by what
    preceded them; **f**, meals per episode. Both for the evolved network and scripted agents, in {n:,} further episodes each,
    with 95% intervals. Higher shares, more food and less poison are better; a mark is missing where an agent had no such
    visit.""",
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
# The network tours the ends. At first it goes ahead and turns left at walls; where that end is empty it crosses to the other
# side and walks from one end to the next there. Poison reverses the tour: from then on, a visit begins with the other arm
# ahead. In this way it finds the food wherever it is, also on a side that it has to leave and beside the poison, and when a
# place has changed, it walks on until it has found the new one. It does not remember where on the far side the food was: each
# visit repeats the whole tour, which takes time. [Elsewhere](17_what_kind_of_learner.py) this network is put into the plain
# T-maze, where it avoids poison on sight once it has been poisoned.
#
# ## Reconstruction
#
# The geometry ([drawn here](14_mazes.py)) and the energy are ours. The network is the last of a [sequence of
# evolutions](62_what_was_tried_in_the_double_tmaze.py) through easier mazes, which was not repeated with other seeds.
#
# ## Verdict
#
# The verdict by the rule of the [ledger](30_claims.py), on the network in the zoo, in further episodes not used here:

# %% tags=["hide-input"]
Markdown(ledger.as_markdown(claims.judge(evidence.gather(), "C11")))

# %% [markdown]
# ## Try it
#
# Of twelve fresh episodes, the one with the most food.

# %%
recorded = enu.rollout(entry.model, entry.genome, entry.task, 12, seed=seed + 501, memory=True)
best = int(recorded.task["foods"][0, :, -1].argmax())
live.maze(recorded, entry.task, entry.model, episode=best, text="An episode of the evolved network in the double T-maze")

# %% tags=["hide-input"]
live.toy(entry.model, entry.genome, entry.task, seed)

# %% tags=["explorer"]
widgets.MazeLife(entry.model, entry.genome, entry.task, seed=seed)
