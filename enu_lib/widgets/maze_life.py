"""Watch a life in a maze, step by step, and meddle with it: swap the places, lesion a neuron, freeze a memory."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import ipywidgets as w
from torch import Tensor

from enu_lib.analysis import interventions as iv
from enu_lib.analysis.memory import principal_axis
from enu_lib.contracts import Intervention
from enu_lib.live import scene
from enu_lib.network import Network
from enu_lib.rollout import rollout
from enu_lib.tasks.maze import Maze
from enu_lib.widgets.base import Pictured, button, framed, png, sheet, slider
from enu_lib.widgets.watched import Watched, outputs_figure

TICK = 60  # ms between pictures; below that, browser and kernel would only wait for one another
FOR_EVER = 10**9
AXIS_STEPS = 200  # of another life, in which the synapses' memories show the axis on which they are drawn


class MazeLife(Pictured):
    """A life of a network, or of a reference agent by name, simulated as it is watched.

        MazeLife(entry.model, entry.genome, entry.task, seed=3)
        MazeLife("looking", maze=Maze(), seed=3)

    Left alone, it is the life that `rollout(network, genome, maze, 1, seed)` records.  Freezing and lesions are those of
    `enu_lib.analysis.interventions`, from the step at which a box is ticked until it is unticked.  The browser's clock drives
    it (ipywidgets.Play), so that nothing runs on when the page is closed.
    """

    sentence = "A life in the maze: with a running kernel it is simulated here, step by step, and can be meddled with."

    def __init__(self, agent: Network | str, genome: Tensor | None = None, maze: Maze | None = None, seed: int = 0) -> None:
        self.agent, self.genome, self.maze, self.seed = agent, genome, maze or Maze(), seed
        self.active: dict[str, Intervention] = {}
        self.swapped: list[tuple[int, int, int]] = []  # (step, food, poison) of each swap by hand
        self.axis = None
        if isinstance(agent, Network):
            if genome is None:
                raise ValueError("a network needs a genome: MazeLife(network, genome, maze)")
            sample = replace(self.maze, steps=min(AXIS_STEPS, self.maze.steps))
            self.axis = principal_axis(rollout(agent, genome, sample, 1, seed, memory=True).model["synapse_memory"])
        self.play = w.Play(min=0, max=FOR_EVER, value=0, interval=TICK, show_repeat=False)
        self.speed = slider("network steps a second", 16, 1, 80)
        self.one, self.four = button("one step", lambda: self.go(1)), button("one move", lambda: self.go(self.maze.move_every))
        self.again = button("new life", lambda: self.restart(self.seed + 1), "warning")
        self.exchange = button("swap food and poison now", self.swap, "info")
        box = partial(w.Checkbox, False, indent=False)
        self.frozen = {name: box(description=f"freeze memory of {name}") for name in iv.COMPARTMENTS}
        hearing = ["no neuron", *(scene.names(agent.neurons)[scene.N_INPUTS :] if isinstance(agent, Network) else [])]
        self.lesion = w.Dropdown(options=hearing, description="lesion", layout=w.Layout(width="220px"))
        self.picture, self.said = w.HTML(), w.HTML()
        self.play.observe(self._tick, names="value")
        self.speed.observe(self._pace, names="value")
        for name, control in self.frozen.items():
            control.observe(lambda _, name=name: self._freeze(name), names="value")
        self.lesion.observe(lambda _: self._silence(), names="index")
        rows: list[Any] = [w.HBox([self.play, self.one, self.four, self.again, self.speed]), self.exchange]
        if isinstance(agent, Network):
            rows[1] = w.HBox([self.exchange, self.lesion, *self.frozen.values()])
        super().__init__([*rows, self.said, self.picture, sheet()])
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self._pace()
        self.restart(seed)

    def restart(self, seed: int) -> None:
        """Begin another life; what is frozen or lesioned stays so, from its start."""
        self.seed, self.swapped = seed, []
        self.watched = Watched(self.agent, self.genome, self.maze, seed)
        for name in self.frozen:
            self._freeze(name)
        self._silence()

    def go(self, steps: int) -> None:
        """Some network steps, fewer where the life ends, and then a picture."""
        for _ in range(steps):
            if not self.watched.life.over:
                self.watched.step(list(self.active.values()))
        if self.watched.life.over:
            self.play.playing = False
        self.update()

    def swap(self) -> None:
        """Food and poison change places now."""
        self.watched.swap()
        place = self.watched.life.place
        self.swapped.append((self.watched.life.t, int(place.foods), int(place.poisons)))
        self.update()

    def _tick(self, change: Any) -> None:
        if change["new"] > change["old"]:  # the clock's stop button winds it back
            self.go(self.steps_a_picture)

    def _pace(self, _: Any = None) -> None:
        """Slow lives get fewer pictures, fast ones more steps a picture."""
        self.steps_a_picture = math.ceil(self.speed.value * TICK / 1000)
        self.play.interval = round(1000 * self.steps_a_picture / self.speed.value)

    def _freeze(self, name: str) -> None:
        """Take up, or give up, what the box says; a memory is kept as it is now."""
        self.active.pop(name, None)
        if self.frozen[name].value:
            self.active[name] = iv.freeze(name, since=self.watched.life.t)
        self.update()

    def _silence(self) -> None:
        self.active.pop("lesion", None)
        if self.lesion.index:
            self.active["lesion"] = iv.silence([self.lesion.index - 1], since=self.watched.life.t)
        self.update()

    def update(self) -> None:
        """Write the picture anew."""
        seen = self.watched
        matrix = "" if self.axis is None else seen.matrix_html(self.axis)
        since = ""
        if self.swapped:
            t, foods, poisons = self.swapped[-1]
            place = seen.life.place
            since = f" Since your swap at step {t}: food {int(place.foods) - foods}, poison {int(place.poisons) - poisons}."
        done = [f"memory of {name} frozen" for name, box in self.frozen.items() if box.value]
        if self.lesion.index:
            done.append(f"no neuron hears {self.lesion.value} (if an output neuron, it still moves the agent)")
        now = f" Now: {'; '.join(done)}." if done else ""
        self.said.value = f"Step {seen.life.t}, {seen.tally()}{since}{now}"
        self.picture.value = framed(
            f'<div class="enu-row">{seen.maze_svg()}{seen.gauges_html()}{matrix}</div>{seen.raster_html()}'
        )

    def still(self) -> bytes:
        """The life so far; of one not yet begun, as it goes if it is left alone."""
        seen = self.watched
        if not seen.life.t:
            seen = Watched(self.agent, self.genome, self.maze, self.seed)
            while not seen.life.over:
                seen.step()
        return png(outputs_figure(seen))
