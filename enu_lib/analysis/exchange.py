"""How an agent eats around the moment at which its sensors for food and poison exchange their meanings (reconstruction).

    shares = around_exchange("looking")                            # {-3: Measure, .., 0: Measure, .., 7: Measure}
    shares = around_exchange(network, genome, task=its maze)

Poison does not kill, and places may change after every food, so that remembering a place does not help.  An agent that goes by
its sensors is wrong after the exchange; one that learns anew what they mean is right again some meals later; one that does not
use them is unaffected.
"""

from __future__ import annotations

from torch import Tensor

from enu_lib.analysis.battery import exchanging, outcomes, player, since, standard
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
    """The share of visits that end with food, by their number after the exchange: 0 is the first visit that ends after it.

    Negative numbers count visits before it.  Counted are episodes in which poison was eaten before the exchange.
    agent, genome, task, n, seed: as for `battery`.  Raises ValueError for n < 1 or a model without a genome.
    """
    maze, at = exchanging(standard(task))
    o = outcomes(player(agent, genome, n, seed)(Altered(maze, at, ("food", "poison"))))
    order, poisoned = since(at, o)
    each = {k: poisoned & (order == k) for k in range(-before, after)}
    return {k: share(f"right at visit {k} after the exchange", o.food[which], o.episode[which]) for k, which in each.items()}
