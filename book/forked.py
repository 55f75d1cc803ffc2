"""A notebook's kernel as a fork of this process, with all that it has imported, in place of a new Python that imports it again.

`hold()` forks a process that waits, and makes Jupyter use it as the next kernel.  Call it before this process has threads.
"""

from __future__ import annotations

import json
import os
import signal
import sys
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


def hold() -> None:
    """Fork the process that is to become the next kernel."""
    (orders, give), (ready, say) = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()  # signals to a kernel go to its whole group
        for end in (give, ready):
            os.close(end)
        os.close(say)
        _become(orders)
    for end in (orders, say):
        os.close(end)
    os.read(ready, 1)  # its end, once the group is its own
    os.close(ready)
    _held.append(Process(pid, give))
    KernelProvisionerFactory.provisioners["forked"] = EntryPoint("forked", "forked:Forked", KernelProvisionerFactory.GROUP_NAME)
    os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] = "forked"


def _become(orders: int) -> None:
    """Wait for an order, run the kernel, and end; without an order, end."""
    status = 1
    try:
        with os.fdopen(orders) as given:
            text = given.read()
        if text:
            command, cwd, env = json.loads(text)
            os.chdir(cwd or ".")
            os.environ.clear()
            os.environ.update(env, JPY_PARENT_PID=str(os.getppid()))
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.path.remove(os.path.dirname(__file__))
            sys.argv = command[command.index("ipykernel_launcher") :]
            kernelapp.launch_new_instance(sys.argv[1:])
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        os._exit(status)
