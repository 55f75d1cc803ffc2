"""The fast backends equal the reference for the same genomes, environments and noise."""

import platform

import emulated_gpu
import pytest
import torch
from exact import Exact
from needs import EMULATED, NEEDS_COMPILER, emulated
from torch.utils._python_dispatch import TorchDispatchMode

import enu_lib as enu
from enu_lib import kernels
from enu_lib.cells import make_cell
from enu_lib.kernels import build, cpu, graph
from enu_lib.network import ORDERED, PUBLISHED, Network, random_connections
from enu_lib.streams import draw_noise, stream
from enu_lib.tasks.maze import Maze

BACKENDS = ["torch", pytest.param("cpp", marks=NEEDS_COMPILER)]
MAZE_BACKENDS = [*BACKENDS, pytest.param("emulated gpu", marks=EMULATED)]
# vectors of 4, 8 and 16 floats, as far as this processor can run them
CAN = torch.backends.cpu.get_cpu_capability()
MARCHES = ["native", *["x86-64-v2"] * (platform.machine() in ("x86_64", "AMD64")), *["x86-64-v3"] * (CAN in ("AVX2", "AVX512"))]
TABLE = random_connections(7, 5, 4, enu.stream(0, "wiring"))


def _genomes(model, population, seed, scale=0.2):
    spread = scale * torch.randn(population, model.n_params, generator=enu.stream(seed, "spread"))
    return torch.stack([model.init(enu.stream(seed + i, "genome")) for i in range(population)]) + spread


def _lives(backend, model, genomes, maze, state, noise, threads=1):
    """Recorded episodes in a maze."""
    if backend == "emulated gpu":
        return emulated_gpu.maze_episodes(model, genomes, maze, state, noise)
    return kernels.maze_episodes(model, genomes, maze, state, noise, threads, backend, record=True)


def _outputs(backend, cell, genomes, inputs, noise):
    """Outputs (P, B, T, C) of single units."""
    if backend == "emulated gpu":
        return emulated_gpu.unit_outputs(cell, genomes, inputs, noise)
    if backend != "reference":
        return kernels.unit_outputs(cell, genomes, inputs, noise, 2, backend)
    weights, state, outputs = cell.unpack(genomes), cell.reset(len(genomes), len(inputs)), []
    for t in range(inputs.shape[1]):
        state, y = cell.step(weights, state, inputs[None, :, t], noise.at(t, cell.noise_shape))
        outputs.append(y)
    return torch.stack(outputs, 2)


def _compare_units(near, kind, hidden, outputs, n_in, backend, environments=5, steps=25, own=None):
    """Compare single units on a backend with the exact outputs at every step."""
    cell = make_cell(kind, n_in, outputs, hidden, noise=0.1)
    genomes = _genomes(cell, 3, seed=hidden)
    genomes[:, -outputs:] += 0.3  # outputs between the clips
    inputs = torch.rand(environments, steps, n_in, generator=enu.stream(hidden, "inputs"))
    noise = draw_noise(steps, environments, enu.stream(hidden, "noise"), own)
    found = _outputs(backend, cell, genomes, inputs, noise)
    assert found.std() > 0.01
    exact = Exact(cell, genomes, environments)
    for t in range(steps):
        y, bound = exact.step(inputs[None, :, t], noise.at(t, cell.noise_shape))
        near((found[:, :, t] - y).abs(), bound)


@pytest.mark.parametrize("backend", [*BACKENDS, "reference"])
@pytest.mark.parametrize("hidden, outputs, n_in", [(1, 1, 1), (8, 1, 1), (16, 1, 4), (20, 3, 2), (32, 16, 3), (50, 5, 4)])
@pytest.mark.parametrize("kind", ["enu", "nfenu", "gru", "lstm", "gru-clip", "lstm-clip", "gru-gain", "enu-plain"])
def test_single_units_equal_the_exact_outputs(near, backend, kind, hidden, outputs, n_in):
    _compare_units(near, kind, hidden, outputs, n_in, backend)


@emulated
@pytest.mark.parametrize(
    "kind, hidden, outputs, n_in", [("enu", 32, 1, 4), ("nfenu", 20, 3, 2), ("gru-gain", 1, 1, 1), ("lstm-clip", 50, 5, 9)]
)
def test_single_units_on_the_emulated_gpu_equal_the_exact_outputs(near, kind, hidden, outputs, n_in):
    """In two blocks: warps of 16 environments, the last partly filled; with noise drawn for each offspring."""
    _compare_units(near, kind, hidden, outputs, n_in, "emulated gpu", environments=133, steps=8, own=(0, 3))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["iaf-enu", "stdp-enu", "complex-stdp-enu"])
def test_evolved_units_have_nearly_the_reference_fitness(near, backend, name):
    """Their outputs are nearly step functions, so rounding may shift a few spikes; fitness hardly changes."""
    entry = enu.zoo.load(name)
    reference, found = (
        enu.fitness(entry.model, entry.genome[None], entry.task, 256, enu.stream(0, "x"), backend=p)
        for p in ("reference", backend)
    )
    near((found.mean() - reference.mean()).abs(), 0.05 * reference.mean().abs())
    apart = (found - reference).abs() > 1e-3 * reference.abs() + 1e-6
    near(apart.float().mean(), 0.1)


ENUS = [("enu", 16, 4), ("enu", 32, 16), ("nfenu", 24, 3), ("shared", 16, 4)]
GATED = [("gru-clip", 9, 3), ("lstm", 16, 4)]


@pytest.mark.parametrize(
    "backend, kind, hidden, channels",
    [
        *(pytest.param("torch", *size) for size in ENUS + GATED),
        *(pytest.param("cpp", *size, marks=NEEDS_COMPILER) for size in ENUS + GATED),
        *(pytest.param("emulated gpu", *size, marks=EMULATED) for size in ENUS + GATED),
    ],
)
@pytest.mark.parametrize("number", range(3), ids=["published", "ordered", "random"])
def test_networks_in_mazes_equal_the_reference(near, backend, number, kind, hidden, channels):
    """Every model with every wiring, in both mazes; every wiring in both mazes."""
    table, layout = (PUBLISHED, ORDERED, TABLE)[number], ("t", "double-t")[(number + hidden // 8) % 2]
    cell = "enu" if kind == "shared" else kind
    network = Network(table, channels=channels, hidden=hidden, cell=cell, shared=kind == "shared", noise=0.02)
    p, b, steps = (2, 4, 12) if backend == "emulated gpu" else (4, 6, 120)  # the emulation is slow
    maze = enu.Maze(layout, steps=steps)
    state, noise = maze.reset(1, b, enu.stream(5, "maze")), draw_noise(maze.steps, b, enu.stream(6, "noise"))
    _replay(near, backend, network, _genomes(network, p, seed=hidden), maze, state, noise)


def _replay(near, backend, model, genomes, maze, state, noise):
    """Check episodes of a network or single unit on a backend.

    The reference maze must give the same rewards for the backend's outputs until the end, and the exact model must give
    the same outputs in this maze for the first steps.  Returns the episodes, and the rewards that were shown in these steps.
    """
    lives = _lives(backend, model, genomes, maze, state, noise, 2)
    p, b = lives.fitness.shape
    state = type(state)(*(v.expand(p, *v.shape[1:]) for v in state))
    exact = Exact(model, genomes, b)
    total, steps_alive, rewards = torch.zeros(p, b), torch.zeros(p, b, dtype=torch.int64), set()
    for t in range(maze.steps):
        if t < 24:
            rewards |= set(state.reward[state.alive].tolist())
            x = maze.observe(state, t)
            x = x if isinstance(model, Network) else x.flatten(2)
            y, bound = exact.step(x, noise.at(t, model.noise_shape))
            near((lives.outputs[:, :, t] - y).abs() * state.alive[..., None], bound)
            assert bound.min() < 0.02, "roundings have grown so large that nothing is compared"
        steps_alive += state.alive
        state, f = maze.step(state, lives.outputs[:, :, t], t)
        total += f
    near((lives.fitness - total).abs(), 1e-3)  # sums of hundreds of rewards
    assert torch.equal(lives.foods, state.foods) and torch.equal(lives.poisons, state.poisons)
    assert torch.equal(lives.steps_alive, steps_alive) and lives.outputs.std() > 0.01
    return lives, rewards


@pytest.mark.parametrize("backend", MAZE_BACKENDS)
@pytest.mark.parametrize("layout, count", [("t", False), ("t", True), ("double-t", False)])
def test_every_meal_death_and_swap_equals_the_reference(near, backend, layout, count):
    """Long episodes with many events."""
    if backend == "emulated gpu":  # slow, so few short lives, but with all these events
        p, b, steps, energy, deadly, meals, seed = 2, 6, 64, 12.0, 2, 1, {"t": 27, "double-t": 17}[layout]
    else:
        p, b, steps, energy, deadly, meals, seed = 24, 8, 300, 60.0, 3, 2, 3
    kind = {"deadly_poisons": deadly, "foods_per_period": 1, "change": 1.0, "explore_bonus": 0.3, "reward_steps": 3}
    kind["teacher_bonus"] = 0.2
    maze = enu.Maze(layout, **kind, steps=steps, energy=energy, corridor=1, arm=1, count_poisons=count)
    network = Network(ORDERED, channels=4, hidden=16, noise=0.3)
    genomes = _genomes(network, p, seed=seed, scale=0.3)
    state = maze.reset(p, b, enu.stream(9, "maze"))
    noise = draw_noise(maze.steps, b, enu.stream(10, "noise"))
    lives, rewards = _replay(near, backend, network, genomes, maze, state, noise)
    dead = lives.steps_alive < maze.steps
    assert lives.foods.max() >= meals and lives.poisons.max() >= meals and rewards == {-1.0, 0.0, 1.0}
    assert (dead & (lives.poisons >= deadly)).any() and (dead & (lives.poisons < deadly)).any()


@NEEDS_COMPILER
@pytest.mark.parametrize("kind, hidden", [("gru", 24), ("lstm", 16), ("enu", 20), ("gru-clip", 40)])
@pytest.mark.parametrize("own", [False, True])
def test_single_units_in_mazes_equal_the_reference(near, kind, hidden, own):
    """Long episodes with many events, and with more environments than are stepped together."""
    maze = enu.Maze(
        steps=300, energy=60.0, corridor=1, arm=1, foods_per_period=1, change=1.0, explore_bonus=0.3, reward_steps=3,
        deadly_poisons=3, own_shuffles=own,
    )  # fmt: skip
    unit = make_cell(kind, maze.n_values, maze.n_outputs, hidden, noise=0.3)
    genomes = _genomes(unit, 24, seed=hidden)
    state = maze.reset(24 if own else 1, 11, enu.stream(9, "maze"))
    noise = draw_noise(maze.steps, 11, enu.stream(10, "noise"), (0, 24) if own else None)
    lives, rewards = _replay(near, "cpp", unit, genomes, maze, state, noise)
    dead = lives.steps_alive < maze.steps
    assert lives.foods.max() >= 2 and lives.poisons.max() >= 2 and rewards == {-1.0, 0.0, 1.0}
    assert (dead & (lives.poisons >= 3)).any() and (dead & (lives.poisons < 3)).any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stepper_equals_the_reference(near, backend):
    network = Network(TABLE, channels=4, hidden=12, noise=0.05)
    genomes = _genomes(network, 3, seed=1)
    stepper = kernels.stepper(network, genomes, 5, 2, backend)
    exact, noise = Exact(network, genomes, 5), draw_noise(20, 5, enu.stream(2, "noise"))
    for t in range(20):
        x = torch.rand(1 if t % 2 else 3, 5, 4, 2, generator=enu.stream(t, "x"))
        y, bound = exact.step(x, noise.at(t, network.noise_shape))
        near((stepper.step(x, noise, t) - y).abs(), bound)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_closed_loop_in_python_uses_the_fast_stepper(near, backend, monkeypatch):
    from own_task import Follow

    network = Network(ORDERED, channels=4, hidden=16, noise=0.05)
    genomes = _genomes(network, 6, seed=4)
    reference = enu.fitness(network, genomes, Follow(), 9, enu.stream(0, "x"), backend="reference")
    monkeypatch.setattr(Network, "step", lambda *_: pytest.fail("the slow step must not be used"))
    found = enu.fitness(network, genomes, Follow(), 9, enu.stream(0, "x"), backend=backend)
    assert reference.std() > 0
    near(((found - reference).abs() > 1e-5).float().mean(), 0.1)


def test_the_number_of_threads_changes_no_bit():
    network = Network(ORDERED, channels=4, hidden=16)
    genomes = _genomes(network, 7, seed=2)
    one, two = (enu.fitness(network, genomes, enu.Maze(), 5, enu.stream(0, "x"), threads=n) for n in (1, 2))
    assert torch.equal(one, two)


def test_nan_genomes_have_nan_fitness_on_every_path():
    network = Network(ORDERED, channels=4, hidden=16)
    genomes = _genomes(network, 2, seed=2)
    genomes[1] = torch.nan
    for backend in ("reference", "auto", "torch"):
        fitness = enu.fitness(network, genomes, enu.Maze(steps=40), 3, enu.stream(0, "x"), backend=backend)
        assert fitness[1].isnan().all() and not fitness[0].isnan().any()


def test_unknown_backends_and_sizes_are_errors(monkeypatch):
    cell = make_cell("enu", 1)
    with pytest.raises(ValueError, match="rust"):
        kernels.choose("rust", cell, torch.zeros(1, 1))
    monkeypatch.setenv("ENU_KERNEL", "zig")
    with pytest.raises(ValueError, match="ENU_KERNEL.*zig.*torch"):
        kernels.choose("auto", cell, torch.zeros(1, 1))
    monkeypatch.delenv("ENU_KERNEL")
    with pytest.raises(build.Unavailable, match="64.*100"):
        cpu.compiled(make_cell("enu", 1, hidden=100))
    assert kernels.choose("auto", make_cell("enu", 1, hidden=100), torch.zeros(1, 1)) == "torch"


@pytest.mark.parametrize("backend", ("cpp", "torch"))
def test_inputs_and_genomes_that_do_not_fit_the_model_are_rejected(backend):
    cell, network = make_cell("enu", 4, hidden=8), Network(hidden=8, channels=4)
    genomes = torch.zeros(2, cell.n_params)
    with pytest.raises(ValueError, match=r"\(B, T, 4\).*\(5, 6, 3\)"):
        kernels.unit_outputs(cell, genomes, torch.zeros(5, 6, 3), backend=backend)
    with pytest.raises(ValueError, match=rf"\(P, {cell.n_params}\).*ENU.*\(2, 7\)"):
        kernels.unit_outputs(cell, genomes[:, :7], torch.zeros(5, 6, 4), backend=backend)
    with pytest.raises(ValueError, match=rf"genomes .*\(P, {network.n_params}\)"):
        kernels.stepper(network, genomes, 3, backend=backend)
    with pytest.raises(ValueError, match=rf"genomes .*\(P, {network.n_params}\)"):
        kernels.maze_episodes(network, genomes, Maze(), Maze().reset(2, 3, stream(0, "x")), backend=backend)


@NEEDS_COMPILER
def test_a_step_s_input_must_fit_the_network():
    network = Network(hidden=8, channels=4)
    stepper = kernels.stepper(network, torch.zeros(2, network.n_params), 3, backend="cpp")
    with pytest.raises(ValueError, match=r"\(1 or 2, 3, 4, up to 4\).*\(2, 3, 4, 5\)"):
        stepper.step(torch.zeros(2, 3, 4, 5), None, 0)


@NEEDS_COMPILER
@pytest.mark.parametrize("march", MARCHES)
def test_all_vector_lengths_give_the_same_outputs(near, march, monkeypatch):
    """Vector lengths (4, 8, 16 floats) differ between processors, and with them the order of sums."""
    if march != "native":
        monkeypatch.setenv("ENU_CXXFLAGS", f"-march={march}")
    for kind in ("enu", "nfenu", "gru", "lstm", "lstm-clip"):
        for hidden, outputs in ((16, 1), (7, 1), (30, 1), (16, 4), (64, 4), (50, 4), (20, 9), (40, 17)):
            _compare_units(near, kind, hidden, outputs, 3, "cpp", environments=11, steps=12)
    network = Network(TABLE, channels=4, hidden=24, noise=0.02)
    genomes, noise = _genomes(network, 2, seed=1), draw_noise(12, 3, enu.stream(6, "noise"))
    fast, exact = kernels.stepper(network, genomes, 3, backend="cpp"), Exact(network, genomes, 3)
    x = torch.rand(2, 3, 4, 3, generator=enu.stream(7, "x"))
    for t in range(12):
        y, bound = exact.step(x, noise.at(t, network.noise_shape))
        assert y.std() > 0.01
        near((fast.step(x, noise, t) - y).abs(), bound)


class Recorder(TorchDispatchMode):
    """A CPU version of a GPU graph: records every operation with its tensors, and replays them."""

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
@pytest.mark.parametrize("noisy", [True, False, "own"])
def test_a_replayed_recording_equals_the_reference_on_other_episodes(near, kind, noisy):
    cell = "enu" if kind == "shared" else kind
    network = Network(PUBLISHED, channels=4, hidden=12, cell=cell, shared=kind == "shared", noise=0.02)
    maze, (p, b), own = Maze("t", "sensors", steps=120, own_shuffles=noisy == "own"), (4, 6), noisy == "own"

    def drawn(seed):
        noise = draw_noise(maze.steps, b, stream(seed, "noise"), (0, p) if own else None) if noisy else None
        return _genomes(network, p, seed), maze.reset(p if own else 1, b, stream(seed, "maze")), noise

    genomes, state, noise = drawn(1)
    before = genomes.clone()
    episodes = graph.MazeEpisodes(network, maze, genomes, state, noise)
    with Recorder() as recorded:
        episodes.move()
    for seed in (2, 3):
        now, state, noise = drawn(seed)
        episodes.fill(now, state, noise)
        episodes.play(recorded.replay)
        reference = kernels.fused.maze_episodes(network, now, maze, state, noise, record=False)
        assert reference[0].std() > 0
        mine = episodes.total, episodes.state.foods, episodes.state.poisons, episodes.alive_steps
        for value, expected in zip(mine, reference, strict=False):
            near((value - expected).abs(), 1e-4)
    assert torch.equal(genomes, before), "the caller's genomes are not touched"
