"""The grids of the mazes as tables: squares, what lies ahead, shortest routes to the ends (paper: Fig. 4, ext. data Fig. 4)."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Layout = Literal["t", "double-t"]
Facing = Literal["stem", "wall"]
PerHeading = tuple[tuple[int, ...], ...]  # a value per square and heading

FORWARD, LEFT, RIGHT = 0, 1, 2  # actions
ACTIONS = ("forward", "left", "right")  # their names, by number
HEADINGS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # east, south, west, north as (row, column); +1: turn right
ROUNDS = {"t": (0, 1), "double-t": (0, 1, 3, 2)}  # indices of the ends in the order of a round


class Geometry(NamedTuple):
    """A maze as tables over its free squares."""

    squares: tuple[tuple[int, int], ...]  # (row, column) of each free square
    ahead: PerHeading  # the square ahead; -1: a wall
    start: int  # starting square; the agent faces east (heading 0)
    ends: tuple[int, ...]  # squares at the ends of the arms, possible places of food and poison
    shape: tuple[int, int]  # rows and columns, including walls
    routes: tuple[PerHeading, ...]  # per end: the first action on a shortest route to it
    following: tuple[int, ...]  # per end: the next one of a round through all ends


class Tables(NamedTuple):
    """Tables of `Geometry` on a device, for S squares and E ends."""

    ahead: Tensor  # (S, 4)
    ends: Tensor  # (E,)
    following: Tensor  # (E,)
    routes: Tensor  # (E, S, 4)


@lru_cache
def tables(grid: Geometry, device: str = "cpu") -> Tables:
    """The tables of a maze as int64 tensors."""
    return Tables(*(torch.tensor(table, device=device) for table in (grid.ahead, grid.ends, grid.following, grid.routes)))


@lru_cache
def build(layout: Layout, corridor: int, arm: int, facing: Facing) -> Geometry:
    """The tables of a maze; the arguments are fields of `enu_lib.tasks.maze.Maze`."""
    # The published T: 7 x 7, start at row 3, column 2, junction at column 5, bar from row 1 to row 5.
    row = 1 + arm
    west, start = (2, 2) if layout == "t" else (1, 1 + corridor)
    east = start + corridor
    bars = [east] if layout == "t" else [east, west]
    free = {(row, column) for column in range(west, east + 1)}
    free |= {(r, column) for column in bars for r in range(1, 2 * arm + 2)}
    ends = [(r, column) for column in bars for r in (1, 2 * arm + 1)]
    first, shape = (row, start), (2 * arm + 3, east + 2)
    if facing == "wall":  # agents always start facing east, so transpose the maze
        free, ends, first, shape = {(c, r) for r, c in free}, [(c, r) for r, c in ends], first[::-1], shape[::-1]
    squares = tuple(sorted(free))
    number = {square: i for i, square in enumerate(squares)}
    ahead = tuple(tuple(number.get((r + dr, c + dc), -1) for dr, dc in HEADINGS) for r, c in squares)
    places = tuple(number[end] for end in ends)
    order = ROUNDS[layout]
    following = tuple(order[(order.index(end) + 1) % len(order)] for end in range(len(ends)))
    return Geometry(squares, ahead, number[first], places, shape, tuple(_route(ahead, place) for place in places), following)


def _route(ahead: PerHeading, end: int) -> PerHeading:
    """The first action on a shortest route to a square, per square and heading, by breadth-first search from that square.

    To turn around, it turns left twice.
    """
    actions = [[FORWARD] * 4 for _ in ahead]
    seen = {(end, heading) for heading in range(4)}
    queue = deque(seen)
    while queue:
        square, heading = queue.popleft()
        behind = [s for s in range(len(ahead)) if ahead[s][heading] == square]
        before = [(FORWARD, s, heading) for s in behind]
        before += [(LEFT, square, (heading + 1) % 4), (RIGHT, square, (heading - 1) % 4)]
        for action, s, h in before:
            if (s, h) not in seen:
                seen.add((s, h))
                queue.append((s, h))
                actions[s][h] = action
    return tuple(map(tuple, actions))
