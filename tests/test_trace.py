"""Recorded episodes: shapes, and what is recorded at which step."""

import pytest
import torch

import enu_lib as enu
from enu_lib.rollout import rollout
from enu_lib.tasks.maze import Maze
from enu_lib.trace import over_time

B, T = 12, 80
MAZE = Maze("t", "sensors", steps=T, deadly_poisons=1)


@pytest.fixture(scope="module")
def lives():
    """Episodes of an evolved network, in which some agents eat food and others die of poison."""
    entry = enu.zoo.load("tmaze-enu-latch")
    recorded = rollout(entry.model, entry.genome, MAZE, B, 1, memory=True)
    assert recorded.x[:, :, :, 3].any() and 0 < recorded.task["alive"][0, :, -1].sum() < B
    return recorded


def test_all_records_have_population_environments_and_time_first(lives):
    assert lives.x.shape == (1, B, T, 4, 3) and lives.y.shape == (1, B, T, 3) and lives.fitness.shape == (1, B, T)
    shapes = {name: tuple(values.shape[3:]) for name, values in lives.model.items()}
    units = {"neuron_memory": (6, 16), "neuron_output": (6, 4), "synapse_memory": (6, 8, 16), "transmitted": (6, 8, 4)}
    assert shapes == units and all(v.shape[:3] == (1, B, T) for v in lives.model.values())
    assert {"square", "heading", "alive", "foods", "poisons", "ate"} <= set(lives.task)
    assert all(v.shape[:3] == (1, B, T) for v in lives.task.values())


def test_inputs_are_from_before_a_step_and_states_from_after_it(lives):
    """The inputs show a reward, and what is ahead, as the previous step left the agent."""
    fields = {name: values[:, :, :-1] for name, values in lives.task.items()}
    for t in range(T - 1):
        before = MAZE.reset(1, B, enu.stream(1, "maze"))._replace(**{name: v[:, :, t] for name, v in fields.items()})
        assert torch.equal(MAZE.observe(before, t + 1), lives.x[:, :, t + 1])


def test_the_outputs_of_a_step_are_the_first_channels_of_the_last_neurons(lives):
    assert torch.equal(lives.y, lives.model["neuron_output"][..., -3:, 0])


def test_at_most_one_sensor_is_active_on_its_first_channel_and_none_after_death(lives):
    sensors, died = lives.x[:, :, :, :3], ~lives.task["alive"][:, :, :-1]
    assert sensors[..., 0].sum(-1).max() == 1 and not sensors[..., 1:].any() and not lives.x[:, :, 1:][died].any()


def test_over_time_expands_what_never_changes_and_stacks_the_rest():
    places, scalar = torch.arange(6).reshape(1, 2, 3), torch.tensor(3.0)
    steps = [{"places": places, "energy": torch.full((1, 2), float(t)), "constant": scalar} for t in range(4)]
    fields = over_time(steps)
    assert set(fields) == {"places", "energy"}  # values without the dimensions (P, B) are left out
    assert fields["energy"].tolist() == [[[0.0, 1.0, 2.0, 3.0]] * 2]
    assert fields["places"].shape == (1, 2, 4, 3) and fields["places"].data_ptr() == places.data_ptr()
    assert over_time([]) == {}
