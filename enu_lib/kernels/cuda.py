"""Nvidia GPU backend: `life.cu`, compiled on first use for the network and the card; one launch runs whole episodes.

Supports networks of ENUs, with or without feedback, whose working memory fits a multiprocessor's shared memory; for all
others `enu_lib.kernels` uses `graph`.  The compiler (NVRTC) and the driver are called through cuda-bindings, which come with
torch's CUDA builds.  Raises Unavailable if the kernel is not available.

It ran on an H100 (80 GB HBM3, torch 2.11, CUDA 13): the 18 tests of tests/test_gpu.py passed, and the episodes of a generation
at the published sizes (512 offspring, 8 environments, 400 steps) took 43 ms, at 24 TFLOP/s, 46% of the card's float32 matrix
products.  Plain torch took 777 ms, a captured graph of torch operations (`graph`) 315 ms.  Machines without a GPU test the same
source with one CPU thread per GPU thread.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from enu_lib.cells import ENU
from enu_lib.faults import Unavailable
from enu_lib.kernels import fused
from enu_lib.kernels.cpu import MAZE, SOURCE, at, f32, i32, maze_rules, pointer, shuffles_and_places
from enu_lib.kernels.fused import Gates
from enu_lib.network import Network
from enu_lib.streams import Noise, draw_noise, normal, stream
from enu_lib.tasks.maze import Maze, MazeState, geometry

KERNEL = SOURCE.with_name("life.cu")
MOST_ENVIRONMENTS, MOST_THREADS = 8, 384  # per block; with more threads, each has too few registers
MOST_BLOCKS = 65535  # per offspring: the grid's limit in y
INPUTS = 4
MAZE_LIFE_BYTES = 96  # size of MazeLife in maze.h


class _Lives(ctypes.Structure):
    _fields_ = [
        *((name, pointer) for name in ("neuron", "synapse", "connections", "table", "offsets", "shifts")),
        *((name, pointer) for name in ("sensor_of", "action_of", "places")),
        *((name, pointer) for name in ("fitness", "foods", "poisons", "steps", "outputs")),
        *((name, i32) for name in ("environments", "own_shuffles", "length")),
        *((name, f32) for name in ("noise", "gain")),
    ]


Launch = Callable[[tuple[int, int], tuple[ctypes.Structure, ...]], None]  # runs the kernel, given its grid and its arguments


class Plan(NamedTuple):
    """Layout of a launch: each block of threads runs one offspring in `environments` environments."""

    environments: int
    threads: int
    shared: int  # bytes of shared memory
    defines: tuple[str, ...]


def supports(model: object) -> bool:
    """Whether the kernel supports a model's cells, and its inputs and outputs those of a maze."""
    if not isinstance(model, Network) or not isinstance(model.synapse_cell, ENU):
        return False
    return (model.n_inputs, model.n_outputs) == (INPUTS, 3) and model.hidden % 4 == 0 and model.channels >= 3


def plan(network: Network, cells: int, environments: int, shared: int) -> Plan:
    """The layout for `environments` episodes in mazes of `cells` squares, with `shared` bytes of shared memory per block.

    Raises Unavailable if they do not fit.
    """
    h, c, n, s = network.hidden, network.channels, network.neurons, network.synapses
    cell = cast(ENU, network.synapse_cell)  # see `supports`
    fed, words, synapses = c * cell.feedback, _up(cells, 32) // 32, _up(n * s, 8)

    def rules(inputs: int) -> int:
        return _up((inputs + fed + h + 1) * 3 * h + h * c + c, 4)

    def needed(e: int) -> tuple[int, int]:
        """Threads, and bytes of shared memory; padding takes at most 4 floats per value."""
        rows, neuron_rows = e * synapses, _up(e * n, 4)
        values = h * (rows + 1) + c * (rows + 4) + (h + 2 * c) * (neuron_rows + 4)
        floats = rules(2 * c) + rules(c) + values + e * (INPUTS + 2 * n) * 3 * h + synapses + e * (INPUTS + 1 + words)
        return _up(max(rows // 8 * (h // 4), neuron_rows // 4 * h), 32), _up(4 * floats + e * MAZE_LIFE_BYTES, 16)

    def fits(e: int) -> bool:
        return needed(e)[0] <= MOST_THREADS and needed(e)[1] <= shared

    most = max(filter(fits, range(1, min(MOST_ENVIRONMENTS, environments) + 1)), default=0)
    if not most or environments > MOST_BLOCKS * most:
        raise Unavailable(f"{environments} environments with {n * s} synapses do not fit its memory")
    blocks_needed = math.ceil(environments / most)
    e = math.ceil(environments / blocks_needed)  # evenly filled
    threads, size = needed(e)
    blocks = max(1, min(shared // (size + 1024), MOST_THREADS // threads))
    sizes = dict(H=h, C=c, FED=fed, N=n, S=s, E=e, CELLS=cells, THREADS=threads, SHARED=size, BLOCKS=blocks)
    return Plan(e, threads, size, tuple(f"-D{name}={value}" for name, value in sizes.items()))


def maze_lives(
    network: Network, genomes: Tensor, maze: Maze, state: MazeState, noise: Noise | None, record: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Fitness, foods, poisons, steps alive, all (P, B), and if `record` the outputs (P, B, T, 3).

    Raises Unavailable if the kernel is not available, or if it disagrees with the torch backend in a first move.
    """
    card = torch.cuda.get_device_properties(genomes.device)
    shared = getattr(card, "shared_memory_per_block_optin", 48 * 1024)
    layout = plan(network, len(geometry(maze).cells), state.places.shape[1], shared)
    with torch.cuda.device(genomes.device):
        launch = _kept(layout, network, f"sm_{card.major}{card.minor}", genomes.device)
        if isinstance(launch, Unavailable):
            raise launch
        return run(launch, layout, network, genomes, maze, state, noise, record)


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
    """The results of `maze_lives`, with a kernel that has been loaded for this layout."""
    p, b, device = len(genomes), state.places.shape[1], genomes.device
    weights = network.unpack(genomes)
    neuron = _rules(Gates(network.neuron_cell, weights.neuron), network.channels)
    synapse = _rules(Gates(network.synapse_cell, weights.synapse), 2 * network.channels)
    connections = torch.tensor(network.connections, dtype=torch.int32, device=device)
    ahead = torch.tensor(geometry(maze).ahead, device=device)
    sensors, actions, places, own = shuffles_and_places(state)
    fitness = torch.empty(p, b, dtype=torch.float32, device=device)
    counts = [torch.empty(p, b, dtype=torch.int64, device=device) for _ in range(3)]
    y = torch.zeros(p, b, maze.steps, 3, dtype=torch.float32, device=device) if record else None
    values = (network.neurons + _up(network.neurons * network.synapses, 8)) * network.channels
    if noise is None:
        none = torch.zeros(1, dtype=torch.float32, device=device)
        noise = Noise(none, torch.zeros(maze.steps, b, dtype=torch.int64, device=device))
    table = noise.table.repeat(1 + math.ceil(values / len(noise.table)))
    offsets, shifts = noise.offsets.contiguous(), None if noise.shifts is None else noise.shifts.contiguous()
    cell = cast(ENU, network.synapse_cell)
    lives = _Lives(
        *map(at, (neuron, synapse, connections, table, offsets, shifts, sensors, actions, places, fitness, *counts, y)),
        b, own, len(noise.table), cell.noise, cell.gain,
    )  # fmt: skip
    grid = p, math.ceil(b / layout.environments)
    launch(grid, (maze_rules(maze, state.places.shape[2], at(ahead)), lives))
    return fitness, counts[0], counts[1], counts[2], y


def _rules(gates: Gates, inputs: int) -> Tensor:
    """A cell's rules (P, ..) in the layout of `Rules` in life.cu; inputs beyond `inputs` are padding of shared rules."""
    tensors = (*(x[:, :inputs] for x in gates.x), *gates.oh, *gates.bias, gates.out, gates.out_bias)
    return torch.cat([t.flatten(1) for t in tensors], 1)


@lru_cache
def _kept(layout: Plan, network: Network, architecture: str, device: torch.device) -> Launch | Unavailable:
    """The kernel for a card, or why there is none; both are cached, so that a failure is not repeated in every generation."""
    try:
        return verified(load(layout, architecture), layout, network, device)
    except Unavailable as error:
        return error


def verified(launch: Launch, layout: Plan, network: Network, device: torch.device) -> Launch:
    """The same kernel, if its first move agrees with the torch backend.

    Raises Unavailable if it does not, so that a wrong result on a new card does not go unnoticed.
    """
    move = Maze(steps=4)
    genomes = network.init(stream(0, "check")) + 0.1 * normal(2, network.n_params, generator=stream(1, "check"))
    for w in network.unpack(genomes)[: 1 if network.shared else 2]:
        w.output.mul_(0.4)
        w.output[:, -1] += 0.5  # keep outputs off the clipping bounds, where errors would be hidden
    state = move.reset(1, layout.environments, stream(2, "check"))
    noise = draw_noise(move.steps, layout.environments, stream(3, "check")).to(device) if network.noise else None
    lives = network, genomes.to(device), move, type(state)(*(v.to(device) for v in state)), noise
    (*_, found), (*_, expected) = run(launch, layout, *lives, record=True), fused.maze_lives(*lives, record=True)
    if found is None or expected is None or not torch.allclose(found, expected, atol=1e-4):
        raise Unavailable("its first move disagrees with the torch backend")
    return launch


def load(layout: Plan, architecture: str) -> Launch:
    """Compile the kernel for a layout and an architecture, and load it.  Raises Unavailable if that is not possible here."""
    if torch.version.hip:
        raise Unavailable("it needs an Nvidia GPU")
    try:
        from cuda.bindings import driver, nvrtc

        binary = compile_for(layout.defines, architecture, nvrtc)
        torch.cuda.synchronize()  # makes sure that this thread has a driver context
        module = _ok(driver.cuModuleLoadData(binary))
    except ImportError:
        raise Unavailable("pip install cuda-bindings") from None
    except RuntimeError as error:  # includes cuda-bindings finding no compiler or driver
        raise Unavailable(str(error).partition("\n")[0]) from None
    function = _ok(driver.cuModuleGetFunction(module, b"lives"))
    most = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    _ok(driver.cuFuncSetAttribute(function, most, layout.shared))

    def launch(grid: tuple[int, int], structures: tuple[ctypes.Structure, ...]) -> None:
        stream = torch.cuda.current_stream().cuda_stream
        arguments = structures, (None,) * len(structures)
        _ok(driver.cuLaunchKernel(function, *grid, 1, layout.threads, 1, 1, layout.shared, stream, arguments, 0))

    return launch


def compile_for(defines: tuple[str, ...], architecture: str, nvrtc: Any) -> bytes:
    """Machine code of `life.cu` for an architecture such as sm_90; does not need a GPU."""
    program = _ok(nvrtc.nvrtcCreateProgram(KERNEL.read_bytes(), b"life.cu", 1, [MAZE.read_bytes()], [MAZE.name.encode()]))
    options = [
        o.encode() for o in (f"--gpu-architecture={architecture}", "--std=c++17", "-default-device", "--ftz=true", *defines)
    ]
    (failed,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    if failed:
        log = b" " * (1 + _ok(nvrtc.nvrtcGetProgramLogSize(program)))  # a fresh buffer: Python shares short bytes objects
        _ok(nvrtc.nvrtcGetProgramLog(program, log))
        lines = [line for line in log.decode(errors="replace").splitlines() if "error" in line] or [str(failed)]
        raise Unavailable(f"life.cu could not be compiled for {architecture}: {lines[0]}")
    binary = b" " * _ok(nvrtc.nvrtcGetCUBINSize(program))
    _ok(nvrtc.nvrtcGetCUBIN(program, binary))
    _ok(nvrtc.nvrtcDestroyProgram(program))
    return binary


def _ok(returned: tuple[Any, ...]) -> Any:
    """The return value of a CUDA call; raises Unavailable if it failed."""
    error, *values = returned
    if error:
        raise Unavailable(f"CUDA error {error.name}")
    return values[0] if values else None


def _up(n: int, to: int) -> int:
    return math.ceil(n / to) * to
