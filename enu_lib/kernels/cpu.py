"""CPU backend: `life.cpp`, compiled on first use and kept in the user's cache.

Raises Unavailable if it cannot be compiled or if the model is too large for it.
"""

from __future__ import annotations

import ctypes
import math
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from enu_lib.base.faults import Unavailable
from enu_lib.cells import ENU, LSTM, Cell
from enu_lib.kernels import build, door
from enu_lib.kernels.build import NATIVE
from enu_lib.kernels.scoring import Scoring
from enu_lib.network import Network, NetworkState
from enu_lib.offspring import Offspring
from enu_lib.streams import Noise
from enu_lib.tasks.maze import Maze, MazeState, geometry

SOURCE = Path(__file__).with_name("life.cpp")
HEADERS = ("vectors.h", "rules.h", "steps.h", "offspring.h", "networks.h", "singles.h", "maze.h")
INCLUDES = tuple(SOURCE.with_name(name) for name in HEADERS)
FLAGS = (
    "-O3", NATIVE, "-std=c++17", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
    "-fPIC", "-shared", "-pthread", "-Wno-psabi",
)  # fmt: skip
FUNCTIONS = ("unit_outputs", "unit_scores", "maze_episodes", "unit_maze_episodes", "network_step", "network_memory")
PAD = 16  # vectors.h pads rows to a multiple of this many floats
MAX_HIDDEN = 64

i32, i64, f32, pointer = ctypes.c_int32, ctypes.c_int64, ctypes.c_float, ctypes.c_void_p


class _Cell(ctypes.Structure):
    _fields_ = [
        *((name, i32) for name in ("kind", "n_in", "n_out", "hidden", "feedback", "clip")),
        *((name, f32) for name in ("gain", "noise", "gate_gain", "reset_bias")),
    ]


class _Population(ctypes.Structure):
    _fields_ = [
        *((name, pointer) for name in ("genomes", "parent", "mutations")),
        *((name, i64) for name in ("pairs", "first")),
        ("largest", f32),
    ]


class _Noise(ctypes.Structure):
    _fields_ = [*((name, pointer) for name in ("table", "offsets", "shifts")), ("length", i64)]


class _Net(ctypes.Structure):
    _fields_ = [
        *((name, _Cell) for name in ("neuron", "synapse")),
        *((name, i32) for name in ("shared", "inputs", "neurons", "synapses", "outputs")),
        ("table", pointer),
    ]


class _Maze(ctypes.Structure):
    _fields_ = [
        *(
            (name, i32)
            for name in (
                "steps", "move_every", "foods_per_period", "count_poisons", "deadly_poisons", "first_meal_counts",
                "first_of_ties", "reward_steps", "led", "remembers", "meals_visible", "start", "periods", "squares", "ends",
            )
        ),
        *((name, f32) for name in ("full", "energy_cost", "alive_bonus", "explore_bonus", "teacher_bonus")),
        ("tables", pointer),
    ]  # fmt: skip


def library(vectors: int) -> ctypes.CDLL:
    """The kernel for up to 16 * `vectors` hidden units; raises Unavailable."""
    return build.library(SOURCE, INCLUDES, (*FLAGS, f"-DHP={vectors * PAD}"), FUNCTIONS)


def compiled(model: Cell | Network) -> ctypes.CDLL:
    """The kernel for a model of this size; raises Unavailable."""
    return library(_vectors(model))


def supports(model: Cell | Network) -> bool:
    """Whether the kernel supports a model of this size."""
    return model.hidden <= MAX_HIDDEN


def unit_outputs(cell: Cell, genomes: Tensor, inputs: Tensor, noise: Noise | None, threads: int) -> Tensor:
    """Outputs (P, B, T, C) of single units for inputs (B, T, n_in)."""
    b, t, _ = inputs.shape
    y = torch.empty(len(genomes), b, t, cell.n_out, dtype=torch.float32, device="cpu")
    drawn, keep = _noise(noise, cell.n_out)
    _made(library(_vectors(cell)).unit_outputs(
        ctypes.byref(cell_struct(cell)), i64(len(genomes)), i64(b), i64(t), at(genomes), at(inputs), drawn, at(y), threads,
    ))  # fmt: skip
    del keep
    return y


def unit_scores(
    cell: Cell, genomes: Tensor | Offspring, inputs: Tensor, noise: Noise | None, scoring: Scoring, threads: int
) -> Tensor:
    """The fitness of every step (P, B, T) of single units for inputs (B, T, n_in); see `unit_outputs`."""
    (b, t, _), p = inputs.shape, len(genomes)
    y = torch.empty(p, b, t, dtype=torch.float32, device="cpu")
    drawn, keep = _noise(noise, cell.n_out)
    _made(library(_vectors(cell)).unit_scores(
        ctypes.byref(cell_struct(cell)), i64(p), i64(b), i64(t), ctypes.byref(_population(genomes)), at(inputs), drawn,
        ctypes.byref(scoring), at(y), threads,
    ))  # fmt: skip
    del keep
    return y


def maze_episodes(
    model: Cell | Network,
    genomes: Tensor | Offspring,
    maze: Maze,
    state: MazeState,
    noise: Noise | None,
    threads: int,
    record: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Fitness, foods, poisons, steps alive, all (P, B), and if `record` the outputs (P, B, T, 3)."""
    p, b = len(genomes), state.places.shape[1]
    tables = np.asarray(maze_tables(maze), dtype=np.int64)
    rules = maze_rules(maze, state.places.shape[2], tables.ctypes.data)
    kernel, alone = library(_vectors(model)), not isinstance(model, Network)
    struct, keep = (cell_struct(model), None) if not isinstance(model, Network) else _net(model)
    given, kept = _noise(noise, model.noise_shape[0] if noise else 0)
    fitness = torch.empty(p, b, dtype=torch.float32, device="cpu")
    counts = [torch.empty(p, b, dtype=torch.int32, device="cpu") for _ in range(3)]
    y = torch.zeros(p, b, maze.steps, 3, dtype=torch.float32, device="cpu") if record else None
    sensors, actions, places, own = shuffles_and_places(state)
    _made((kernel.unit_maze_episodes if alone else kernel.maze_episodes)(
        ctypes.byref(struct), ctypes.byref(rules), i64(p), i64(b), ctypes.byref(_population(genomes)), given,
        at(sensors), at(actions), at(places), own, at(fitness), *map(at, counts), at(y), threads,
    ))  # fmt: skip
    del keep, kept
    return fitness, counts[0].long(), counts[1].long(), counts[2].long(), y


class Stepper:
    """Steps networks one step at a time, for tasks written in Python.  `step` has the shapes of `Network.step`."""

    def __init__(self, network: Network, genomes: Tensor, environments: int, threads: int) -> None:
        self.network, self.genomes, self.threads = network, genomes, threads
        self._library = library(_vectors(network))
        self._net, self._keep = _net(network)
        self._library.network_memory.restype = i64
        size = self._library.network_memory(ctypes.byref(self._net))
        self._memory = torch.zeros(len(genomes), environments, size, dtype=torch.float32, device="cpu")
        self._guard = door.Steps(network, len(genomes), environments, genomes.device)
        self._noise: Tensor | None = None  # the table that `_table` extends
        self._table: Tensor | None = None

    def _views(self) -> dict[str, Tensor]:
        """Views of the memory, in life.cpp's order and without padding: (P, B, units, values)."""
        n, p, b = self.network, *self._memory.shape[:2]
        lanes = {"h": _vectors(n) * PAD, "c": _vectors(n) * PAD, "o": math.ceil(n.channels / PAD) * PAD}
        sizes = {"h": n.hidden, "c": n.hidden, "o": n.channels}
        units = {"neuron": n.neurons, "synapse": n.neurons * n.synapses}
        order = ["neuron h", "neuron o", "synapse h", "synapse o"] + ["neuron c", "synapse c"] * (n.cell == "lstm")
        views, first = {}, 0
        for name in order:
            unit, kind = name.split()
            part = self._memory[:, :, first : first + units[unit] * lanes[kind]]
            views[name] = part.view(p, b, units[unit], lanes[kind])[..., : sizes[kind]]
            first += units[unit] * lanes[kind]
        return views

    def _kinds(self) -> str:
        """Names of the parts of a unit's state, in the order of its cell's `reset`."""
        if isinstance(self.network.synapse_cell, ENU):
            return "ho"
        return "hc" if self.network.cell == "lstm" else "h"

    @property
    def state(self) -> NetworkState:
        """A copy of the current state of all units, in the form of `Network.step`."""
        views = self._views()
        units = [tuple(views[f"{unit} {k}"].flatten(1, 2) for k in self._kinds()) for unit in ("neuron", "synapse")]
        return NetworkState(units[0], units[1], views["neuron o"].clone())

    @state.setter
    def state(self, state: NetworkState) -> None:
        """Raises ValueError if transmitted and fed-back outputs differ, since the kernel stores them as one."""
        views = self._views()
        if "o" in self._kinds() and not torch.equal(state.output.flatten(1, 2), state.neuron[1]):
            raise ValueError(
                "the compiled kernel cannot transmit outputs that differ from the neurons' own: use enu_lib.rollout"
            )
        views["neuron o"].copy_(state.output)
        for unit in ("neuron", "synapse"):
            for kind, value in zip(self._kinds(), getattr(state, unit), strict=True):
                views[f"{unit} {kind}"].copy_(value.unflatten(1, (self._memory.shape[1], -1)))

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """Outputs (P, B, n_outputs) for input x (P or 1, B, I, k) and the noise of step t."""
        n, (p, b) = self.network, self._memory.shape[:2]
        x, noise = self._guard(x, noise, t)
        x = x.detach().expand(x.shape[0], b, -1, -1).contiguous()
        offsets = None
        if noise is not None:
            if self._noise is not noise.table:
                self._noise, self._table = noise.table, extended(noise.table, n.noise_shape[0])
            offsets = noise.starts(t).expand(p, b).contiguous()
        y = torch.empty(p, b, n.n_outputs, dtype=torch.float32, device="cpu")
        _made(self._library.network_step(
            ctypes.byref(self._net), i64(p), i64(b), at(self.genomes), at(x), i64(x.shape[-1]), i64(x.shape[0]),
            at(self._memory), at(None if offsets is None else self._table), at(offsets), at(y), self.threads,
        ))  # fmt: skip
        return y


def maze_tables(maze: Maze) -> tuple[int, ...]:
    """What `tables` of MazeRules in maze.h points to."""
    g = geometry(maze)
    parts = (chain(*g.ahead), g.ends, g.following, chain(*chain(*g.routes)))
    return tuple(chain(*parts))


def maze_rules(maze: Maze, periods: int, tables: int | ctypes.c_void_p) -> _Maze:
    """MazeRules of maze.h; `tables`: address of `maze_tables`, as int64."""
    g = geometry(maze)
    return _Maze(
        maze.steps, maze.move_every, maze.foods_per_period, maze.count_poisons, maze.deadly_poisons,
        maze.first_meal_counts, maze.tie == "first", maze.reward_steps, maze.led, maze.teacher == "remembering",
        maze.meals_visible, g.start, periods, len(g.squares), len(g.ends), maze.full, maze.energy_cost, maze.alive_bonus,
        maze.explore_bonus, maze.teacher_bonus, tables,
    )  # fmt: skip


def _vectors(model: Cell | Network) -> int:
    if not supports(model):
        raise Unavailable(f"the compiled kernel supports at most {MAX_HIDDEN} hidden units, not {model.hidden}")
    return math.ceil(model.hidden / PAD)


def cell_struct(cell: Cell) -> _Cell:
    """Cell of rules.h."""
    if isinstance(cell, ENU):
        kind, feedback, clip, gain = 0, cell.feedback, True, cell.gain
    else:
        kind, feedback, clip, gain = 2 if isinstance(cell, LSTM) else 1, False, cell.clip, 1.0
    gates = (1.0, 0.0) if isinstance(cell, LSTM) else (cell.gate_gain, cell.reset_bias)
    return _Cell(kind, cell.n_in, cell.n_out, cell.hidden, feedback, clip, gain, cell.noise, *gates)


def _net(network: Network) -> tuple[_Net, np.ndarray]:
    """Net of networks.h, and the table that it points to, which must outlive it."""
    table = np.asarray(network.connections, dtype=np.int32)
    return _Net(
        cell_struct(network.neuron_cell), cell_struct(network.synapse_cell), network.shared, network.n_inputs,
        network.neurons, network.synapses, network.n_outputs, table.ctypes.data,
    ), table  # fmt: skip


def _population(genomes: Tensor | Offspring) -> _Population:
    """Population of offspring.h."""
    if isinstance(genomes, Tensor):
        return _Population(genomes=genomes.data_ptr())
    parent, mutations = genomes.parent, genomes.mutations
    return _Population(None, parent.data_ptr(), mutations.data_ptr(), len(mutations), genomes.rows[0], door.LARGEST_NORM**2)


def shuffles_and_places(state: MazeState) -> tuple[Tensor, Tensor, Tensor, bool]:
    """`sensor_of` and `action_of` (1 or P, B, 3), `places` (B, K, 2), and whether each offspring has shuffles of its own."""
    rows = max(len(state.sensor_of), len(state.action_of))
    sensors, actions = (v.expand(rows, -1, -1).contiguous() for v in (state.sensor_of, state.action_of))
    return sensors, actions, state.places[0].contiguous(), rows > 1


def _noise(noise: Noise | None, values: int) -> tuple[Any, Noise | None]:
    """Noise of offspring.h with `values` numbers per step, by reference, and the tensors to keep as long as it is used."""
    if noise is None:
        return None, None
    kept = noise._replace(table=extended(noise.table, values)).each(Tensor.contiguous)
    return ctypes.byref(_Noise(*(None if v is None else v.data_ptr() for v in kept), len(noise.table))), kept


def extended(table: Tensor, values: int) -> Tensor:
    """The noise table, repeated so that `values` numbers can be read from any offset."""
    more = math.ceil((values + PAD) / len(table))
    return table.repeat(1 + more)[: len(table) + values + PAD]


def _made(failed: int) -> None:
    """Check the return value of a function of life.cpp: 0, or 1 if out of memory."""
    if failed:
        raise MemoryError("the kernel ran out of memory: use fewer threads or a smaller model")


def at(tensor: Tensor | None) -> ctypes.c_void_p:
    """Address of a tensor's data; null for None."""
    return pointer(0 if tensor is None else tensor.data_ptr())
