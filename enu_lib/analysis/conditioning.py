"""The learned rule, seen from outside: what single events change (ours, beyond the paper).

    conditioning(network, genome, delays=range(-16, 25, 4))     # a sensor and a reward, at all delays
    repeated(network, genome, "poison", times=4)                # one, two, three ... in a row

A network lies in a dish: no maze, only its input neurons.  After a quiet time one sensor is shown for long, as the wall is
in a maze.  Then come the events, then the first sensor again as a probe.  The same network with the same noise but without
the events is probed at the same moment, so that the difference is what they did.
Shapes: R rewards, W delays, B lives (noises), N neurons, S synapses, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.kernels import door
from enu_lib.network import Network
from enu_lib.precision import in_float32
from enu_lib.streams import draw_noise, stream

REWARDS = {"food": 1, "poison": -1, "nothing": 0}
WALL, OTHER = 0, 1  # sensor neurons that play the wall, and what is eaten


class Protocol(NamedTuple):
    """How long what is shown, in network steps."""

    quiet: int = 12  # first, so that the network settles
    wall: int = 16  # the first sensor
    rest: int = 24  # after the wall, and after each event: three moves to the junction, and some
    shown: int = 4  # the second sensor, and a reward: a move
    probe: int = 8  # the first sensor once more


USUAL = Protocol()


class Conditioning(NamedTuple):
    """Change by a pairing."""

    delay: Tensor  # (W,) steps from the sensor's onset to the reward's
    outputs: Tensor  # (R, W, B, n_outputs) of the outputs' mean first channel during the probe
    transmitted: Tensor  # (R, W, B) of the mean output of the probed sensor's synapses onto output neurons, all channels


@in_float32
def respond(network: Network, genome: Tensor, inputs: Tensor, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Outputs (B, T, N, C) of all neurons and of all synapses (B, T, N, S, C) to inputs (B, T, I, k); fresh noise by seed.

    Raises ValueError for cells that do not keep their output (GRU, LSTM).
    """
    if network.cell not in ("enu", "nfenu"):
        raise ValueError(f"what synapses transmit is kept by enu and nfenu cells, not by {network.cell!r}")
    door.fits(network)
    genomes = door.genomes(network, genome[None])
    inputs = door.sequences(network, inputs, genomes.device)
    b, steps = inputs.shape[:2]
    weights, state = network.unpack(genomes), network.reset(1, b, genomes.device)
    noise = draw_noise(steps, 1, stream(seed, "dish")).to(genomes.device) if network.noise_shape else None
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
    lives: int = 16,
    protocol: Protocol = USUAL,
    seed: int = 1,
) -> Conditioning:
    """Pair a sensor with each reward at each delay, and probe.  `lives`: how many noises."""
    early, late = max(0, -min(delays)), max(0, *delays)
    onset = protocol.quiet + protocol.wall + protocol.rest + early
    begins = onset + late + protocol.shown + protocol.rest
    x = _dish(len(REWARDS) * len(delays) + 1, begins, network.n_inputs, protocol)
    x[:-1, onset : onset + protocol.shown, OTHER, 0] = 1  # the last row is the control
    for i, reward in enumerate(REWARDS.values()):
        for j, delay in enumerate(delays):
            _give(x[i * len(delays) + j], onset + delay, reward, protocol)
    outputs, transmitted = _probe(network, genome, x, begins, lives, seed)
    shape = (len(REWARDS), len(delays))
    change = [(v[:-1] - v[-1:]).unflatten(0, shape) for v in (outputs, transmitted)]
    return Conditioning(torch.tensor(delays, device="cpu"), *change)


def repeated(
    network: Network,
    genome: Tensor,
    reward: str,
    times: int = 4,
    lives: int = 16,
    protocol: Protocol = USUAL,
    seed: int = 1,
) -> Tensor:
    """Outputs (times + 1, B, n_outputs) in the probe after none, one, two, .. rewards in a row; first channel, mean.

    reward: "food", "poison" or "nothing".  Each comes as the second sensor ends, as a meal does.
    """
    if reward not in REWARDS:
        raise ValueError(f"unknown reward {reward!r}: choose one of {', '.join(REWARDS)}")
    event = 2 * protocol.shown + protocol.rest
    first = protocol.quiet + protocol.wall + protocol.rest
    begins = first + times * event
    x = _dish(times + 1, begins, network.n_inputs, protocol)
    for row in range(times + 1):
        for k in range(times - row, times):  # the last ones, so that the probe follows at once
            onset = first + k * event
            x[row, onset : onset + protocol.shown, OTHER, 0] = 1
            _give(x[row], onset + protocol.shown, REWARDS[reward], protocol)
    return _probe(network, genome, x, begins, lives, seed)[0]


def _dish(rows: int, begins: int, n_inputs: int, p: Protocol) -> Tensor:
    """Inputs (rows, T, I, 3) with the first sensor shown at the start, and as a probe from step `begins` on."""
    x = torch.zeros(rows, begins + p.probe, n_inputs, 3, dtype=torch.float32, device="cpu")
    x[:, p.quiet : p.quiet + p.wall, WALL, 0] = 1
    x[:, begins:, WALL, 0] = 1
    return x


def _give(x: Tensor, at: int, reward: int, p: Protocol) -> None:
    """Show a reward in inputs (T, I, 3) from step `at` on, on the last input neuron."""
    if reward:
        x[at : at + p.shown, -1, 1 if reward > 0 else 2] = 1


def _probe(network: Network, genome: Tensor, x: Tensor, begins: int, lives: int, seed: int) -> tuple[Tensor, Tensor]:
    """During the probe: outputs (rows, B, n_outputs), and the probed sensor's synapses onto output neurons (rows, B)."""
    first = network.neurons - network.n_outputs
    table = torch.tensor(network.connections[first:], device="cpu") == WALL  # (n_outputs, S)
    outputs, transmitted = [], []
    for life in range(lives):
        y, s = respond(network, genome, x, seed + life)
        outputs.append(y[:, begins:, first:, 0].mean(1))
        transmitted.append(s[:, begins:, first:].mean(1)[:, table].mean((1, 2)))
    return torch.stack(outputs, 1), torch.stack(transmitted, 1)
