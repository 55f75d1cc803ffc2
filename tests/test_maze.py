"""Both mazes on scripted paths: rewards, walls, swaps and deaths against values computed by hand."""

import re
from collections import Counter
from dataclasses import replace

import pytest
import torch

import enu_lib as enu
from enu_lib.network import ORDERED, Network
from enu_lib.streams import stream
from enu_lib.tasks.geometry import FORWARD, LEFT, RIGHT
from enu_lib.tasks.maze import Maze, geometry, shuffles

F, L, R, WAIT = FORWARD, LEFT, RIGHT, None
# From the start of the T, facing east along the corridor: three moves to the junction, then left (north) or right.
NORTH = [F, F, F, L, F, F]
SOUTH = [F, F, F, R, F, F]


def _start(maze, food_end=0, seed=0, **change):
    """The initial state of one episode with food at a given end."""
    for k in range(seed, seed + 1000):
        state = maze.reset(1, 1, enu.stream(k, "test"))
        if state.food.item() == geometry(maze).ends[food_end]:
            return state._replace(**change)
    raise AssertionError("no such life")


def _walk(maze, state, moves):
    """Make the given moves; the fitness of each network step, and the state after each move."""
    fitness, states, t = [], [], 0
    for move in moves:
        for _ in range(maze.move_every):
            y = torch.zeros(1, 1, 3)
            if move is not None:
                y[0, 0, state.action_of[0, 0].tolist().index(move)] = 1.0
            state, f = maze.step(state, y, t)
            fitness.append(f.item())
            states.append(state)
            t += 1
    return fitness, states


def test_the_t_maze_has_the_published_squares():
    g = geometry(Maze())
    assert g.shape == (7, 7) and g.squares[g.start] == (3, 2)
    assert {g.squares[e] for e in g.ends} == {(1, 5), (5, 5)}
    assert len(g.squares) == 4 + 4  # corridor of columns 2 to 5, bar of rows 1 to 5 that shares (3, 5)


def test_the_double_t_maze_mirrors_the_t_maze():
    g = geometry(Maze("double-t"))
    row, column = g.squares[g.start]
    assert {(r, 2 * column - c) for r, c in g.squares} == set(g.squares)
    assert len(g.ends) == 4 and {g.squares[e][0] for e in g.ends} == {1, 5}


@pytest.mark.parametrize("layout", ("t", "double-t"))
def test_facing_the_wall_rotates_the_start_by_a_quarter_turn(layout):
    along, aside = (geometry(Maze(layout, facing=facing)) for facing in ("stem", "wall"))
    assert along.ahead[along.start][0] >= 0 and aside.ahead[aside.start][0] < 0
    assert {(c, r) for r, c in along.squares} == set(aside.squares) and along.shape == aside.shape[::-1]
    assert [along.squares[e][::-1] for e in along.ends] == [aside.squares[e] for e in aside.ends]
    assert along.squares[along.start][::-1] == aside.squares[aside.start]
    with pytest.raises(ValueError, match="facing .*stem, wall.*got 'north'"):
        Maze(layout, facing="north")


def test_food_and_poison_are_at_the_given_placements_only():
    wanted = ((0, 2), (3, 1), (1, 0))
    maze = Maze("double-t", "sensors", placements=wanted)
    ends, places = geometry(maze).ends, maze.reset(1, 18 * 5, stream(3, "placements")).places[0]
    met = [[(ends.index(int(food)), ends.index(int(poison))) for food, poison in life] for life in places]
    assert Counter(life[0] for life in met) == {placement: 30 for placement in wanted}  # balanced at the start
    assert {placement for life in met for placement in life} == set(wanted)  # also after every change
    for layout, wrong in (("t", ((0, 1), (0, 2))), ("double-t", ((1, 1),)), ("double-t", ((-1, 0),)), ("double-t", ())):
        with pytest.raises(ValueError, match=re.escape("(1, 0)") + ".*" + re.escape(f"got {wrong}")):
            Maze(layout, placements=wrong)


def test_food_resets_position_and_energy_and_shows_a_positive_reward():
    maze = Maze()
    fitness, states = _walk(maze, _start(maze, food_end=0), NORTH)
    assert sum(fitness) == pytest.approx(1 + 24 * 0.025)
    before, after = states[22], states[23]
    assert before.energy.item() == 18 - 23 * 0.25
    assert after.square.item() == geometry(maze).start and after.heading.item() == 0
    assert (after.foods.item(), after.poisons.item(), after.ate.item()) == (1, 0, 1)
    assert after.energy.item() == 18 - 0.25
    seen = maze.observe(after, 24)[0, 0, 3]
    assert seen.tolist() == [0, 1, 0]


def test_a_reward_is_shown_until_the_next_move():
    maze = Maze()
    _, states = _walk(maze, _start(maze, 0), [*NORTH, WAIT, WAIT])
    shown = [maze.observe(s, 0)[0, 0, 3, 1].item() for s in states]
    assert shown == [0.0] * 23 + [1.0] * 4 + [0.0] * 5


def test_the_first_meal_counts_whichever_it_is_and_the_second_poison_kills():
    maze = Maze()
    fitness, states = _walk(maze, _start(maze, food_end=1), [*NORTH, *NORTH, F, F])
    assert states[23].poisons.item() == 1 and states[23].alive.item()
    assert maze.observe(states[23], 24)[0, 0, 3].tolist() == [0, 0, 1]
    assert fitness[23] == pytest.approx(1.025)  # the first one
    assert fitness[47] == pytest.approx(-1 + 0.025)  # the second one
    assert states[47].poisons.item() == 2 and not states[47].alive.item()
    assert fitness[48:] == [0.0] * 8  # no fitness after death
    assert states[-1].square.item() == states[47].square.item()  # no movement
    assert not maze.observe(states[-1], 56)[0, 0, :3].any()  # no sensor input
    strict = Maze(first_meal_counts=False)
    assert _walk(strict, _start(strict, 1), NORTH)[0][23] == pytest.approx(-1 + 0.025)


def test_an_agent_starves_after_72_steps():
    maze = Maze()
    fitness, states = _walk(maze, _start(maze), [WAIT] * 20)
    alive = [s.alive.item() for s in states]
    assert alive == [True] * 71 + [False] * 9
    assert fitness[:72] == pytest.approx([0.025] * 72) and fitness[72:] == [0.0] * 8


def test_a_bonus_for_each_square_entered_for_the_first_time():
    maze = Maze(alive_bonus=0.0, explore_bonus=0.25)
    start = _start(maze, food_end=0)
    back_and_forth, states = _walk(maze, start, [F, R, R, F, F, R, R, F, F, F])  # there, back, the wall, and on to new squares
    assert back_and_forth[3::4] == [0.25, 0, 0, 0, 0, 0, 0, 0, 0.25, 0.25]
    assert sum(back_and_forth) == 0.75 and states[-1].been.sum() == 4
    twice, states = _walk(maze, start, [*NORTH, *NORTH])  # to the food over five new squares, twice
    assert [f for f in twice if f] == [0.25, 0.25, 0.25, 0.25, 1.25, 1]
    assert states[-1].been.sum() == 6 and start.been.sum() == 1
    assert sum(_walk(maze, start._replace(alive=torch.tensor([[False]])), NORTH)[0]) == 0  # no bonus after death


def test_a_bonus_for_agreeing_with_the_teacher():
    maze = Maze(alive_bonus=0.0, teacher_bonus=0.3, deadly_poisons=9)
    start = _start(maze, food_end=1)  # poison in the north
    rewards, states = _walk(maze, start, [F, F, F, L, F, R, F, L])  # turned right, it steps into a wall
    assert rewards[3::4] == pytest.approx([0.3] * 5 + [0.1] * 2 + [0.3])  # a wrong action: one output of three agrees
    assert not any(reward for k, reward in enumerate(rewards) if k % 4 != 3)
    rewards, states = _walk(maze, start, [*NORTH, *NORTH])  # the teacher eats the first poison, too, but not the second
    assert rewards[23] == pytest.approx(1 + 0.3) and rewards[47] == pytest.approx(-1 + 0.1)
    avoided, _ = _walk(maze, states[43], [L])
    assert avoided[3] == pytest.approx(0.3)
    state, gained = start, 0.0
    for t in range(4):
        state, fitness = maze.step(state, torch.full((1, 1, 3), 0.5), t)
        gained += fitness.item()
    assert gained == pytest.approx(0.3 * 0.75)
    assert sum(_walk(maze, start._replace(alive=torch.tensor([[False]])), NORTH)[0]) == 0


def test_a_led_agent_takes_the_actions_of_the_teacher_whatever_its_outputs():
    maze = Maze(led=True, teacher_bonus=1.0, alive_bonus=0.0)
    start = _start(maze, food_end=1)
    rewards, states = _walk(maze, start, [R, L, WAIT, F, F, F])
    assert [s.heading.item() for s in states[3::4]] == [0, 0, 0, 3, 3, 0] and states[-1].poisons.item() == 1
    assert rewards[3::4] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1 / 3, 1, 1 + 1])
    _, states = _walk(maze, states[-1], [WAIT] * 13)  # to the junction, poison in view, around, and to the food
    assert states[-1].poisons.item() == 1 and states[-1].foods.item() == 1


def test_the_remembering_teacher_goes_where_food_was_and_round_the_ends_where_it_was_not():
    """The way to each of the four ends of the double T, by hand; nothing is eaten until the last."""
    maze = Maze("double-t", led=True, teacher="remembering", steps=800, energy=1000.0, change=0.0)
    start = _start(maze, food_end=2)  # in the north-west, the last end of the round
    places = start.places.clone()
    places[..., 1] = -1  # no poison anywhere
    start = start._replace(poison=places[:, :, 0, 1], places=places)
    way = [*NORTH, L, L, F, F, F, F, L, L, F, F, L, *[F] * 6, L, F, F, L, L, F, F, F, F]  # a round of left turns
    _, states = _walk(maze, start, [WAIT] * len(way))
    assert [s.action.item() for s in states[3::4]] == way and states[-1].foods.item() == 1
    assert states[-1].goal.item() == 2 and {s.goal.item() for s in states} == {0, 1, 2, 3}
    back = [L, L, F, F, F, R, F, F]  # and from the start straight there
    _, states = _walk(maze, states[-1], [WAIT] * len(back))
    assert [s.action.item() for s in states[3::4]] == back and states[-1].foods.item() == 2


def test_the_remembering_teacher_switches_after_poison_and_turns_around_where_it_sees_poison():
    maze = Maze(led=True, teacher="remembering", foods_per_period=1, change=1.0)
    start = _start(maze, food_end=1)
    _, states = _walk(maze, start, [WAIT] * 12)
    assert [s.action.item() for s in states[3::4]] == [*NORTH, *SOUTH]  # poison in the north, then food in the south
    assert (states[23].poisons.item(), states[47].foods.item(), states[47].goal.item()) == (1, 1, 1)
    sees = [*SOUTH[:5], L, L, F, F, F]  # now poison is in the south: it is seen from one square away
    _, again = _walk(maze, states[-1], [WAIT] * len(sees))
    assert [s.action.item() for s in again[3::4]] == sees and again[-1].foods.item() == 2 and again[-1].goal.item() == 0
    _, unseen = _walk(replace(maze, meals_visible=False), states[-1], [WAIT] * 6)
    assert unseen[-1].poisons.item() == 2  # where nothing is seen, it walks into the poison


def test_meals_that_are_not_visible_leave_only_the_wall_and_the_reward():
    maze = Maze("t", "sensors", meals_visible=False)
    start = _start(maze, food_end=0)
    _, states = _walk(maze, start, NORTH)
    seen = [maze.observe(s, 0)[0, 0].sum().item() for s in states[3::4]]
    assert seen == [0, 0, 1, 0, 0, 1]  # the wall at the junction, nothing in front of the food, and then the reward
    shown = replace(maze, meals_visible=True)
    assert [shown.observe(s, 0)[0, 0].sum().item() for s in states[3::4]] == [0, 0, 1, 0, 1, 1]
    assert states[-1].foods.item() == 1


def test_walls_stop_and_ties_do_nothing():
    maze = Maze()
    state = _start(maze)
    _, states = _walk(maze, state, [L, F, R, R, R, R, F])  # north is a wall; four right turns; then north again
    assert all(s.square.item() == geometry(maze).start for s in states)
    assert [s.heading.item() for s in states[3::4]] == [3, 3, 0, 1, 2, 3, 3]
    after, _ = maze.step(state, torch.ones(1, 1, 3), 3)
    assert after.action.item() == -1 and after.square.item() == state.square.item()
    after, _ = maze.step(state._replace(votes=torch.tensor([[[0.0, 0.0, 3.0]]])), torch.tensor([[[1.0, 2.0, 0.0]]]), 3)
    assert after.action.item() == state.action_of[0, 0, 2].item()  # the largest sum, not the last step's largest


def test_sensors_show_what_is_ahead_on_the_shuffled_neurons():
    maze = Maze()
    for seed in range(20):
        state = _start(maze, 0, seed)
        wall, food, poison = state.sensor_of[0, 0].tolist()
        assert not maze.observe(state, 0)[0, 0, :3].any()  # a free square ahead
        _, states = _walk(maze, state, [L])
        assert maze.observe(states[-1], 0)[0, 0, :, 0].nonzero().tolist() == [[wall]]
        for walk, neuron in ((NORTH, food), (SOUTH, poison)):
            _, states = _walk(maze, state, walk[:-1])
            assert maze.observe(states[-1], 0)[0, 0, :, 0].nonzero().tolist() == [[neuron]]


def test_places_swap_after_five_foods():
    maze = Maze(change=1.0)
    _, states = _walk(maze, _start(maze, 0), NORTH * 5 + SOUTH * 5 + NORTH)
    ends = geometry(maze).ends
    assert [states[24 * k + 23].food.item() for k in range(11)] == [ends[0]] * 4 + [ends[1]] * 5 + [ends[0]] * 2
    assert states[-1].foods.item() == 11 and states[-1].poisons.item() == 0
    still = Maze(change=0.0)
    _, states = _walk(still, _start(still, 0), NORTH * 11)
    assert states[-1].foods.item() == 11


@pytest.mark.parametrize("layout, possible", [("t", 2), ("double-t", 12)])
@pytest.mark.parametrize("change", [0.0, 0.25, 1.0])
def test_places_change_with_the_given_probability(layout, possible, change):
    """In the T they then swap; in the double T both are drawn anew, perhaps as they were."""
    places = Maze(layout, change=change, foods_per_period=1).reset(1, 360, stream(0, "test")).places[0]
    differ = (places[:, 1:] != places[:, :-1]).any(-1).double()
    expected = change if layout == "t" else change * (1 - 1 / possible)
    assert differ.mean().item() == pytest.approx(expected, abs=0.01)
    assert len(places[:, -1].unique(dim=0)) == possible


def test_poisons_can_count_towards_a_period():
    """If places swap after every meal, an arm holds food and poison in turn; if they swap after foods only, poison stays."""
    for count, meals in ((True, [1, -1, 1, -1, 1, -1]), (False, [1, -1, -1, -1, -1, -1])):
        maze = Maze(change=1.0, foods_per_period=1, count_poisons=count, deadly_poisons=9)
        _, states = _walk(maze, _start(maze, 0), NORTH * 6)
        assert [states[24 * k + 23].ate.item() for k in range(6)] == meals


def test_the_double_t_maze_has_food_poison_and_two_empty_ends():
    maze = Maze("double-t")
    g = geometry(maze)
    state = maze.reset(1, 600, enu.stream(0, "test"))
    assert set(state.food[0].tolist()) == set(g.ends) == set(state.poison[0].tolist())
    assert (state.places[..., 0] != state.places[..., 1]).all()
    one = _start(maze, 0)
    assert g.squares[g.ends[0]][1] > g.squares[g.start][1]  # east; its mirror image is reached after two right turns
    fitness, states = _walk(maze, one, NORTH)
    assert states[-1].foods.item() == 1 and fitness[-1] == pytest.approx(1.025)
    assert maze.full == 48 and Maze().full == 18


@pytest.mark.parametrize("shuffle, n", [("none", 1), ("sensors", 6), ("sensors+actions", 36)])
def test_shuffles_are_balanced_and_the_same_for_all_offspring(shuffle, n):
    maze = Maze(shuffle=shuffle)
    assert len(shuffles(maze)) == n
    state = maze.reset(3, 2 * n, enu.stream(0, "test"))  # each shuffle with the food on either side
    drawn = torch.cat([state.sensor_of[0], state.action_of[0], state.food[0][:, None]], 1)
    assert len(drawn.unique(dim=0)) == 2 * n
    assert state.sensor_of.shape[0] == 1 and (state.food == state.food[:1]).all()


def test_a_smaller_shuffle_keeps_the_given_pairs():
    maze = Maze(pairs=((0, 0), (1, 2)))
    found = {(s[0], a.index(FORWARD)) for s, a in shuffles(maze)}
    assert found == {(0, 0), (1, 2)} and len(shuffles(maze)) == 8
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        Maze(shuffle="none", pairs=((2, 2),))


def test_offspring_are_independent(near):
    network = Network(ORDERED, channels=3, hidden=6)
    genomes = 0.5 * torch.randn(5, network.n_params, generator=enu.stream(1, "test"))
    maze = Maze(steps=80)
    together, alone = (
        enu.fitness(network, g, maze, 6, enu.stream(2, "test"), backend="reference") for g in (genomes, genomes[3:4])
    )
    near((together[3:4] - alone).abs(), 1e-4)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"layout": "y"}, "layout .*t, double-t.*got 'y'"),
        ({"shuffle": "all"}, "shuffle .*none, sensors.*got 'all'"),
        ({"change": 2.0}, "change .*from 0 to 1, got 2.0"),
        ({"energy": -1.0}, "energy .*above 0 .*got -1.0"),
        ({"steps": 0}, "steps .*from 1 .*got 0"),
    ],
)
def test_bad_settings_name_the_value(change, message):
    with pytest.raises(ValueError, match=message):
        Maze(**change)
