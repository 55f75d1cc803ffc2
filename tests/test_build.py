"""Compiled libraries: for any state of compiler and cache, the right library, or one line and a fallback."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import forks
import pytest
import torch
from needs import NEEDS_COMPILER

import enu_lib as enu
from enu_lib import kernels
from enu_lib.cli import main
from enu_lib.kernels import build

CXX = build.compiler()
QUOTED = shlex.join(CXX or [])
SOURCE = '#include "answer.h"\nextern "C" int answer() { return ANSWER; }\n'
HEADER = "#ifndef ANSWER\n#define ANSWER 42\n#endif\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    for name in ("ENU_CXXFLAGS", "ENU_KERNEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def answer(tmp_path):
    """Load a small library and call it."""
    (tmp_path / "answer.cpp").write_text(SOURCE)
    (tmp_path / "answer.h").write_text(HEADER)

    def load(flags=("-fPIC", "-shared"), functions=("answer",)):
        return build.library(tmp_path / "answer.cpp", (tmp_path / "answer.h",), flags, functions).answer()

    return load


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """Set $CXX to a script that adds a line to the returned file at each compilation."""
    asked = tmp_path / "asked"
    asked.touch()

    def make(script, version="1"):
        path = tmp_path / "my compiler"
        lines = ["#!/bin/sh", f'[ "$1" = --version ] && echo version {version} && exit', f"echo x >> {shlex.quote(str(asked))}"]
        path.write_text("\n".join([*lines, script, ""]))
        path.chmod(0o755)
        monkeypatch.setenv("CXX", shlex.quote(str(path)))
        return asked

    return make


def _to(output):
    """A shell script that runs a command, with the compiler's output file as $out."""
    return f'while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done\n{output}'


BROKEN = {
    "library not found": (f'exec {QUOTED} "$@" -O0 -labsent', "absent"),  # -O0: compiled in a second
    "no space": ('echo "as: error: No space left on device" >&2; exit 1', "No space left"),
    "not C++": (f'exec {QUOTED} "$@" -include absent.h', "absent.h"),
    "nothing": ("exit 0", "no output"),
    "garbage": (_to('echo garbage > "$out"'), "answer|life"),
    "half": (f'{QUOTED} "$@" -O0\n' + _to('cp "$out" "$out.x"; head -c 3000 "$out.x" > "$out"'), "loaded"),
    "another library": (_to(f'echo "int x;" | {QUOTED} -x c++ - -shared -fPIC -o "$out"'), "undefined symbol|not found"),
    "ends by a signal": ("kill -9 $$", "no output"),
}


@NEEDS_COMPILER
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_compiler_prints_one_line_and_torch_is_used(kind, compiler, cache, capsys):
    script, reason = BROKEN[kind]
    asked = compiler(script)
    cell = enu.ENU(1, 1, hidden=8)
    genomes, inputs = cell.init(enu.stream(0, "genome"))[None], torch.rand(2, 5, 1, generator=enu.stream(0, "x"))
    expected = kernels.unit_outputs(cell, genomes, inputs, backend="torch")
    for _ in range(2):
        assert torch.equal(kernels.unit_outputs(cell, genomes, inputs), expected)
        tried = asked.read_text()
    assert asked.read_text() == tried, "it is not asked again"
    (line,) = capsys.readouterr().err.splitlines()
    assert any(word in line for word in reason.split("|")) and "CXX" in line and "torch backend" in line
    assert not list(cache.iterdir())


@NEEDS_COMPILER
def test_a_compiler_that_hangs_is_terminated(compiler, answer, monkeypatch):
    monkeypatch.setattr(build, "TIME_LIMIT", 0.5)
    compiler("sleep 100000")
    with pytest.raises(build.Unavailable, match=r"my compiler.*0.5 s.*CXX"):
        answer()


def test_a_compiler_that_cannot_be_run_is_named(tmp_path, answer, monkeypatch):
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    for given in (str(tmp_path / "text"), "no-such-compiler -O2", "'open"):
        monkeypatch.setenv("CXX", given)
        with pytest.raises(build.Unavailable, match=f"{given}.*CXX"):
            answer()


@NEEDS_COMPILER
def test_cxx_may_contain_options_and_a_launcher(tmp_path, answer, monkeypatch):
    launcher = tmp_path / "launcher"
    launcher.write_text('#!/bin/sh\nexec "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for given, expected in ((f"{QUOTED} -DANSWER=5", 5), (f"launcher {QUOTED}", 42), (f"launcher {QUOTED} -DANSWER=6", 6)):
        monkeypatch.setenv("CXX", given)
        assert answer() == expected


@NEEDS_COMPILER
def test_a_compiler_without_march_native_is_called_without_it(compiler, answer, cache):
    asked = compiler(f'case "$*" in *{build.NATIVE}*) exit 1;; esac\nexec {QUOTED} "$@"')
    assert answer(("-fPIC", "-shared", build.NATIVE)) == 42
    assert len(asked.read_text().split()) == 2 and len(list(cache.iterdir())) == 1


@NEEDS_COMPILER
def test_any_change_of_input_gives_a_new_library(tmp_path, compiler, answer, cache, monkeypatch):
    count = iter(range(100))

    cache.mkdir(mode=0o700)

    def compilations(**environment):
        """The number of compilations by a new process with the current cache."""
        before, now = len(asked.read_text()), tmp_path / f"cache-{next(count)}"
        shutil.copytree(os.environ["ENU_CACHE"], now)
        for name, value in {"ENU_CACHE": str(now), **environment}.items():
            monkeypatch.setenv(name, value)
        return answer(), (len(asked.read_text()) - before) // 2

    asked = compiler(f'exec {QUOTED} "$@"')
    assert compilations() == (42, 1) and compilations() == (42, 0)
    assert compilations(ENU_CXXFLAGS="-DANSWER=7") == (7, 1)
    assert compilations(ENU_CXXFLAGS="-DANSWER=7 '-DOTHER=a b'") == (7, 1)
    assert compilations(ENU_CXXFLAGS="") == (42, 0)
    (tmp_path / "answer.h").write_text("#define ANSWER 8\n")
    assert compilations() == (8, 1)
    (tmp_path / "answer.cpp").write_text(SOURCE.replace("ANSWER", "2 * ANSWER"))
    assert compilations() == (16, 1) and compilations() == (16, 0)
    compiler(f'exec {QUOTED} "$@"', version="2")
    assert compilations() == (16, 1) and compilations() == (16, 0)


@NEEDS_COMPILER
@pytest.mark.parametrize(
    "damage", ["empty", "truncated", "one bit", "another library", "writable by others", "another checksum"]
)
def test_a_damaged_library_is_rebuilt(damage, tmp_path, compiler, answer, cache, monkeypatch):
    asked = compiler(f'exec {QUOTED} "$@"')
    answer()
    (whole,) = cache.iterdir()
    content, there = whole.read_bytes(), tmp_path / "there"
    there.mkdir(mode=0o700)
    found = there / whole.name
    found.write_bytes(content)
    if damage == "empty":
        found.write_bytes(b"")
    elif damage == "truncated":
        found.write_bytes(content[: len(content) // 2])
    elif damage == "one bit":
        found.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "another library":
        monkeypatch.setenv("ENU_CXXFLAGS", "-DANSWER=7")
        answer()
        found.write_bytes(next(path for path in cache.iterdir() if path != whole).read_bytes())
        monkeypatch.delenv("ENU_CXXFLAGS")
    elif damage == "writable by others":
        found.chmod(0o777)
    else:
        found.rename(there / f"{whole.stem}x.so")
    before = asked.read_text()
    monkeypatch.setenv("ENU_CACHE", str(there))
    assert answer() == 42 and len(asked.read_text()) == len(before) + 2
    (now,) = there.iterdir()
    assert now.name == whole.name and now.read_bytes() == content and now.stat().st_mode & 0o777 == 0o755


@NEEDS_COMPILER
def test_the_cache_is_private_and_its_libraries_readable(answer, cache):
    assert answer() == 42
    (kept,) = cache.iterdir()
    assert cache.stat().st_mode & 0o777 == 0o700 and kept.stat().st_mode & 0o777 == 0o755


@NEEDS_COMPILER
@pytest.mark.parametrize("whose", ["everybody's", "the group's", "another user's"])
def test_a_cache_writable_by_others_is_not_used(whose, answer, cache, monkeypatch, capsys):
    cache.mkdir()
    cache.chmod({"everybody's": 0o777, "the group's": 0o770}.get(whose, 0o755))
    if whose == "another user's":
        if os.geteuid() == 0:
            os.chown(cache, 12345, -1)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert answer() == 42 and not list(cache.iterdir())
    (line,) = capsys.readouterr().err.splitlines()
    assert str(cache) in line and "ENU_CACHE" in line


@NEEDS_COMPILER
def test_without_a_cache_the_library_is_built_for_this_process(tmp_path, answer, cache, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("ENU_CACHE", str(tmp_path / "file" / "cache"))
    assert answer() == 42
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "file") in line and "ENU_CACHE" in line
    make = tempfile.mkdtemp

    def refuse(prefix, dir=None):
        if dir:
            raise PermissionError(13, "Permission denied", str(dir))
        return make(prefix=prefix)

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    monkeypatch.setenv("ENU_CACHE", str(cache))
    assert answer() == 42
    (line,) = capsys.readouterr().err.splitlines()
    assert str(cache) in line and "Permission denied" in line and "ENU_CACHE" in line
    assert not list((tmp_path / "temporary").iterdir()), "nothing is left behind"


@NEEDS_COMPILER
def test_leftovers_of_killed_compilations_are_deleted(answer, cache):
    cache.mkdir(mode=0o700)
    for name, age in ((".build-old", 2 * build.ABANDONED_AFTER), (".build-now", 0)):
        (cache / name).mkdir()
        (cache / name / "x.so").touch()
        os.utime(cache / name, (time.time() - age,) * 2)
    assert answer() == 42
    assert sorted(path.suffix or path.name for path in cache.iterdir()) == [".build-now", ".so"]


@NEEDS_COMPILER
def test_several_processes_compile_once(tmp_path, answer, cache):
    code = (
        "import sys, build; from pathlib import Path; folder = Path(sys.argv[1])\n"
        "flags, functions = ('-fPIC', '-shared'), ('answer',)\n"
        "print(build.library(folder / 'answer.cpp', (folder / 'answer.h',), flags, functions).answer())"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(build.__file__).parent)}
    command = [sys.executable, "-c", code, str(tmp_path)]
    at_once = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    assert [process.communicate() for process in at_once] == [("42\n", "")] * 6
    assert {path.suffix for path in cache.iterdir()} == {".so"}
    assert answer() == 42


@NEEDS_COMPILER
def test_a_terminal_gets_a_line_about_the_compilation(answer, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert answer() == 42 and answer() == 42
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_a_compiler_evolution_uses_torch(tmp_path):
    code = (
        "import enu_lib as enu; e = enu.experiments.get('stdp', profile='smoke')\n"
        "for _ in range(2): r = enu.evolve(e, progress=False)\nprint(r.generation)"
    )
    done = forks.run(["-c", code], environment={"CXX": "no-such-compiler", "ENU_KERNEL": ""})
    assert done.returncode == 0 and done.stdout.strip() == "6"
    (line,) = [line for line in done.stderr.splitlines() if "enu_lib" in line]
    assert "CXX='no-such-compiler'" in line and "torch backend" in line


def test_an_unavailable_requested_kernel_is_a_one_line_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("ENU_KERNEL", "cpp")
    assert main(["evolve", "stdp", "--profile", "smoke", "--quiet", "--out", str(tmp_path / "run")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "CXX='no-such-compiler'" in line and "set CXX" in line
