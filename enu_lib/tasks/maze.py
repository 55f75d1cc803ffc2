"""The T-maze and the double T-maze (paper: section "Reinforcement learning", Fig. 4 and 5, extended data Fig. 4).

An agent walks through a small grid.  Food lies at the end of one arm and poison at the end of another; their places
sometimes change.  The meaning of the sensors (and, depending on `shuffle`, of the outputs) is shuffled for every agent, so
that it has to be learnt within an episode.  Rules and constants are from the authors' public code as far as that shows
them; fields marked "reconstruction" are ours.
Shapes: P offspring, B environments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations, product
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from enu_lib.base.kinds import Between, Count, NotNegative, Positive, Real, Share, Steps, check, shown
from enu_lib.streams import balanced, branch, integers, uniform
from enu_lib.tasks.geometry import FORWARD, LEFT, RIGHT, Facing, Geometry, Layout, Tables, build, tables

Shuffle = Literal["none", "sensors", "sensors+actions"]
Tie = Literal["first", "nothing"]
Teacher = Literal["turning", "remembering"]
Moves = Annotated[int, Between(1, 1000)]

WALL, FOOD, POISON = 0, 1, 2  # what a sensor may detect


class MazeState(NamedTuple):
    """State of all episodes.  `sensor_of`, `action_of` and `places` are sampled at the start.

    All offspring share them, except that `Maze.own_shuffles` gives each offspring a `sensor_of` and `action_of` of its own.
    """

    square: Tensor  # (P, B) int64
    heading: Tensor  # (P, B) int64
    energy: Tensor  # (P, B)
    alive: Tensor  # (P, B) bool
    foods: Tensor  # (P, B) int64, foods eaten so far
    poisons: Tensor  # (P, B) int64, poisons eaten so far
    reward: Tensor  # (P, B) +1, -1 or 0: signal of the reward neuron
    shown: Tensor  # (P, B) int64, steps for which the reward neuron still shows it
    votes: Tensor  # (P, B, 3) outputs summed since the last move
    action: Tensor  # (P, B) int64, action in the last step; -1: none
    ate: Tensor  # (P, B) int64, meal in the last step: 1 food, -1 poison, 0 none
    been: Tensor  # (P, B, squares) bool, squares visited; only updated if `explore_bonus` is set
    food: Tensor  # (P, B) int64, square of the food
    poison: Tensor  # (P, B) int64, square of the poison
    goal: Tensor  # (P, B) int64, the end that the remembering teacher goes to; updated only if that teacher has an effect
    sensor_of: Tensor  # (1 or P, B, 3) int64, the sensor neurons for wall, food, poison
    action_of: Tensor  # (1 or P, B, 3) int64, the actions of outputs 0, 1, 2
    places: Tensor  # (1, B, K, 2) int64, squares of food and poison in each of K periods (`foods_per_period`)


@dataclass(frozen=True)
class Maze:
    """Rules of a maze, by default the published ones.

    Each network step costs energy.  Every `move_every` steps, the output with the largest sum over these steps determines
    the action: move forward one square (unless there is a wall), turn left or turn right.  If two outputs tie, the first acts;
    if all three tie, nothing happens.  Entering the square of food or poison eats it, restores full energy and returns the
    agent to the start.  After every `foods_per_period` foods (with `count_poisons`, foods plus poisons), the places change with
    probability `change`.  Fitness: +1 per food and -1 per poison, except that the first meal counts +1 either way;
    `alive_bonus` per step alive; `explore_bonus` per square entered for the first time, which rewards walking before an agent
    can find food (reconstruction).

    A teacher (reconstruction, for a curriculum) knows what is ahead.  "turning": it steps forward, but turns left in front of a
    wall and, once the agent has eaten poison, in front of poison; so it finds the food of a single T if `arm` is at least 2.
    "remembering": it takes a shortest route to the end where the agent last found food, at first to the first of
    `geometry(maze).ends`.  If it gets there without a meal, if poison is eaten there, or if it sees poison there once the agent
    has eaten some, it goes to the next end in a fixed cycle (`geometry(maze).following`).

    At each move, even if a tie prevents it, a living agent earns `teacher_bonus` times the agreement of its outputs with the
    teacher's: 1 minus the mean squared difference, over the three outputs, between an output's average since the last move and
    the teacher's output, which is 1 for its action and 0 for the others.  With `led=True`, the teacher acts in place of the
    agent, so that only this bonus depends on the outputs.

    The double T ("double-t") is a reconstruction: two Ts joined at their stems, with the agent starting in the middle, facing
    one of them.  Of the four arm ends, one holds food, one poison and two nothing; a change redraws both places.  The energy
    is scaled to the longest search: `energy=None` means 18 for the T (both arms seen after 12 moves) and 48 for the double T
    (all four seen after 32 moves).

    All offspring of a generation get the same environments, which makes their fitness easier to compare (reconstruction).
    In a public copy of the authors' code, shuffles are drawn for every offspring in every environment: for this, set
    `own_shuffles=True` and `balanced=False`.  Even the two of an antithetic pair then get different shuffles.  The places of
    food and poison, and their changes, remain the same for all offspring, as in that copy.
    """

    layout: Layout = "t"
    shuffle: Shuffle = "sensors+actions"  # meanings that are permuted for every agent
    steps: Steps = 400  # network steps
    move_every: Count = 4
    energy: Positive | None = None
    energy_cost: NotNegative = 0.25  # per network step
    foods_per_period: Count = 5
    change: Share = 0.5  # probability that the places change
    deadly_poisons: Count = 2
    first_meal_counts: bool = True
    alive_bonus: Real = 0.025
    explore_bonus: Real = 0.0
    reward_steps: Annotated[int, Between(0, 10**9)] = 4  # reconstruction: a reward is shown until the next move
    corridor: Moves = 3  # moves from the start to the junction
    arm: Moves = 2  # moves from the junction to the end of an arm
    placements: tuple[tuple[int, int], ...] | None = None  # (food, poison) as indices of ends; None: all (reconstruction)
    tie: Tie = "first"  # if two outputs tie for the largest sum: the first acts, or nothing happens
    facing: Facing = "stem"  # view at the start: along the "stem", or, a quarter turn away, the "wall" beside it
    balanced: bool = True  # reconstruction: every shuffle and placement equally often in a batch
    pairs: tuple[tuple[int, int], ...] | None = None  # reconstruction: see `shuffles`
    own_shuffles: bool = False  # draw shuffles for each offspring; False: all offspring get the same
    count_poisons: bool = False  # reconstruction: `foods_per_period` counts poisons, too
    teacher_bonus: Real = 0.0  # per move, times the agreement of the outputs with a teacher's (reconstruction)
    led: bool = False  # the teacher acts in place of the agent (reconstruction)
    teacher: Teacher = "turning"  # what the teacher does (reconstruction)
    meals_visible: bool = True  # False: neither agent nor teacher sees food or poison (reconstruction)

    name: ClassVar[str] = "maze"
    n_inputs: ClassVar[int] = 4  # three sensors and the reward neuron
    n_outputs: ClassVar[int] = 3
    n_values: ClassVar[int] = 12  # input neurons times the channels on which they show something
    older: ClassVar[dict[str, str]] = {"tie": "nothing"}  # values for files older than the field

    def __post_init__(self) -> None:
        check(self)
        possible = list(permutations(range(len(geometry(self).ends)), 2))
        if self.placements is not None and not (self.placements and set(self.placements) <= set(possible)):
            raise ValueError(f"placements must be some of (food, poison) in {possible}, got {shown(self.placements)}")
        if not shuffles(self):
            raise ValueError(f"no shuffle fits pairs={shown(self.pairs)} with shuffle={self.shuffle!r}")

    @property
    def full(self) -> float:
        """Energy at the start and after each meal."""
        return self.energy if self.energy is not None else {"t": 18.0, "double-t": 48.0}[self.layout]

    def reset(self, population: int, environments: int, generator: torch.Generator) -> MazeState:
        """The initial state of P x B episodes in B random environments.

        With `own_shuffles`, the shuffles of offspring p do not depend on P; if `balanced`, each offspring gets every shuffle
        equally often.
        """
        b = environments
        ends = torch.tensor(geometry(self).ends, device="cpu")
        placements = list(self.placements or permutations(range(len(ends)), 2))
        all_shuffles = product(shuffles(self), range(len(placements)))
        combinations = torch.tensor([(*s, *a, k) for (s, a), k in all_shuffles], device="cpu")
        n = len(combinations)
        drawn = combinations[balanced(n, b, generator) if self.balanced else integers(0, n, (b,), generator)]
        periods = self.steps // self.move_every // self.foods_per_period + 2
        changes = uniform(b, periods, generator=generator) < self.change
        changes[:, 0] = False
        place = integers(0, len(placements), (b, periods), generator)
        if len(placements) == 2:  # switch at each change
            place = (drawn[:, 6:] + changes.cumsum(1)) % 2
        else:  # draw any at each change
            place[:, 0] = drawn[:, 6]
            place = place.gather(1, torch.where(changes, torch.arange(periods, device="cpu"), 0).cummax(1).values)
        places = ends[torch.tensor(placements, device="cpu")[place]][None]
        sensor_of, action_of = drawn[None, :, 0:3], drawn[None, :, 3:6]
        if self.own_shuffles:
            sensor_of, action_of = self._shuffles_for_each(population, b, branch(generator, "shuffles of offspring"))
        return self.begin(population, sensor_of, action_of, places)

    def _shuffles_for_each(self, population: int, environments: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Shuffles for each offspring: `sensor_of` and `action_of`, (P, B, 3)."""
        possible = torch.tensor(shuffles(self), device="cpu")  # (n, 2, 3)
        n = len(possible)
        if self.balanced:
            order = uniform(population, math.ceil(environments / n), n, generator=generator).argsort(dim=-1, stable=True)
            which = order.flatten(1)[:, :environments]
        else:
            which = integers(0, n, (population, environments), generator)
        sensor_of, action_of = possible[which].unbind(2)
        return sensor_of, action_of

    def begin(self, population: int, sensor_of: Tensor, action_of: Tensor, places: Tensor) -> MazeState:
        """The initial state of P x B episodes in given environments; shapes as in `MazeState`."""
        p, b, g, device = population, places.shape[1], geometry(self), places.device

        def fill(value: float, dtype: torch.dtype = torch.int64, *more: int) -> Tensor:
            return torch.full((p, b, *more), value, dtype=dtype, device=device)

        return MazeState(
            square=fill(g.start),
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
            been=(torch.arange(len(g.squares), device=device) == g.start).expand(p, b, -1).clone(),
            food=places[:, :, 0, 0].expand(p, b),
            poison=places[:, :, 0, 1].expand(p, b),
            goal=fill(0),
            sensor_of=sensor_of,
            action_of=action_of,
            places=places,
        )

    def observe(self, state: MazeState, t: int) -> Tensor:
        """Input neurons (P, B, 4, 3): sensors on channel 0; reward neuron on channel 1 (food) and channel 2 (poison)."""
        ahead = _tables(self, state.square.device).ahead[state.square, state.heading]
        seen = torch.stack([ahead < 0, ahead == state.food, ahead == state.poison], -1)
        p, b = state.square.shape
        x = torch.zeros(p, b, 4, 3, dtype=torch.float32, device=state.square.device)
        seen = (seen & state.alive[..., None]).to(x.dtype)
        if not self.meals_visible:
            seen[..., [FOOD, POISON]] = 0
        x[:, :, :3, 0].scatter_(2, state.sensor_of.expand(p, -1, -1), seen)
        x[:, :, 3, 1] = state.reward.clamp(min=0)
        x[:, :, 3, 2] = (-state.reward).clamp(min=0)
        return x

    def step(self, state: MazeState, y: Tensor, t: int) -> tuple[MazeState, Tensor]:
        """The next state, and the step's fitness (P, B), for outputs y (P, B, 3)."""
        s, g = state, geometry(self)
        votes, shown = s.votes + y, (s.shown - 1).clamp(min=0)
        lived = self.alive_bonus * s.alive.float() + torch.where(s.alive, 0 * y.sum(-1), 0.0)  # NaN stays NaN
        if (t + 1) % self.move_every:  # no agent moves in this step: compute only what can change
            still = torch.zeros_like(s.ate)
            return self._charged(s, s._replace(shown=shown, votes=votes, action=still - 1, ate=still)), lived
        best, winner = votes.max(-1)
        tied = (votes == best[..., None]).sum(-1)
        clear = tied < (3 if self.tie == "first" else 2)
        action = s.action_of.expand(len(votes), -1, -1).gather(2, winner[..., None])[..., 0]
        action = torch.where(s.alive & clear & ~best.isnan(), action, -1)
        goal, taught = self._taught(s) if self.led or self.teacher_bonus else (s.goal, action)
        if self.led:
            action = torch.where(s.alive & ~best.isnan(), taught, -1)
        heading = (s.heading + (action == RIGHT).long() - (action == LEFT).long()) % 4
        ahead = _tables(self, s.square.device).ahead[s.square, s.heading]
        square = torch.where((action == FORWARD) & (ahead >= 0), ahead, s.square)
        walked = action == FORWARD
        ate = (walked & (square == s.food)).long() - (walked & (square == s.poison)).long()
        foods, poisons = s.foods + (ate > 0), s.poisons + (ate < 0)
        first = self.first_meal_counts & (s.foods + s.poisons == 0)
        fitness = torch.where(first, ate.abs(), ate).float() + lived
        if self.teacher_bonus:
            outputs = (s.action_of == taught[..., None]).to(votes.dtype)
            error = (votes / self.move_every - outputs).square().mean(-1)
            fitness = fitness + self.teacher_bonus * torch.where(s.alive, 1 - error, 0.0)
        been = s.been
        if self.explore_bonus:
            here = square[..., None]
            fitness = fitness + self.explore_bonus * (~been.gather(2, here)[..., 0]).float()
            been = been.scatter(2, here, True)
        back = ate != 0
        now = self.period(foods, poisons)[..., None, None].expand(-1, -1, 1, 2)
        place = s.places.expand(len(square), -1, -1, -1).gather(2, now)
        moved = s._replace(
            square=torch.where(back, g.start, square),
            heading=torch.where(back, 0, heading),
            energy=torch.where(back, self.full, s.energy),
            foods=foods,
            poisons=poisons,
            reward=torch.where(back, ate.float(), s.reward),
            shown=torch.where(back, self.reward_steps, shown),
            votes=torch.zeros_like(votes),
            action=action,
            ate=ate,
            been=been,
            food=place[:, :, 0, 0],
            poison=place[:, :, 0, 1],
            goal=self._remembered(goal, square, ate) if self.led or self.teacher_bonus else goal,
        )
        return self._charged(s, moved), fitness

    def _taught(self, state: MazeState) -> tuple[Tensor, Tensor]:
        """The remembering teacher's goal and the teacher's action, both (P, B)."""
        grid, goal = _tables(self, state.square.device), state.goal
        ahead = grid.ahead[state.square, state.heading]
        known = (ahead == state.poison) & (state.poisons > 0) & self.meals_visible
        if self.teacher == "turning":
            return goal, torch.where((ahead < 0) | known, LEFT, FORWARD)
        goal = torch.where(state.square == grid.ends[goal], grid.following[goal], goal)  # without a meal: it is empty
        goal = torch.where(known & (ahead == grid.ends[goal]), grid.following[goal], goal)
        return goal, grid.routes[goal, state.square, state.heading]

    def _remembered(self, goal: Tensor, square: Tensor, ate: Tensor) -> Tensor:
        """The remembering teacher's goal (P, B) after a move: where food was eaten; after poison at the goal, the next end."""
        if self.teacher == "turning":
            return goal
        grid = _tables(self, square.device)
        at = (square[..., None] == grid.ends).long().argmax(-1)
        left = (ate < 0) & (square == grid.ends[goal])
        return torch.where(ate > 0, at, torch.where(left, grid.following[goal], goal))

    def _charged(self, before: MazeState, after: MazeState) -> MazeState:
        """The state with the step's energy cost subtracted; starved and poisoned agents die, and expired rewards end."""
        energy = torch.where(before.alive, after.energy - self.energy_cost, after.energy)
        alive = before.alive & (energy > 0) & (after.poisons < self.deadly_poisons)
        return after._replace(energy=energy, alive=alive, reward=after.reward * (after.shown > 0) * alive)

    def period(self, foods: Tensor, poisons: Tensor) -> Tensor:
        """Index of the current period in `MazeState.places`, after so many foods and poisons."""
        return (foods + poisons if self.count_poisons else foods) // self.foods_per_period

    def done(self, state: MazeState) -> Tensor:
        """Episodes (P, B) that have ended: the agent no longer acts or earns fitness."""
        return ~state.alive


def shuffles(maze: Maze) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All possible shuffles (sensor_of, action_of).

    `maze.pairs` restricts them to those whose (sensor neuron for the wall, output for moving forward) is one of the given
    pairs: fewer shuffles, for a curriculum (reconstruction).
    """
    same, every = [(0, 1, 2)], list(permutations(range(3)))
    sensors = same if maze.shuffle == "none" else every
    actions = every if maze.shuffle == "sensors+actions" else same
    return [(s, a) for s, a in product(sensors, actions) if maze.pairs is None or (s[WALL], a.index(FORWARD)) in maze.pairs]


def geometry(maze: Maze) -> Geometry:
    """The maze as tables over its free squares."""
    return build(maze.layout, maze.corridor, maze.arm, maze.facing)


def _tables(maze: Maze, device: torch.device) -> Tables:
    return tables(geometry(maze), str(device))
