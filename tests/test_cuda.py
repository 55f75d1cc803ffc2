"""The GPU kernels without a GPU: their layouts, their sources on emulated threads, their compilation, and their use."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import emulated_gpu
import pytest
import torch
from exact import Exact
from needs import NEEDS_COMPILER, emulated, need

from enu_lib import kernels
from enu_lib.cells import make_cell
from enu_lib.kernels import build, cuda, nvidia
from enu_lib.network import ORDERED, Network, random_connections
from enu_lib.streams import draw_noise, stream
from enu_lib.tasks.maze import Maze

PAPER = Network(ORDERED)
SMALL = Network(ORDERED, channels=4, hidden=9)  # two tiles of memory, which two warps share
AMPERE, ADA = 163 * 1024, 99 * 1024  # shared memory per block on an A100 and on a GeForce


def drawn_lives(network, population, environments, steps=12, noisy=True):
    maze = Maze("t", "sensors+actions", steps=steps)
    genomes = network.init(stream(0, "genome")) + 0.2 * torch.randn(population, network.n_params, generator=stream(1, "spread"))
    noise = draw_noise(steps, environments, stream(2, "noise")) if noisy else None
    return genomes, maze, maze.reset(1, environments, stream(3, "maze")), noise


def test_the_layout_fits_the_shared_memory_of_the_gpu():
    layouts = [cuda.plan(PAPER, 11, 8, shared) for shared in (emulated_gpu.HOPPER, AMPERE, ADA)]
    assert [(x.environments, x.blocks) for x in layouts] == [(2, 2), (4, 1), (2, 1)]
    for layout, shared in zip(layouts, (emulated_gpu.HOPPER, AMPERE, ADA), strict=True):
        assert layout.blocks * (layout.shared + 1024) <= shared + 1024
    assert layouts[0].threads == 2 * 48 // 16 * 32  # 16 synapses a warp
    for environments, evenly in ((1, 1), (9, 2), (24, 2), (36, 2), (1000, 2)):
        assert cuda.plan(PAPER, 11, environments, emulated_gpu.HOPPER).environments == evenly
    large = Network(random_connections(100, 8, 4, stream(0, "wiring")))
    for network, environments in ((large, 8), (PAPER, 10**6)):
        with pytest.raises(build.Unavailable, match=str(environments)):
            cuda.plan(network, 11, environments, emulated_gpu.HOPPER)
    with pytest.raises(build.Unavailable, match="900 hidden"):
        cuda.unit_plan(make_cell("enu", 4, hidden=900), 8, emulated_gpu.HOPPER)


@emulated
@pytest.mark.parametrize("shared, noisy", [(emulated_gpu.HOPPER, True), (ADA, False)])
def test_partly_filled_blocks_give_the_same_results(near, shared, noisy):
    """Eleven environments in blocks of two, of which the last is half empty."""
    genomes, maze, state, noise = drawn_lives(PAPER, 2, 11, noisy=noisy)
    found = emulated_gpu.maze_episodes(PAPER, genomes, maze, state, noise, shared)
    assert found.outputs.std() > 0.01 and (found.steps_alive == maze.steps).all()
    exact = Exact(PAPER, genomes, 11)
    for t in range(maze.move_every):  # up to the first move
        y, bound = exact.step(maze.observe(state, t), noise.at(t, PAPER.noise_shape) if noisy else None)
        near((found.outputs[:, :, t] - y).abs(), bound)


@emulated
def test_small_networks_share_a_block_of_eight_environments(near):
    """Eight environments in three warps; and two in a single warp."""
    network = Network(random_connections(3, 2, 4, stream(0, "wiring")), channels=3, hidden=8)
    for environments, threads in ((8, 96), (2, 32)):
        genomes, maze, state, noise = drawn_lives(network, 2, environments, steps=40)
        layout = emulated_gpu.layout(network, maze, state)
        assert (layout.environments, layout.threads) == (environments, threads)
        found = emulated_gpu.maze_episodes(network, genomes, maze, state, noise)
        state = type(state)(*(v.expand(2, *v.shape[1:]) for v in state))
        exact = Exact(network, genomes, environments)
        for t in range(maze.steps):
            y, bound = exact.step(maze.observe(state, t), noise.at(t, network.noise_shape))
            near((found.outputs[:, :, t] - y).abs(), bound)
            state, _ = maze.step(state, found.outputs[:, :, t], t)  # it moves by the outputs that the kernel found
        assert torch.equal(found.foods, state.foods)


@emulated
def test_nan_in_one_offspring_does_not_affect_others():
    network = Network(ORDERED, channels=4, hidden=16)
    genomes, maze, state, noise = drawn_lives(network, 3, 2)
    genomes[1] = torch.nan
    fitness = emulated_gpu.maze_episodes(network, genomes, maze, state, noise).fitness
    assert fitness[1].isnan().all() and not fitness[[0, 2]].isnan().any()


def _race_detector():
    """The thread sanitizer of the compiler, or None if it has none."""
    if build.compiler() is None:
        return None
    told = subprocess.run([*build.compiler(), "-print-file-name=libtsan.so"], capture_output=True, text=True).stdout.strip()
    return told if Path(told).is_file() else None


RACES = """
import os, sys
import emulated_gpu
from test_cuda import SMALL, drawn_lives
lives, flags = drawn_lives(SMALL, 1, 3, steps=3), ["-fsanitize=thread"]
emulated_gpu.library(emulated_gpu.layout(SMALL, *lives[1:3]), flags)  # compiled once
for line in sys.argv[1:]:
    print("WITHOUT", line, file=sys.stderr, flush=True)
    for _ in range(1 if line == "0" else 10):  # a run shows no race if the threads happen to wait for each other elsewhere
        child = os.fork()
        if not child:  # the child ends at its first race
            emulated_gpu.maze_episodes(SMALL, *lives, flags=flags, without=int(line))
            print("no more to report", file=sys.stderr, flush=True)
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            break
"""


@emulated
def test_the_race_detector_finds_no_race_and_every_removed_barrier(tmp_path):
    """No race with all barriers, and at least one after removal of any barrier."""
    need(_race_detector(), "compiler with a race detector")
    source = emulated_gpu.layout(SMALL, *drawn_lives(SMALL, 1, 3)[1:3]).source
    lines = [n for n, line in enumerate(source.read_text().splitlines(), 1) if "__syncthreads();" in line]
    env = {**os.environ, "LD_PRELOAD": _race_detector(), "ENU_CACHE": str(tmp_path), "OMP_NUM_THREADS": "1"}
    env |= {"TSAN_OPTIONS": "halt_on_error=1 symbolize=0 die_after_fork=0", "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", RACES, "0", *map(str, lines)]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    _, whole, *others = done.stderr.split("WITHOUT ")
    assert whole.endswith("no more to report\n") and "data race" not in whole, whole
    assert len(others) == len(lines) > 3
    assert [report.split()[0] for report in others if "data race" not in report] == []


@pytest.fixture
def nvrtc():
    try:
        from cuda.bindings import nvrtc
    except ImportError:
        nvrtc = None
    need(nvrtc, "cuda-bindings (for Linux only)")
    return nvrtc


@pytest.mark.parametrize(
    "network, architecture",
    [
        *((Network(channels=4, hidden=16), architecture) for architecture in ("sm_80", "sm_100", "sm_120")),
        (Network(channels=3, hidden=12, shared=True), "sm_90"),
        (Network(cell="gru", hidden=9), "sm_90"),
    ],
    ids=["sm_80", "sm_100", "sm_120", "shared", "gru"],
)
def test_the_kernel_compiles_with_nvrtc(network, architecture, nvrtc):
    layout = cuda.plan(network, 11, 8, ADA)
    assert nvidia.compile_for(layout.source, layout.defines, architecture, nvrtc).startswith(b"\x7fELF")


MULTIPROCESSOR = {"registers": 65536, "shared": 228 * 1024}  # of an H100
PUBLISHED = [
    *((cuda.plan(replace(PAPER, cell=cell), 11, 8, emulated_gpu.HOPPER), 2) for cell in ("enu", "nfenu", "gru", "lstm")),
    *((cuda.unit_plan(make_cell(kind, 4), 32, emulated_gpu.HOPPER), 4) for kind in ("enu", "gru", "lstm")),
]


@pytest.mark.parametrize("layout, blocks", PUBLISHED, ids=["enu", "nfenu", "gru", "lstm", "unit enu", "unit gru", "unit lstm"])
def test_at_the_published_sizes_nothing_is_spilled_and_two_blocks_share_a_multiprocessor(layout, blocks, nvrtc):
    """By the figures of NVIDIA's own compiler, for an H100."""
    registers, spilled = nvidia.resources(layout, "sm_90", nvrtc)
    assert spilled == 0
    assert blocks * layout.threads * registers <= MULTIPROCESSOR["registers"]
    assert blocks * (layout.shared + nvidia.RESERVED) <= MULTIPROCESSOR["shared"]


def test_the_compilers_figures_show_spills(nvrtc):
    """A kernel with too few registers for its threads spills."""
    layout = cuda.plan(PAPER, 11, 8, emulated_gpu.HOPPER)
    crowded = layout._replace(defines=tuple(d.replace("BLOCKS=2", "BLOCKS=5") for d in layout.defines))
    registers, spilled = nvidia.resources(crowded, "sm_90", nvrtc)
    assert spilled > 0 and registers <= MULTIPROCESSOR["registers"] // (5 * layout.threads)


def altered(nvrtc, version, log=None):
    """The compiler with another version, and perhaps another log; its list `told` holds the options that it is given."""
    told, names = [], [name for name in dir(nvrtc) if name.startswith("nvrtc")]
    other = SimpleNamespace(**{name: getattr(nvrtc, name) for name in names}, told=told)
    other.nvrtcVersion = lambda: (0, *version)
    other.nvrtcCompileProgram = lambda program, n, options: (
        told.extend(options) or nvrtc.nvrtcCompileProgram(program, n, options)
    )
    if log is not None:
        other.nvrtcGetProgramLogSize = lambda program: (0, len(log))
        other.nvrtcGetProgramLog = lambda program, buffer: (0,)
    return other


@pytest.mark.parametrize("version, caches", [((12, 8), False), ((12, 9), True), ((13, 0), True)])
def test_the_figures_are_those_of_a_compilation_not_of_a_cached_kernel(version, caches, nvrtc):
    layout, compiler = cuda.unit_plan(make_cell("enu", 2, hidden=8), 32, ADA), altered(nvrtc, version)
    assert nvidia.resources(layout, "sm_90", compiler) == nvidia.resources(layout, "sm_90", nvrtc)
    assert (b"--no-cache" in compiler.told) == caches


def test_a_compiler_without_figures_is_reported(nvrtc):
    layout = cuda.unit_plan(make_cell("enu", 2, hidden=8), 32, ADA)
    with pytest.raises(build.Unavailable, match="units.cu"):
        nvidia.resources(layout, "sm_90", altered(nvrtc, (13, 0), log=""))


def test_compilation_errors_are_reported(nvrtc):
    layout = cuda.plan(PAPER, 11, 8, emulated_gpu.HOPPER)
    with pytest.raises(build.Unavailable, match="sm_1"):
        nvidia.compile_for(layout.source, layout.defines, "sm_1", nvrtc)
    less = tuple(d.replace(f"SHARED={layout.shared}", f"SHARED={layout.shared - 4096}") for d in layout.defines)
    with pytest.raises(build.Unavailable, match="shared memory"):
        nvidia.compile_for(layout.source, less, "sm_90", nvrtc)


def test_the_gpu_kernel_is_used_for_cells_and_for_networks_in_mazes_only(monkeypatch):
    monkeypatch.delenv("ENU_KERNEL", raising=False)
    there = SimpleNamespace(device=torch.device("cuda"))
    for model in (PAPER, Network(cell="gru"), Network(hidden=18), make_cell("enu", 4), make_cell("lstm-clip", 2)):
        assert kernels.choose("auto", model, there) == kernels.choose("cuda", model, there) == "cuda"
        assert kernels.choose("torch", model, there) == "torch"
    for model in (Network(channels=2), Network(n_outputs=2)):
        assert kernels.choose("auto", model, there) == "torch"
        with pytest.raises(build.Unavailable, match=f"{type(model).__name__}.*cuda"):
            kernels.choose("cuda", model, there)
    assert kernels.choose("auto", PAPER, torch.zeros(1)) in ("cpp", "torch")


@NEEDS_COMPILER
@pytest.mark.parametrize(
    "model",
    [
        PAPER,
        Network(channels=4, hidden=16, noise=0),
        Network(channels=3, hidden=8, shared=True),
        Network(channels=4, hidden=8, cell="lstm-clip"),
        make_cell("enu", 4),
        make_cell("gru", 2, hidden=12, noise=0.1),
    ],
    ids=["paper", "no noise", "shared", "lstm", "unit", "unit gru"],
)
def test_a_right_kernel_is_accepted(model):
    of = cuda.plan(model, 11, 3, emulated_gpu.HOPPER) if isinstance(model, Network) else cuda.unit_plan(model, 3, ADA)
    right = emulated_gpu.launcher(of)
    assert cuda.verified(right, of, model, torch.device("cpu")) is right


@NEEDS_COMPILER
def test_a_kernel_is_rejected_if_its_first_move_is_wrong():
    network, here = Network(channels=3, hidden=8, shared=True), torch.device("cpu")
    layout = cuda.plan(network, 11, 3, emulated_gpu.HOPPER)
    right = emulated_gpu.launcher(layout)

    def does_nothing(grid, arguments):
        pass

    def has_another_gain(grid, arguments):
        arguments[1].gain *= 1.01
        right(grid, arguments)

    def runs_half_of_the_offspring(grid, arguments):
        right((grid[0] // 2, grid[1]), arguments)

    for wrong in (does_nothing, has_another_gain, runs_half_of_the_offspring):
        with pytest.raises(build.Unavailable, match="torch backend"):
            cuda.verified(wrong, layout, network, here)


def test_without_its_kernel_a_gpu_uses_torch_and_prints_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(build.Unavailable, match="pip install cuda-bindings") as missing:
        nvidia.load(cuda.plan(PAPER, 11, 3, emulated_gpu.HOPPER), "sm_90")
    genomes, maze, state, noise = drawn_lives(PAPER, 2, 3)

    def refuse(*_):
        raise missing.value

    monkeypatch.setattr(cuda, "maze_episodes", refuse)
    monkeypatch.setattr(kernels, "choose", lambda *_: "cuda")
    found = [kernels.maze_episodes(PAPER, genomes, maze, state, noise, record=True) for _ in range(2)]
    assert torch.equal(found[0].outputs, found[1].outputs)
    notices = capsys.readouterr().err.splitlines()
    assert len(notices) == 1 and "pip install cuda-bindings" in notices[0]
    with pytest.raises(build.Unavailable):
        kernels.maze_episodes(PAPER, genomes, maze, state, noise, backend="cuda")
