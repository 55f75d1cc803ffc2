"""Watch a synapse evolve from a random genome, with the library's `ask`, `fitness` and `tell`."""

from __future__ import annotations

import math
import time
from dataclasses import replace

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
from enu_lib.widgets.base import LABEL, WIDE, Change, Pictured, button, clock, framed, png

TICK_MS = 20  # ms between bursts of generations
BURST_SECONDS = 0.15  # seconds of evolution per burst; controls respond between bursts
REDRAW_SECONDS = 0.5  # seconds between redraws
FINAL_RATIO = 0.1  # of mutation s.d., after `decay_generations` to initially


class LiveEvolution(Pictured):
    """An evolution that can be started, paused and restarted; population and mutation s.d. can be changed while it runs.

    experiment: an STDP task and its unit, with the initial values of the controls.  If no control is changed, generation k is
    that of `evolve(experiment, seed=seed)`.  Driven by the browser's clock (ipywidgets.Play): no thread is used, it pauses
    while another notebook cell runs, and it stops when the page is closed.  Raises ValueError for another task.
    """

    sentence = "With a running kernel, a synapse evolves here from a random genome within seconds."

    def __init__(self, experiment: Experiment | None = None, seed: int = 0) -> None:
        self.experiment, self.seed = experiment or small_synapse(), seed
        if not isinstance(self.experiment.task, STDP):
            raise ValueError(f"this explorer needs an STDP task, got {self.experiment.task!r}: use experiments.get('stdp')")
        settings = self.experiment.es
        self.play = clock(self._tick, TICK_MS)
        self.again = button("restart", lambda: self.restart(self.seed), "warning")
        self.other = button("another seed", lambda: self.restart(self.seed + 1), "warning")
        self.population = w.IntSlider(
            settings.population, min=16, max=512, step=16, description="offspring per generation", layout=WIDE, style=LABEL
        )
        middle = math.log10(settings.sigma)  # from a tenth to ten times the initial value, which lies on the grid of steps
        self.sigma = w.FloatLogSlider(
            settings.sigma, min=middle - 1, max=middle + 1, step=0.05, description="mutation s.d.", layout=WIDE, style=LABEL
        )
        self.narrow = w.Checkbox(settings.sigma_final is not None, description="reduce it over generations", indent=False)
        self.picture, self.said = w.HTML(), w.HTML()
        sliders = w.HBox([self.population, self.sigma, self.narrow], layout=w.Layout(flex_flow="row wrap"))
        super().__init__([w.HBox([self.play, self.again, self.other]), sliders, self.said, self.picture])
        self.restart(seed)

    @property
    def settings(self) -> es.ES:
        """The evolution strategy with the current values of the controls."""
        sigma, was, final = self.sigma.value, self.experiment.es, None
        if self.narrow.value:
            final = was.sigma_final if sigma == was.sigma and was.sigma_final else FINAL_RATIO * sigma
        return replace(was, population=self.population.value, sigma=sigma, sigma_final=final)

    def restart(self, seed: int) -> None:
        """Start again from a random genome."""
        self.play.playing = False
        self.seed, self.seconds = seed, 0.0
        self.state = es.init(self.experiment.model.init(stream(seed, "genome")))
        self.generations: list[int] = []
        self.losses: list[float] = []
        self.update()

    def advance(self, generations: int = 1) -> None:
        """Run some generations without redrawing."""
        e, begun = self.experiment, time.perf_counter()
        for _ in range(generations):
            settings, generator = self.settings, stream(self.seed, "environment", self.state.generation)
            genomes, mutations = es.ask(settings, self.state, self.seed)
            f = fitness(e.model, genomes, e.task, e.environments, generator)
            self.state = es.tell(settings, self.state, mutations, es.aggregate_fitness(settings, f))
        self.seconds += time.perf_counter() - begun

    def _tick(self, change: Change) -> None:
        if change["new"] < change["old"]:
            return  # the stop button resets the clock
        begun = time.perf_counter()
        try:
            while time.perf_counter() - begun < BURST_SECONDS:
                self.advance()
            if time.perf_counter() - self.drawn > REDRAW_SECONDS:
                self.update()
        except Exception as error:  # shown in the widget, since the traceback of a callback would be lost
            self.play.playing = False
            self.said.value = f"<b>Stopped at generation {self.state.generation}:</b> {error}"

    def update(self) -> None:
        """Evaluate the parent on held-out sequences and redraw."""
        e, g = self.experiment, self.state.generation
        held_out = fitness(e.model, self.state.parent[None], e.task, e.evaluate_environments, stream(self.seed, "held-out"))
        self.generations.append(g)
        self.losses.append(-float(held_out.mean()))
        self.windows = [plasticity_window(e.model, self.state.parent, e.task, m, n=4) for m in (0, 1)]
        r = Recording(
            np.array(self.generations),
            np.array(self.losses),
            self.windows[1].distance.numpy(),
            torch.stack([window.target for window in self.windows]).numpy(),
            torch.stack([window.evolved for window in self.windows])[None].numpy(),
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
        """Correlation of the parent's window with the rule, neuromodulator present; 0 if the unit does not change."""
        return correlation(self.windows[1])

    def still(self) -> bytes:
        figure, axes = plt.subplots(1, 2, figsize=(6, 2.4))
        axes[0].plot(self.generations, self.losses, ".-")
        axes[0].set(xlabel="generation", ylabel="held-out loss", yscale="log")
        figures.units.window(axes[1], self.windows[1])
        return png(figure)


def correlation(window: Window) -> float:
    """Correlation of a unit's plasticity window with the rule; 0 if it is constant or not finite."""
    r = torch.corrcoef(torch.stack([window.target, window.evolved]))[0, 1]
    return float(r.nan_to_num())
