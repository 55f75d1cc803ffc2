"""Run a command in which pages start as forks of one process that has imported what they all need: warm.py make all-figures.

Importing torch and the rest takes a page about three seconds.  `run.py` finds the process by the environment variable ENU_WARM
and hands its arguments over (`ask`).  Only on Linux: elsewhere the command runs as it is, and pages import for themselves.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from importlib import import_module

# not matplotlib.pyplot, nor what imports it: it looks for a running notebook when it is imported
COMMON = (
    "torch", "pandas", "matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "PIL.Image",
    "run", "forked", "enu_lib.analysis", "enu_lib.zoo", "enu_lib.study.tables",
)  # fmt: skip


def ask(arguments: list[str]) -> int:
    """Have the warm process run a page with these arguments of run.py; returns the exit status."""
    with socket.socket(socket.AF_UNIX) as warm:
        warm.connect(os.environ["ENU_WARM"])
        message = json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode()
        socket.send_fds(warm, [len(message).to_bytes(4, "big")], [0, 1, 2])
        warm.sendall(message)
        return int(warm.recv(4) or b"1")


def main() -> int:
    if sys.platform != "linux":
        return subprocess.run(sys.argv[1:]).returncode
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # read by the import, as in every notebook
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{folder}/warm")
        door.listen(64)
        command = subprocess.Popen(sys.argv[1:], env={**os.environ, "ENU_WARM": f"{folder}/warm"})
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())
        door.settimeout(0.1)
        pages: set[int] = set()
        while (status := command.poll()) is None:
            try:
                pages = {page for page in pages if not os.waitpid(page, os.WNOHANG)[0]}
                pages.add(_fork(door))
            except TimeoutError:
                pass
            except KeyboardInterrupt:  # as have been the command and the pages
                status = command.wait()
                break
        for page in pages:
            os.waitpid(page, 0)
    return status


def _fork(door: socket.socket) -> int:
    """Run the next page that is asked for in a fork of this process; returns its number."""
    asked, _ = door.accept()
    for name in COMMON:  # by the first page; then they are there
        import_module(name)

    def answer() -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        door.close()
        status = _page(asked)
        sys.stdout.flush()  # before the other side goes on
        asked.send(b"%d" % status)
        return status

    with asked:
        return int(import_module("forked").fork(answer))


def _page(asked: socket.socket) -> int:
    """The exit status of run.py with the arguments, folder, environment and files that were sent."""
    size, files, *_ = socket.recv_fds(asked, 4, 3)
    arguments, folder, environment = json.loads(asked.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    for file, number in zip(files, range(3), strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    import_module("forked").hold()
    threading.Thread(target=_end_with, args=(asked,), daemon=True).start()
    sys.argv[1:] = arguments
    return int(import_module("run").main())


def _end_with(asked: socket.socket) -> None:
    """End this process if the one that asked for the page ends."""
    if not asked.recv(1):
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
