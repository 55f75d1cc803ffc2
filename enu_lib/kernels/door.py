"""Checks of everything that enters a backend, since the compiled kernels read whatever memory they are pointed to.

    genomes(model, x)                       (P, D) float32
    units(cell, x, inputs, noise)           single units on given inputs
    episodes(model, x, maze, state, noise)  networks, or single units, in a maze
    fits(model, task)                       parts and sizes, before anything is sampled

Each function checks its arguments and returns them in the form that the kernels take: float32 and int64, on the genomes'
device.  Raises ValueError naming the value and the remedy, and does so identically for all backends.
"""

from __future__ import annotations

import operator
from typing import Any, TypeGuard, TypeVar, cast

import torch
from torch import Tensor

from enu_lib.cells import ENU, GRU, LSTM, Cell
from enu_lib.contracts import AnyModel, ClosedLoopTask, SequenceTask, Task, check_model, described, spread
from enu_lib.network import Network
from enu_lib.offspring import Offspring
from enu_lib.streams import Noise
from enu_lib.tasks.maze import Maze, MazeState

CELLS = (ENU, GRU, LSTM)
LARGEST_NORM = 1e18  # largest norm of a genome: kernels fold factors into the weights, which must not overflow float32
INDEX_LIMIT = 2**31  # the CPU kernel uses 32-bit indices
INTEGER_TYPES = (torch.int64, torch.int32)
Genomes = TypeVar("Genomes", bound=Tensor | Offspring)
WIDEST_ROW = 256  # most floats in a row of padded gates: 4 gates of 64 hidden units


def is_cell(model: object) -> TypeGuard[Cell]:
    """Whether a model is one of our cells; a subclass is not, since it may have a different `step`."""
    return type(model) in CELLS


def fits(model: object, task: object = None) -> None:
    """Raise ValueError for a model that breaks its contract, is too large for the kernels' indices or does not fit the task.

    Raises TypeError naming what a model lacks.
    """
    check_model(model, evolves=False)
    size, sizes = 0, tuple[str, ...]()
    if isinstance(model, Network):
        rows = model.n_inputs + model.neurons * (1 + model.synapses)
        size, sizes = rows * max(WIDEST_ROW, model.channels), ("n_inputs", "channels", "hidden")
    elif isinstance(model, CELLS):
        size, sizes = (model.n_in + model.n_out + model.hidden + 1) * WIDEST_ROW, ("n_in", "n_out", "hidden")
    if max(size, getattr(model, "n_params", 0)) >= INDEX_LIMIT:
        named = ", ".join(f"{name}={getattr(model, name)}" for name in sizes)
        raise ValueError(f"a model with {named} is too large for the kernels: reduce the largest of these")
    if isinstance(task, Maze):
        _fits_maze(model, task)


def _fits_maze(model: object, maze: Maze) -> None:
    if isinstance(model, CELLS) and (model.n_in, model.n_out) != (maze.n_values, maze.n_outputs):
        raise ValueError(
            f"a single unit in a maze must have n_in={maze.n_values} and n_out={maze.n_outputs}, got {model.n_in} and "
            f"{model.n_out}: set them so, or use enu_lib.Network"
        )
    if isinstance(model, Network):
        for name, needed in (("n_inputs", maze.n_inputs), ("n_outputs", maze.n_outputs)):
            if getattr(model, name) != needed:
                raise ValueError(f"in a maze {name} must be {needed}, got {getattr(model, name)}: set model.{name}={needed}")
        if model.channels < 3:
            raise ValueError(
                f"in a maze channels must be at least 3 (the reward shows on channels 1 and 2), got {model.channels}: "
                "set model.channels=3 or more"
            )


def environments(count: int) -> int:
    """The number of environments as an int."""
    try:
        number = operator.index(count)
    except TypeError:
        raise ValueError(f"environments must be a whole number, got {count!r}") from None
    if number < 1:
        raise ValueError(f"environments must be at least 1, got {number}")
    return number


def genomes(model: AnyModel, x: Genomes) -> Genomes:
    """Genomes (P, D) in float32, or offspring, which `matrix` or a kernel adds up.

    A genome with a non-finite value, or a norm above LARGEST_NORM, becomes NaN throughout, so that its fitness is NaN on every
    backend; otherwise a backend that skips products with zero would miss it.
    """
    if isinstance(x, Offspring):
        return cast(Genomes, _offspring(model, x))
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.layout != torch.strided or x.device.type == "meta":
        raise ValueError(
            f"genomes must be a tensor of floating point numbers, got {described(x)}: use torch.from_numpy or .float()"
        )
    model.unpack(x)  # raises ValueError where the sizes differ
    if not len(x):
        raise ValueError(f"there must be at least one genome, got {tuple(x.shape)}")
    plain = x.detach().to(torch.float32).contiguous()
    usable = torch.linalg.vector_norm(plain, dim=1) <= LARGEST_NORM  # one pass over the values
    if plain.device.type == "cpu" and bool(usable.all()):  # asking a GPU would mean waiting for it
        return cast(Genomes, plain)
    return cast(Genomes, plain.masked_fill(~usable[:, None], torch.nan))


def _offspring(model: AnyModel, x: Offspring) -> Offspring:
    parent, mutations = (v.detach().to(torch.float32).contiguous() for v in (x.parent, x.mutations))
    model.unpack(parent[None])  # raises ValueError where the sizes differ
    low, high = x.rows
    if mutations.shape != (len(mutations), *parent.shape) or not 0 <= low < high <= 2 * len(mutations):
        raise ValueError(
            f"offspring need mutations (P / 2, {len(parent)}) and rows from 0 to P, got {tuple(mutations.shape)} and {x.rows}: "
            "use enu_lib.es.breed"
        )
    return Offspring(parent, mutations, x.rows)


def matrix(model: AnyModel, x: Tensor | Offspring) -> Tensor:
    """Genomes (P, D) that `genomes` has checked, offspring added up."""
    return genomes(model, x.genomes) if isinstance(x, Offspring) else x


def units(cell: Cell, x: Genomes, inputs: Tensor, noise: Noise | None) -> tuple[Genomes, Tensor, Noise | None]:
    """Genomes (P, D), inputs (B, T, n_in) and noise of single units."""
    fits(cell)
    x = genomes(cell, x)
    inputs = sequences(cell, inputs, x.device)
    return x, inputs, offsets(cell, noise, inputs.shape[1], len(x), len(inputs), x.device)


def episodes(
    model: Cell | Network, x: Genomes, maze: Maze, state: MazeState, noise: Noise | None
) -> tuple[Genomes, MazeState, Noise | None]:
    """Genomes (P, D), the environments' state and the noise of networks, or of single units, in a maze."""
    if type(maze) is not Maze:
        raise ValueError(f"the kernels implement enu_lib.Maze, not {type(maze).__name__}: use enu_lib.fitness")
    fits(model, maze)
    x = genomes(model, x)
    state = beginning(maze, state, len(x), x.device)
    return x, state, offsets(model, noise, maze.steps, len(x), state.places.shape[1], x.device)


def sequences(model: AnyModel, x: Tensor, device: torch.device | None, whose: str = "inputs") -> Tensor:
    """Inputs (B, T, n_in) of a unit, or (B, T, I, k) of a network, in float32.  device: where to move them, if given.

    A unit may also be given (B, T, I, k) with n_in = I k; the values of its I input neurons are concatenated.
    """
    if not isinstance(x, Tensor) or x.is_complex() or x.device.type == "meta":
        raise ValueError(f"{whose} must be a tensor of numbers, got {described(x)}: use torch.from_numpy")
    got, x = tuple(x.shape), _one_row(model, x)
    wanted, fit, remedy = _values(model, tuple(x.shape[2:]))
    if not fit or 0 in got:
        raise ValueError(f"{whose} must be (B, T, {wanted}), got {got}: {'no axis may be empty' if 0 in got else remedy}")
    x = x.detach().to(torch.float32).contiguous()
    finite = x.isfinite()  # before they are moved: asking a GPU means waiting for it
    if not bool(finite.all()):
        b, t = (~finite).nonzero()[0, :2].tolist()
        raise ValueError(f"{whose} must be finite, got {x[b, t].tolist()} in environment {b} at step {t}")
    return x if device is None else x.to(device)


def batch(model: AnyModel, task: SequenceTask[Any], drawn: Any, count: int | None, device: torch.device) -> Any:
    """The result of a task's `sample` for `count` environments (None: a batch from the user), in float32."""
    name = _name(task)
    if not isinstance(drawn, tuple) or not hasattr(drawn, "inputs"):
        raise ValueError(f"a batch of {name} must be a named tuple with a field `inputs`, got {type(drawn).__name__}")
    inputs = sequences(model, drawn.inputs, None, f"inputs of {name}")
    wanted = None if count is None else (count, task.steps)
    if wanted not in (None, inputs.shape[:2]):
        raise ValueError(
            f"inputs of {name} must have {count} environments and {task.steps} steps, got {tuple(inputs.shape)}: "
            "`sample` must return the requested number of environments, with `steps` steps each"
        )
    checked: Any = drawn
    return _moved(checked._replace(inputs=inputs), device)


def start(task: ClosedLoopTask[Any], state: Any, rows: tuple[int, int], count: int, device: torch.device) -> Any:
    """The result of a closed loop's `reset` for some offspring in `count` environments, in float32.

    rows: number of the first of these offspring, and of the last plus one; `reset` was called for that many offspring.
    """
    first, end = rows
    tensors = [v for v in state if isinstance(v, Tensor)] if isinstance(state, tuple) and hasattr(state, "_fields") else []
    if not tensors or any(v.dim() < 1 or len(v) not in (1, end) for v in tensors) or tensors[0].shape[1:2] != (count,):
        got = [tuple(v.shape) for v in tensors] or type(state).__name__
        wanted = "1" if end == 1 else f"1 or {end}"
        raise ValueError(f"`reset` of {_name(task)} must return a named tuple of tensors ({wanted}, {count}, ..), got {got}")
    mine = (v[first:] if isinstance(v, Tensor) and len(v) == end else v for v in state)
    return _moved(type(state)(*mine), device)


def observation(
    model: AnyModel, x: Tensor, t: int, population: int, count: int, device: torch.device, task: object = None
) -> Tensor:
    """The input of step t, (P or 1, B, I, k) of a network, (P or 1, B, n_in) of a unit, in float32.

    A unit may also be shown I input neurons with k values each, n_in = I k, one after the other.  The input must be finite in
    the first step.  Later it may depend on NaN outputs, so non-finite values become NaN on every backend.
    task: whose `observe` has returned it, for error messages.
    """
    x = _one_row(model, x) if isinstance(x, Tensor) else x
    got = tuple(x.shape) if isinstance(x, Tensor) else ()
    wanted, fit, remedy = _values(model, got[2:])
    if not fit or got[0] not in (1, population) or got[1] not in (1, count):
        remedy = "offspring come first, environments second" if fit else remedy
        raise ValueError(f"{_seen(task)} must be (1 or {population}, {count}, {wanted}), got {got or described(x)}: {remedy}")
    x = x.detach().to(device, torch.float32)
    if t == 0 and not bool(x.isfinite().all()):
        raise ValueError(f"{_seen(task)} must be finite in the first step, got {spread(x)}")
    return x.nan_to_num(torch.nan, torch.nan, torch.nan)


class Steps:
    """Checks the arguments of a stepper at every step; checks noise only when it first sees it."""

    def __init__(self, network: Network, population: int, count: int, device: torch.device) -> None:
        self._all = network, population, count, device
        self._given: Noise | None = None
        self._taken: Noise | None = None

    def __call__(self, x: Tensor, noise: Noise | None, t: int) -> tuple[Tensor, Noise | None]:
        """The checked input of step t, and the noise of all steps."""
        network, population, count, device = self._all
        x = observation(network, x, t, population, count, device)
        if noise is not None and noise is not self._given:
            taken = offsets(network, noise, 1, population, count, device)
            self._given, self._taken = noise, None if taken is None else taken.each(torch.clone)
        taken = None if noise is None else self._taken
        if taken is not None and not 0 <= t < len(taken.offsets):
            raise ValueError(f"there is noise for {len(taken.offsets)} steps, but none for step {t}: draw noise for more steps")
        return x, taken


def reward(task: Task, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Fitness of one step, or of all steps, in float32 and of the given shape."""
    if not isinstance(x, Tensor) or x.shape != shape:
        got = tuple(x.shape) if isinstance(x, Tensor) else described(x)
        part = "score" if hasattr(task, "score") else "step"
        axes = ", ".join(("offspring", "environments", "steps")[: len(shape)])
        of = f"the fitness that `{part}` of {_name(task)} returns"
        raise ValueError(f"{of} must be {tuple(shape)} ({axes}), got {got}: return one value for each")
    return x.to(torch.float32)


def offsets(
    model: AnyModel, noise: Noise | None, steps: int, population: int, count: int, device: torch.device
) -> Noise | None:
    """Noise for `steps` steps of a population in `count` environments; None for a model without noise."""
    if noise is None or not model.noise_shape:
        return None
    table, at, shifts = noise
    if table.dim() != 1 or not len(table) or not table.is_floating_point() or not bool(table.isfinite().all()):
        raise ValueError(f"the noise table must hold finite numbers (K,), got {described(table)}: use draw_noise")
    if at.dim() != 2 or at.shape[0] < steps or at.shape[1] != count or at.dtype not in INTEGER_TYPES:
        raise ValueError(
            f"noise must have offsets ({steps}, {count}), for {steps} steps of {count} environments, got {described(at)}: "
            f"use draw_noise({steps}, {count}, generator)"
        )
    if shifts is not None and (shifts.shape != (population, count) or shifts.dtype not in INTEGER_TYPES):
        raise ValueError(
            f"noise of {population} offspring in {count} environments must have shifts ({population}, {count}), "
            f"got {described(shifts)}: use draw_noise({steps}, {count}, generator, (0, {population}))"
        )
    for name, indices in (("offsets", at), ("shifts", shifts)):
        low, high = (0, 0) if indices is None else (int(v) for v in indices.aminmax())
        if low < 0 or high >= len(table):
            raise ValueError(f"noise {name} must be 0 to {len(table) - 1} (indices of its table), got {low} to {high}")
    return noise.each(lambda v: v.detach().to(device, torch.float32 if v is table else torch.int64))


def beginning(maze: Maze, state: MazeState, population: int, device: torch.device) -> MazeState:
    """The initial state in this maze, checked to be one that `maze.reset` can return.

    All offspring share it; only `sensor_of` and `action_of` may differ between them, (P, B, 3).
    """
    remedy = "draw it with this maze's `reset`"
    if not isinstance(state, MazeState) or not all(isinstance(v, Tensor) for v in state):
        raise ValueError(f"a maze's state must be a MazeState, got {type(state).__name__}: {remedy}")
    b, periods = state.places.shape[1:3] if state.places.dim() == 4 else (0, 0)
    shapes = {"sensor_of": (1, b, 3), "action_of": (1, b, 3), "places": (1, b, periods, 2)}
    for name, shape in shapes.items():
        v, own = getattr(state, name), name != "places"
        if v.shape[1:] != shape[1:] or len(v) not in (1, population if own else 1) or not b or v.dtype not in INTEGER_TYPES:
            wanted = f"{(f'1 or {population}' if own else 1, 'B') + shape[2:]}".replace("'", "")
            raise ValueError(f"the state's {name} must be whole numbers {wanted}, got {described(v)}: {remedy}")
    needed = maze.steps // maze.move_every // maze.foods_per_period + 1
    if periods < needed:
        raise ValueError(f"the state has places for {periods} periods, but this maze needs {needed}: {remedy}")
    here = state.places.device  # where the checks are made: asking a GPU means waiting for it
    sensors, actions, places = (getattr(state, name).to(here, torch.int64) for name in shapes)
    fresh = maze.begin(1, sensors, actions, places)
    squares, whole = fresh.been.shape[2], torch.arange(3, device=here)
    rules = [
        ("sensor_of", "be permutations of 0, 1, 2", (sensors.sort(-1).values == whole).all()),
        ("action_of", "be 0 to 2", ((actions >= 0) & (actions < 3)).all()),
        ("places", f"be squares of this maze, 0 to {squares - 1}", ((places >= 0) & (places < squares)).all()),
    ]
    for name, mine, expected in zip(MazeState._fields, state, fresh, strict=True):
        fit = mine.shape[1:] == expected.shape[1:] and len(mine) in (1, population)
        same = (mine.to(here) == expected).all() if fit else torch.zeros((), dtype=torch.bool, device=here)
        rules.append((name, "have its initial value in this maze", same))
    held = torch.stack([holds for *_, holds in rules]).tolist()  # one transfer from the device
    for (name, rule, _), holds in zip(rules, held, strict=True):
        if not holds:
            raise ValueError(f"the state's {name} must {rule}, got {spread(getattr(state, name))}: {remedy}")
    return fresh if here == device else maze.begin(1, *(v.to(device) for v in (sensors, actions, places)))


def _one_row(model: object, x: Tensor) -> Tensor:
    """Inputs (.., .., I, k), as one row (.., .., I k) if the model is a single unit."""
    return x.flatten(2) if isinstance(model, CELLS) and x.dim() == 4 else x


def _values(model: object, shape: tuple[int, ...]) -> tuple[str, bool, str]:
    """The expected shape of one step's input in one environment, in words; whether `shape` matches it; and a remedy if not."""
    axes = "it needs one more axis, of values" if len(shape) < 1 + isinstance(model, Network) else "it has an axis too many"
    if isinstance(model, Network):
        fit = len(shape) == 2 and shape[0] == model.n_inputs and shape[1] <= model.channels
        if len(shape) == 2:
            axes = f"set n_inputs={shape[0]} and channels={max(shape[1], model.channels)} on the model"
        return f"{model.n_inputs}, up to {model.channels}", fit, axes
    if isinstance(model, CELLS):
        return f"{model.n_in}", shape == (model.n_in,), f"set n_in={shape[0]} on the model" if len(shape) == 1 else axes
    return "..", bool(shape), axes


def _moved(values: Any, device: torch.device) -> Any:
    """A named tuple with its tensors on a device, floating point ones in float32."""

    def move(v: Any) -> Any:
        if not isinstance(v, Tensor):
            return v
        return v.to(device, torch.float32) if v.is_floating_point() else v.to(device)

    return type(values)(*map(move, values))


def _name(task: object) -> str:
    return f"task {getattr(task, 'name', type(task).__name__)!r}"


def _seen(task: object) -> str:
    return "a step's input" if task is None else f"what `observe` of {_name(task)} returns"
