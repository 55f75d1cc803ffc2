"""Small jobs of a sweep for test_cluster, in a separate module that every worker process imports."""

import dataclasses
import itertools
import os
import time
from pathlib import Path

import enu_lib as enu
from enu_lib import experiments
from enu_lib.study.results import record
from enu_lib.study.sweep import Job

AFTER = {"double-tmaze": "tmaze"}
GENERATIONS = {"complex-stdp": 45, "tmaze": 6, "double-tmaze": 6}
UNITS = [Job("complex-stdp", model, 0) for model in ("enu", "gru", "lstm")]
SWEEP = [Job("double-tmaze", "enu", 0), *UNITS, Job("tmaze", "enu", 0)]
HOLD = "TEST_HOLD"  # variable with the path of a file; while the file exists, the first unit's job waits
DRAWN = itertools.count()


def reached(file):
    """The file that appears once the job waits for `file`."""
    return file.with_suffix(".reached")


@enu.register
@dataclasses.dataclass(frozen=True)
class Held(enu.STDP):
    """A rule whose evolution waits midway, some generations after it has begun or resumed, until a file is deleted."""

    def sample(self, environments, generator):
        while next(DRAWN) > 15 and (file := Path(os.environ.get(HOLD, ""))).is_file():
            reached(file).touch()
            time.sleep(0.01)
        return super().sample(environments, generator)


def build(name, model):
    """The experiment of a job."""
    built = experiments.get(name, model, profile="smoke", generations=GENERATIONS[name])
    return dataclasses.replace(built, task=Held("complex")) if (name, model) == ("complex-stdp", "enu") else built


def smoke(name, model):
    """The shortest experiment of a job."""
    return experiments.get(name, model, profile="smoke")


def noted_record(run, model, **_):
    """Evaluate a run, and note that this was done."""
    with (run.folder.parent / "evaluated").open("a") as file:
        file.write(f"{run.folder.name}\n")
    return record(run, model, quick=True)


def dying_record(run, model, **_):
    """Evaluate a run, but kill the process if it is a GRU's."""
    if model == "gru":
        os._exit(9)
    return record(run, model, quick=True)
