"""The learned rule, seen from outside: what one pairing of a sensor with a reward changes (ours, beyond the paper).

    found = conditioning(network, genome, delays=range(-16, 25, 4))

A network lies in a dish: no maze, only its input neurons.  After a quiet time a sensor is shown for the steps of a move; a
reward (or a punishment, or nothing) follows `delay` steps after the sensor's onset, or comes before it.  Then the sensor is
shown once more, as a probe.  The same network with the same noise but without the pairing is probed at the same moment, so
that the difference is what the pairing did.  Shapes: W delays, B lives (noise), N neurons, S synapses, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.network import Network
from enu_lib.streams import draw_noise, stream

REWARDS = {"food": 1, "poison": -1, "nothing": 0}


class Protocol(NamedTuple):
    """When what is shown, in network steps."""

    quiet: int = 24  # before the pairing, so that the network settles
    shown: int = 4  # the sensor, and the reward: a move
    rest: int = 16  # after the later of the two
    probe: int = 4  # the sensor once more


MOVE = Protocol()


class Conditioning(NamedTuple):
    """Change by a pairing, for each reward (R), delay (W) and life (B)."""

    delay: Tensor  # (W,) steps from the sensor's onset to the reward's
    outputs: Tensor  # (R, W, B, n_outputs) change of the outputs' mean first channel during the probe
    transmitted: Tensor  # (R, W, B) change of the mean output of the sensor's synapses onto output neurons, first channel


@torch.no_grad()
def respond(network: Network, genome: Tensor, inputs: Tensor, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Outputs (B, T, N, C) of all neurons and of all synapses (B, T, N, S, C) to inputs (B, T, I, k); fresh noise by seed.

    Raises ValueError for cells that do not keep their output (GRU, LSTM).
    """
    if network.cell not in ("enu", "nfenu"):
        raise ValueError(f"what synapses transmit is kept by enu and nfenu cells, not by {network.cell!r}")
    b, steps = inputs.shape[:2]
    weights, state = network.unpack(genome[None]), network.reset(1, b)
    noise = draw_noise(steps, 1, stream(seed, "dish")) if network.noise_shape else None
    neurons, synapses = [], []
    for t in range(steps):
        now = None if noise is None else noise.at(t, network.noise_shape).expand(b, -1)
        state, _ = network.step(weights, state, inputs[None, :, t], now)
        neurons.append(state.output[0])
        synapses.append(state.synapse[1][0].unflatten(0, (b, network.neurons, network.synapses)))
    return torch.stack(neurons, 1), torch.stack(synapses, 1)


def conditioning(
    network: Network,
    genome: Tensor,
    delays: Sequence[int] = tuple(range(-16, 25, 4)),
    sensor: int = 0,
    lives: int = 16,
    protocol: Protocol = MOVE,
    seed: int = 1,
) -> Conditioning:
    """Pair `sensor` with each reward at each delay, and probe.  `lives`: how many noises."""
    inputs, begins = _schedule(network.n_inputs, delays, sensor, protocol)
    w, r = len(delays), len(REWARDS)
    outputs, transmitted = [], []
    first = network.neurons - network.n_outputs
    table = torch.tensor(network.connections[first:]) == sensor  # (n_outputs, S) the sensor's synapses
    for life in range(lives):
        y, s = respond(network, genome, inputs, seed + life)
        probe = slice(begins, begins + protocol.probe)
        outputs.append(y[:, probe, first:, 0].mean(1))
        transmitted.append(s[:, probe, first:][..., 0].mean(1)[:, table].mean(-1))
    y, s = torch.stack(outputs, 1), torch.stack(transmitted, 1)  # (R W + 1, B, ..): the last one is the control
    return Conditioning(
        torch.tensor(delays),
        (y[:-1] - y[-1:]).unflatten(0, (r, w)),
        (s[:-1] - s[-1:]).unflatten(0, (r, w)),
    )


def _schedule(n_inputs: int, delays: Sequence[int], sensor: int, p: Protocol) -> tuple[Tensor, int]:
    """Inputs (R W + 1, T, I, 3) of all pairings, and of none; the step at which the probe begins."""
    early, late = max(0, -min(delays)), max(0, *delays)
    onset = p.quiet + early
    begins = onset + late + p.shown + p.rest
    x = torch.zeros(len(REWARDS) * len(delays) + 1, begins + p.probe, n_inputs, 3)
    x[:-1, onset : onset + p.shown, sensor, 0] = 1
    x[:, begins:, sensor, 0] = 1
    for i, reward in enumerate(REWARDS.values()):
        for j, delay in enumerate(delays):
            at = onset + delay
            if reward:
                x[i * len(delays) + j, at : at + p.shown, n_inputs - 1, 1 if reward > 0 else 2] = 1
    return x, begins
