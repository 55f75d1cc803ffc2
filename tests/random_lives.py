"""Random models, genomes and tasks, valid and invalid, for test_random_lives, test_door, test_kernel_calls, test_sanitizers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import torch

import enu_lib as enu
from enu_lib.cells import make_cell
from enu_lib.kernels import build
from enu_lib.network import Network, random_connections
from enu_lib.streams import Noise, draw_noise, normal, stream, uniform

BACKENDS = ["reference", "torch", *["cpp"] * (build.compiler() is not None)]
FAST = BACKENDS[1:]
KINDS = ("enu", "nfenu", "gru", "lstm", "gru-clip", "lstm-clip")


class Given(NamedTuple):
    inputs: Any  # (B, T, ..)


@dataclass(frozen=True)
class Sequence:
    """A sequence task with given inputs; fitness is a fixed weighted sum of the outputs."""

    inputs: Any
    steps: int
    name: ClassVar[str] = "given"

    def sample(self, environments: int, generator: torch.Generator) -> Given:
        return Given(self.inputs)

    def score(self, batch: Given, outputs: torch.Tensor) -> torch.Tensor:
        return outputs @ weighing(outputs.shape[-1])


class Shown(NamedTuple):
    inputs: Any  # (1, B, T, I, k)


@dataclass(frozen=True)
class Loop:
    """The same as a closed loop whose inputs do not depend on the outputs."""

    inputs: Any
    steps: int
    name: ClassVar[str] = "given loop"

    def reset(self, population: int, environments: int, generator: torch.Generator) -> Shown:
        return Shown(self.inputs[None])

    def observe(self, state: Shown, t: int) -> torch.Tensor:
        return state.inputs[:, :, t]

    def step(self, state: Shown, y: torch.Tensor, t: int) -> tuple[Shown, torch.Tensor]:
        return state, y @ weighing(y.shape[-1])


def outcome(call: Callable[[], Any]) -> Any:
    """The value of a call, or the type and message of the error that it raises."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def population(model: Any, n: int = 3) -> torch.Tensor:
    first = model.init(stream(0, "genome"))
    return first + 0.2 * normal(n, model.n_params, generator=stream(1, "genome"))


def weighing(n: int) -> torch.Tensor:
    """Weights (n,) of the outputs in the fitness."""
    return torch.linspace(0.5, 1.0, n, dtype=torch.float32, device="cpu")


class Case(NamedTuple):
    """The arguments of a simulation."""

    model: Any
    genomes: Any  # (P, D)
    inputs: Any  # (B, T, ..)
    noise: Noise | None
    steps: int  # T, as stated by the task
    environments: int  # B, as stated by the caller

    @property
    def task(self) -> Any:
        return (Loop if isinstance(self.model, Network) else Sequence)(self.inputs, self.steps)


def case(seed: int, network: bool, largest: int = 64) -> Case:
    """A random small valid case, with up to `largest` hidden units."""
    rng, generator = random.Random(seed), stream(seed, "case")
    p, b, t = rng.randint(1, 4), rng.randint(1, 13), rng.randint(1, 6)
    hidden, noise = rng.choice([rng.randint(1, largest), rng.randint(1, 16)]), rng.choice([0.0, 0.1])
    kind = rng.choice(KINDS)
    if network:
        neurons, synapses, inputs = rng.randint(1, 7), rng.randint(1, 9), rng.randint(1, 5)
        channels, outputs = rng.randint(1, 17), rng.randint(1, neurons)
        table = random_connections(neurons, synapses, inputs, generator)
        model: Any = Network(table, inputs, outputs, channels, hidden, kind, rng.random() < 0.3, noise)
        x = uniform(b, t, inputs, rng.randint(1, channels), generator=generator)
    else:
        model = make_cell(kind, rng.randint(1, 6), rng.choice([1, 4, rng.randint(1, 17)]), hidden, noise)
        x = uniform(b, t, model.n_in, generator=generator)
    genomes = torch.stack([model.init(generator) for _ in range(p)])
    genomes += 0.2 * normal(p, model.n_params, generator=generator)
    drawn = draw_noise(t, b, generator) if noise and rng.random() < 0.8 else None
    return Case(model, genomes, x, drawn, t, b)


def spoilt(good: Case, seed: int) -> tuple[str, Case]:
    """The case with one random defect, and the name of the defect."""
    rng = random.Random(seed)
    genomes, x, noise = good.genomes, good.inputs, good.noise or draw_noise(good.steps, good.environments, stream(seed, "x"))
    hole = x.clone()
    hole.view(-1)[rng.randrange(x.numel())] = rng.choice([torch.nan, torch.inf, -torch.inf])
    wrong = {
        "too few parameters": {"genomes": genomes[:, : rng.randrange(genomes.shape[1])]},
        "too many parameters": {"genomes": torch.cat([genomes, genomes], 1)},
        "no genome": {"genomes": genomes[:0]},
        "one genome without its population": {"genomes": genomes[0]},
        "whole numbers for a genome": {"genomes": genomes.long()},
        "an array for a genome": {"genomes": genomes.numpy()},
        "too few values a step": {"inputs": x[:, :, : x.shape[2] - 1]},
        "too many values a step": {"inputs": torch.cat([x, x], 2)},
        "no step": {"inputs": x[:, :0]},
        "an array for inputs": {"inputs": x.numpy()},
        "a hole": {"inputs": hole},
        "more steps than the task has": {"inputs": torch.cat([x, x], 1)},
        "fewer environments than asked for": {"inputs": x[1:]},
        "no environment": {"environments": 0},
        "noise for too few steps": {"noise": noise._replace(offsets=noise.offsets[1:])},
        "noise for too few environments": {"noise": noise._replace(offsets=noise.offsets[:, 1:])},
        "noise from before its table": {"noise": noise._replace(offsets=noise.offsets - len(noise.table))},
        "noise from beyond its table": {"noise": noise._replace(offsets=noise.offsets + len(noise.table))},
        "noise without a table": {"noise": noise._replace(table=noise.table[:0])},
        "noise at places between places": {"noise": noise._replace(offsets=noise.offsets / 2)},
    }
    what = sorted(wrong)[seed % len(wrong)]
    changed = good._replace(**wrong[what])
    if "noise" in wrong[what]:
        changed = changed._replace(model=replace(changed.model, noise=0.1))
    return what, changed


def maze(seed: int, largest: int = 64) -> tuple[Network, torch.Tensor, enu.Maze]:
    """A random network with up to `largest` hidden units, genomes and maze."""
    rng, generator = random.Random(seed), stream(seed, "maze case")
    neurons = rng.randint(3, 8)
    table = random_connections(neurons, rng.randint(1, 9), 4, generator)
    model = Network(
        table, 4, 3, rng.randint(3, 17), rng.randint(1, largest), rng.choice(KINDS), rng.random() < 0.3, rng.choice([0.0, 0.1])
    )
    genomes = torch.stack([model.init(generator) for _ in range(3)])
    genomes += 0.2 * normal(3, model.n_params, generator=generator)
    layout = enu.Maze(
        rng.choice(["t", "double-t"]),
        steps=rng.randint(1, 60),
        move_every=rng.randint(1, 5),
        energy=rng.choice([None, 3.0, 60.0]),
        foods_per_period=rng.randint(1, 5),
        deadly_poisons=rng.randint(1, 9),
        explore_bonus=rng.choice([0.0, 0.5]),
        reward_steps=rng.randint(0, 5),
        corridor=rng.randint(1, 4),
        arm=rng.randint(1, 4),
        facing=rng.choice(["stem", "wall"]),
        own_shuffles=rng.random() < 0.5,
        count_poisons=rng.random() < 0.5,
        teacher_bonus=rng.choice([0.0, 0.5]),
        led=rng.random() < 0.3,
        teacher=rng.choice(["turning", "remembering"]),
        meals_visible=rng.random() < 0.8,
    )
    return model, genomes, layout
