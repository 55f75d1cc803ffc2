"""Processes that die, hang, disagree or never meet: one line says which and what to do, and the run can go on."""

import dataclasses
import os
import signal
import socket
import time

import forks
import pytest
import torch
from teams import APART, HANG, SMOKE, TORCHRUN, Team, begun, command, endless, evolve, experiment, same
from torch.distributed import TCPStore

import enu_lib as enu
from enu_lib.cli import main
from enu_lib.parallel import liveness, processes
from enu_lib.parallel.liveness import ProcessError
from enu_lib.parallel.processes import join
from enu_lib.storage.log import read_log

SHORT = 15.0  # a timeout that one process exceeds on purpose; the others work for milliseconds only


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


@pytest.mark.parametrize("where", [{}, APART], ids=["one machine", "apart"])
@pytest.mark.parametrize("rank, number", [(0, signal.SIGKILL), (2, signal.SIGKILL), (2, signal.SIGSTOP)])
def test_a_process_that_dies_or_is_stopped_is_named_in_one_line(rank, number, where, tmp_path):
    timeout = SHORT if number == signal.SIGSTOP else HANG  # a dead process is noticed at once, whatever the timeout
    team, out = Team(tmp_path, 3, endless, tmp_path, timeout=timeout, variables=where), tmp_path / "stdp"
    begun(out, lambda: team.members[0].is_alive())
    team.signal(rank, number)
    codes = team.codes(lost=rank)
    assert codes.pop(rank) in (-signal.SIGKILL, None) and codes[0] and codes[1]
    (line,) = team.said()
    assert f"rank {rank} " in line and str(team.members[rank].pid) in line and "resume" in line
    assert "--process-timeout" not in line, "that would not help"
    resumed = dataclasses.replace(experiment(), generations=enu.load_run(out).generation + 2)
    evolve(tmp_path, resumed)
    evolve(tmp_path / "one", resumed)
    same(enu.load_run(tmp_path / "one/stdp"), enu.load_run(out))


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


def test_an_error_common_to_all_processes_is_reported_in_one_line(tmp_path):
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


SCRIPT = """
import os, sys, enu_lib as enu
from enu_lib.parallel import liveness
from enu_lib.parallel.processes import join

liveness.BEAT = 0.5
out, endless = sys.argv[1], dict(profile="smoke", generations=100000, progress=False, checkpoint_every=0.0)
with join(240.0) as team, open(f"{out}-{team.rank}", "w") as file:
    print(os.getpid(), file=file, flush=True)
    enu.evolve("stdp", out=out, processes=team, **endless)
"""


def test_torchrun_restarts_a_run_whose_process_was_killed_and_a_signal_to_it_saves(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    out, running = tmp_path / "r", lambda: launcher.poll() is None
    launcher = forks.Program([*TORCHRUN, "--max-restarts=1", tmp_path / "script.py", out])
    try:
        begun(out, running)
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
