"""Which synapses store what was learnt in an episode: the memories of some are reverted, or of all others (ours).

    measured = synapses(network, genome, maze, environments=64, seed=1)
    measured.changed     # (N, S) how far the visit that ends with the first poison moves each synapse's memory
    measured.forgets     # (N, S) share of later visits right if this synapse alone is reverted to its state before that visit
    measured.knows       # (N, S) share of later visits right if all other synapses are reverted

Episodes are interrupted when the agent starts its next visit after its first poison, and go on in one copy for each synapse
(`analysis.copies`); the visits that follow are measured.  Memories are reverted to the start of the visit that ended with the
poison, which also undoes what the agent saw on its way.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.analysis import copies
from enu_lib.network import Network, NetworkState
from enu_lib.tasks.maze import Maze

SOURCES = ("sensors", "reward neuron", "hidden neurons", "output neurons", "sensors and reward neuron")
AFTER = 6  # network steps from a meal to the interruption: the reward has been shown and the agent is back at the start


class Synapses(NamedTuple):
    """What each synapse's memory does after the first poison; N neurons with S synapses each, G of `SOURCES`."""

    changed: Tensor  # (N, S) distance between its memories before and after the poison, root mean square over episodes
    intact: float  # share of the following visits that end with food, with nothing reverted
    naive: float  # the same with all synapses reverted to before the poison
    forgets: Tensor  # (N, S) with this synapse alone reverted
    knows: Tensor  # (N, S) with all synapses but this one reverted
    neuron_knows: Tensor  # (N,) with all synapses but those of one neuron reverted
    source_forgets: Tensor  # (G,) with all synapses from one of SOURCES reverted, whatever neuron they are onto
    source_knows: Tensor  # (G,) with all synapses but those from one of SOURCES reverted
    episodes: int  # number of episodes with an early enough poison


def synapses(network: Network, genome: Tensor, maze: Maze, environments: int = 64, seed: int = 1, visits: int = 1) -> Synapses:
    """How much each synapse contributes to what an agent remembers of its first poison, measured on its next `visits` visits.

    Raises ValueError if no episode has a poison early enough.
    """
    episodes, states = copies.watched(network, genome, maze, environments, seed)
    ate = episodes.task["ate"][0]
    poisoned = ate < 0
    first = torch.where(poisoned.any(1), poisoned.int().argmax(1), -1)
    use = ((first >= 1) & (first + AFTER < maze.steps)).nonzero()[:, 0]
    if not len(use):
        raise ValueError(f"none of {environments} episodes has a poison early enough: use more episodes")
    many = network.neurons * network.synapses

    def memory(steps: Tensor) -> Tensor:
        """Memories of the synapses (U, K, H) before steps (U,)."""
        return copies.before(states, use, steps).synapse[0][0].unflatten(0, (-1, many))

    at = first[use] + AFTER
    earlier = memory(_visit_begins(ate, first)[use] + 1)
    changed = (memory(at) - earlier).square().sum(-1).mean(0).sqrt()
    one = torch.eye(many, dtype=torch.bool, device="cpu")
    group = one.reshape(network.neurons, network.synapses, many).any(1)
    source = sources(network).flatten() == torch.arange(len(SOURCES) - 1, device="cpu")[:, None]
    source = torch.cat([source, source[:1] | source[1:2]])
    none = torch.zeros(1, many, dtype=torch.bool, device="cpu")
    which = torch.cat([none, ~none, one, ~one, ~group, source, ~source])
    begun = copies.at_steps(network, genome, maze, episodes, states, use, at, seed)
    begun = begun.rows(torch.arange(len(use), device="cpu").repeat(len(which)))
    begun = begun._replace(network=set_back(begun.network, which, earlier))
    right = copies.share_right(network, genome, maze, begun, visits).reshape(len(which), -1).mean(1)
    shape = (network.neurons, network.synapses)
    sizes = [many, many, network.neurons, len(SOURCES), len(SOURCES)]
    forgets, knows, neuron_kept, source_lost, source_kept = right[2:].split(sizes)
    return Synapses(
        changed.reshape(shape),
        right[0].item(),
        right[1].item(),
        forgets.reshape(shape),
        knows.reshape(shape),
        neuron_kept,
        source_lost,
        source_kept,
        len(use),
    )


def sources(network: Network) -> Tensor:
    """The index in SOURCES of every synapse's source (N, S); the reward neuron is the last input."""
    bounds = [0, network.n_inputs - 1, network.n_inputs, network.n_inputs + network.neurons - network.n_outputs]
    table, first = (torch.tensor(x, device="cpu") for x in (network.connections, bounds))
    return torch.bucketize(table, first, right=True) - 1


def _visit_begins(ate: Tensor, first: Tensor) -> Tensor:
    """The step (B,) after which the visit that ends at first[b] begins: AFTER steps from the meal before it, or from birth."""
    steps = torch.arange(ate.shape[1], device="cpu")
    earlier = (ate != 0) & (steps < first[:, None])
    last = torch.where(earlier.any(1), (earlier * steps).max(1).values, torch.tensor(-1))
    return torch.minimum((last + AFTER).clamp(min=0), (first - 1).clamp(min=0))


def set_back(state: NetworkState, which: Tensor, memory: Tensor) -> NetworkState:
    """The state (1, P * U * K, ..) of P copies of U episodes, with synapses which[p] of copy p set to `memory`.

    which: (P, K) bool.  memory: (U, K, H).
    """
    (p, k), u = which.shape, len(memory)
    h = state.synapse[0].reshape(p, u, k, -1)
    h = torch.where(which[:, None, :, None], memory, h)
    return state._replace(synapse=(h.reshape(state.synapse[0].shape), *state.synapse[1:]))
