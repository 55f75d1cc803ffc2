"""Evolve a synapse from nothing while you watch, with the library's own `ask`, `fitness` and `tell`."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import ipywidgets as w
import matplotlib.pyplot as plt
import numpy as np
import torch

from enu_lib import es, figures
from enu_lib.analysis.units import Window, plasticity_window
from enu_lib.experiments import Experiment
from enu_lib.live.evolution import Recording, loss_chart, small_synapse, window_chart
from enu_lib.rollout import fitness
from enu_lib.streams import stream
from enu_lib.tasks.stdp import STDP
from enu_lib.widgets.base import TEXT, WIDE, Pictured, button, framed, png, sheet

TICK = 20  # ms of rest between bursts of generations
BURST = 0.15  # seconds of evolution before controls are heard again
REDRAW = 0.5  # seconds between pictures
NARROW = 0.1  # what mutations have shrunk to after `decay_generations`
FOR_EVER = 10**9


class LiveEvolution(Pictured):
    """Start, pause, begin anew; offspring and mutations may be changed while it runs.

    experiment: an STDP task and its unit; its population and mutations are what the controls begin with.  Left alone,
    generation k is that of `evolve(experiment, seed=seed)`.  The browser's clock drives it (ipywidgets.Play): there is no
    thread, it rests while another cell runs, and it ends with the page.
    """

    sentence = "A synapse evolves here, from nothing, in some seconds; start it with a running kernel."

    def __init__(self, experiment: Experiment | None = None, seed: int = 0) -> None:
        self.experiment, self.seed = experiment or small_synapse(), seed
        if not isinstance(self.experiment.task, STDP):
            raise ValueError(f"this explorer draws STDP windows; the task is {self.experiment.task!r}")
        settings = self.experiment.es
        self.play = w.Play(min=0, max=FOR_EVER, value=0, interval=TICK, show_repeat=False)
        self.again = button("begin anew", lambda: self.restart(self.seed), "warning")
        self.other = button("another seed", lambda: self.restart(self.seed + 1), "warning")
        self.population = w.IntSlider(
            settings.population, min=16, max=512, step=16, description="offspring a generation", layout=WIDE, style=TEXT
        )
        middle = math.log10(settings.sigma)  # a tenth of it to ten times as much, in steps that meet it
        self.sigma = w.FloatLogSlider(
            settings.sigma, min=middle - 1, max=middle + 1, step=0.05, description="mutation s.d.", layout=WIDE, style=TEXT
        )
        self.narrow = w.Checkbox(settings.sigma_final is not None, description="narrow them as it goes on", indent=False)
        self.picture, self.said = w.HTML(), w.HTML()
        self.play.observe(self._tick, names="value")
        sliders = w.HBox([self.population, self.sigma, self.narrow], layout=w.Layout(flex_flow="row wrap"))
        super().__init__([w.HBox([self.play, self.again, self.other]), sliders, self.said, self.picture, sheet()])
        self.restart(seed)

    @property
    def settings(self) -> es.ES:
        """The evolution strategy as the controls say now."""
        sigma, was, final = self.sigma.value, self.experiment.es, None
        if self.narrow.value:
            final = was.sigma_final if sigma == was.sigma and was.sigma_final else NARROW * sigma
        return replace(was, population=self.population.value, sigma=sigma, sigma_final=final)

    def restart(self, seed: int) -> None:
        """Back to a random genome."""
        self.play.playing = False
        self.seed, self.seconds = seed, 0.0
        self.state = es.init(self.experiment.model.init(stream(seed, "genome")))
        self.generations, self.losses = list[int](), list[float]()
        self.update()

    def advance(self, generations: int = 1) -> None:
        """Some generations, without a picture."""
        e, begun = self.experiment, time.perf_counter()
        for _ in range(generations):
            settings, generator = self.settings, stream(self.seed, "environment", self.state.generation)
            genomes, mutations = es.ask(settings, self.state, self.seed)
            f = fitness(e.model, genomes, e.task, e.environments, generator)
            self.state = es.tell(settings, self.state, mutations, es.aggregate_fitness(settings, f))
        self.seconds += time.perf_counter() - begun

    def _tick(self, change: Any) -> None:
        if change["new"] < change["old"]:
            return  # the clock's stop button winds it back
        begun = time.perf_counter()
        try:
            while time.perf_counter() - begun < BURST:
                self.advance()
            if time.perf_counter() - self.drawn > REDRAW:
                self.update()
        except Exception as error:  # shown where the reader looks; a callback's traceback would be lost
            self.play.playing = False
            self.said.value = f"<b>Stopped at generation {self.state.generation}:</b> {error}"

    def update(self) -> None:
        """Measure the parent on held-out sequences, and write the picture anew."""
        e, g = self.experiment, self.state.generation
        held_out = fitness(e.model, self.state.parent[None], e.task, e.evaluate_environments, stream(self.seed, "held-out"))
        self.generations.append(g)
        self.losses.append(-float(held_out.mean()))
        self.windows = [plasticity_window(e.model, self.state.parent, e.task, m, n=4) for m in (0, 1)]
        r = Recording(
            np.array(self.generations),
            np.array(self.losses),
            self.windows[1].distance.numpy(),
            torch.stack([found.target for found in self.windows]).numpy(),
            torch.stack([found.evolved for found in self.windows])[None].numpy(),
            "",
        )
        charts = loss_chart(r.generation, r.loss, len(r.loss) - 1) + window_chart(r, 0, float(r.distance[-1]), 60.0)
        self.picture.value = framed(f'<div class="enu-row">{charts}</div>')
        self.said.value = (
            f"Generation {g}, {self.seconds:.0f} s (seed {self.seed}): held-out loss {self.losses[-1]:.2g}, correlation of "
            f"unit and rule {self.correlation:.3f}, mutation s.d. {self.settings.sigma_at(g):.2g}."
        )
        self.drawn = time.perf_counter()

    @property
    def correlation(self) -> float:
        """Of the parent's window with the rule's, neuromodulator present; 0 while the unit does not change at all."""
        return correlation(self.windows[1])

    def still(self) -> bytes:
        figure, axes = plt.subplots(1, 2, figsize=(6, 2.4))
        axes[0].plot(self.generations, self.losses, ".-")
        axes[0].set(xlabel="generation", ylabel="held-out loss", yscale="log")
        figures.units.window(axes[1], self.windows[1])
        return png(figure)


def correlation(found: Window) -> float:
    """Of a window with its rule; 0 where the unit's is flat or not defined."""
    r = torch.corrcoef(torch.stack([found.target, found.evolved]))[0, 1]
    return float(r.nan_to_num())
