"""Watch an episode in a maze and intervene in it: swap places, exchange sensors, lesion a neuron, freeze memories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import ipywidgets as w
from torch import Tensor

from enu_lib.analysis import interventions as iv
from enu_lib.analysis.memory import synapse_axis
from enu_lib.contracts import Intervention
from enu_lib.figures.networks import neuron_names
from enu_lib.live import scene
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze
from enu_lib.widgets import life as lives
from enu_lib.widgets.base import Change, Pictured, button, clock, framed, png, slider
from enu_lib.widgets.watched import Watched, outputs_figure

TICK_MS = 60  # minimal ms between redraws; browser and kernel cannot keep up with less


class MazeLife(Pictured):
    """An episode of a network, or of a reference agent by name, simulated while it is displayed.

        MazeLife(entry.model, entry.genome, entry.task, seed=3)
        MazeLife("looking", maze=Maze(), seed=3)
        MazeLife(entry.model, entry.genome, entry.task, others=("looking", "latch"))    # agents to choose from

    Without interventions it is the episode of `rollout(network, genome, maze, 1, seed)`.  Freezing and lesions are those of
    `enu_lib.analysis.interventions`, from the step at which a box is ticked until it is unticked.  Driven by the browser's
    clock (ipywidgets.Play), so that it stops when the page is closed.  Raises ValueError for a network without a genome.
    """

    sentence = "An episode in the maze; with a running kernel it is simulated here, and you can intervene in it."

    def __init__(
        self,
        agent: Network | str,
        genome: Tensor | None = None,
        maze: Maze | None = None,
        seed: int = 0,
        others: Sequence[str] = (),
    ) -> None:
        self.agent, self.genome, self.maze, self.seed = agent, genome, maze or Maze(), seed
        self.active: dict[str, Intervention] = {}
        self.swapped: list[tuple[int, int, int]] = []  # (step, food, poison) of each change by hand
        self.axis = None
        if isinstance(agent, Network):
            if genome is None:
                raise ValueError("a network needs a genome: MazeLife(network, genome, maze)")
            self.axis = synapse_axis(agent, genome, self.maze, seed)
        self.play = clock(self._tick, TICK_MS)
        self.speed = slider("network steps per second", 16, 1, 80)
        self.one, self.four = button("one step", lambda: self.go(1)), button("one move", lambda: self.go(self.maze.move_every))
        self.again = button("new episode", lambda: self.restart(self.seed + 1), "warning")
        own = agent if isinstance(agent, str) else "evolved network"
        self.chosen = w.Dropdown(options=[own, *others], description="agent", layout=w.Layout(width="220px"))
        self.chosen.observe(lambda _: self._choose(agent), names="index")
        self.exchange = button("swap food and poison now", self.swap, "info")
        self.sensors = button("exchange food and poison sensors", lambda: self.mislead(lives.EXCHANGED), "info")
        self.reshuffle = button("reshuffle all sensors", lambda: self.mislead(lives.RESHUFFLED), "info")
        box = partial(w.Checkbox, False, indent=False)
        self.frozen = {name: box(description=f"freeze memory of {name}") for name in iv.COMPARTMENTS}
        choices = ["no neuron", *(neuron_names(agent.neurons)[scene.N_INPUTS :] if isinstance(agent, Network) else [])]
        self.lesion = w.Dropdown(options=choices, description="lesion", layout=w.Layout(width="220px"))
        self.picture, self.said = w.HTML(), w.HTML()
        self.speed.observe(self._pace, names="value")
        for name, control in self.frozen.items():
            control.observe(lambda _, name=name: self._freeze(name), names="value")
        self.lesion.observe(lambda _: self._silence(), names="index")
        rows: list[w.Widget] = [w.HBox([self.play, self.one, self.four, self.again, self.speed])]
        rows.append(w.HBox([*([self.chosen] if others else []), self.exchange, self.sensors, self.reshuffle]))
        if isinstance(agent, Network):
            rows.append(w.HBox([self.lesion, *self.frozen.values()]))
        super().__init__([*rows, self.said, self.picture])
        for row in rows:
            row.layout.flex_flow = "row wrap"
        self._pace()
        self.restart(seed)

    def restart(self, seed: int) -> None:
        """Begin a new episode; current interventions apply from its start."""
        self.seed, self.swapped = seed, []
        self.watched = self._begun()
        for name in self.frozen:
            self._freeze(name)
        self._silence()

    def _begun(self) -> Watched:
        genome = self.genome if isinstance(self.agent, Network) else None
        return Watched(self.agent, genome, self.maze, self.seed)

    def go(self, steps: int) -> None:
        """Run up to `steps` network steps, until the episode ends, and redraw."""
        for _ in range(steps):
            if not self.watched.life.over:
                self.watched.step(list(self.active.values()))
        if self.watched.life.over:
            self.play.playing = False
        self.update()

    def swap(self) -> None:
        """Exchange the places of food and poison."""
        self.watched.swap()
        self._changed()

    def mislead(self, order: tuple[int, int, int]) -> None:
        """Give the sensors other meanings (`life.exchange`)."""
        self.watched.exchange(order)
        self._changed()

    def _changed(self) -> None:
        state = self.watched.life.maze_state
        self.swapped.append((self.watched.life.t, int(state.foods), int(state.poisons)))
        self.update()

    def _choose(self, own: Network | str) -> None:
        """Begin the same episode with the chosen agent; only a network has neurons and memories to intervene in."""
        self.agent = own if not self.chosen.index else self.chosen.value
        network = isinstance(self.agent, Network)
        for box in (self.lesion, *self.frozen.values()):
            box.disabled = not network
        if not network:
            self.lesion.index = 0
            for box in self.frozen.values():
                box.value = False
        self.restart(self.seed)

    def _tick(self, change: Change) -> None:
        if change["new"] > change["old"]:  # the stop button resets the clock
            self.go(self.steps_per_picture)

    def _pace(self, _: Change | None = None) -> None:
        """Set the interval between redraws and the steps per redraw from the speed."""
        self.steps_per_picture = math.ceil(self.speed.value * TICK_MS / 1000)
        self.play.interval = round(1000 * self.steps_per_picture / self.speed.value)

    def _freeze(self, name: str) -> None:
        """Start or stop freezing a memory at its current value, as its box says."""
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
        """Redraw."""
        seen = self.watched
        network = isinstance(self.agent, Network)
        matrix = seen.matrix_html(self.axis) if network and self.axis is not None else ""
        since = ""
        if self.swapped:
            t, foods, poisons = self.swapped[-1]
            state = seen.life.maze_state
            since = f" Since your change at step {t}: food {int(state.foods) - foods}, poison {int(state.poisons) - poisons}."
        done = [f"memory of {name} frozen" for name, box in self.frozen.items() if box.value]
        if self.lesion.index:
            done.append(f"output of {self.lesion.value} not transmitted (an output neuron still moves the agent)")
        now = f" Now: {'; '.join(done)}." if done else ""
        self.said.value = f"Step {seen.life.t}, {seen.tally()}{since}{now}"
        self.picture.value = framed(
            f'<div class="enu-row">{seen.maze_svg()}{seen.gauges_html()}{matrix}</div>{seen.raster_html()}'
        )

    def still(self) -> bytes:
        """The episode so far; before its first step, the whole episode without interventions."""
        seen = self.watched
        if not seen.life.t:
            seen = self._begun()
            while not seen.life.over:
                seen.step()
        return png(outputs_figure(seen))
