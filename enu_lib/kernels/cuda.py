"""An Nvidia GPU's fast path: `life.cu`, compiled for the network and the card on first use, one launch for whole lives.

Made for networks of ENUs, with feedback or without, whose lives fit a multiprocessor's shared memory; for all others
`enu_lib.kernels` takes `captured`.  The compiler (NVRTC) and the driver are reached through cuda-bindings, which come with
torch's CUDA builds.

Tested on the CPU, where the same source runs with a thread for each of a block's; it has not been run on a GPU yet.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from enu_lib.cells import ENU
from enu_lib.kernels import fast_torch
from enu_lib.kernels.cpu import MAZE, SOURCE, Unavailable, f32, i32, i64, maze_rules, pointer
from enu_lib.kernels.fast_torch import Gates
from enu_lib.network import Network
from enu_lib.streams import Noise, draw_noise, stream
from enu_lib.tasks.maze import geometry

KERNEL = SOURCE.with_name("life.cu")
MOST_ENVIRONMENTS, MOST_THREADS = 8, 384  # of a block; with more threads there are too few registers for each
INPUTS = 4
LIFE = 96  # bytes of maze.h's MazeLife


class _Genomes(ctypes.Structure):
    _fields_ = [
        *((name, pointer) for name in ("x_gates", "x_cell", "own_gates", "own_cell", "bias_gates", "bias_cell")),
        *((name, pointer) for name in ("out", "out_bias")),
        ("inputs", i64),
    ]


class _Lives(ctypes.Structure):
    _fields_ = [
        *((name, pointer) for name in ("connections", "table", "offsets", "sensor_of", "action_of", "places")),
        *((name, pointer) for name in ("fitness", "foods", "poisons", "steps", "outputs")),
        *((name, i32) for name in ("environments", "length")),
        *((name, f32) for name in ("noise", "gain")),
    ]


class Plan(NamedTuple):
    """How lives are laid out: each block of threads has an offspring in so many environments."""

    environments: int
    threads: int
    shared: int  # bytes of shared memory
    defines: tuple[str, ...]


def supports(model: Any) -> bool:
    """Whether the kernel is made for a model's cells and for its neurons that meet a maze."""
    if not isinstance(model, Network) or not isinstance(model.synapse_cell, ENU):
        return False
    return (model.n_inputs, model.n_outputs) == (INPUTS, 3) and model.hidden % 4 == 0 and model.channels >= 3


def plan(network: Network, cells: int, environments: int, shared: int) -> Plan | None:
    """The layout for `environments` lives in mazes of `cells` cells, in `shared` bytes a block; None if they do not fit."""
    h, c, n, s = network.hidden, network.channels, network.neurons, network.synapses
    cell: Any = network.synapse_cell  # of ENUs, see `supports`
    fed, words, synapses = c * cell.feedback, _up(cells, 32) // 32, _up(n * s, 8)

    def rules(inputs: int) -> int:
        return _up((inputs + fed + h + 1) * 3 * h + h * c + c, 4)

    def needed(e: int) -> tuple[int, int]:
        rows, neuron_rows = e * synapses, _up(e * n, 4)
        units = (h + c) * rows + (h + 2 * c) * neuron_rows + e * (INPUTS + 2 * n) * 3 * h
        floats = rules(2 * c) + rules(c) + units + synapses + e * (INPUTS + 1 + words)
        return _up(max(rows // 8 * (h // 4), neuron_rows // 4 * h), 32), _up(4 * floats + e * LIFE, 16)

    fits = [e for e in range(1, min(MOST_ENVIRONMENTS, environments) + 1)]
    fits = [e for e in fits if needed(e)[0] <= MOST_THREADS and needed(e)[1] <= shared]
    if not fits:
        return None
    e = -(-environments // -(-environments // fits[-1]))  # as few blocks as can be, and evenly filled
    threads, size = needed(e)
    sizes = dict(H=h, C=c, FED=fed, N=n, S=s, E=e, CELLS=cells, THREADS=threads, SHARED=size)
    return Plan(e, threads, size, tuple(f"-D{name}={value}" for name, value in sizes.items()))


def maze_lives(
    network: Network, genomes: Tensor, maze: Any, state: Any, noise: Noise | None, record: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None] | None:
    """Fitness, foods, poisons, steps alive, all (P, B), and if `record` the outputs (P, B, T, 3); None: not to be had."""
    card = torch.cuda.get_device_properties(genomes.device)
    shared = getattr(card, "shared_memory_per_block_optin", 48 * 1024)
    layout = plan(network, len(geometry(maze).cells), state.places.shape[1], shared)
    if layout is None:
        return None
    with torch.cuda.device(genomes.device):
        move = replace(maze, steps=maze.move_every)
        kernel = _checked(layout, network, move, f"sm_{card.major}{card.minor}", genomes.device)
        return kernel and _lives(kernel, layout, network, genomes, maze, state, noise, record)


def _lives(
    kernel: Any, layout: Plan, network: Network, genomes: Tensor, maze: Any, state: Any, noise: Noise | None, record: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """The same, where `kernel(grid, structures)` launches."""
    p, b, device = len(genomes), state.places.shape[1], genomes.device
    weights = network.unpack(genomes.float())
    neuron, synapse = Gates(network.neuron_cell, weights.neuron), Gates(network.synapse_cell, weights.synapse)
    connections = torch.tensor(network.connections, dtype=torch.int32, device=device)
    ahead = torch.tensor(geometry(maze).ahead, device=device)
    drawn = [v[0].contiguous() for v in (state.sensor_of, state.action_of, state.places)]
    fitness = torch.empty(p, b, device=device)
    counts = [torch.empty(p, b, dtype=torch.int64, device=device) for _ in range(3)]
    y = torch.zeros(p, b, maze.steps, 3, device=device) if record else None
    table, offsets = (None, None) if noise is None else (noise.table.contiguous(), noise.offsets.contiguous())
    cell: Any = network.synapse_cell
    lives = _Lives(
        *map(_at, (connections, table, offsets, *drawn, fitness, *counts, y)),
        b, 0 if table is None else len(table), cell.noise, cell.gain,
    )  # fmt: skip
    rules = maze_rules(maze, state.places.shape[2], _at(ahead))
    kernel((p, -(-b // layout.environments)), (_genomes(neuron), _genomes(synapse), rules, lives))
    return fitness, counts[0], counts[1], counts[2], y


def _genomes(gates: Gates) -> _Genomes:
    tensors = (*gates.x, *gates.oh, *gates.bias, gates.out, gates.out_bias)
    return _Genomes(*map(_at, tensors), gates.x[0].shape[1])


@lru_cache
def _checked(layout: Plan, network: Network, move: Any, architecture: str, device: torch.device) -> Any:
    """The kernel, once it has made a first move as the torch path does (a GPU that goes astray should not go unnoticed);
    None, and a line, where it cannot be had."""
    try:
        kernel = _kernel(layout, architecture)
        genomes = network.init(stream(0, "check")) + 0.1 * torch.randn(2, network.n_params, generator=stream(1, "check"))
        state = move.reset(1, layout.environments, stream(2, "check"))
        noise = draw_noise(move.steps, layout.environments, stream(3, "check")).to(device)
        lives = network, genomes.to(device), move, type(state)(*(v.to(device) for v in state)), noise
        (*_, found), (*_, expected) = _lives(kernel, layout, *lives, record=True), fast_torch.maze_lives(*lives, record=True)
        if found is None or expected is None or not torch.allclose(found, expected, atol=1e-3):
            raise Unavailable("the first move is not the torch path's")
        return kernel
    except Unavailable as error:
        print(f"enu_lib: the GPU's kernel cannot be used ({error}); torch's operations are used instead", file=sys.stderr)
        return None


def _kernel(layout: Plan, architecture: str) -> Any:
    """The kernel as a function of its grid and structures, compiled and loaded."""
    if torch.version.hip:
        raise Unavailable("it is made for Nvidia's GPUs")
    try:
        from cuda.bindings import driver, nvrtc

        binary = compile_for(layout.defines, architecture, nvrtc)
        torch.cuda.synchronize()  # the driver has a context then, in this thread too
        module = _ok(driver.cuModuleLoadData(binary))
    except ImportError:
        raise Unavailable("pip install cuda-bindings") from None
    except RuntimeError as error:  # where cuda-bindings find no compiler or no driver
        raise Unavailable(str(error).splitlines()[0]) from None
    function = _ok(driver.cuModuleGetFunction(module, b"lives"))
    most = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    _ok(driver.cuFuncSetAttribute(function, most, layout.shared))

    def launch(grid: tuple[int, int], structures: tuple[ctypes.Structure, ...]) -> None:
        stream = torch.cuda.current_stream().cuda_stream
        arguments = structures, (None,) * len(structures)
        _ok(driver.cuLaunchKernel(function, *grid, 1, layout.threads, 1, 1, layout.shared, stream, arguments, 0))

    return launch


def compile_for(defines: tuple[str, ...], architecture: str, nvrtc: Any) -> bytes:
    """Machine code of `life.cu` for an architecture such as sm_90; needs no GPU."""
    program = _ok(nvrtc.nvrtcCreateProgram(KERNEL.read_bytes(), b"life.cu", 1, [MAZE.read_bytes()], [MAZE.name.encode()]))
    options = [
        o.encode() for o in (f"--gpu-architecture={architecture}", "--std=c++17", "-default-device", "--ftz=true", *defines)
    ]
    (failed,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
    if failed:
        log = b" " * _ok(nvrtc.nvrtcGetProgramLogSize(program))
        _ok(nvrtc.nvrtcGetProgramLog(program, log))
        lines = [line for line in log.decode(errors="replace").splitlines() if "error" in line] or [str(failed)]
        raise Unavailable(f"life.cu could not be compiled for {architecture}: {lines[0]}")
    binary = b" " * _ok(nvrtc.nvrtcGetCUBINSize(program))
    _ok(nvrtc.nvrtcGetCUBIN(program, binary))
    _ok(nvrtc.nvrtcDestroyProgram(program))
    return binary


def _ok(returned: tuple[Any, ...]) -> Any:
    """What a call of CUDA returned, without its error."""
    error, *values = returned
    if error:
        raise Unavailable(f"CUDA refuses: {error!s}")
    return values[0] if values else None


def _up(n: int, to: int) -> int:
    return -(-n // to) * to


def _at(tensor: Tensor | None) -> ctypes.c_void_p:
    return pointer(0 if tensor is None else tensor.data_ptr())
