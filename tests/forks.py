"""Programs as forks of a process that has already imported torch and this library, which takes seconds every time."""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from multiprocessing.reduction import DupFd
from pathlib import Path

ROOT = Path(__file__).parents[1]
FORKS = multiprocessing.get_context("forkserver")
DASK = ["distributed.cli.dask_scheduler", "distributed.cli.dask_worker"]
PAGES = ["enu_lib.widgets", "ipykernel.kernelapp", "scipy.stats", "seaborn"]
FORKS.set_forkserver_preload(["torch.distributed", "enu_lib.cli", "enu_lib.figures", "own_task", *DASK, *PAGES])


class Program:
    """A running Python program, with those members of `subprocess.Popen` that the tests use.

    arguments: those of `python`: `-c` and code, `-m` and a module, or a script, and what follows; environment: variables that
    differ from those of this process; stdin, stdout, stderr: file descriptors (default: nothing, and files that `communicate`
    reads); prepare: called first in the new process.  The program leads a process group of its own.
    """

    def __init__(self, arguments, environment=None, cwd=None, prepare=None, stdin=None, stdout=None, stderr=None):
        given = [str(argument) for argument in arguments]
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        self._kept = [tempfile.TemporaryFile() if fd is None else None for fd in (stdout, stderr)]  # noqa: SIM115
        with open(os.devnull) as nothing:
            fds = [nothing.fileno() if stdin is None else stdin]
            fds += [kept.fileno() if kept else fd for kept, fd in zip(self._kept, (stdout, stderr), strict=True)]
            passed = [_Descriptor(fd) for fd in fds]
            self._process = FORKS.Process(target=_main, args=(given, variables, str(cwd or os.getcwd()), prepare, passed))
            self._process.start()
        atexit.register(self.kill)  # a test that failed leaves nothing that Python would wait for
        self.pid, self.stdin, self.stdout, self.stderr = self._process.pid, None, None, None
        with suppress(ProcessLookupError):  # it has ended
            while os.getpgid(self.pid) != self.pid:
                time.sleep(0.001)

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.pid, timeout)
        atexit.unregister(self.kill)
        return self.returncode

    def communicate(self, timeout=None):
        """Wait for the end of the program, and return what it wrote to stdout and stderr."""
        self.wait(timeout)
        for kept in filter(None, self._kept):
            kept.seek(0)
        return tuple(kept and kept.read().decode() for kept in self._kept)

    def send_signal(self, number):
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


def run(arguments, **options):
    """Run a program to its end, as `subprocess.run` does, with its output as text."""
    program = Program(arguments, **options)
    stdout, stderr = program.communicate()
    return subprocess.CompletedProcess(arguments, program.returncode, stdout, stderr)


class _Descriptor:
    """A file descriptor that a new process receives."""

    def __init__(self, fd):
        self.fd = fd

    def __reduce__(self):
        return _detach, (DupFd(self.fd),)


def _detach(passed):
    return passed.detach()


def _main(arguments, variables, folder, prepare, descriptors):
    """What `python` would do with these arguments, in this process."""
    os.setsid()
    for target, fd in enumerate(descriptors):
        os.dup2(fd, target)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    tempfile.tempdir = None  # may have changed
    if "matplotlib" in sys.modules and "MPLBACKEND" in variables:  # which it reads when imported
        sys.modules["matplotlib"].rcParams["backend"] = variables["MPLBACKEND"]
    sys.path[:0] = [place for place in variables["PYTHONPATH"].split(os.pathsep) if place]
    code = 1
    try:
        if prepare:
            prepare()
        _run(arguments)
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):  # a lost terminal
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)  # without pytest's exit handlers


def _run(arguments):
    first, *rest = arguments
    if first == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    elif first == "-m":
        sys.argv = list(rest)
        sys.path.insert(0, os.getcwd())
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(first).parent))
        runpy.run_path(first, run_name="__main__")
