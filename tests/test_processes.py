"""One evolution in several processes: the same bits as in one, with another number of them too, and agreed stops."""

import importlib
import signal
from functools import cache

import forks
import pytest
import torch
from teams import APART, SMOKE, TORCHRUN, Team, begun, command, endless, evolve, experiment, same

import enu_lib as enu
from enu_lib import es
from enu_lib.bench import sharing
from enu_lib.es import ES
from enu_lib.parallel import ahead, processes
from enu_lib.parallel.devices import device_name
from enu_lib.parallel.processes import ALONE, join
from enu_lib.storage.log import read_log

NAMES = ("stdp", "tmaze", "iaf", "staged", "anew", "follow", "large")


@pytest.fixture(scope="module")
def in_one_process(tmp_path_factory):
    """A function: the folder of runs in one process, which has two threads on the fast backend."""

    @cache
    def evolved(kernel, names):
        out, threads = tmp_path_factory.mktemp("one"), torch.get_num_threads()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ENU_KERNEL", kernel)
            torch.set_num_threads(2 if kernel == "auto" else 1)  # each of several processes has one
            try:
                evolve(out, *map(experiment, names))
            finally:
                torch.set_num_threads(threads)
        return out

    return evolved


@pytest.mark.parametrize(
    "size, kernel, names, where",
    [
        *((size, "auto", NAMES, {}) for size in (2, 3, 4)),
        (3, "auto", NAMES, APART),
        (3, "torch", ("tmaze", "iaf"), APART),
    ],
)
def test_any_number_of_processes_gives_the_same_bits(size, kernel, names, where, in_one_process, tmp_path):
    team = Team(tmp_path, size, evolve, tmp_path, *map(experiment, names), variables={"ENU_KERNEL": kernel, **where})
    alone = in_one_process(kernel, names)
    assert team.codes() == [0] * size, team.said()
    for name in names:
        one, many = (enu.load_run(out / name) for out in (alone, tmp_path))
        assert one.generation == one.experiment.generations
        same(one, many)


@pytest.mark.parametrize("population, size", [(22, 1), (22, 3), (22, 4), (512, 7), (3, 3), (2, 5)])
def test_shares_cover_all_offspring_once_and_differ_by_at_most_one(population, size):
    found = processes.shares(population, size)
    assert [k for first, end in found for k in range(first, end)] == list(range(population))
    sizes = [end - first for first, end in found]
    assert len(sizes) == size and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("turns", [2, 3, 5])
def test_processes_that_draw_in_turns_draw_what_one_would(turns):
    settings = [ES(population=30, sigma=0.1, sigma_final=0.01, decay_generations=20), ES(population=18, sigma=0.2)]
    memory = torch.zeros(ahead.slots(turns) * 15 * 101)
    members = [ahead.Turns(101, 7, turn, turns, memory) for turn in range(turns)]
    shared, drawn = 0, []
    for generation in range(5, 50):
        stage = settings[generation >= 30]
        before, drawn = drawn, [(generation, stage, member.take(stage, generation)) for member in members]
        shared += drawn[0][2].data_ptr() == drawn[1][2].data_ptr()
        for i in torch.randperm(turns).tolist():
            members[i].draw(stage, generation)
            for g, settings_then, mutations in (*before, *drawn):  # a slow process may still need those of the one before
                assert torch.equal(mutations, es.sample_mutations(settings_then, 101, 7, g))
    assert shared == 45 - 2 * (turns + 1)


def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    own = experiment("staged")
    for size in (4, 2):
        assert Team(tmp_path, size, evolve, tmp_path / "many", own, time_limit=0.0).codes() == [0] * size
    assert 2 <= enu.load_run(tmp_path / "many/staged").generation < 9
    for out in (tmp_path / "many", tmp_path / "one"):
        evolve(out, own)
    same(*(enu.load_run(tmp_path / how / "staged") for how in ("one", "many")))


def test_only_rank_0_writes_and_shows_how_the_run_goes(tmp_path):
    team = Team(tmp_path, 3, command, *(a for a in SMOKE if a != "--quiet"), str(tmp_path / "r"))
    assert team.codes() == [0] * 3 and not team.said()
    out = team.said("out")
    assert len(out) == 1 and str(tmp_path / "r") in out[0] and (team.folder / "out-0").read_text()
    assert [row["generation"] for row in read_log(tmp_path / "r")] == list(range(6))


def counted(out):
    """Evolve with an `each` that counts its calls and stops at the second."""
    calls = []
    with join(60.0) as team:
        each = lambda run: calls.append(run.generation) or len(calls) == 2
        run = enu.evolve(experiment(generations=60), out=out, progress=False, each=each, processes=team)
        print(team.rank, run.stopped, run.generation, calls)


def test_each_is_called_in_rank_0_and_its_answer_stops_all(tmp_path):
    team = Team(tmp_path, 3, counted, tmp_path / "r")
    assert team.codes() == [0] * 3
    assert team.said("out") == ["0 stopped 6 [3, 6]", "1 stopped 6 []", "2 stopped 6 []"]


def test_a_signal_to_one_process_stops_and_saves_the_run_of_all(tmp_path):
    team, out = Team(tmp_path, 3, endless, tmp_path), tmp_path / "stdp"
    begun(out, lambda: team.members[0].is_alive())
    for _ in range(2):  # a scheduler and a launcher may both send it
        team.signal(2, signal.SIGTERM)
    assert team.codes() == [0] * 3, team.said()
    run = enu.load_run(out)
    assert [row["generation"] for row in read_log(out)] == list(range(run.generation))
    assert (out / "genome.safetensors").exists()


def on_two_gpus(out):
    """Evolve where there seem to be two GPUs; the CPU stands in for them."""

    def chosen(device, experiment, number):
        print(device_name(device, True, 2, number))
        return torch.device("cpu")

    importlib.import_module("enu_lib.evolve").choose_device = chosen
    evolve(out, experiment("tmaze"), device="cuda")


def test_the_processes_of_a_machine_share_its_gpus(tmp_path):
    team = Team(tmp_path, 3, on_two_gpus, tmp_path)
    assert team.codes() == [0] * 3, team.said()
    assert team.said("out") == ["cuda:0", "cuda:1", "cuda:0"]


def test_without_a_launcher_there_is_one_process(monkeypatch):
    for _ in range(2):
        with join() as one:
            assert one is ALONE
        monkeypatch.setenv("RANK", "0")  # but neither the number of processes nor an address
    with pytest.raises(ValueError, match="timeout.*1.*0.5"), join(0.5):
        pass


def test_what_is_not_divided_limits_the_predicted_speed():
    costs = sharing.Costs(episodes=10.0, mutations=2.0, step=1.0, held_out=0.5)
    assert sharing.predicted(costs, 100, 1) == 13.5
    assert sharing.predicted(costs, 100, 3, beside=2, message=0.1) == pytest.approx(10 * 34 / 100 + 1 + 1.5 + 0.2)
    assert sharing.predicted(costs, 100, 150, message=0.0) == sharing.predicted(costs, 100, 100, message=0.0)


THRICE = """
import sys
import enu_lib as enu
from enu_lib.parallel.processes import join

for run in range(3):
    with join(240.0) as team:
        enu.evolve("stdp", profile="smoke", out=f"{sys.argv[1]}/{run}", processes=team, progress=False)
"""


def test_the_same_processes_can_join_again(tmp_path):
    (tmp_path / "script.py").write_text(THRICE)
    done = forks.run([*TORCHRUN, tmp_path / "script.py", tmp_path])
    assert done.returncode == 0, done.stderr
    assert {enu.load_run(tmp_path / str(run)).generation for run in range(3)} == {6}


def test_the_command_runs_under_torchrun(tmp_path):
    out = tmp_path / "r"
    done = forks.run([*TORCHRUN, "-m", "enu_lib", *SMOKE, out, "--process-timeout", "4m"])
    assert done.returncode == 0, done.stderr
    run, one = enu.load_run(out), enu.evolve("stdp", profile="smoke", progress=False)
    assert torch.equal(run.parent, one.parent) and torch.equal(run.genome, one.genome) and run.generation == 6
