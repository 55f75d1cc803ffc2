"""Contracts: which kind a task is, and errors that name the missing parts."""

import pytest
from own_task import Copy, Follow

import enu_lib as enu
from enu_lib.contracts import ClosedLoopTask, Model, SequenceTask, check_model, is_sequence


class Part:
    """An object that has the given methods and nothing else."""

    def __init__(self, *names):
        for name in names:
            setattr(self, name, lambda *_: None)


def test_every_task_and_model_of_the_package_satisfies_its_contract():
    for task in (enu.IAF(), enu.STDP(), Copy()):
        assert is_sequence(task) and isinstance(task, SequenceTask)
    for task in (enu.Maze(), Follow()):
        assert not is_sequence(task) and isinstance(task, ClosedLoopTask)
    for model in (enu.ENU(1), enu.GRU(1), enu.LSTM(1), enu.Network()):
        check_model(model)
        assert isinstance(model, Model)


@pytest.mark.parametrize(
    "part, contract, missing",
    [
        (Part("sample"), "SequenceTask", ["steps", "score"]),
        (Part("score", "steps"), "SequenceTask", ["sample"]),
        (Part("steps", "reset", "step"), "ClosedLoopTask", ["observe"]),
        (Part(), "ClosedLoopTask", ["steps", "reset", "observe", "step"]),
    ],
)
def test_an_incomplete_task_is_an_error_that_names_the_missing_parts(part, contract, missing):
    with pytest.raises(TypeError, match=f"Part .*lacks {', '.join(missing)} .*{contract}"):
        is_sequence(part)


def test_an_incomplete_model_is_an_error_that_names_the_missing_parts():
    with pytest.raises(TypeError, match=r"Part .*lacks n_params, noise_shape, unpack .*Model"):
        check_model(Part("init", "reset", "step"))
