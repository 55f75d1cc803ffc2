"""Evolution strategy: Gaussian mutations around one parent, combined by rank, with momentum (paper: Methods).

    genomes, mutations = ask(settings, state, seed)          # (P, D), (P / 2, D)
    offspring = breed(settings, state, seed)                 # the same, not yet added up: saves time and memory
    aggregated = aggregate_fitness(settings, fitness)        # (P, B) -> (P,), higher is better
    state = tell(settings, state, mutations, aggregated)

Shapes: P offspring, D parameters, B environments.  The defaults are the published values.  Antithetic sampling and the
alternatives (centred ranks, Adam) follow Salimans et al. (2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor

from enu_lib.base.kinds import Between, NotNegative, Positive, Real, Share, check
from enu_lib.base.precision import in_float32
from enu_lib.offspring import Offspring
from enu_lib.streams import normal, stream


@dataclass(frozen=True)
class ES:
    """Settings of the evolution strategy."""

    population: Annotated[int, Between(4, 2**20)] = 512
    sigma: Positive = 0.01  # s.d. of mutations
    sigma_final: Positive | None = None  # sigma decays exponentially to this over decay_generations; None: constant
    decay_generations: Annotated[int, Between(0, 10**9)] = 1000
    momentum: Share = 0.9
    learning_rate: NotNegative = 1.0
    shaping: Literal["power", "centred"] = "power"  # (rank / P)^power, or centred ranks in [-1/2, 1/2]
    power: NotNegative = 5.0
    optimizer: Literal["momentum", "adam"] = "momentum"  # use a learning rate near sigma with Adam
    breadth: Real | None = None  # offset of `aggregate_fitness`; None: plain mean over environments

    def __post_init__(self) -> None:
        check(self)
        if self.population % 2:
            raise ValueError(f"population must be even (antithetic pairs), got {self.population}: try {self.population + 1}")
        if self.optimizer == "adam" and self.momentum == 1:
            raise ValueError("momentum must be below 1 with optimizer adam, got 1.0")

    def sigma_at(self, generation: int) -> float:
        """Standard deviation of the mutations in a generation."""
        if self.sigma_final is None:
            return self.sigma
        share = min(1.0, generation / max(1, self.decay_generations))
        return float(self.sigma * (self.sigma_final / self.sigma) ** share)


class ESState(NamedTuple):
    parent: Tensor  # (D,)
    velocity: Tensor  # (D,) momentum, or Adam's first moment
    variance: Tensor  # (D,) Adam's second moment; unused by momentum
    generation: int


def init(parent: Tensor) -> ESState:
    """The state before the first generation, for a parent genome (D,)."""
    return ESState(parent.clone(), torch.zeros_like(parent), torch.zeros_like(parent), 0)


def sample_mutations(settings: ES, parameters: int, seed: int, generation: int) -> Tensor:
    """Mutations of one generation (P / 2, D), on the CPU.  Mutation i depends only on (seed, generation, i).

    Mutation 0 is zero, so that offspring 0 is the unperturbed parent.
    """
    generator = stream(seed, "mutation", generation)
    mutations = normal(settings.population // 2, parameters, generator=generator)
    mutations *= settings.sigma_at(generation)
    mutations[0] = 0
    return mutations


def ask(settings: ES, state: ESState, seed: int) -> tuple[Tensor, Tensor]:
    """Genomes (P, D) and mutations (P / 2, D) of the next generation, as `breed` returns them."""
    offspring = breed(settings, state, seed)
    return offspring.genomes, offspring.mutations


def breed(
    settings: ES, state: ESState, seed: int, drawn: Tensor | None = None, rows: tuple[int, int] | None = None
) -> Offspring:
    """The offspring of the next generation.

    drawn: its mutations, if already sampled.  rows: (first, last plus one), to select only these offspring.
    """
    mutations = sample_mutations(settings, len(state.parent), seed, state.generation) if drawn is None else drawn
    mutations = mutations.to(state.parent.device, non_blocking=mutations.is_pinned())  # torch keeps them until they are copied
    return Offspring(state.parent, mutations, rows or (0, 2 * len(mutations)))


def aggregate_fitness(settings: ES, fitness: Tensor) -> Tensor:
    """Fitness aggregated over environments, (P, B) -> (P,).

    The mean, as published; or, with `breadth`, the mean of sqrt(max(fitness - breadth, 0)), which favours genomes that
    do moderately well in many environments over genomes that excel in a few (reconstruction: our addition for the mazes).
    """
    if settings.breadth is None:
        return fitness.mean(1)
    return (fitness - settings.breadth).clamp(min=0).sqrt().where(fitness.isfinite(), torch.nan).mean(1)


def fitness_shaping(settings: ES, aggregated: Tensor) -> Tensor:
    """Weights (P,) of the offspring, from the ranks of their aggregated fitness (P,).

    power: rank r in 0..P-1 (best: P-1) has weight (r / P)^power, normalised to sum 1; computed as (r / (P - 1))^power,
    which is equal after normalisation and never underflows for every rank.  centred: r / (P - 1) - 1/2, divided by P.
    NaN and infinity rank last.  Ties rank by index, as in the published code: on a plateau the parent then drifts at random
    and can leave it, whereas equal weights would keep it there for ever.

    Raises FloatingPointError if no value is finite.
    """
    usable = aggregated.isfinite()
    if not usable.any():
        raise FloatingPointError(
            "the fitness of every offspring is NaN or infinite: correct what computes it, or, if genomes have overflowed "
            "float32, restart from an earlier checkpoint with a smaller sigma or learning rate"
        )
    p = len(aggregated)
    worst_first = torch.where(usable, aggregated, -math.inf).argsort(stable=True)
    rank = torch.empty_like(aggregated, dtype=torch.float64)
    rank[worst_first] = torch.arange(p, dtype=torch.float64, device=aggregated.device)
    share = rank / (p - 1)
    weight = share**settings.power if settings.shaping == "power" else share - 0.5
    total = weight.sum() if settings.shaping == "power" else p
    return (weight / total).float()


@in_float32
def tell(settings: ES, state: ESState, mutations: Tensor, aggregated: Tensor) -> ESState:
    """The state after a generation with these mutations (P / 2, D) and this aggregated fitness (P,)."""
    plus, minus = fitness_shaping(settings, aggregated).to(mutations.device).split(len(mutations))
    step = (plus - minus) @ mutations
    generation = state.generation + 1
    if settings.optimizer == "momentum":
        velocity = settings.momentum * state.velocity + settings.learning_rate * step
        return ESState(state.parent + velocity, velocity, state.variance, generation)
    gradient = step / settings.sigma_at(state.generation)
    velocity = settings.momentum * state.velocity + (1 - settings.momentum) * gradient
    variance = 0.999 * state.variance + 0.001 * gradient**2
    unbiased = velocity / (1 - settings.momentum**generation)
    scale = (variance / (1 - 0.999**generation)).sqrt() + 1e-8
    parent = state.parent + settings.learning_rate * unbiased / scale
    return ESState(parent, velocity, variance, generation)
