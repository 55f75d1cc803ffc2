"""A notebook's kernel as a fork of this process, with all that it has imported, in place of a new Python that imports it again.

`hold()` forks a process that waits, and makes Jupyter use it as the next kernel.  Call it before this process has threads.
`fork(work)` is for other forks, too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import EntryPoint
from typing import Any

from ipykernel import kernelapp
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

_held: list[Process] = []


class Process:
    """A forked process, with what Jupyter needs of subprocess.Popen; it runs what is written to `orders`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, orders: int) -> None:
        self.pid, self.orders = pid, orders
        self.returncode: int | None = None

    def order(self, command: list[str], cwd: str | None, env: dict[str, str]) -> None:
        """Become the kernel of this command."""
        with os.fdopen(self.orders, "w") as orders:
            json.dump([command, cwd, env], orders)

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._waited(os.WNOHANG)

    def wait(self) -> int | None:
        """The exit status, at its end."""
        return self._waited(0)

    def _waited(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Forked(LocalProvisioner):
    """Starts the process that is held as the kernel."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """The connection of the kernel that was started."""
        process: Any = _held.pop()
        process.order(cmd, kwargs.get("cwd"), kwargs["env"])
        self.process, self.pid, self.pgid = process, process.pid, process.pid
        return self.connection_info


def fork(work: Callable[[], int]) -> int:
    """The number of a new process that does this work and ends with the status that it returns, whatever happens."""
    if pid := os.fork():
        return pid
    status = 1
    try:
        status = work()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # an interrupt, too: it must not go on as the process that it was forked from
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # closed, or nobody reads it any more
                stream.flush()
        os._exit(status)


def hold() -> None:
    """Fork the process that is to become the next kernel."""
    (orders, give), (ready, say) = os.pipe(), os.pipe()

    def wait() -> int:
        os.setsid()  # signals to a kernel go to its whole group
        for end in (give, ready, say):
            os.close(end)
        return _become(orders)

    pid = fork(wait)
    for end in (orders, say):
        os.close(end)
    os.read(ready, 1)  # its end, once the group is its own
    os.close(ready)
    _held.append(Process(pid, give))
    KernelProvisionerFactory.provisioners["forked"] = EntryPoint("forked", "forked:Forked", KernelProvisionerFactory.GROUP_NAME)
    os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = "forked"


def _become(orders: int) -> int:
    """Wait for an order and run the kernel; without an order, do nothing."""
    with os.fdopen(orders) as given:
        text = given.read()
    if text:
        command, cwd, env = json.loads(text)
        os.chdir(cwd or ".")
        os.environ.clear()
        os.environ.update(env)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.path.remove(os.path.dirname(__file__))
        with_parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # it ends when this process does
        sys.argv = [*command[command.index("ipykernel_launcher") :], with_parent]
        kernelapp.launch_new_instance(sys.argv[1:])
    return 0
