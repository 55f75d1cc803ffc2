"""One evolution in several processes: the same bits as in one, agreed stops, and an error that names who is lost."""

import dataclasses
import importlib
import os
import signal
import socket
import sys
import time
import traceback
from functools import cache
from pathlib import Path

import forks
import pytest
import torch
from forks import FORKS
from own_task import Follow
from torch.distributed import TCPStore

import enu_lib as enu
from enu_lib import ahead, es, liveness, processes
from enu_lib.bench import sharing
from enu_lib.cli import main
from enu_lib.devices import device_name
from enu_lib.es import ES
from enu_lib.experiments import Stage
from enu_lib.liveness import ProcessError
from enu_lib.processes import ALONE, join
from enu_lib.storage.log import read_log

ROOT = Path(__file__).parents[1]
NAMES = ("stdp", "tmaze", "iaf", "staged", "follow", "large")
HANG = 240.0  # seconds after which a test is taken to hang, even on a slow machine
SHORT = 15.0  # a timeout that one process exceeds on purpose; the others work for milliseconds only
APART = {"LOCAL_WORLD_SIZE": "1", "LOCAL_RANK": "0"}  # as if each process had a machine of its own
SMOKE = ["evolve", "stdp", "--profile", "smoke", "--quiet", "--out"]


@enu.register
@dataclasses.dataclass(frozen=True)
class Failing(enu.STDP):
    """A task that never ends in rank 1, or runs out of memory there."""

    slow: bool = False

    def score(self, batch, outputs):
        if os.environ.get("RANK") == "1":
            if not self.slow:
                raise MemoryError
            time.sleep(HANG)
        return super().score(batch, outputs)


def experiment(name="stdp", **settings):
    """Experiments that take milliseconds and do not divide evenly among three or four processes."""
    if name == "follow":
        network = enu.Network(n_outputs=3, channels=3, hidden=4)
        return enu.Experiment(name, Follow(), network, es=enu.ES(population=22), generations=4, evaluate_every=2)
    if name == "staged":
        small = experiment(generations=9)
        return dataclasses.replace(small, name=name, stages=(Stage(4, enu.STDP("complex")), Stage(8, small.task, target=-1e9)))
    if name == "large":  # enough mutations to draw them in turns
        large = enu.experiments.get("stdp", profile="smoke", hidden=32, population=44, generations=12, environments=3)
        assert 22 * large.model.n_params >= ahead.FEWEST_TO_SHARE
        return dataclasses.replace(large, name=name)
    model = "lstm" if name == "iaf" else "enu"
    return enu.experiments.get(name, profile="smoke", model=model, population=22, environments=7, **settings)


def evolve(out, *which, timeout=HANG, **options):
    """Evolve experiments one after the other, in all processes of the team."""
    with join(timeout) as team:
        for own in which:
            enu.evolve(own, out=out / own.name, progress=False, processes=team, **options)


def endless(out, **options):
    """Evolve until a signal comes."""
    evolve(out, experiment(generations=100000), checkpoint_every=0.1, **options)


def command(*arguments):
    return main(list(arguments))


def _child(rank, size, port, folder, variables, work, arguments, options):
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(size), LOCAL_RANK=str(rank), LOCAL_WORLD_SIZE=str(size))
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True", **variables)
    torch.set_num_threads(1)
    liveness.BEAT = 0.5
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / f"{name}-{rank}", os.O_WRONLY | os.O_CREAT), number)
    code = 1
    try:
        code = work(*arguments, **options) or 0
    except SystemExit as error:
        code = error.code
    except ValueError as error:
        print(f"enu_lib: {error}", file=sys.stderr)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # as a separate process would, without pytest's exit handlers


class Team:
    """Processes that do `work` together, as torchrun would start them."""

    def __init__(self, folder, size, work, *arguments, variables=None, **options):
        self.folder = folder / f"team-{size}"
        self.folder.mkdir()
        self.store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # as torchrun would provide it
        shared = size, self.store.port, self.folder, variables or {}, work, arguments, options
        self.members = [FORKS.Process(target=_child, args=(rank, *shared), daemon=True) for rank in range(size)]
        for member in self.members:
            member.start()

    def signal(self, rank, number):
        os.kill(self.members[rank].pid, number)

    def codes(self, lost=None):
        """Exit codes once all processes except rank `lost` have ended; None for those still running."""
        deadline = time.monotonic() + HANG
        for member in self.members[:lost] + self.members[lost + 1 :] if lost is not None else self.members:
            member.join(max(0.0, deadline - time.monotonic()))
        codes = [member.exitcode for member in self.members]
        for member in self.members:
            member.kill()
        return codes

    def said(self, name="err"):
        """Lines that the processes printed."""
        return [line for file in sorted(self.folder.glob(f"{name}-*")) for line in file.read_text().splitlines()]


def _same(a, b):
    assert torch.equal(a.parent, b.parent) and torch.equal(a.genome, b.genome) and a.score == b.score
    assert (a.generation, a.stage_ends, a.stopped) == (b.generation, b.stage_ends, b.stopped)
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in run.log] for run in (a, b)]
    assert rows[0] == rows[1]


def _begun(out, alive):
    deadline = time.monotonic() + HANG
    while not (out / "checkpoint.safetensors").exists():
        assert alive() and time.monotonic() < deadline
        time.sleep(0.01)


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
        _same(one, many)


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
    _same(*(enu.load_run(tmp_path / how / "staged") for how in ("one", "many")))


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
    _begun(out, lambda: team.members[0].is_alive())
    for _ in range(2):  # a scheduler and a launcher may both send it
        team.signal(2, signal.SIGTERM)
    assert team.codes() == [0] * 3, team.said()
    run = enu.load_run(out)
    assert [row["generation"] for row in read_log(out)] == list(range(run.generation))
    assert (out / "genome.safetensors").exists()


@pytest.mark.parametrize("where", [{}, APART], ids=["one machine", "apart"])
@pytest.mark.parametrize("rank, number", [(0, signal.SIGKILL), (2, signal.SIGKILL), (2, signal.SIGSTOP)])
def test_a_process_that_dies_or_is_stopped_is_named_in_one_line(rank, number, where, tmp_path):
    timeout = SHORT if number == signal.SIGSTOP else HANG  # a dead process is noticed at once, whatever the timeout
    team, out = Team(tmp_path, 3, endless, tmp_path, timeout=timeout, variables=where), tmp_path / "stdp"
    _begun(out, lambda: team.members[0].is_alive())
    team.signal(rank, number)
    codes = team.codes(lost=rank)
    assert codes.pop(rank) in (-signal.SIGKILL, None) and codes[0] and codes[1]
    (line,) = team.said()
    assert f"rank {rank} " in line and str(team.members[rank].pid) in line and "resume" in line
    assert "--process-timeout" not in line, "that would not help"
    resumed = dataclasses.replace(experiment(), generations=enu.load_run(out).generation + 2)
    evolve(tmp_path, resumed)
    evolve(tmp_path / "one", resumed)
    _same(enu.load_run(tmp_path / "one/stdp"), enu.load_run(out))


@pytest.mark.parametrize(
    "task, words", [(Failing(slow=True), f"rank 1 --process-timeout {SHORT:g}"), (Failing(), "rank 1 memory population")]
)
def test_a_process_that_is_slow_or_fails_is_named_in_one_line(task, words, tmp_path):
    own = dataclasses.replace(experiment(), task=task)
    team = Team(tmp_path, 3, evolve, tmp_path, own, timeout=SHORT if task.slow else HANG)
    codes = team.codes(lost=1 if task.slow else None)  # a slow process does not end by itself
    assert codes[0] and codes[2] and codes[1] != 0
    (line,) = team.said()
    assert all(word in line for word in words.split()), line


def apart(out):
    """Evolve with other settings in one process."""
    evolve(out, experiment(sigma=0.5 if os.environ["RANK"] == "1" else 0.1))


def test_what_all_cannot_do_is_one_line(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for i, (work, arguments, words) in enumerate([
        (command, (*SMOKE, str(tmp_path / "file")), "file --out"),  # only rank 0 looks
        (command, (*SMOKE, str(tmp_path / "r"), "--sigma", "0"), "sigma 0.0"),
        (command, (*SMOKE, str(tmp_path / "r"), "--population", "4", "--set", "environments=2"), "5 4 --population"),
        (apart, (tmp_path / "r",), "rank 1 settings"),
    ]):  # fmt: skip
        (tmp_path / str(i)).mkdir()
        team = Team(tmp_path / str(i), 5, work, *arguments)
        assert all(team.codes())
        assert len(team.said()) == 1 and all(word in team.said()[0] for word in words.split()), team.said()


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


@pytest.mark.parametrize("name, value", [("RANK", "x"), ("RANK", "2"), ("WORLD_SIZE", "0"), ("LOCAL_WORLD_SIZE", "1.5")])
def test_an_invalid_variable_of_the_launcher_is_named(name, value, monkeypatch):
    values = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", name: value}
    for each, given in values.items():
        monkeypatch.setenv(each, given)
    with pytest.raises(ValueError, match=f"^{name} .*{value}"), join(1.0):
        pass


def test_processes_that_never_meet_say_where_they_waited(monkeypatch):
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    monkeypatch.setattr(liveness, "BEAT", 0.2)
    values = {"RANK": "0", "WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port)}
    for name, value in {**values, "TORCHELASTIC_USE_AGENT_STORE": "True"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ProcessError, match=r"rank 1, 2 did not start"), join(1.0):
        pass
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE")
    monkeypatch.setenv("MASTER_PORT", "0")
    with pytest.raises(ProcessError, match=r"3 processes .*127.0.0.1:0 .*1 s.*--process-timeout"), join(1.0):
        pass


@pytest.mark.parametrize("silent, lines", [(10.0, 1), (0.0, 2)])
def test_an_address_that_nobody_listens_at_is_one_line_after_the_timeout(silent, lines, tmp_path, monkeypatch, capfd):
    """Torch alone would wait twice as long and print its stack.  After a while, a line says what the process is waiting for."""
    monkeypatch.setattr(processes, "SILENT", silent)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # but does not listen
        port = str(taken.getsockname()[1])
        for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
            monkeypatch.setenv(name, value)
        assert main([*SMOKE, str(tmp_path / "r"), "--process-timeout", "1s"]) == 2
    said = capfd.readouterr().err.splitlines()
    assert len(said) == lines and all(f"127.0.0.1:{port} " in line and "1 s" in line for line in said), said
    assert "MASTER_PORT" in said[-1] and "--process-timeout" in said[-1] and not (tmp_path / "r").exists()


def test_what_is_not_divided_limits_the_predicted_speed():
    costs = sharing.Costs(episodes=10.0, mutations=2.0, step=1.0, held_out=0.5)
    assert sharing.predicted(costs, 100, 1) == 13.5
    assert sharing.predicted(costs, 100, 3, beside=2, message=0.1) == pytest.approx(10 * 34 / 100 + 1 + 1.5 + 0.2)
    assert sharing.predicted(costs, 100, 150, message=0.0) == sharing.predicted(costs, 100, 100, message=0.0)


SCRIPT = """
import os, sys, enu_lib as enu
from enu_lib import liveness
from enu_lib.processes import join

liveness.BEAT = 0.5
out, endless = sys.argv[1], dict(profile="smoke", generations=100000, progress=False, checkpoint_every=0.0)
with join(240.0) as team, open(f"{out}-{team.rank}", "w") as file:
    print(os.getpid(), file=file, flush=True)
    enu.evolve("stdp", out=out, processes=team, **endless)
"""
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def test_torchrun_restarts_a_run_whose_process_was_killed_and_a_signal_to_it_saves(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    out, running = tmp_path / "r", lambda: launcher.poll() is None
    launcher = forks.Program([*TORCHRUN, "--max-restarts=1", tmp_path / "script.py", out])
    try:
        _begun(out, running)
        first, worker = (int((tmp_path / f"r-{rank}").read_text()) for rank in (0, 1))
        os.kill(worker, signal.SIGKILL)
        while (tmp_path / "r-0").read_text() in ("", f"{first}\n") and running():
            time.sleep(0.05)
        before = (out / "checkpoint.safetensors").stat().st_mtime_ns
        while (out / "checkpoint.safetensors").stat().st_mtime_ns == before and running():
            time.sleep(0.05)
        launcher.send_signal(signal.SIGTERM)
        _, said = launcher.communicate(timeout=HANG)
    finally:
        launcher.kill()
    assert f"process {worker}" in said
    run = enu.load_run(out)
    assert [row["generation"] for row in read_log(out)] == list(range(run.generation))
    assert (out / "genome.safetensors").exists()  # written at the end only
    assert torch.equal(run.parent, enu.evolve("stdp", profile="smoke", generations=run.generation, progress=False).parent)


THRICE = """
import sys
import enu_lib as enu
from enu_lib.processes import join

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
