"""Compile C++ sources into shared libraries, kept in the user's cache and verified before each use.

    library(source, includes, flags, functions)     # a ctypes.CDLL, or raises Unavailable

The name of a cached library contains hashes of its inputs (sources, compiler, flags, processor) and of its content, so that
a damaged, foreign or partly written library is never loaded but compiled again.  The cache is used only if no other user
can write to it; otherwise each process compiles into a temporary folder.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from enu_lib.base.faults import Unavailable
from enu_lib.base.notices import tell

COMPILERS = ("c++", "g++", "clang++")
TIME_LIMIT = 300.0  # seconds for one compilation
ABANDONED_AFTER = 3600.0  # seconds after which a compilation's folder is considered abandoned
FOLDER_PREFIX = ".build-"  # prefix of such folders
NATIVE = "-march=native"

# Loads a new library in a separate process, since loading a broken one may crash the process.
LOAD_TEST = "import ctypes, os, sys; x = ctypes.CDLL(sys.argv[1]); [getattr(x, name) for name in sys.argv[2:]]; os._exit(0)"


def compiler() -> list[str] | None:
    """Command of the C++ compiler: $CXX, which may include options, else c++, g++ or clang++; None if there is none."""
    given = os.environ.get("CXX", "").strip()
    try:
        commands = [shlex.split(given)] if given else [[name] for name in COMPILERS]
    except ValueError:  # an unclosed quote
        return None
    return next(([program, *rest] for name, *rest in commands if (program := shutil.which(name))), None)


def cache() -> Path:
    """Folder for compiled libraries: $ENU_CACHE, else enu_lib in the user's cache folder."""
    if os.environ.get("ENU_CACHE"):
        return Path(os.environ["ENU_CACHE"]).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(base) / "enu_lib").absolute()


def library(source: Path, includes: tuple[Path, ...], flags: tuple[str, ...], functions: tuple[str, ...]) -> ctypes.CDLL:
    """The library of `source` and its `includes`, compiled with `flags` and $ENU_CXXFLAGS; it must export `functions`.

    Raises Unavailable.  The outcome, library or reason, is cached for this process and not tried again.
    """
    environment = tuple(os.environ.get(name, "") for name in ("CXX", "ENU_CXXFLAGS", "ENU_CACHE"))
    outcome = _library(source, includes, flags, functions, environment)
    if isinstance(outcome, str):
        raise Unavailable(outcome)
    return outcome


@functools.cache
def _library(
    source: Path, includes: tuple[Path, ...], flags: tuple[str, ...], functions: tuple[str, ...], environment: tuple[str, ...]
) -> ctypes.CDLL | str:
    """The library, or the reason why it is not available."""
    try:
        command = [*_compiler(), *flags, *_more_flags()]
        made_from = [source.name.encode(), *(path.read_bytes() for path in (source, *includes))]
        made_from += [" ".join(command).encode(), _version(_compiler()).encode(), _processor().encode()]
        key = hashlib.sha256(b"\0".join(made_from)).hexdigest()[:20]
        stem = f"{source.stem}-{key}"
        folder = _cache()
        if folder:
            kept = _kept(folder, stem)
            if kept:
                return kept
        return _made(command, source, functions, folder, stem)
    except Unavailable as error:
        return str(error)
    except OSError as error:  # an unreadable source
        return f"the kernel cannot be compiled ({error})"


def _compiler() -> list[str]:
    command = compiler()
    if command is None:
        tried = f"CXX={os.environ['CXX']!r}" if os.environ.get("CXX") else ", ".join((*COMPILERS, "$CXX"))
        raise Unavailable(f"no C++ compiler found ({tried}): install g++ or set CXX")
    return command


def _more_flags() -> list[str]:
    try:
        return shlex.split(os.environ.get("ENU_CXXFLAGS", ""))
    except ValueError as error:
        raise Unavailable(f"ENU_CXXFLAGS={os.environ['ENU_CXXFLAGS']!r} cannot be split into options ({error})") from None


def _version(command: list[str]) -> str:
    """The compiler's version line, so that libraries are compiled again after an upgrade."""
    return (_run([*command, "--version"], min(60, TIME_LIMIT)).stdout.splitlines() or [""])[0]


def _processor() -> str:
    """The processor features that -march=native depends on, so that machines can share a cache."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(next((x for x in lines if x.startswith(key)), "") for key in ("flags", "Features"))
    except OSError:
        return platform.platform() + platform.processor()


def _cache() -> Path | None:
    """The cache folder, created if absent; None, with a line on stderr, if that fails or other users can write to it."""
    try:
        folder = cache()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _ours(folder):
            return folder
        reason = (
            f"the cache {folder} belongs to, or can be written by, other users: chmod go-w it, or set ENU_CACHE to your own"
        )
    except (OSError, RuntimeError) as error:  # RuntimeError: no home folder
        reason = f"the cache cannot be created ({error}): set ENU_CACHE to a writable folder"
    tell(f"{reason}; until then, every process compiles the kernel again")
    return None


def _ours(path: Path) -> bool:
    """Whether only this user or root can have written this path."""
    if not hasattr(os, "geteuid"):
        return True
    told = path.stat()
    return told.st_uid in (0, os.geteuid()) and not told.st_mode & 0o022


def _kept(folder: Path, stem: str) -> ctypes.CDLL | None:
    """The intact cached library, or None; deletes damaged ones."""
    for path in sorted(folder.glob(f"{stem}-*.so")):
        with suppress(OSError):  # unreadable, or not loadable after all
            if _ours(path) and path.stem == f"{stem}-{_checksum(path)}":
                return ctypes.CDLL(str(path))
        with suppress(OSError):  # already deleted by another process, or not ours to delete
            path.unlink()
    return None


def _made(command: list[str], source: Path, functions: tuple[str, ...], folder: Path | None, stem: str) -> ctypes.CDLL:
    """Compile the library and move it into the cache atomically, so that several processes can do so at once."""
    workshop = _workshop(folder)
    try:
        new = workshop / f"{stem}.so"
        _compile(command, source, new)
        _try(new, functions)
        new.chmod(0o755)  # access is controlled by the cache folder's mode
        to = workshop.parent if workshop.parent == folder else workshop
        kept = to / f"{stem}-{_checksum(new)}.so"
        os.replace(new, kept)
        return ctypes.CDLL(str(kept))
    except OSError as error:
        raise Unavailable(f"the compiled kernel cannot be used ({error}): set ENU_CACHE to another folder") from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _workshop(folder: Path | None) -> Path:
    """An empty folder to compile in: inside the cache, or a temporary folder if the cache cannot be written."""
    if folder:
        _sweep(folder)
        try:
            return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=folder))
        except OSError as error:
            reason = f"the cache cannot be written ({error}): set ENU_CACHE to a writable folder"
            tell(f"{reason}; until then, every process compiles the kernel again")
    try:
        return Path(tempfile.mkdtemp(prefix="enu_lib-"))
    except OSError as error:
        raise Unavailable(f"no writable folder for the compiled kernel ({error}): set ENU_CACHE or TMPDIR") from None


def _sweep(folder: Path) -> None:
    """Delete folders left by killed compilations."""
    for old in folder.glob(f"{FOLDER_PREFIX}*"):
        with suppress(OSError):  # already deleted by another process
            if time.time() - old.lstat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(old, ignore_errors=True)


def _compile(command: list[str], source: Path, to: Path) -> None:
    if sys.stderr.isatty():
        print("enu_lib: compiling the kernel for this processor, once; this takes about five seconds", file=sys.stderr)
    plain = [flag for flag in command if flag != NATIVE]  # not supported by every compiler for every processor
    for each in (command, plain):
        done = _run([*each, str(source), "-o", str(to)], TIME_LIMIT)
        if done.returncode == 0 and to.exists():
            return
    lines = [line for line in done.stdout.splitlines() if line.strip()] or ["no output"]
    reason = next((x for x in lines if "error" in x and not x.startswith("collect2")), lines[0]).strip()
    raise Unavailable(f"{shlex.join(command[:1])} could not compile the kernel ({reason}): set CXX to a C++17 compiler")


def _try(path: Path, functions: tuple[str, ...]) -> None:
    done = _run([sys.executable, "-I", "-S", "-c", LOAD_TEST, str(path), *functions], TIME_LIMIT)
    if done.returncode:
        reason = (done.stdout.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise Unavailable(f"the compiled library cannot be loaded ({reason}): set CXX to a C++17 compiler")


def _run(command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a command and capture its output.  After `seconds`, kills it with its child processes and raises Unavailable."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            errors="replace", start_new_session=True, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be run ({error}): set CXX to a C++17 compiler") from None
    with process:
        try:
            told, _ = process.communicate(timeout=seconds)
        except BaseException as error:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise Unavailable(f"{command[0]} did not finish in {seconds:g} s: set CXX to a C++17 compiler") from None
    return subprocess.CompletedProcess(command, process.returncode, told)


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]
