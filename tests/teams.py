"""Processes that evolve together, started as torchrun would start them, for test_processes and test_lost_processes."""

import dataclasses
import os
import sys
import time
import traceback

import torch
from forks import FORKS
from own_task import Follow
from torch.distributed import TCPStore

import enu_lib as enu
from enu_lib.cli import main
from enu_lib.experiments import Stage
from enu_lib.parallel import ahead, liveness
from enu_lib.parallel.processes import join

HANG = 240.0  # seconds after which a test is taken to hang, even on a slow machine
APART = {"LOCAL_WORLD_SIZE": "1", "LOCAL_RANK": "0"}  # as if each process had a machine of its own
SMOKE = ["evolve", "stdp", "--profile", "smoke", "--quiet", "--out"]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def experiment(name="stdp", **settings):
    """Experiments that take milliseconds and do not divide evenly among three or four processes."""
    if name == "follow":
        network = enu.Network(n_outputs=3, channels=3, hidden=4)
        return enu.Experiment(name, Follow(), network, es=enu.ES(population=22), generations=4, evaluate_every=2)
    if name == "staged":
        small = experiment(generations=9)
        return dataclasses.replace(small, name=name, stages=(Stage(4, enu.STDP("complex")), Stage(8, small.task, target=-1e9)))
    if name == "anew":
        small = experiment(generations=5)
        return dataclasses.replace(small, name=name, stages=(Stage(3, small.task, target=1e9, restart=True),))
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
    """The command line."""
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


def same(a, b):
    """Assert that two runs are the same, bit for bit."""
    assert torch.equal(a.parent, b.parent) and torch.equal(a.genome, b.genome) and a.score == b.score
    assert (a.generation, a.stage_ends, a.restarts, a.stopped) == (b.generation, b.stage_ends, b.restarts, b.stopped)
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in run.log] for run in (a, b)]
    assert rows[0] == rows[1]


def begun(out, alive):
    """Wait until a run has written its first checkpoint."""
    deadline = time.monotonic() + HANG
    while not (out / "checkpoint.safetensors").exists():
        assert alive() and time.monotonic() < deadline
        time.sleep(0.01)
