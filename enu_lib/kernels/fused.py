"""Torch backend, for GPUs and for machines without a compiler: fewer operations than the reference, few synchronisations.

Savings over `Network.step`: each source is projected through the synapse's input weights once, not once per synapse (1.4
times fewer operations); products of several gates are combined; noise is gathered from its table.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from enu_lib.base.precision import in_float32
from enu_lib.cells import ENU, GRU, LSTM, Cell, ENUWeights, GatedWeights
from enu_lib.kernels import door
from enu_lib.network import Network
from enu_lib.streams import Noise
from enu_lib.tasks.maze import Maze, MazeState


class Gates:
    """A cell's rules arranged for a few large matrix products.

    The gates are grouped into parts, each a contiguous tensor (batched products into a slice are slow).  An ENU has two
    parts, reset and update, then cell; the other cells have one.  `x`, `bias`: per part, (P, n_in, G H) and (P, 1, G H).
    """

    def __init__(self, cell: Cell, weights: ENUWeights | GatedWeights) -> None:
        self.cell, h = cell, cell.hidden
        self.fed = cell.n_out if isinstance(cell, ENU) and cell.feedback else 0
        if isinstance(cell, ENU) and isinstance(weights, ENUWeights):
            sizes = [cell.n_in, self.fed + h, 1]
            # tanh(a) = 2 sigmoid(2 a) - 1, as sigmoid is faster; the memory is stored halved, so the factor 2 costs nothing
            parts = [(cell.gate_gain * g).split(sizes, 1) for g in (weights.gates, 2 * weights.cell)]
            self.x, self.oh, self.bias = ([part[i].contiguous() for part in parts] for i in range(3))
            self.bias[0][..., :h] += cell.gate_gain * cell.reset_bias
            for rows in self.oh:
                rows[:, self.fed :] *= 2
        else:
            rules: tuple[Tensor, ...] = weights[:4]
            if isinstance(cell, GRU) and (cell.gate_gain, cell.reset_bias) != (1, 0):
                rules = tuple(cell.gate_gain * rule for rule in rules)
                rules[2][..., :h] += cell.gate_gain * cell.reset_bias
            ih, self.h, bias, self.late = rules
            self.x, self.bias = [ih], [bias]
        self.out, self.out_bias = weights.output[:, :-1].contiguous(), weights.output[:, -1:].contiguous()
        if isinstance(cell, ENU):
            self.out = 2 * self.out

    def drive(self, x: Tensor) -> list[Tensor]:
        """Inputs (P, R, n_in) projected through each part's weights."""
        return [torch.baddbmm(b, x, w) for b, w in zip(self.bias, self.x, strict=True)]

    def step(self, state: list[Tensor], drive: list[Tensor], noise: Tensor | None) -> Tensor:
        """Outputs (P, R, C) for the projected input `drive`, which is overwritten; updates `state` in place."""
        cell, n = self.cell, self.cell.hidden
        if isinstance(cell, ENU):
            oh, orh = state  # last output and memory side by side; the same with the reset memory r * h
            h = oh[..., self.fed :]
            r, z = drive[0].baddbmm_(oh, self.oh[0]).sigmoid_().split(n, -1)
            torch.mul(r, h, out=orh[..., self.fed :])
            c = drive[1].baddbmm_(orh, self.oh[1]).sigmoid_().sub_(0.5)
            h.lerp_(c, z)
        elif isinstance(cell, LSTM):
            h, m = state
            i, f, g, out = drive[0].baddbmm_(h, self.h).add_(self.late).split(n, -1)
            m.mul_(f.sigmoid_()).addcmul_(i.sigmoid_(), g.tanh_())
            torch.mul(out.sigmoid_(), m.tanh(), out=h)
        else:
            (h,) = state
            inner = torch.baddbmm(self.late, h, self.h)
            r, z = (drive[0][..., : 2 * n] + inner[..., : 2 * n]).sigmoid_().split(n, -1)
            h.copy_(drive[0][..., 2 * n :].addcmul_(r, inner[..., 2 * n :]).tanh_().lerp_(h, z))
        y = torch.baddbmm(self.out_bias, h, self.out)
        if noise is not None:
            y.add_(noise, alpha=cell.noise)
        if isinstance(cell, ENU) and cell.gain != 1:
            y.mul_(cell.gain)
        if isinstance(cell, ENU) or cell.clip:
            y.clamp_(0, 1)
        if self.fed:
            state[0][..., : self.fed] = y
            state[1][..., : self.fed] = y
        return y

    def tensors(self) -> list[Tensor]:
        """All tensors that depend on the genomes."""
        rows = [*self.oh] if isinstance(self.cell, ENU) else [self.h, self.late]
        return [*self.x, *rows, *self.bias, self.out, self.out_bias]

    def start(self, population: int, rows: int, device: torch.device) -> list[Tensor]:
        """Initial state, all zero."""
        kinds = 1 if isinstance(self.cell, GRU) else 2
        shape = population, rows, self.fed + self.cell.hidden
        return [torch.zeros(shape, dtype=torch.float32, device=device) for _ in range(kinds)]


CACHE = 4 << 20  # cache budget in bytes, for the values of one gate


def batches(genomes: Tensor, noise: Noise | None, rows: int, hidden: int) -> Iterator[tuple[slice, Tensor, Noise | None]]:
    """Offspring in batches that fit a CPU's cache (on a GPU, in one): slice, genomes, noise.  rows: units per offspring."""
    fit = max(8, CACHE // (rows * hidden * 8)) if genomes.device.type == "cpu" else len(genomes)
    for first in range(0, len(genomes), fit):
        batch = slice(first, first + fit)
        yield batch, genomes[batch], None if noise is None else noise.rows(first, first + fit)


def unit_outputs(cell: Cell, genomes: Tensor, inputs: Tensor, noise: Noise | None) -> Tensor:
    """Outputs (P, B, T, C) of single units for inputs (B, T, n_in)."""
    split = batches(genomes, noise, len(inputs), cell.hidden)
    return torch.cat([_unit_outputs(cell, some, inputs, own) for _, some, own in split])


@torch.no_grad()
def _unit_outputs(cell: Cell, genomes: Tensor, inputs: Tensor, noise: Noise | None) -> Tensor:
    gates = Gates(cell, cell.unpack(genomes))
    b, t, _ = inputs.shape
    p = len(genomes)
    state = gates.start(p, b, genomes.device)
    y = torch.empty(p, b, t, cell.n_out, dtype=torch.float32, device=genomes.device)
    for i in range(t):
        drive = gates.drive(inputs[:, i].expand(p, -1, -1))
        y[:, :, i] = gates.step(state, drive, None if noise is None else noise.at(i, (cell.n_out,)))
    return y


class Stepper:
    """Steps networks one step at a time.  `step` has the shapes of `Network.step`."""

    def __init__(self, network: Network, genomes: Tensor, environments: int) -> None:
        self.network, self.environments = network, environments
        p, b, n, c = len(genomes), environments, network.neurons, network.channels
        device = genomes.device
        weights = network.unpack(genomes)
        self.neuron = Gates(network.neuron_cell, weights.neuron)
        self.synapse = Gates(network.synapse_cell, weights.synapse)
        self.pre, self.post = ([w[:, part].contiguous() for w in self.synapse.x] for part in (slice(c), slice(c, None)))
        self.neuron.x = [w[:, :c].contiguous() for w in self.neuron.x]  # with shared rules, the rest multiplies zero padding
        self.neuron_state = self.neuron.start(p, b * n, device)
        self.synapse_state = self.synapse.start(p, b * n * network.synapses, device)
        self.sources = torch.zeros(p, b, network.n_inputs + n, c, dtype=torch.float32, device=device)
        self.output = torch.zeros(p, b * n, c, dtype=torch.float32, device=device)
        self.table = torch.tensor(network.connections, device=device).flatten()
        self.alike = torch.arange(network.noise_shape[0] if network.noise else 0, device=device)
        self.guard = door.Steps(network, p, b, device)

    def tensors(self) -> list[Tensor]:
        """All tensors that depend on the genomes or change during an episode: rules and memory."""
        rules = [*self.pre, *self.post, *self.neuron.tensors(), *self.synapse.tensors()]
        return [*rules, *self.neuron_state, *self.synapse_state, self.sources, self.output]

    @in_float32
    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """Outputs (P, B, n_outputs) for input x (P or 1, B, I, k) and the noise of step t."""
        x, noise = self.guard(x, noise, t)
        self.sources[:, :, : self.network.n_inputs, x.shape[-1] :] = 0  # the previous input may have had more channels
        table, offsets = (None, None) if noise is None else (noise.table, noise.starts(t))
        return self.advance(x, table, offsets).clone()  # the caller may keep it, but the next step overwrites the outputs

    def advance(self, x: Tensor, table: Tensor | None, offsets: Tensor | None) -> Tensor:
        """As `step`, with the noise table and this step's offsets (B,) or (P, B).

        All arguments are tensors, so that it can be captured as a graph.
        """
        net, b = self.network, self.environments
        n, s, c = net.neurons, net.synapses, net.channels
        p = len(self.sources)
        neuron_noise = synapse_noise = None
        if table is not None and offsets is not None:
            values = table[(offsets[..., None] + self.alike).remainder_(len(table))]
            own = len(offsets) if offsets.dim() == 2 else 1
            neuron_noise, synapse_noise = values[..., : n * c].reshape(own, -1, c), values[..., n * c :].reshape(own, -1, c)
        self.sources[:, :, : net.n_inputs, : x.shape[-1]] = x
        self.sources[:, :, net.n_inputs :] = self.output.view(p, b, n, c)
        drive = []
        for into, onto, bias in zip(self.pre, self.post, self.synapse.bias, strict=True):
            pre = torch.bmm(self.sources.flatten(1, 2), into).view(p, b, net.n_inputs + n, -1)
            post = torch.baddbmm(bias, self.output, onto)
            gathered = pre.index_select(2, self.table).view(p, b * n, s, -1)
            drive.append(gathered.add_(post.unsqueeze(2)).flatten(1, 2))
        transmitted = self.synapse.step(self.synapse_state, drive, synapse_noise)
        current = transmitted.view(p, b * n, s, c).mean(2)
        self.output.copy_(self.neuron.step(self.neuron_state, self.neuron.drive(current), neuron_noise))
        return self.output.view(p, b, n, c)[:, :, n - net.n_outputs :, 0]


def maze_episodes(
    network: Network, genomes: Tensor, maze: Maze, state: MazeState, noise: Noise | None, record: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Fitness, foods, poisons, steps alive, all (P, B), and if `record` the outputs (P, B, T, 3)."""
    results, rows = [], state.places.shape[1] * network.neurons * network.synapses
    for batch, some, own in batches(genomes, noise, rows, network.hidden):
        mine = MazeState(*(v[batch] if len(v) == len(genomes) else v for v in state))
        results.append(_maze_episodes(network, some, maze, mine, own, record))
    fitness, foods, poisons, alive, y = zip(*results, strict=True)
    return torch.cat(fitness), torch.cat(foods), torch.cat(poisons), torch.cat(alive), torch.cat(y) if record else None


@torch.no_grad()
def _maze_episodes(
    network: Network, genomes: Tensor, maze: Maze, state: MazeState, noise: Noise | None, record: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    p, b = len(genomes), state.places.shape[1]
    stepper = Stepper(network, genomes, b)
    state = type(state)(*(v.expand(p, *v.shape[1:]).clone() if v.dim() == 2 or v.shape[0] == 1 else v for v in state))
    total = torch.zeros(p, b, dtype=torch.float32, device=genomes.device)
    alive_steps = torch.zeros(p, b, dtype=torch.int64, device=genomes.device)
    y = torch.zeros(p, b, maze.steps, 3, dtype=torch.float32, device=genomes.device) if record else None
    for t in range(maze.steps):
        alive_steps += state.alive
        out = stepper.advance(maze.observe(state, t), *(None, None) if noise is None else (noise.table, noise.starts(t)))
        if y is not None:
            y[:, :, t] = out * state.alive[..., None]
        state, f = maze.step(state, out, t)
        total += f
        # checking waits for the device, so not at every step
        if t % 20 == 19 and not bool(state.alive.any()):
            break
    return total, state.foods, state.poisons, alive_steps, y
