"""Nvidia GPU backend: `life.cu` and `units.cu`, compiled on first use for the model and the card; one launch runs whole
episodes of all offspring.

Supports the library's cells, and networks of them in mazes, if their working memory fits in a multiprocessor's;
`enu_lib.kernels` uses `graph` for other networks.  Needs a GPU with TF32 tensor cores (Ampere or later).  Raises Unavailable if
the kernel is not available.

Measured on an H100 (80 GB HBM3, torch 2.11, CUDA 13; `enu_lib/study/data/bench-gpu.json`): the episodes of a generation at the
published sizes (512 offspring, 8 environments, 400 steps) take 27 ms, of which the kernel itself takes 24 ms.  27 ms are 38
TFLOP/s: 74% of the card's speed in float32 matrix products, which do not use tensor cores.  The torch backend (`graph`) takes
292 ms.  Single units (512 offspring, 32 environments, 100 steps) take 1.4 ms.

Why not faster: if tensor cores never waited, these episodes would take 12 ms.  (A block takes 1,900 products of 16 x 8 x 8 per
step; we assume that a multiprocessor does 600 multiplications per cycle, 60% of its peak, at 1.7 GHz; 2,048 blocks on 132
multiprocessors, two at a time, are 7.8 waves of 400 steps.)  But they do wait: of the 13,000 cycles or more that a block takes
for a step, synapses take 8,000, neurons 3,100, and projection and the maze, side by side, 1,900.  In the shorter parts, between
barriers, few warps have work, and at the published sizes only 12 warps fit a multiprocessor.

The tests of these kernels in tests/test_gpu.py passed on that card.  Without a GPU, tests run the source on emulated threads,
one CPU thread per GPU thread, and check the compiler's figures: no spills at the published sizes, and two blocks per
multiprocessor of an H100.
"""

from __future__ import annotations

import ctypes
import math
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from enu_lib.base.faults import Unavailable
from enu_lib.cells import ENU, LSTM, Cell
from enu_lib.kernels import door, fused, packing
from enu_lib.kernels.cpu import at, cell_struct, extended, f32, i32, maze_rules, maze_tables, pointer, shuffles_and_places
from enu_lib.kernels.nvidia import OLDEST, REGISTERS, RESERVED, Launch, Plan, load
from enu_lib.kernels.packing import TILE, tiled_sizes, up
from enu_lib.network import Network
from enu_lib.streams import Noise, draw_noise, normal, stream, uniform
from enu_lib.tasks.maze import Maze, MazeState, geometry

WARP_ROWS = 16  # units in a tile of a warp
MOST_ENVIRONMENTS = 8  # per block
MOST_BLOCKS = 65535  # per offspring: the grid's limit in y
MOST_WARPS = 12  # per block; with more, a thread has too few registers
INPUTS = 4
MAZE_LIFE_BYTES = 112  # size of MazeLife in maze.h


class _Lives(ctypes.Structure):
    _fields_ = [
        *((name, pointer) for name in ("neuron", "synapse", "connections", "table", "offsets", "shifts")),
        *((name, pointer) for name in ("sensor_of", "action_of", "places")),
        *((name, pointer) for name in ("fitness", "foods", "poisons", "steps", "outputs")),
        *((name, i32) for name in ("environments", "own_shuffles", "length")),
        *((name, f32) for name in ("noise", "gain")),
    ]


class _Units(ctypes.Structure):
    _fields_ = [
        *((name, pointer) for name in ("rules", "x", "table", "offsets", "shifts", "y")),
        *((name, i32) for name in ("environments", "steps", "length")),
        *((name, f32) for name in ("noise", "gain")),
    ]


def supports(model: object) -> bool:
    """Whether the kernels support a model: a cell, or a network of cells with the inputs and outputs of a maze."""
    if not isinstance(model, Network):
        return door.is_cell(model)
    return (model.n_inputs, model.n_outputs) == (INPUTS, 3) and model.channels >= 3


def plan(network: Network, squares: int, environments: int, shared: int) -> Plan:
    """The layout for `environments` episodes in mazes of this many squares, with `shared` bytes of shared memory per block.

    If possible, four blocks share a multiprocessor, else two, so that some compute while others wait.  Raises Unavailable if
    not even one fits.
    """
    cell, n, s = network.synapse_cell, network.neurons, network.synapses
    h, c, gates, fed = tiled_sizes(cell)

    def needed(e: int) -> tuple[int, int]:
        """Threads and bytes of shared memory of a block with e environments."""
        warps = math.ceil(e * n * s / WARP_ROWS)
        rows, neuron_rows = warps * WARP_ROWS, up(e * n, WARP_ROWS)
        outputs, memories, projected = _stride(c), _stride(h) * (2 if isinstance(cell, LSTM) else 1), _stride(gates * h)
        floats = _rules_size(cell, [network.channels] * 2) + _rules_size(cell, [network.channels])
        memories += _stride(h) * (3 if isinstance(cell, ENU) else 1)  # scratch
        floats += (rows + 2 * neuron_rows) * outputs + neuron_rows * memories + 4 + (4 + 2 * e * n) * projected
        floats += rows + e * (INPUTS + n) + e + e * math.ceil(squares / 32)
        return 32 * warps, up(4 * floats + e * MAZE_LIFE_BYTES + 32, 16)  # 32: alignment

    def most(blocks: int) -> int:
        """The largest number of environments per block with which `blocks` blocks fit on a multiprocessor."""
        warps = min(MOST_WARPS, REGISTERS // (32 * blocks * _registers(cell))) if blocks > 1 else MOST_WARPS
        room = (shared + RESERVED) // blocks - RESERVED
        sizes = range(1, min(MOST_ENVIRONMENTS, environments) + 1)
        return max((e for e in sizes if needed(e)[0] <= 32 * warps and needed(e)[1] <= room), default=0)

    fit = most(4) or most(2) or most(1)
    if not fit or environments > MOST_BLOCKS * fit:
        raise Unavailable(f"{environments} environments of networks with {n * s} synapses are too much for this GPU")
    e = math.ceil(environments / math.ceil(environments / fit))  # evenly filled
    threads, size = needed(e)
    return _planned("lives", cell, e, threads, size, shared, dict(N=n, S=s, E=e, SQUARES=squares))


def unit_plan(cell: Cell, environments: int, shared: int) -> Plan:
    """The layout for single units in `environments` environments, with `shared` bytes of shared memory per block."""
    warps = min(8, math.ceil(environments / WARP_ROWS))
    size = up(4 * (_rules_size(cell, [cell.n_in]) + warps * WARP_ROWS * _stride(tiled_sizes(cell)[1])) + 16, 16)
    if size > shared or environments > MOST_BLOCKS * WARP_ROWS * warps:
        raise Unavailable(f"{environments} environments of a unit with {cell.hidden} hidden values are too much for this GPU")
    return _planned("units", cell, WARP_ROWS * warps, 32 * warps, size, shared, dict(IN=cell.n_in))


def _planned(kernel: str, cell: Cell, environments: int, threads: int, size: int, shared: int, more: dict[str, int]) -> Plan:
    within = (shared + RESERVED) // (size + RESERVED), REGISTERS // (threads * _registers(cell)), 8
    blocks = max(1, min(within))
    struct = cell_struct(cell)
    sizes = dict(KIND=struct.kind, H=cell.hidden, C=cell.n_out, FED=int(tiled_sizes(cell)[3] > 0), CLIP=struct.clip)
    sizes |= more | dict(THREADS=threads, SHARED=size, BLOCKS=blocks)
    return Plan(kernel, environments, threads, size, blocks, tuple(f"-D{name}={value}" for name, value in sizes.items()))


def _registers(cell: Cell) -> int:
    """Registers per thread with which there are almost no spills; chosen empirically."""
    if cell.hidden <= 16:
        return 80
    return 168 if cell.hidden <= 32 and not isinstance(cell, LSTM) else 248


def _rules_size(cell: Cell, inputs: list[int]) -> int:
    """Floats in `Rules` of cells.h."""
    h, c, gates, fed = tiled_sizes(cell)
    return (sum(up(n, TILE) for n in inputs) + fed + h + 1) * gates * h + h * c + h + c


def maze_episodes(
    network: Network, genomes: Tensor, maze: Maze, state: MazeState, noise: Noise | None, record: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Fitness, foods, poisons, steps alive, all (P, B), and if `record` the outputs (P, B, T, 3).

    Raises Unavailable if the kernel is not available, or if it disagrees with the torch backend in a first move.
    """
    layout = plan(network, len(geometry(maze).squares), state.places.shape[1], shared_memory(genomes.device))
    with torch.cuda.device(genomes.device):
        return run(_ready(layout, network, genomes.device), layout, network, genomes, maze, state, noise, record)


def unit_outputs(cell: Cell, genomes: Tensor, inputs: Tensor, noise: Noise | None) -> Tensor:
    """Outputs (P, B, T, C) of single units for inputs (B, T, n_in).  Raises Unavailable, as `maze_episodes` does."""
    layout = unit_plan(cell, len(inputs), shared_memory(genomes.device))
    with torch.cuda.device(genomes.device):
        return run_units(_ready(layout, cell, genomes.device), layout, cell, genomes, inputs, noise)


@torch.no_grad()
def run(
    launch: Launch,
    layout: Plan,
    network: Network,
    genomes: Tensor,
    maze: Maze,
    state: MazeState,
    noise: Noise | None,
    record: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """The results of `maze_episodes`, with a kernel that has been loaded for this layout."""
    p, b, device, cell = len(genomes), state.places.shape[1], genomes.device, network.synapse_cell
    neuron, synapse = packing.rules(network, genomes)
    connections = _table(network.connections, torch.int32, device)
    tables = _table(maze_tables(maze), torch.int64, device)
    sensors, actions, places, own = shuffles_and_places(state)
    fitness = torch.empty(p, b, dtype=torch.float32, device=device)
    counts = [torch.empty(p, b, dtype=torch.int64, device=device) for _ in range(3)]
    y = torch.zeros(p, b, maze.steps, 3, dtype=torch.float32, device=device) if record else None
    table, *starts, length = _noise(noise, network.neurons * (1 + network.synapses) * network.channels, maze.steps, b, device)
    pointers = (neuron, synapse, connections, table, *starts, sensors, actions, places, fitness, *counts, y)
    lives = _Lives(*map(at, pointers), b, own, length, *_output(cell))
    grid = p, math.ceil(b / layout.environments)
    launch(grid, (maze_rules(maze, state.places.shape[2], at(tables)), lives))
    return fitness, counts[0], counts[1], counts[2], y


@torch.no_grad()
def run_units(launch: Launch, layout: Plan, cell: Cell, genomes: Tensor, inputs: Tensor, noise: Noise | None) -> Tensor:
    """The results of `unit_outputs`, with a kernel that has been loaded for this layout."""
    (b, t, _), p, device = inputs.shape, len(genomes), genomes.device
    (rules,), x = packing.rules(cell, genomes), inputs.contiguous()
    y = torch.empty(p, b, t, cell.n_out, dtype=torch.float32, device=device)
    table, *starts, length = _noise(noise, cell.n_out, t, b, device)
    units = _Units(*map(at, (rules, x, table, *starts, y)), b, t, length, *_output(cell))
    launch((p, math.ceil(b / layout.environments)), (units,))
    return y


@lru_cache
def _table(rows: tuple[tuple[int, ...], ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(rows, dtype=dtype, device=device)


def _output(cell: Cell) -> tuple[float, float]:
    """Noise and gain of a cell's outputs."""
    return cell.noise, cell.gain if isinstance(cell, ENU) else 1.0


def _noise(
    noise: Noise | None, values: int, steps: int, environments: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor | None, int]:
    """The table, extended so that `values` numbers can be read from any offset; offsets, shifts and the table's own length.

    Without noise, zeros.
    """
    if noise is None:
        none = torch.zeros(1, dtype=torch.float32, device=device)
        noise = Noise(none, torch.zeros(steps, environments, dtype=torch.int64, device=device))
    kept = noise._replace(table=extended(noise.table, values)).each(Tensor.contiguous)
    return *kept, len(noise.table)


def shared_memory(device: torch.device) -> int:
    """Bytes of shared memory that a block can have on a card."""
    return getattr(torch.cuda.get_device_properties(device), "shared_memory_per_block_optin", 48 * 1024)


def _ready(layout: Plan, model: Cell | Network, device: torch.device) -> Launch:
    """The kernel for a card; raises Unavailable if there is none."""
    card = torch.cuda.get_device_properties(device)
    if (card.major, card.minor) < OLDEST:
        raise Unavailable(f"it needs tensor cores for TF32, which compute capability {card.major}.{card.minor} lacks")
    launch = _kept(layout, model, f"sm_{card.major}{card.minor}", device)
    if isinstance(launch, Unavailable):
        raise launch
    return launch


@lru_cache
def _kept(layout: Plan, model: Cell | Network, architecture: str, device: torch.device) -> Launch | Unavailable:
    """The kernel for a card, or why there is none; both are cached, so that a failure is not repeated in every generation."""
    try:
        return verified(load(layout, architecture), layout, model, device)
    except Unavailable as error:
        return error


def verified(launch: Launch, layout: Plan, model: Cell | Network, device: torch.device) -> Launch:
    """The kernel itself, if its first steps agree with the torch backend.

    Raises Unavailable if they do not, so that a wrong result on a new card does not go unnoticed.
    """
    genomes = model.init(stream(0, "check")) + 0.1 * normal(2, model.n_params, generator=stream(1, "check"))
    weights: Any = model.unpack(genomes)
    parts = weights[: 1 if model.shared else 2] if isinstance(model, Network) else (weights,)
    for w in parts:
        w.output.mul_(0.4)
        w.output[:, -1] += 0.5  # keep outputs off the clipping bounds, where errors would be hidden
    b, steps, genomes = layout.environments, 4, genomes.to(device)
    noise = draw_noise(steps, b, stream(3, "check")).to(device) if model.noise else None
    y: Tensor | None
    expected: Tensor | None
    if isinstance(model, Network):
        maze = Maze(steps=steps)
        state = maze.reset(1, b, stream(2, "check"))
        arguments = model, genomes, maze, type(state)(*(v.to(device) for v in state)), noise
        (*_, y), (*_, expected) = run(launch, layout, *arguments, record=True), fused.maze_episodes(*arguments, record=True)
    else:
        inputs = uniform(b, steps, model.n_in, generator=stream(2, "check")).to(device)
        y = run_units(launch, layout, model, genomes, inputs, noise)
        expected = fused.unit_outputs(model, genomes, inputs, noise)
    if y is None or expected is None or not torch.allclose(y, expected, atol=1e-4):
        raise Unavailable("its first steps disagree with the torch backend")
    return launch


def _stride(n: int) -> int:
    """Floats from one row of whole tiles to the next in shared memory: an odd number of tiles."""
    return n if n // TILE % 2 else n + TILE
