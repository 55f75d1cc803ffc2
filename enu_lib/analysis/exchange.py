"""How often visits end with food, before and after the sensors for food and poison exchange their meanings (reconstruction).

    shares = around_exchange("looking")                            # {-3: Measure, -2: .., -1: .., 1: .., .., 8: Measure}
    shares = around_exchange(network, genome, task=its maze)

Poison does not kill, and places may change after every food, so that remembering a place does not help.  An agent that relies
on its sensors is wrong after the exchange; one that relearns them is right again some visits later; one that does not use them
is unaffected.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from enu_lib.analysis.battery import Outcomes, exchanging, outcomes, player, since, standard
from enu_lib.analysis.measures import Measure, share
from enu_lib.contracts import AnyModel
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze


def around_exchange(
    agent: AnyModel | str,
    genome: Tensor | None = None,
    task: Maze | None = None,
    n: int = 480,
    seed: int = 77,
    before: int = 3,
    after: int = 8,
) -> dict[int, Measure]:
    """The share of visits that end with food, by their number: -1 is the last that ends before the exchange, 1 the first after.

    Counted are episodes with a visit that ended with poison or starvation before the exchange.  An agent that starves has no
    more visits; those that it misses count as wrong.  Visits that the end of the episode cuts off do not count.
    agent, genome, task, n, seed: as for `battery`.  Raises ValueError for n < 1 or a model without a genome.
    """
    maze, at = exchanging(standard(task))
    episodes = player(agent, genome, n, seed)(Altered(maze, at, ("food", "poison")))
    o, alive = outcomes(episodes), episodes.task["alive"][0].numpy()
    order, poisoned = since(at, o)
    starved = np.intersect1d(o.episode[poisoned], np.flatnonzero(alive[:, at] & ~alive[:, -1]))
    numbers = [*range(-before, 0), *range(1, after + 1)]  # there is no visit 0
    return {k: _at(k, o, poisoned & (order == k), starved) for k in numbers}


def _at(k: int, o: Outcomes, which: np.ndarray, starved: np.ndarray) -> Measure:
    """The share of the visits `which`, and of those missed in the episodes `starved`, that end with food."""
    episode = o.episode[which]
    missed = np.setdiff1d(starved, episode) if k > 0 else starved[:0]
    food = np.concatenate([o.food[which], np.zeros(len(missed), bool)])
    return share(f"right at visit {k} from the exchange", food, np.concatenate([episode, missed]))
