"""Control the output neurons in a maze by hand, alone or against an agent in the same maze."""

from __future__ import annotations

from functools import partial

import ipywidgets as w
import matplotlib.pyplot as plt
from torch import Tensor

from enu_lib.network import Network
from enu_lib.tasks.maze import Maze
from enu_lib.widgets.base import Pictured, button, framed, png
from enu_lib.widgets.watched import Watched

KEYS = {"ArrowUp": "\u2191", "ArrowLeft": "\u2190", "ArrowRight": "\u2192"}  # of outputs 1, 2 and 3
# A key press clicks the button of its output; while the pad has the focus, JupyterLab's own shortcuts leave these keys alone.
PRESS = (
    f"const k = {list(KEYS)}.indexOf(event.key); if (k < 0 || event.altKey || event.ctrlKey || event.metaKey) return; "
    "event.preventDefault(); event.stopPropagation(); this.closest('.enu-explorer').querySelectorAll('button')[k].click();"
)
PAD = (
    f'<div class="enu-pad" tabindex="0" role="group" data-lm-suppress-shortcuts="true" onkeydown="{PRESS}">'
    f"Click here to use the arrow keys: {', '.join(f'{mark} output {k + 1}' for k, mark in enumerate(KEYS.values()))}</div>"
)


class MazeWalk(Pictured):
    """A maze controlled by hand, by buttons or arrow keys for the outputs; sensors, energy and reward are displayed."""

    sentence = "With a running kernel, you control the three output neurons in a maze."

    def __init__(self, maze: Maze | None = None, seed: int = 0) -> None:
        self.maze, self.seed = maze or Maze(), seed
        self.picture, self.said = w.HTML(), w.HTML()
        self.outputs = [button(f"output {k + 1}", partial(self.move, k)) for k in range(self.maze.n_outputs)]
        self.again = button("new episode", lambda: self.restart(self.seed + 1), "warning")
        self.blind = w.Checkbox(False, description="blindfold: show only the agent's inputs", indent=False)
        self.blind.observe(lambda _: self.update(), names="value")
        super().__init__([w.HBox([*self.outputs, self.again, self.blind]), w.HTML(framed(PAD)), self.said, self.picture])
        self.children[0].layout.flex_flow = "row wrap"
        self.restart(seed)

    def restart(self, seed: int) -> None:
        """Begin a new episode."""
        self.seed = seed
        self.you = Watched(None, None, self.maze, seed)
        self.update()

    def move(self, output: int) -> None:
        """Activate one output for one move."""
        self.you.move(output)
        self.update()

    def update(self) -> None:
        """Redraw the maze and the input neurons."""
        self.said.value = self.you.tally()
        self.picture.value = framed(f'<div class="enu-row">{self.side(self.you, "You")}{self.you.gauges_html()}</div>')

    def side(self, who: Watched, name: str) -> str:
        """The maze of one participant as HTML, hidden while you are blindfolded and alive."""
        hidden = self.blind.value and not self.you.life.over
        maze = '<div class="enu-hidden-maze">blindfolded</div>' if hidden else who.maze_svg()
        return f"<div><p><b>{name}</b>, {who.tally()}</p>{maze}</div>"

    def still(self) -> bytes:
        figure, ax = plt.subplots(figsize=(2.6, 2.4))
        self.you.draw(ax)
        return png(figure)


class Duel(MazeWalk):
    """You and an agent play the same episode (same shuffling, same places), move by move.

    agent: a network with its genome, or the name of a reference agent such as "looking" (these know what their outputs do).
    """

    sentence = "With a running kernel, you play against the agent in the same maze, move by move."

    def __init__(self, agent: Network | str, genome: Tensor | None = None, maze: Maze | None = None, seed: int = 0) -> None:
        self.agent, self.genome = agent, genome
        super().__init__(maze, seed)

    def restart(self, seed: int) -> None:
        """Begin a new episode for both."""
        self.other = Watched(self.agent, self.genome, self.maze, seed)
        super().restart(seed)

    def move(self, output: int) -> None:
        """Make your move and the agent's; whoever is dead waits for the other."""
        for _ in range(self.maze.move_every):
            if not self.other.life.over:
                self.other.step()
        super().move(output)

    def update(self) -> None:
        """Redraw both mazes."""
        name = f"{self.agent} agent" if isinstance(self.agent, str) else "The network"
        ahead = int(self.you.life.maze_state.foods) - int(self.other.life.maze_state.foods)
        score = "You are tied." if not ahead else f"You are {abs(ahead)} food {'ahead' if ahead > 0 else 'behind'}."
        self.said.value = score
        self.picture.value = framed(
            f'<div class="enu-row">{self.side(self.you, "You")}{self.side(self.other, name)}</div>'
            f"<p>Your input neurons:</p>{self.you.gauges_html()}"
        )

    def still(self) -> bytes:
        figure, axes = plt.subplots(1, 2, figsize=(5, 2.4))
        for ax, who, name in zip(axes, (self.you, self.other), ("you", "the agent"), strict=True):
            who.draw(ax)
            ax.set_title(name)
        return png(figure)
