"""Sweeps on several workers: a Dask scheduler with two workers, processes of this machine, GPUs; some of them are killed."""

import json
import os
import runpy
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import forks
import psutil
import pytest
from dask_jobqueue import SLURMCluster
from distributed import Client
from sweep_jobs import AFTER, GENERATIONS, HOLD, SWEEP, UNITS, build, dying_record, noted_record, reached, smoke
from test_sweep import records, wait_for

from enu_lib.cli import main
from enu_lib.evolve import evolve
from enu_lib.study import executors, workers
from enu_lib.study.sweep import Job

ROOT = Path(__file__).parents[1]


def run(out, **options):
    return workers.run(workers.Work(out, build, AFTER, noted_record), SWEEP, progress=False, **options)


def holds(process, out, job):
    """Whether this process runs a job."""
    with suppress(psutil.NoSuchProcess):  # it has ended
        return str(out / ".locks" / job.name) in [file.path for file in process.open_files()]
    return False


def others_done(out):
    """Whether all jobs but the one held back are done."""
    return set(records(out)) == {job.name for job in SWEEP} - {UNITS[0].name}


def assert_once(out):
    """Each job was evaluated once, and each of its generations is in its log once."""
    assert sorted((out / "evaluated").read_text().split()) == sorted(job.name for job in SWEEP)
    for job in SWEEP:
        rows = (out / job.name / "log.csv").read_text().splitlines()[1:]
        assert [int(row.split(",")[0]) for row in rows] == list(range(GENERATIONS[job.experiment]))


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """The folder of the same sweep, run one job after the other in this process."""
    out = tmp_path_factory.mktemp("serial")
    assert run(out, jobs=1) == []
    return out


@pytest.fixture
def begun(tmp_path):
    """A sweep's folder in which the first complex-stdp job has been interrupted, and its log."""
    job, out = UNITS[0], tmp_path / "s"
    short = {"threads": 1, "progress": False, "each": lambda run: run.generation > 9}
    half = evolve(build(job.experiment, job.model), seed=0, out=out / job.name, **short)
    assert half.stopped == "stopped" and 9 < half.generation < GENERATIONS[job.experiment] - 20
    return out, (out / job.name / "log.csv").read_text()


@pytest.fixture
def held(tmp_path, monkeypatch):
    """A file that makes the first complex-stdp job wait midway until the file is deleted."""
    (file := tmp_path / "held").touch()
    monkeypatch.setenv(HOLD, str(file))
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture
def dask(tmp_path):
    """Start a scheduler, and yield its address and a function that starts a worker process."""
    file, started = tmp_path / "scheduler.json", []

    def start(*words):
        command = ["-m", "dask", *words, "--scheduler-file", file, "--host", "127.0.0.1", "--no-dashboard"]
        own = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"  # workers look up the functions of this module
        started.append(forks.Program(command, environment={"PYTHONPATH": own}))
        return started[-1]

    start("scheduler", "--port", "0")
    wait_for(lambda: file.exists() and file.stat().st_size, "the scheduler did not start")  # not only created
    address = json.loads(file.read_text())["address"]
    yield address, partial(start, "worker", "--no-nanny", "--local-directory", str(tmp_path / "dask"))
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def two(dask):
    """The address of a scheduler with two workers, and a client."""
    address, start = dask
    for _ in range(2):
        start("--nthreads", "1")
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=240)
        yield address, client


def test_a_scheduler_has_a_dashboard(tmp_path):
    file = tmp_path / "scheduler.json"
    command = ["-m", "dask", "scheduler", "--scheduler-file", file, "--host", "127.0.0.1", "--port", "0"]
    scheduler = forks.Program([*command, "--dashboard-address", "127.0.0.1:0"])
    try:
        wait_for(lambda: file.exists() and file.stat().st_size, "the scheduler did not start")
        page = HTTPConnection("127.0.0.1", json.loads(file.read_text())["services"]["dashboard"], timeout=240)
        page.request("GET", "/status")
        assert "<title>Dask" in page.getresponse().read().decode()
    finally:
        scheduler.kill()
        scheduler.wait()


@pytest.mark.parametrize("lost", ["killed", "retired"])
def test_a_cluster_gives_the_results_of_a_serial_sweep_though_a_worker_is_lost(lost, serial, begun, held, two):
    """A retired worker keeps its job until that is done, although another one has already been told to run it."""
    (out, log), (address, client) = begun, two
    with ThreadPoolExecutor(1) as thread:
        sweep = thread.submit(run, out, scheduler=address)
        wait_for(reached(held).exists, "the job did not start")
        pids = client.run(os.getpid).items()
        ((worker, pid),) = ((w, pid) for w, pid in pids if holds(psutil.Process(pid), out, UNITS[0]))
        if lost == "killed":
            os.kill(pid, signal.SIGKILL)
        else:
            client.retire_workers([worker])
            told = lambda: any(tasks for other, tasks in client.processing().items() if other != worker)
            wait_for(lambda: others_done(out) and told(), "the other worker was not told to run the last job")
        held.unlink()
        assert sweep.result(timeout=240) == []
    assert len(client.nthreads()) == 1
    assert records(out) == records(serial)
    assert_once(out)
    assert (out / UNITS[0].name / "log.csv").read_text().startswith(log), "it was resumed, not begun again"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_all_workers_of_a_cluster(number, two, tmp_path):
    address, client = two
    out = tmp_path / "s"
    command = ["-m", "enu_lib", "sweep", "--profile", "laptop", "--experiments", "complex-stdp", "--again"]
    at_work = forks.Program([*command, "--seeds", "1", "--quiet", "--scheduler", address, "--out", out])
    try:
        wait_for(lambda: len(list(out.glob("*/config.json"))) == 2, "the workers began nothing")
        at_work.send_signal(number)
        assert at_work.wait(timeout=240) == 0
    finally:
        at_work.kill()
    assert len(list(out.glob("*/checkpoint.safetensors"))) == 2 and not records(out)
    wait_for(lambda: not any(client.processing().values()), "a worker went on")


def test_a_time_limit_ends_a_sweep_that_no_worker_has_begun(dask, tmp_path):
    assert run(tmp_path / "s", scheduler=dask[0], time_limit=1) == []
    assert records(tmp_path / "s") == {}


def test_workers_with_several_threads_are_refused(dask, tmp_path, capsys):
    address, start = dask
    start("--nthreads", "3")
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=240)
    assert main(["sweep", "--profile", "smoke", "--scheduler", address, "--out", str(tmp_path / "s"), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "3" in error and "--nthreads 1" in error and error.count("\n") == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_jobs_run_in_order_and_each_after_the_one_that_it_starts_from(jobs, tmp_path):
    mazes = {model: [Job(name, model, 0) for name in ("tmaze", "double-tmaze")] for model in ("enu", "gru")}
    todo = [*reversed(mazes["enu"]), *UNITS, *reversed(mazes["gru"])]
    assert workers.run(workers.Work(tmp_path, smoke, AFTER, noted_record), todo, jobs=jobs, progress=False) == []
    found, expected = (tmp_path / "evaluated").read_text().split(), [j.name for j in (*mazes["enu"], *UNITS, *mazes["gru"])]
    assert found == expected if jobs == 1 else sorted(found) == sorted(expected)
    for before, then in mazes.values():
        assert found.index(before.name) < found.index(then.name)
        first, second = (records(tmp_path)[job.name] for job in (before, then))
        assert second["begun_from"] == first["genome"] and first["begun_from"] is None


def test_two_sweeps_in_one_folder_share_the_jobs(serial, held, tmp_path):
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(run, tmp_path, jobs=2) for _ in range(2)]
        wait_for(lambda: others_done(tmp_path), "the other jobs did not run")
        held.unlink()  # by now, one of the sweeps has found the job locked
        assert [sweep.result() for sweep in both] == [[], []]
    assert run(tmp_path, jobs=1) == []
    assert records(tmp_path) == records(serial)
    assert_once(tmp_path)


def test_a_process_that_is_killed_is_replaced(serial, begun, held):
    out, log = begun
    with ThreadPoolExecutor(1) as thread:
        sweep = thread.submit(run, out, jobs=2)
        wait_for(reached(held).exists, "the job did not start")
        (at_work,) = (p for p in psutil.Process().children(recursive=True) if holds(p, out, UNITS[0]))
        at_work.kill()
        held.unlink()
        assert sweep.result(timeout=240) == []
    assert records(out) == records(serial)
    assert (out / UNITS[0].name / "log.csv").read_text().startswith(log)


def test_a_job_that_kills_its_process_is_reported_and_the_others_run(tmp_path):
    errors = workers.run(workers.Work(tmp_path, smoke, {}, dying_record), UNITS, jobs=2, progress=False)
    assert set(records(tmp_path)) == {UNITS[0].name, UNITS[2].name}
    assert len(errors) == 1 and errors[0].startswith(f"{UNITS[1].name}: ") and "--jobs" in errors[0] and "\n" not in errors[0]


def test_each_process_sees_its_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert executors.gpus("cpu", jobs=3) == [None] * 3
    assert executors.gpus("cuda") == ["3", "5"]
    assert executors.gpus("cuda", jobs=1) == ["3"]
    assert sorted(executors.gpus("cuda", per_device=2)) == ["3", "3", "5", "5"]
    with executors.local(executors.gpus("cuda")) as submit:
        seen = [submit(os.getenv, "CUDA_VISIBLE_DEVICES") for _ in range(2)]
        assert sorted(future.result() for future in seen) == ["3", "5"]


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--device", "cuda"], "cuda --device cpu"),
        (["--per-device", "0"], "--per-device 0 1"),
        (["--scheduler", "nowhere://1"], "--scheduler nowhere://1 dask"),
    ],
)
def test_unusable_places_are_one_line_errors(arguments, named, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert main(["sweep", "--profile", "smoke", "--out", str(tmp_path / "s"), *arguments]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in named.split()) and error.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_an_address_without_a_port_is_a_one_line_error(tmp_path):
    """Even at exit, when a client that did not connect would print a traceback."""
    done = forks.run(["-m", "enu_lib", "sweep", "--profile", "smoke", "--scheduler", "nowhere", "--out", tmp_path / "s"])
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "nowhere" in done.stderr and "--scheduler" in done.stderr


def test_without_dask_the_missing_extra_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)  # cannot be imported
    assert main(["sweep", "--profile", "smoke", "--scheduler", "tcp://127.0.0.1:1", "--out", str(tmp_path / "s")]) == 2
    error = capsys.readouterr().err
    assert "distributed" in error and ".[cluster]" in error and error.count("\n") == 1 and not (tmp_path / "s").exists()


@pytest.mark.parametrize("name, workers, wanted", [("settings", 32, ["-p normal"]), ("gpu_settings", 1, ["--gres=gpu:1"])])
def test_the_slurm_example_asks_for_workers_of_one_thread(name, workers, wanted):
    example = runpy.run_path(str(ROOT / "book/static/slurm_sweep.py"))
    with SLURMCluster(**example[name]) as cluster:
        script = cluster.job_script()
    for text in (*wanted, "--nthreads 1", "-t 08:00:00", "--lifetime 7h50m", "export OMP_NUM_THREADS=1"):
        assert text in script, text
    assert f"--nworkers {workers}" in script or workers == 1
