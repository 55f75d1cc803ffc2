"""Direct calls of the kernels: invalid noise, states and numbers of threads are errors; valid ones give the right outputs."""

import os
from dataclasses import dataclass, replace

import pytest
import torch
from exact import Exact
from misfits import MAZE, NETWORK, NOISY, Wrong, one_error
from own_task import Copy
from random_lives import BACKENDS, FAST, population

import enu_lib as enu
from enu_lib import kernels
from enu_lib.streams import draw_noise, stream


def _kernels(noise, steps=10, environments=4):
    """Calls with this noise on all fast backends, for single units and for mazes."""
    maze, unit = replace(MAZE, steps=steps), enu.ENU(1, 1, 8, noise=0.1)
    state, x = maze.reset(1, environments, stream(0, "x")), torch.rand(environments, steps, 1)
    for p in FAST:
        yield lambda p=p: kernels.unit_outputs(unit, population(unit), x, noise, backend=p)
        yield lambda p=p: kernels.maze_episodes(NETWORK, population(NETWORK), maze, state, noise, backend=p)


NOISE = draw_noise(10, 4, stream(0, "noise"))


@pytest.mark.parametrize(
    "noise, told",
    [
        (draw_noise(9, 4, stream(0, "noise")), "(9, 4)"),
        (draw_noise(10, 3, stream(0, "noise")), "(10, 3)"),
        (NOISE._replace(offsets=NOISE.offsets + 1), "65536"),
        (NOISE._replace(offsets=NOISE.offsets - 65536), "0 to 65535"),
        (NOISE._replace(offsets=NOISE.offsets.double()), "float64"),
        (NOISE._replace(table=NOISE.table[:0]), "(0,)"),
        (NOISE._replace(table=NOISE.table.log()), "finite"),
        (NOISE._replace(table=NOISE.table.long()), "int64"),
        (NOISE._replace(shifts=torch.zeros(2, 4, dtype=torch.int64)), "(3, 4)"),
        (NOISE._replace(shifts=torch.zeros(3, 4)), "float32"),
        (NOISE._replace(shifts=torch.full((3, 4), 65536)), "0 to 65535"),
        (NOISE._replace(shifts=torch.full((3, 4), -1)), "0 to 65535"),
    ],
)
def test_invalid_noise_is_rejected(noise, told):
    if told == "65536":
        noise.offsets[-1, -1] = 65536  # one entry beyond the table
    assert told in one_error(*_kernels(noise))


@pytest.mark.parametrize("backend", FAST)
def test_a_stepper_rejects_steps_beyond_its_noise(backend):
    stepper = kernels.stepper(NETWORK, population(NETWORK), 4, backend=backend)
    x = torch.rand(1, 4, 4, 3)
    for t in (10, 1000, -1):
        with pytest.raises(ValueError, match=f"10 steps, .* step {t}"):
            stepper.step(x, NOISE, t)
    with pytest.raises(ValueError, match=r"got torch.int64 \(10, 3\)"):
        stepper.step(x, NOISE._replace(offsets=NOISE.offsets[:, 1:]), 0)
    drawn = NOISE.each(torch.clone)
    first = stepper.step(x, drawn, 0)
    drawn.offsets.fill_(2**40)  # changed after the stepper has checked it
    assert first.isfinite().all() and stepper.step(x, drawn, 1).isfinite().all()


STATE = enu.Maze(steps=60).reset(1, 4, stream(0, "maze"))


def _put(name, value):
    """The state with the first value of one field replaced."""
    changed = getattr(STATE, name).clone()
    changed.view(-1)[0] = value
    return STATE._replace(**{name: changed})


@pytest.mark.parametrize(
    "state, told",
    [
        (enu.Maze("double-t", steps=60).reset(1, 4, stream(0, "maze")), "places"),
        (enu.Maze(steps=60, arm=4).reset(1, 4, stream(0, "maze")), "places"),
        (enu.Maze(steps=60, arm=1).reset(1, 4, stream(0, "maze")), "square"),
        (enu.Maze(steps=60, energy=5.0).reset(1, 4, stream(0, "maze")), "energy"),
        (enu.Maze(steps=8).reset(1, 4, stream(0, "maze")), "2 periods"),
        (MAZE.step(STATE, torch.rand(1, 4, 3), 0)[0], "energy"),
        (_put("sensor_of", 3), "sensor_of"),
        (_put("sensor_of", -1), "sensor_of"),
        (_put("sensor_of", STATE.sensor_of[0, 0, 1].item()), "sensor_of"),
        (_put("action_of", 3), "action_of"),
        (_put("places", 11), "places"),
        (_put("places", -1), "places"),
        (_put("food", STATE.poison[0, 0].item()), "food"),
        (_put("alive", False), "alive"),
        (STATE._replace(places=STATE.places.float()), "places"),
        (STATE._replace(places=STATE.places.expand(3, -1, -1, -1)), "places"),
        (STATE._replace(sensor_of=STATE.sensor_of[:, 1:]), "sensor_of"),
        (STATE._replace(sensor_of=STATE.sensor_of.expand(2, -1, -1)), "sensor_of"),
        (STATE._replace(action_of=STATE.action_of.expand(4, -1, -1)), "action_of"),
        (STATE._replace(square=STATE.square[:, 1:]), "square"),
        (tuple(STATE), "tuple"),
    ],
)
def test_the_initial_state_must_belong_to_the_maze(state, told):
    genomes, maze = population(NETWORK), enu.Maze(steps=60)
    words = one_error(*(lambda p=p: kernels.maze_episodes(NETWORK, genomes, maze, state, backend=p) for p in FAST))
    assert told in words and "`reset`" in words


def test_the_state_may_use_other_integer_types():
    genomes, maze, noise = population(NETWORK), enu.Maze(steps=60), draw_noise(60, 4, stream(0, "noise"))
    small = STATE._replace(**{name: getattr(STATE, name).int() for name in ("sensor_of", "action_of", "places")})
    for backend in FAST:
        right, found = (
            kernels.maze_episodes(NETWORK, genomes, maze, s, noise, backend=backend, record=True) for s in (STATE, small)
        )
        assert torch.equal(found.outputs, right.outputs) and right.outputs.std() > 0


@pytest.mark.parametrize("threads", [-2, 1.5, 5000])
def test_an_invalid_number_of_threads_is_the_same_error_everywhere(threads):
    models = (NOISY, Copy()), (NETWORK, MAZE)
    calls = [
        lambda m=m, task=task, p=p: enu.fitness(m, population(m), task, 2, stream(0, "x"), threads, p)
        for m, task in models
        for p in BACKENDS
    ]
    steppers = [lambda p=p: kernels.stepper(NETWORK, population(NETWORK), 2, threads, p) for p in BACKENDS]
    words = one_error(*calls, *steppers)
    assert "threads" in words and "4096" in words and str(threads) in words


@pytest.mark.parametrize("given", ["many", "0", "-1", "1.5", "9" * 20])
def test_an_invalid_number_of_threads_in_the_environment_is_an_error_that_names_it(given, monkeypatch):
    monkeypatch.setenv("ENU_THREADS", given)
    with pytest.raises(ValueError, match=f"ENU_THREADS .*4096.*{given}"):
        enu.fitness(NOISY, population(NOISY), Copy(), 2, stream(0, "x"))


@pytest.mark.parametrize("given, threads", [("3", 3), ("", 5)])
def test_the_number_of_threads_in_the_environment_counts_where_cores_cannot_be_assigned_too(given, threads, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    monkeypatch.setenv("ENU_THREADS", given)
    assert kernels.default_threads() == threads


@dataclass(frozen=True)
class Silent(enu.ENU):
    """A unit that overrides `step`, which the kernels do not know."""

    def step(self, weights, state, x, noise=None):
        state, y = super().step(weights, state, x, noise)
        return state, 0 * y


@dataclass(frozen=True)
class Generous(enu.Maze):
    def step(self, state, y, t):
        state, f = super().step(state, y, t)
        return state, f + 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_subclass_with_its_own_step_uses_that_step(backend):
    silent = Silent(1, 1, 8)
    f = enu.fitness(silent, population(silent), Wrong(lambda b: b), 5, stream(0, "x"), backend=backend)
    assert torch.equal(f, torch.zeros(3, 5))
    f = enu.fitness(NETWORK, population(NETWORK), Generous(steps=20), 5, stream(0, "x"), backend=backend)
    assert (f >= 20).all()
    with pytest.raises(ValueError, match="Generous"):
        kernels.maze_episodes(NETWORK, population(NETWORK), Generous(steps=60), STATE)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 3e38])
def test_a_genome_that_is_not_finite_has_nan_fitness(value):
    """At any position: 0 times infinity is NaN, also where a fast backend skips the product."""
    for model, task in ((NOISY, Copy()), (NETWORK, MAZE)):
        genomes = population(model, 12)
        for row in range(1, 12):
            genomes[row, row * (model.n_params - 1) // 11] = value
        for backend in BACKENDS:
            f = enu.fitness(model, genomes, task, 5, stream(0, "x"), backend=backend)
            assert f[1:].isnan().all() and f[0].isfinite().all()


@pytest.mark.parametrize("backend", FAST)
def test_outputs_of_a_step_are_not_overwritten_later(backend):
    stepper = kernels.stepper(NETWORK, population(NETWORK), 2, backend=backend)
    first = stepper.step(torch.rand(1, 2, 4, 3), None, 0)
    kept = first.clone()
    second = stepper.step(torch.rand(1, 2, 4, 3), None, 1)
    assert torch.equal(first, kept) and not torch.equal(second, kept)


@pytest.mark.parametrize("backend", FAST)
def test_unused_input_channels_are_zero(near, backend):
    genomes = population(NETWORK)
    stepper = kernels.stepper(NETWORK, genomes, 2, backend=backend)
    exact = Exact(NETWORK, genomes, 2)
    for t, width in enumerate((4, 1, 2)):
        x = torch.rand(1, 2, 4, width, generator=stream(t, "x"))
        y, bound = exact.step(x)
        near((stepper.step(x, None, t) - y).abs(), bound)
        assert y.std() > 1e-3
