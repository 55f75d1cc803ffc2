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
# # Reproducibility: what is the same and what is not
#
# ## Question
#
# If a run is repeated with more threads, after a power failure, on another computer or on a GPU, does it give the same genome?
#
# ## Approach
#
# Every random number is a function of the seed, its purpose and the generation. So nothing that happened before matters: a run
# can stop and resume anywhere. Two things still differ between machines. Processors with different vector units, and GPUs, add
# numbers in a different order, and so round differently; and `torch.randn` draws different normal numbers on them. We
# distinguish three degrees of sameness:
#
# - **Bit for bit.** On one kind of processor, however a run is divided among threads, processes and days.
# - **To rounding.** On another processor or on a GPU, for the same genome and environments.
# - **In distribution.** Where rounding decides between two actions, the episodes that follow differ, and with them, after some
#   generations, the genomes. Means over many episodes or runs agree.
#
# Each line below is checked by a test in the repository.

# %% tags=["parameters"]
profile = "zoo"  # smoke: fewer generations
seed = 0
generations = 14

# %%
import dataclasses
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import widgets
from enu_lib.figures import use_style
from enu_lib.storage.run import fingerprint
from enu_lib.study import sameness, tables

use_style()
Markdown(tables.markdown(sameness.table()))

# %% [markdown]
# ## What we measured
#
# One of these lines, tried here: a run that is interrupted, discarded from memory and resumed from its folder, compared with a
# run that never stops.

# %%
small = enu.experiments.get("stdp", profile="smoke", generations=12 if profile == "smoke" else generations, evaluate_every=1)
whole = enu.evolve(small, seed=seed, progress=False)


def interrupted(at, threads=1):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        first = dataclasses.replace(small, generations=at)
        enu.evolve(first, seed=seed, out=out, progress=False, threads=threads)
        return enu.evolve(small, seed=seed, out=out, progress=False, threads=1)


resumed = interrupted(small.generations // 2, threads=2)
runs = {
    "uninterrupted, default threads": whole,
    f"stopped after {small.generations // 2} with two threads, resumed with one": resumed,
}
rows = [
    {"run": name, "generations": run.generation, "SHA-256 of the genome": f"`{fingerprint(run.genome)[:24]}`"}
    for name, run in runs.items()
]
Markdown(tables.markdown(rows))

# %% [markdown]
# ## Reconstruction
#
# The three degrees of sameness and the tests are ours.
#
# ## Verdict

# %%
Markdown(f"The two genomes are {'equal bit for bit' if whole.genome.equal(resumed.genome) else '**different**'}.")

# %% [markdown]
# ## Try it
#
# Interrupt the run after a different generation, or change the number of threads used until then.


# %% tags=["explorer"]
def interrupt(at=small.generations // 2, threads=2):
    run = interrupted(at, threads)
    fig, ax = plt.subplots(figsize=(5, 2.4))
    ax.plot(*whole.column("held_out"), lw=4, color="0.8", label="uninterrupted")
    ax.plot(*run.column("held_out"), label="interrupted")
    ax.axvline(at - 1, ls=":", color="k")
    same = "the same genome" if run.genome.equal(whole.genome) else "a different genome"
    ax.set(xlabel="generation", ylabel="held-out fitness", title=f"{same}, {fingerprint(run.genome)[:12]}")
    ax.legend()
    return fig


widgets.explorer(
    interrupt,
    at=widgets.slider("interrupt after generation", small.generations // 2, 1, small.generations - 1),
    threads=widgets.slider("threads until then", 2, 1, 4),
)
