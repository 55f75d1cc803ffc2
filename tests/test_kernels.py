"""The fast paths live the same lives as the reference: same genomes, same environments, same noise."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import emulated_gpu
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import enu_lib as enu
from enu_lib import kernels
from enu_lib.cells import make_cell
from enu_lib.contracts import Drawn
from enu_lib.kernels import cpu, graph
from enu_lib.network import PUBLISHED, SYMMETRIC, Network, random_connections
from enu_lib.rollout import play
from enu_lib.streams import draw_noise, stream
from enu_lib.tasks.maze import Maze

ROOT = Path(__file__).parents[1]
NEEDS_COMPILER = pytest.mark.skipif(cpu.compiler() is None, reason="no C++ compiler here")
PATHS = ["torch", pytest.param("cpp", marks=NEEDS_COMPILER)]
MAZE_PATHS = [*PATHS, pytest.param("emulated gpu", marks=NEEDS_COMPILER)]
# vectors of 4, 8 and 16 floats, as far as this processor can run them
CAN = torch.backends.cpu.get_cpu_capability()
MARCHES = ["native", *["x86-64-v2"] * (platform.machine() in ("x86_64", "AMD64")), *["x86-64-v3"] * (CAN in ("AVX2", "AVX512"))]
TABLE = random_connections(7, 5, 4, enu.stream(0, "wiring"))


def _genomes(model, population, seed, scale=0.2):
    spread = scale * torch.randn(population, model.n_params, generator=enu.stream(seed, "spread"))
    return torch.stack([model.init(enu.stream(seed + i, "genome")) for i in range(population)]) + spread


def _lives(path, network, genomes, maze, state, noise, threads=1):
    """Lives in a maze, recorded."""
    if path == "emulated gpu":
        return emulated_gpu.maze_lives(network, genomes, maze, state, noise)
    return kernels.maze_lives(network, genomes, maze, state, noise, threads, path, record=True)


def _units_agree(kind, hidden, outputs, n_in, path, environments=5, steps=25):
    """Whether single units on a path have the reference's outputs.

    Large random units amplify a rounding a hundredfold in 25 steps, of the reference too (against float64): fewer for them.
    """
    cell = make_cell(kind, n_in, outputs, hidden, noise=0.1)
    genomes = _genomes(cell, 3, seed=hidden)
    genomes[:, -outputs:] += 0.3  # outputs between the clips
    inputs = torch.rand(environments, steps, n_in, generator=enu.stream(hidden, "inputs"))
    noise = draw_noise(steps, environments, enu.stream(hidden, "noise"))
    reference = kernels.unit_outputs(cell, genomes, inputs, noise, 1, "reference")
    found = kernels.unit_outputs(cell, genomes, inputs, noise, 2, path)
    assert reference.std() > 0.01
    return torch.allclose(found, reference, atol=2e-4)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("hidden, outputs, n_in", [(1, 1, 1), (8, 1, 1), (16, 1, 4), (20, 3, 2), (32, 16, 3), (50, 5, 4)])
@pytest.mark.parametrize("kind", ["enu", "nfenu", "gru", "lstm", "gru-clip", "lstm-clip"])
def test_single_units(path, kind, hidden, outputs, n_in):
    assert _units_agree(kind, hidden, outputs, n_in, path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["iaf-enu", "stdp-enu", "complex-stdp-enu"])
def test_evolved_units(path, name):
    """Nearly a step at their outputs, so a rounding may shift a spike here and there; the fitness hardly moves."""
    entry = enu.zoo.load(name)
    reference, found = (
        enu.fitness(entry.model, entry.genome[None], entry.task, 256, enu.stream(0, "x"), backend=p)
        for p in ("reference", path)
    )
    assert found.mean().item() == pytest.approx(reference.mean().item(), rel=0.05)
    close = (found - reference).abs() <= 1e-3 * reference.abs() + 1e-6
    assert close.float().mean() > 0.9


ENUS = [("enu", 16, 4), ("enu", 32, 16), ("nfenu", 24, 3), ("shared", 16, 4)]
GATED = [("gru-clip", 9, 3), ("lstm", 16, 4)]  # there is no GPU kernel for these


@pytest.mark.parametrize(
    "path, kind, hidden, channels",
    [
        *(pytest.param("torch", *size) for size in ENUS + GATED),
        *(pytest.param("cpp", *size, marks=NEEDS_COMPILER) for size in ENUS + GATED),
        *(pytest.param("emulated gpu", *size, marks=NEEDS_COMPILER) for size in ENUS),
    ],
)
@pytest.mark.parametrize("layout", ["t", "double-t"])
@pytest.mark.parametrize("table", [PUBLISHED, SYMMETRIC, TABLE], ids=["published", "symmetric", "random"])
def test_networks_in_mazes(path, layout, table, kind, hidden, channels):
    """Votes nearly tie at times, and then a rounding makes another life; nearly all are the same to the last."""
    cell = "enu" if kind == "shared" else kind
    network = Network(table, channels=channels, hidden=hidden, cell=cell, shared=kind == "shared", noise=0.02)
    assert kernels.cuda.supports(network) == ((kind, hidden, channels) in ENUS)
    genomes = _genomes(network, 4, seed=hidden)
    maze = enu.Maze(layout, steps=120)
    state = maze.reset(1, 6, enu.stream(5, "maze"))
    noise = draw_noise(maze.steps, 6, enu.stream(6, "noise"))
    reference = play(network, genomes, maze, Drawn(state, noise), backend="reference")
    found = _lives(path, network, genomes, maze, state, noise, 2)
    assert ((found.fitness - reference).abs() < 1e-3).float().mean() >= 0.9
    x, steps = maze.observe(state, 0), 4
    weights, memory = network.unpack(genomes), network.reset(4, 6)
    for t in range(steps):  # up to the first move all see the same
        memory, y = network.step(weights, memory, x, noise.at(t, network.noise_shape))
        assert torch.allclose(found.outputs[:, :, t], y, atol=2e-4)


@pytest.mark.parametrize("path", MAZE_PATHS)
@pytest.mark.parametrize("layout", ["t", "double-t"])
def test_every_meal_death_and_swap_is_that_of_the_reference(path, layout):
    """Long, kind lives, in which much happens.  They are chaotic, so the kernel's own outputs are replayed: the reference
    maze must answer them with the same rewards exactly, and the reference network must answer the maze with the same
    outputs for as long as roundings have not grown."""
    p = 4 if path == "emulated gpu" else 24  # it is slow
    kind = {"energy": 60.0, "deadly_poisons": 3, "foods_per_period": 1, "change": 1.0}
    maze = enu.Maze(layout, **kind, corridor=1, arm=1, reward_steps=3, explore_bonus=0.3)
    network = Network(SYMMETRIC, channels=4, hidden=16, noise=0.3)
    genomes = _genomes(network, p, seed=3, scale=0.3)
    state = maze.reset(p, 8, enu.stream(9, "maze"))
    noise = draw_noise(maze.steps, 8, enu.stream(10, "noise"))
    lives = _lives(path, network, genomes, maze, state, noise)
    weights, memory, total, apart, steps_alive = network.unpack(genomes), network.reset(p, 8), 0, [], 0
    for t in range(maze.steps):
        memory, y = network.step(weights, memory, maze.observe(state, t), noise.at(t, network.noise_shape))
        apart.append((y - lives.outputs[:, :, t]).abs()[state.alive])
        steps_alive = steps_alive + state.alive.long()
        state, f = maze.step(state, lives.outputs[:, :, t], t)
        total = total + f
    assert torch.allclose(lives.fitness, total, atol=1e-3)
    assert torch.equal(lives.foods, state.foods) and torch.equal(lives.poisons, state.poisons)
    assert torch.equal(lives.steps_alive, steps_alive)
    assert (torch.cat(apart[:40]) < 1e-3).float().mean() > 0.97
    assert lives.foods.max() >= 2 and lives.poisons.max() >= 2 and (lives.steps_alive < maze.steps).any()


@pytest.mark.parametrize("path", PATHS)
def test_a_stepper_makes_the_reference_s_steps(path):
    network = Network(TABLE, channels=4, hidden=12, noise=0.05)
    genomes = _genomes(network, 3, seed=1)
    stepper = kernels.stepper(network, genomes, 5, 2, path)
    weights, state = network.unpack(genomes), network.reset(3, 5)
    noise = draw_noise(20, 5, enu.stream(2, "noise"))
    for t in range(20):
        x = torch.rand(1 if t % 2 else 3, 5, 4, 2, generator=enu.stream(t, "x"))
        state, y = network.step(weights, state, x, noise.at(t, network.noise_shape))
        assert torch.allclose(stepper.step(x, noise, t), y, atol=2e-4)


@pytest.mark.parametrize("path", PATHS)
def test_a_closed_loop_written_in_python_gets_the_fast_step(path, monkeypatch):
    from own_task import Follow

    network = Network(SYMMETRIC, channels=4, hidden=16, noise=0.05)
    genomes = _genomes(network, 6, seed=4)
    reference = enu.fitness(network, genomes, Follow(), 9, enu.stream(0, "x"), backend="reference")
    monkeypatch.setattr(Network, "step", None)  # the slow step is not used
    found = enu.fitness(network, genomes, Follow(), 9, enu.stream(0, "x"), backend=path)
    assert reference.std() > 0 and ((found - reference).abs() < 1e-5).float().mean() > 0.9


def test_the_number_of_threads_changes_no_bit():
    network = Network(SYMMETRIC, channels=4, hidden=16)
    genomes = _genomes(network, 7, seed=2)
    one, two = (enu.fitness(network, genomes, enu.Maze(), 5, enu.stream(0, "x"), threads=n) for n in (1, 2))
    assert torch.equal(one, two)


def test_nan_genomes_have_nan_fitness_on_every_path():
    network = Network(SYMMETRIC, channels=4, hidden=16)
    genomes = _genomes(network, 2, seed=2)
    genomes[1] = torch.nan
    for path in ("reference", "auto", "torch"):
        fitness = enu.fitness(network, genomes, enu.Maze(steps=40), 3, enu.stream(0, "x"), backend=path)
        assert fitness[1].isnan().all() and not fitness[0].isnan().any()


def test_without_a_compiler_one_line_says_so_and_torch_does_the_work(tmp_path):
    code = (
        "import enu_lib as enu; e = enu.experiments.get('stdp', profile='smoke')\n"
        "for _ in range(2): r = enu.evolve(e, progress=False)\nprint(r.generation)"
    )
    env = {**os.environ, "CXX": "no-such-compiler", "ENU_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0 and done.stdout.strip() == "6"
    notices = [line for line in done.stderr.splitlines() if "no C++ compiler" in line]
    assert len(notices) == 1 and "the slower torch path is used" in notices[0]


def test_unknown_paths_and_sizes_are_named():
    cell = make_cell("enu", 1)
    with pytest.raises(ValueError, match="unknown kernel path 'rust'"):
        kernels.choose("rust", cell, torch.zeros(1, 1))
    with pytest.raises(cpu.Unavailable, match="at most 64 hidden units, not 100"):
        cpu._vectors(make_cell("enu", 1, hidden=100))
    assert kernels.choose("auto", make_cell("enu", 1, hidden=100), torch.zeros(1, 1)) == "torch"


@pytest.mark.parametrize("path", ("cpp", "torch"))
def test_what_does_not_fit_the_model_is_refused_before_any_memory_is_read(path):
    cell, network = make_cell("enu", 4, hidden=8), Network(hidden=8, channels=4)
    genomes = torch.zeros(2, cell.n_params)
    with pytest.raises(ValueError, match=r"inputs must be \(B, T, 4\), got \(5, 6, 3\): does the task fit the model"):
        kernels.unit_outputs(cell, genomes, torch.zeros(5, 6, 3), backend=path)
    with pytest.raises(ValueError, match=rf"genomes must be \(P, {cell.n_params}\) for ENU.*, got \(2, 7\)"):
        kernels.unit_outputs(cell, genomes[:, :7], torch.zeros(5, 6, 4), backend=path)
    with pytest.raises(ValueError, match=rf"genomes must be \(P, {network.n_params}\)"):
        kernels.stepper(network, genomes, 3, backend=path)
    with pytest.raises(ValueError, match=rf"genomes must be \(P, {network.n_params}\)"):
        kernels.maze_lives(network, genomes, Maze(), Maze().reset(2, 3, stream(0, "x")), backend=path)


def test_a_step_s_input_must_fit_the_network():
    network = Network(hidden=8, channels=4)
    stepper = kernels.stepper(network, torch.zeros(2, network.n_params), 3, backend="cpp")
    with pytest.raises(ValueError, match=r"must be \(1 or 2, 3, 4, up to 4\), got \(2, 3, 4, 5\)"):
        stepper.step(torch.zeros(2, 3, 4, 5), None, 0)


@pytest.fixture
def compiled_anew():
    """No kernel that was loaded before is used, nor one of the test's after it."""
    cpu.library.cache_clear()
    yield
    cpu.library.cache_clear()


@NEEDS_COMPILER
@pytest.mark.parametrize("march", MARCHES)
def test_vectors_of_every_length(march, monkeypatch, compiled_anew):
    """Processors differ in their vectors (4, 8, 16 floats); each has sums in other tiles, and other read-outs."""
    monkeypatch.setattr(cpu, "FLAGS", [f"-march={march}" if f == "-march=native" else f for f in cpu.FLAGS])
    for kind in ("enu", "nfenu", "gru", "lstm", "lstm-clip"):
        for hidden, outputs in ((16, 1), (7, 1), (30, 1), (16, 4), (64, 4), (50, 4), (20, 9), (40, 17)):
            assert _units_agree(kind, hidden, outputs, 3, "cpp", environments=11, steps=12), (kind, hidden, outputs)
    network = Network(TABLE, channels=4, hidden=24, noise=0.02)
    genomes, noise = _genomes(network, 2, seed=1), draw_noise(12, 3, enu.stream(6, "noise"))
    fast, x = kernels.stepper(network, genomes, 3, backend="cpp"), torch.rand(2, 3, 4, 3)
    state = network.reset(2, 3)
    for t in range(12):
        state, y = network.step(network.unpack(genomes), state, x, noise.at(t, network.noise_shape))
        assert y.std() > 0.01 and torch.allclose(fast.step(x, noise, t), y, atol=2e-4)


@NEEDS_COMPILER
def test_a_compiler_that_does_not_know_march_native_is_asked_without(tmp_path, monkeypatch, compiled_anew):
    shy, asked = tmp_path / "shy", tmp_path / "asked"
    knows_not = f'case "$*" in *-march=native*) echo refused >> {asked}; exit 1;; esac'
    shy.write_text(f'#!/bin/sh\n{knows_not}\nexec {cpu.compiler()} "$@"\n')
    shy.chmod(0o755)
    monkeypatch.setenv("CXX", str(shy))
    monkeypatch.setenv("ENU_CACHE", str(tmp_path / "cache"))
    assert _units_agree("enu", 8, 1, 3, "cpp")
    assert asked.read_text() == "refused\n" and len(list((tmp_path / "cache").glob("*.so"))) == 1


class Recorder(TorchDispatchMode):
    """What a GPU's graph does, on the CPU: every operation is kept with its tensors, and replayed on them."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self):
        for function, args, kwargs, kept in self.calls:
            out = function(*args, **kwargs)
            for mine, now in zip(*([x] if torch.is_tensor(x) else list(x) for x in (kept, out)), strict=True):
                if mine.data_ptr() != now.data_ptr():  # neither a view nor in place
                    mine.copy_(now)


@pytest.mark.parametrize("kind", ["enu", "nfenu", "gru", "lstm", "shared"])
@pytest.mark.parametrize("noisy", [True, False])
def test_a_recorded_move_lives_other_lives_as_the_reference_does(kind, noisy):
    cell = "enu" if kind == "shared" else kind
    network = Network(PUBLISHED, channels=4, hidden=12, cell=cell, shared=kind == "shared", noise=0.02)
    maze, (p, b) = Maze("t", "sensors", steps=120), (4, 6)

    def lives(seed):
        noise = draw_noise(maze.steps, b, stream(seed, "noise")) if noisy else None
        return _genomes(network, p, seed), maze.reset(1, b, stream(seed, "maze")), noise

    genomes, state, noise = lives(1)
    before = genomes.clone()
    life = graph.Life(network, maze, genomes, state, noise)
    with Recorder() as recorded:
        life.move()
    for seed in (2, 3):
        now, state, noise = lives(seed)
        life.fill(now, state, noise)
        life.live(recorded.replay)
        reference = kernels.fast_torch.maze_lives(network, now, maze, state, noise, record=False)
        assert reference[0].std() > 0
        for mine, theirs in zip((life.total, life.state.foods, life.state.poisons, life.alive_steps), reference, strict=False):
            assert torch.allclose(mine, theirs, atol=1e-4)
    assert torch.equal(genomes, before), "the caller's genomes are not touched"
