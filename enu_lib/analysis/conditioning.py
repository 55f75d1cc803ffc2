"""Conditioning experiments: how single events change a network's responses (ours, beyond the paper).

    conditioning(network, genome, delays=range(-16, 25, 4))     # a sensor paired with each reward, at all delays
    repeated(network, genome, "poison", times=4)                # one, two, three ... rewards in a row

The network is driven through its inputs only, without a maze.  After a silent period one sensor is active for a while, as
the wall sensor is in a maze; then come the events; then the second sensor again, as a probe.  A control with the same noise
and no events is probed at the same time; the difference is the effect of the events.
Shapes: R rewards, W delays, B noise samples, N neurons, S synapses, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.base.precision import in_float32
from enu_lib.kernels import door, reference
from enu_lib.network import Network
from enu_lib.streams import Noise, draw_noise, stream

REWARDS = {"food": 1, "poison": -1, "nothing": 0}
WALL, OTHER = 0, 1  # sensor neurons used for the wall, and for what is paired with a reward


class Protocol(NamedTuple):
    """Durations of a conditioning trial, in network steps; a move in a maze takes four."""

    quiet: int = 12  # no input, so that the network settles: the three moves to the junction of the T-maze
    wall: int = 4  # the first sensor is active
    rest: int = 8  # no input after the wall and after each event
    shown: int = 4  # the second sensor, and the reward
    probe: int = 4  # the probed sensor is active


DEFAULT_PROTOCOL = Protocol()


class Conditioning(NamedTuple):
    """The effect of pairing a sensor with a reward: paired minus control."""

    delay: Tensor  # (W,) steps from the sensor's onset to the reward's
    outputs: Tensor  # (R, W, B, n_outputs) change of the mean output during the probe, first channel


@in_float32
def respond(network: Network, genome: Tensor, inputs: Tensor, seed: int = 1) -> Tensor:
    """Outputs of all neurons (B, T, N, C) for inputs (B, T, I, k); the seed sets the noise."""
    door.fits(network)
    genomes = door.genomes(network, genome[None])
    inputs = door.sequences(network, inputs, genomes.device)
    b, steps = inputs.shape[:2]
    noise = draw_noise(steps, 1, stream(seed, "dish")).to(genomes.device) if network.noise_shape else None
    alike = None if noise is None else Noise(noise.table, noise.offsets.expand(-1, b))  # the same noise for every input
    stepper = reference.Stepper(network, genomes, b)
    outputs = []
    for t, x in enumerate(inputs.unbind(1)):
        stepper.step(x[None], alike, t)
        outputs.append(stepper.state.output[0])
    return torch.stack(outputs, 1)


def conditioning(
    network: Network,
    genome: Tensor,
    delays: Sequence[int] = tuple(range(-16, 25, 4)),
    episodes: int = 16,
    protocol: Protocol = DEFAULT_PROTOCOL,
    seed: int = 1,
) -> Conditioning:
    """Change of the responses to a probe after a sensor is paired with each reward at each delay.

    delays: steps from the sensor's onset to the reward's.  episodes: number of noise samples B.
    """
    early, late = max(0, -min(delays)), max(0, *delays)
    onset = protocol.quiet + protocol.wall + protocol.rest + early
    begins = onset + late + protocol.shown + protocol.rest
    x = _inputs(len(REWARDS) * len(delays) + 1, begins, network.n_inputs, protocol)
    x[:-1, onset : onset + protocol.shown, OTHER, 0] = 1  # the last row is the control
    for i, reward in enumerate(REWARDS.values()):
        for j, delay in enumerate(delays):
            _give(x[i * len(delays) + j], onset + delay, reward, protocol)
    outputs = _probe(network, genome, x, begins, episodes, seed)
    change = (outputs[:-1] - outputs[-1:]).unflatten(0, (len(REWARDS), len(delays)))
    return Conditioning(torch.tensor(delays, device="cpu"), change)


def repeated(
    network: Network,
    genome: Tensor,
    reward: str,
    times: int = 4,
    episodes: int = 16,
    protocol: Protocol = DEFAULT_PROTOCOL,
    seed: int = 1,
) -> Tensor:
    """Mean outputs (times + 1, B, n_outputs), first channel, during a probe after 0, 1, .. `times` rewards in a row.

    reward: "food", "poison" or "nothing"; each starts when the second sensor ends, as in the maze.
    Raises ValueError for an unknown reward.
    """
    if reward not in REWARDS:
        raise ValueError(f"unknown reward {reward!r}: choose one of {', '.join(REWARDS)}")
    event = 2 * protocol.shown + protocol.rest
    first = protocol.quiet + protocol.wall + protocol.rest
    begins = first + times * event
    x = _inputs(times + 1, begins, network.n_inputs, protocol)
    for row in range(times + 1):
        for k in range(times - row, times):  # the last slots, so that the probe follows directly
            onset = first + k * event
            x[row, onset : onset + protocol.shown, OTHER, 0] = 1
            _give(x[row], onset + protocol.shown, REWARDS[reward], protocol)
    return _probe(network, genome, x, begins, episodes, seed)


def _inputs(rows: int, begins: int, n_inputs: int, p: Protocol) -> Tensor:
    """Inputs (rows, T, I, 3) with the first sensor active at the start, and the second, as a probe, from step `begins` on."""
    x = torch.zeros(rows, begins + p.probe, n_inputs, 3, dtype=torch.float32, device="cpu")
    x[:, p.quiet : p.quiet + p.wall, WALL, 0] = 1
    x[:, begins:, OTHER, 0] = 1
    return x


def _give(x: Tensor, at: int, reward: int, p: Protocol) -> None:
    """Show a reward in inputs (T, I, 3) from step `at` on, on the last input neuron."""
    if reward:
        x[at : at + p.shown, -1, 1 if reward > 0 else 2] = 1


def _probe(network: Network, genome: Tensor, x: Tensor, begins: int, samples: int, seed: int) -> Tensor:
    """Mean outputs during the probe (rows, B, n_outputs), first channel."""
    first = network.neurons - network.n_outputs
    each = (respond(network, genome, x, seed + k)[:, begins:, first:, 0].mean(1) for k in range(samples))
    return torch.stack([*each], 1)
