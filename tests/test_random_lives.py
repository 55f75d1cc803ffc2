"""Random small cases, valid and invalid, give the same results or the same errors on reference, torch and cpp."""

import pytest
import random_lives
import torch
from random_lives import BACKENDS, FAST, outcome, weighing

import enu_lib as enu
from enu_lib import kernels
from enu_lib.network import Network
from enu_lib.streams import draw_noise, normal, stream


def _doubled(state):
    if isinstance(state, torch.Tensor):
        return state.double()
    return type(state)(*map(_doubled, state)) if hasattr(state, "_fields") else tuple(map(_doubled, state))


def _in_float64(case, genomes):
    """Outputs (P, B, T, C) of the reference, computed in float64."""
    weights = case.model.unpack(genomes)
    state = _doubled(case.model.reset(len(genomes), case.environments))
    outputs = []
    for t in range(case.steps):
        noise = None if case.noise is None else case.noise.at(t, case.model.noise_shape).double()
        state, y = case.model.step(weights, state, case.inputs[None, :, t].double(), noise)
        outputs.append(y)
    return torch.stack(outputs, 2)


def _distance_in_float64(case):
    """Outputs in float64 and the allowed deviation of each backend, both (P, B, T, C).

    Backends sum in different orders, and the compiled tanh has errors of 4e-7.  The effect is like relative changes of the
    parameters by 2^-20, eight float32 roundings.  The bound is eight times the largest effect of four such changes.
    """
    genomes = case.genomes.double()
    outputs = _in_float64(case, genomes)
    moved = torch.zeros_like(outputs)
    for k in range(4):
        change = normal(*genomes.shape, generator=stream(k, "change")).double()
        moved = torch.maximum(moved, (_in_float64(case, genomes * (1 + 2**-20 * change)) - outputs).abs())
    return outputs, 8 * moved.amax((1, 2, 3), keepdim=True) + 2e-6


def _on_kernels(case, backend):
    """Outputs (P, B, T, C) of a fast backend."""
    model, genomes, x, noise = case.model, case.genomes, case.inputs, case.noise
    if isinstance(model, Network):
        stepper = kernels.stepper(model, genomes, case.environments, 2, backend)
        return torch.stack([stepper.step(x[None, :, t], noise, t) for t in range(case.steps)], 2)
    return kernels.unit_outputs(model, genomes, x, noise, 2, backend)


def _on(case, backend, seed):
    """Fitness (P, B) on a backend."""
    return enu.fitness(case.model, case.genomes, case.task, case.environments, stream(seed, "noise"), backend=backend)


@pytest.mark.parametrize("network", [False, True], ids=["units", "networks"])
def test_random_models_give_the_same_outputs_on_every_backend(network):
    nearest = 0.0
    for seed in range(40):
        case = random_lives.case(seed, network)
        outputs, bound = _distance_in_float64(case)
        assert outputs.isfinite().all()
        for backend in FAST:
            apart = ((_on_kernels(case, backend) - outputs).abs() / bound).max().item()
            nearest = max(nearest, apart)
            assert apart < 1, (seed, backend, case.model)
        case = case._replace(
            noise=draw_noise(case.steps, case.environments, stream(seed, "noise")) if case.model.noise else None
        )
        outputs, bound = _distance_in_float64(case)
        steps = outputs @ weighing(outputs.shape[-1]).double()
        right = steps.sum(-1) if network else steps.mean(-1)
        sums = (case.steps if network else 1) * outputs.shape[-1]  # number of outputs, each with a weight of at most 1
        for backend in BACKENDS:
            apart = ((_on(case, backend, seed) - right).abs() / (sums * bound[..., 0, 0])).max().item()
            nearest = max(nearest, apart)
            assert apart < 1, (seed, backend, case.model)
    print(f"nearest to its bound: {nearest:.2f} of it")


@pytest.mark.parametrize("network", [False, True], ids=["units", "networks"])
def test_misfits_give_the_same_error_on_every_backend(network):
    refused = set()
    for seed in range(60):
        what, case = random_lives.spoilt(random_lives.case(seed, network), seed)
        calls = [lambda p=p, case=case: _on_kernels(case, p) for p in FAST]
        if "noise" not in what:
            calls += [lambda p=p, case=case, seed=seed: _on(case, p, seed) for p in BACKENDS]
        outcomes = [outcome(call) for call in calls]
        for several in (outcomes[: len(FAST)], outcomes[len(FAST) :]):
            errors = [o for o in several if isinstance(o, tuple)]
            assert len(errors) in (0, len(several)) and len(set(errors)) <= 1, (what, case.model, several)
        if any(isinstance(o, tuple) and o[0] is ValueError for o in outcomes):
            refused.add(what)
    none_of_the_door = {"more steps than the task has", "no step"} if network else set()  # a loop is checked step by step
    assert len(refused | none_of_the_door) == 20, refused


def test_random_maze_episodes_are_the_same_up_to_the_first_move():
    """Later moves may differ, since rounding can change a vote."""
    seen = 0
    for seed in range(25):
        network, genomes, maze = random_lives.maze(seed)
        b = 5
        state, noise = maze.reset(1, b, stream(seed, "maze")), draw_noise(maze.steps, b, stream(seed, "noise"))
        steps = min(maze.steps, maze.move_every)
        shown = maze.observe(state, 0)[0, :, None].expand(-1, steps, -1, -1)
        case = random_lives.Case(network, genomes, shown, noise if network.noise else None, steps, b)
        outputs, bound = _distance_in_float64(case)
        for backend in FAST:
            lives = kernels.maze_episodes(network, genomes, maze, state, noise, 2, backend, record=True)
            alive = lives.steps_alive[..., None] > torch.arange(steps)
            seen += alive.sum().item()
            assert ((lives.outputs[:, :, :steps] - outputs).abs() <= bound)[alive].all(), (seed, backend)
            assert lives.fitness.isfinite().all() and (lives.steps_alive <= maze.steps).all()
    assert seen > 500
