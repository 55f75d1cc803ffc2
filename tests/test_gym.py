"""The maze as a gymnasium environment."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from enu_lib.tasks.gym import MazeEnv
from enu_lib.tasks.maze import Maze


@pytest.mark.parametrize("name", ["enu_lib/TMaze-v0", "enu_lib/DoubleTMaze-v0"])
@pytest.mark.filterwarnings("error")
def test_the_gymnasium_checker_passes(name):
    env = gymnasium.make(name, disable_env_checker=True)
    check_env(env.unwrapped, skip_render_check=True)


def test_walks_to_both_ends_and_their_rendering():
    env = MazeEnv(Maze(shuffle="none"), render_mode="ansi")
    first, info = env.reset(seed=1)
    assert info == {"foods": 0, "poisons": 0, "energy": 18.0} and not first.any()
    rewards = [env.step(action)[1] for action in (0, 0, 0, 1, 0, 0)]
    assert rewards[:5] == pytest.approx([0.1] * 5) and rewards[5] == pytest.approx(1.1)
    picture = env.render().splitlines()
    assert len(picture) == 7 and picture[3][2] == ">" and sum(line.count("F") + line.count("X") for line in picture) == 2
    observation, _, dead, over, info = env.step(1)
    assert info["foods"] + info["poisons"] == 1 and not dead and not over
    assert observation[:3, 0].tolist() == [1, 0, 0]  # facing the wall beside the corridor


def test_episodes_terminate_by_starvation_or_truncate_by_time():
    env = MazeEnv(Maze(shuffle="none"))
    env.reset(seed=0)
    moves, dead = 0, False
    while not dead:
        _, _, dead, over, _ = env.step(1)
        moves += 1
    assert moves == 18 and not over
    patient = MazeEnv(Maze(energy=1000.0))
    patient.reset(seed=0)
    ends = [patient.step(1)[2:4] for _ in range(100)]
    assert ends[-1] == (False, True) and not any(over for _, over in ends[:-1])


def test_episodes_depend_on_the_seed():
    env = MazeEnv()
    lives = []
    for seed in (3, 3, 4):
        env.reset(seed=seed)
        lives.append(np.concatenate([env.step(a)[0].ravel() for a in (1, 0, 2, 2, 0, 1, 0)]))
    assert np.array_equal(lives[0], lives[1]) and not np.array_equal(lives[0], lives[2])


def test_step_before_reset_is_an_error():
    with pytest.raises(gymnasium.error.ResetNeeded):
        MazeEnv().step(0)
