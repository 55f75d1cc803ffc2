"""The T-maze and the double T-maze (paper: section "Reinforcement learning", Fig. 4 and 5, extended data Fig. 4).

An agent walks a small grid.  One arm ends in food, another in poison, and they change places now and then; what its
sensors mean (and, if so set, what its outputs do) is shuffled anew for every agent, so that it has to be learnt within a
life.  Rules and constants as in the authors' public code, where it shows them; fields marked "reconstruction" are ours.
Shapes: P offspring, B environments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from enu_lib.kinds import Between, Count, NotNegative, Positive, Real, Share, Steps, check, shown
from enu_lib.streams import integers, permutation, uniform

Layout = Literal["t", "double-t"]
Shuffle = Literal["none", "sensors", "sensors+actions"]
Facing = Literal["stem", "wall"]
Tie = Literal["first", "nothing"]
Moves = Annotated[int, Between(1, 1000)]

WALL, FOOD, POISON = 0, 1, 2  # what a sensor may mean
FORWARD, LEFT, RIGHT = 0, 1, 2  # what an output may do
HEADINGS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # east, south, west, north as (row, column); +1 is a turn to the right


class Geometry(NamedTuple):
    """A maze as tables over its free cells."""

    cells: tuple[tuple[int, int], ...]  # (row, column) of each free cell
    ahead: tuple[tuple[int, ...], ...]  # the cell ahead for each heading; -1: a wall
    start: int  # cell; the agent starts facing east (heading 0)
    ends: tuple[int, ...]  # cells at the ends of the arms, where food and poison may be
    shape: tuple[int, int]  # rows and columns, walls included


class MazeState(NamedTuple):
    """All of a life.  The first fields change; those after `been` are drawn at the start, the same for all offspring."""

    cell: Tensor  # (P, B) int64
    heading: Tensor  # (P, B) int64
    energy: Tensor  # (P, B)
    alive: Tensor  # (P, B) bool
    foods: Tensor  # (P, B) int64, eaten so far
    poisons: Tensor  # (P, B) int64
    reward: Tensor  # (P, B) +1, -1 or 0: what the reward neuron shows
    shown: Tensor  # (P, B) int64, steps for which it is still shown
    votes: Tensor  # (P, B, 3) outputs summed since the last move
    action: Tensor  # (P, B) int64, the last step's action; -1: none
    ate: Tensor  # (P, B) int64, the last step's meal: 1 food, -1 poison, 0 none
    been: Tensor  # (P, B, cells) bool, cells it has been in; followed only where `explore_bonus` asks for it
    food: Tensor  # (P, B) int64, cell of the food
    poison: Tensor  # (P, B) int64, cell of the poison
    sensor_of: Tensor  # (1, B, 3) int64, the sensor neuron that shows wall, food, poison
    action_of: Tensor  # (1, B, 3) int64, what outputs 0, 1, 2 do
    places: Tensor  # (1, B, K, 2) int64, cells of food and poison in each period of five foods


@dataclass(frozen=True)
class Maze:
    """Rules of a maze; the defaults are the published ones.

    Each network step costs energy; every `move_every` steps the output with the largest sum over these steps acts (if two
    tie, the first of them; if all three do, nothing happens): forward one cell (not into a wall), turn left, turn right.
    Walking onto food or poison eats it: the agent is refilled and put back at the start.  After every `foods_per_period`
    foods the places change with probability `change`.  Fitness: +1 a food, -1 a poison, but the very first meal counts +1
    whichever it is, plus `alive_bonus` for each step alive and `explore_bonus` for each cell entered for the first time in
    a life: a task in walking, for agents that do not know yet what their outputs do (reconstruction).

    The double T ("double-t") is a reconstruction: two T's joined stem to stem, the agent starts in the middle facing one
    of them; four arm ends, of which one holds food, one poison and two nothing.  A change draws both places anew.  Its
    energy is scaled to the longest search: `energy=None` gives 18 for the T (12 moves see both arms) and 48 for the double
    T (32 moves see all four).
    """

    layout: Layout = "t"
    shuffle: Shuffle = "sensors+actions"  # what is permuted for every agent
    steps: Steps = 400  # network steps
    move_every: Count = 4
    energy: Positive | None = None
    energy_cost: NotNegative = 0.25  # a network step
    foods_per_period: Count = 5
    change: Share = 0.5  # probability
    deadly_poisons: Count = 2
    first_meal_counts: bool = True
    alive_bonus: Real = 0.025
    explore_bonus: Real = 0.0
    reward_steps: Annotated[int, Between(0, 10**9)] = 4  # reconstruction: the reward neuron shows a reward until the next move
    corridor: Moves = 3  # moves from the start to the junction
    arm: Moves = 2  # moves from the junction to an arm's end
    placements: tuple[tuple[int, int], ...] | None = None  # (food, poison) as numbers of ends; None: all (reconstruction)
    tie: Tie = "first"  # outputs tie for the largest sum: the first of them acts, or nothing is done
    facing: Facing = "stem"  # what the agent sees at the start: along the "stem", or the "wall" beside it (a quarter turn)
    balanced: bool = True  # reconstruction: a batch holds every shuffle (and side) equally often
    pairs: tuple[tuple[int, int], ...] | None = None  # reconstruction: see `shuffles`

    name: ClassVar[str] = "maze"
    n_inputs: ClassVar[int] = 4  # three sensors, one reward neuron
    n_outputs: ClassVar[int] = 3
    older: ClassVar[dict[str, str]] = {"tie": "nothing"}  # what stored settings mean that are older than a field

    def __post_init__(self) -> None:
        check(self)
        possible = list(permutations(range(len(geometry(self).ends)), 2))
        if self.placements is not None and not (self.placements and set(self.placements) <= set(possible)):
            raise ValueError(f"placements must be some of (food, poison) in {possible}, got {shown(self.placements)}")
        if not shuffles(self):
            raise ValueError(f"no shuffle fits pairs={shown(self.pairs)} with shuffle={self.shuffle!r}")

    @property
    def full(self) -> float:
        """Energy at the start and after a meal."""
        return self.energy if self.energy is not None else {"t": 18.0, "double-t": 48.0}[self.layout]

    def reset(self, population: int, environments: int, generator: torch.Generator) -> MazeState:
        """Fresh lives: P x B agents at the start, the same B environments for all P."""
        b = environments
        ends = torch.tensor(geometry(self).ends, device="cpu")
        placements = list(self.placements or permutations(range(len(ends)), 2))
        all_shuffles = product(shuffles(self), range(len(placements)))
        combinations = torch.tensor([(*s, *a, k) for (s, a), k in all_shuffles], device="cpu")
        n = len(combinations)
        if self.balanced:
            rounds = [permutation(n, generator) for _ in range(math.ceil(b / n))]
            drawn = combinations[torch.cat(rounds)[:b]]
        else:
            drawn = combinations[integers(0, n, (b,), generator)]
        periods = self.steps // self.move_every // self.foods_per_period + 2
        place = torch.empty(b, periods, dtype=torch.int64, device="cpu")
        place[:, 0] = drawn[:, 6]
        changes = uniform(b, periods, generator=generator) < self.change
        anew = integers(0, len(placements), (b, periods), generator)
        for k in range(1, periods):  # two placements: the other one; more: any
            other = 1 - place[:, k - 1] if len(placements) == 2 else anew[:, k]
            place[:, k] = torch.where(changes[:, k], other, place[:, k - 1])
        places = ends[torch.tensor(placements, device="cpu")[place]][None]
        return self.begin(population, drawn[None, :, 0:3], drawn[None, :, 3:6], places)

    def begin(self, population: int, sensor_of: Tensor, action_of: Tensor, places: Tensor) -> MazeState:
        """P x B lives before their first step, in environments given as in `MazeState`: (1, B, 3), (1, B, 3), (1, B, K, 2)."""
        p, b, g, device = population, places.shape[1], geometry(self), places.device

        def fill(value: float, dtype: torch.dtype = torch.int64, *more: int) -> Tensor:
            return torch.full((p, b, *more), value, dtype=dtype, device=device)

        return MazeState(
            cell=fill(g.start),
            heading=fill(0),
            energy=fill(self.full, torch.float32),
            alive=fill(True, torch.bool),
            foods=fill(0),
            poisons=fill(0),
            reward=fill(0.0, torch.float32),
            shown=fill(0),
            votes=fill(0.0, torch.float32, 3),
            action=fill(-1),
            ate=fill(0),
            been=(torch.arange(len(g.cells), device=device) == g.start).expand(p, b, -1).clone(),
            food=places[:, :, 0, 0].expand(p, b),
            poison=places[:, :, 0, 1].expand(p, b),
            sensor_of=sensor_of,
            action_of=action_of,
            places=places,
        )

    def observe(self, state: MazeState, t: int) -> Tensor:
        """Input neurons (P, B, 4, 3): the sensors on channel 0; the reward neuron's channel 1 positive, 2 negative."""
        ahead = _tables(self, str(state.cell.device))[state.cell, state.heading]
        seen = torch.stack([ahead < 0, ahead == state.food, ahead == state.poison], -1)
        p, b = state.cell.shape
        x = torch.zeros(p, b, 4, 3, dtype=torch.float32, device=state.cell.device)
        seen = (seen & state.alive[..., None]).to(x.dtype)
        x[:, :, :3, 0] = torch.zeros_like(x[:, :, :3, 0]).scatter(2, state.sensor_of.expand(p, -1, -1), seen)
        x[:, :, 3, 1] = state.reward.clamp(min=0)
        x[:, :, 3, 2] = (-state.reward).clamp(min=0)
        return x

    def step(self, state: MazeState, y: Tensor, t: int) -> tuple[MazeState, Tensor]:
        """One network step with outputs y (P, B, 3): the next state and the step's fitness (P, B)."""
        s, g = state, geometry(self)
        votes = s.votes + y
        moving = (t + 1) % self.move_every == 0
        if moving:
            best, winner = votes.max(-1)
            tied = (votes == best[..., None]).sum(-1)
            clear = tied < (3 if self.tie == "first" else 2)
            action = s.action_of.expand(len(votes), -1, -1).gather(2, winner[..., None])[..., 0]
            action = torch.where(s.alive & clear & ~best.isnan(), action, -1)
            votes = torch.zeros_like(votes)
        else:
            action = torch.full_like(s.action, -1)
        heading = (s.heading + (action == RIGHT).long() - (action == LEFT).long()) % 4
        ahead = _tables(self, str(s.cell.device))[s.cell, s.heading]
        cell = torch.where((action == FORWARD) & (ahead >= 0), ahead, s.cell)
        walked = action == FORWARD
        ate = (walked & (cell == s.food)).long() - (walked & (cell == s.poison)).long()
        foods, poisons = s.foods + (ate > 0), s.poisons + (ate < 0)
        first = self.first_meal_counts & (s.foods + s.poisons == 0)
        gain = torch.where(first, ate.abs(), ate).float()
        back = ate != 0
        energy = torch.where(back, self.full, s.energy)
        energy = torch.where(s.alive, energy - self.energy_cost, energy)
        lost = torch.where(s.alive, 0 * y.sum(-1), 0.0)  # NaN stays NaN
        fitness = gain + self.alive_bonus * s.alive.float() + lost
        been = s.been
        if self.explore_bonus:
            here = cell[..., None]
            fitness = fitness + self.explore_bonus * (~been.gather(2, here)[..., 0]).float()
            been = been.scatter(2, here, True)
        alive = s.alive & (energy > 0) & (poisons < self.deadly_poisons)
        shown = torch.where(back, self.reward_steps, (s.shown - 1).clamp(min=0))
        reward = torch.where(back, ate.float(), s.reward) * (shown > 0) * alive
        period = (foods // self.foods_per_period)[..., None, None].expand(-1, -1, 1, 2)
        place = s.places.expand(len(cell), -1, -1, -1).gather(2, period)
        state = MazeState(
            cell=torch.where(back, g.start, cell),
            heading=torch.where(back, 0, heading),
            energy=energy,
            alive=alive,
            foods=foods,
            poisons=poisons,
            reward=reward,
            shown=shown,
            votes=votes,
            action=action,
            ate=ate,
            been=been,
            food=place[:, :, 0, 0],
            poison=place[:, :, 0, 1],
            sensor_of=s.sensor_of,
            action_of=s.action_of,
            places=s.places,
        )
        return state, fitness

    def done(self, state: MazeState) -> Tensor:
        """Lives that have ended (P, B): they do nothing and earn nothing any more."""
        return ~state.alive


def shuffles(maze: Maze) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All (sensor_of, action_of) that may be drawn.

    `maze.pairs` keeps those in which (sensor neuron that shows the wall, output neuron that goes forward) is one of the
    given pairs: a smaller shuffle, for a curriculum (reconstruction).
    """
    same, every = [(0, 1, 2)], list(permutations(range(3)))
    sensors = same if maze.shuffle == "none" else every
    actions = every if maze.shuffle == "sensors+actions" else same
    return [(s, a) for s, a in product(sensors, actions) if maze.pairs is None or (s[WALL], a.index(FORWARD)) in maze.pairs]


def geometry(maze: Maze) -> Geometry:
    """The tables of a maze."""
    return _geometry(maze.layout, maze.corridor, maze.arm, maze.facing)


@lru_cache
def _geometry(layout: str, corridor: int, arm: int, facing: str) -> Geometry:
    # The published T: 7 x 7, start at row 3, column 2, junction at column 5, bar from row 1 to row 5.
    row = 1 + arm
    west, start = (2 + 0, 2) if layout == "t" else (1, 1 + corridor)
    east = start + corridor
    bars = [east] if layout == "t" else [east, west]
    free = {(row, column) for column in range(west, east + 1)}
    free |= {(r, column) for column in bars for r in range(1, 2 * arm + 2)}
    ends = [(r, column) for column in bars for r in (1, 2 * arm + 1)]
    first, shape = (row, start), (2 * arm + 3, east + 2)
    if facing == "wall":  # every agent starts facing east: turn the maze, not the agent
        free, ends, first, shape = {(c, r) for r, c in free}, [(c, r) for r, c in ends], first[::-1], shape[::-1]
    cells = tuple(sorted(free))
    number = {cell: i for i, cell in enumerate(cells)}
    ahead = tuple(tuple(number.get((r + dr, c + dc), -1) for dr, dc in HEADINGS) for r, c in cells)
    return Geometry(cells, ahead, number[first], tuple(number[end] for end in ends), shape)


@lru_cache
def _ahead(layout: str, corridor: int, arm: int, facing: str, device: str) -> Tensor:
    return torch.tensor(_geometry(layout, corridor, arm, facing).ahead, device=device)


def _tables(maze: Maze, device: str) -> Tensor:
    return _ahead(maze.layout, maze.corridor, maze.arm, maze.facing, device)
