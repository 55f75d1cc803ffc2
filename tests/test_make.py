"""The Makefile: targets are rebuilt when needed, completely or not at all, in any folder, with the right Python.

Uses a checkout with empty pages and, in place of Python, a script that records its calls.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
echo "$*" >> calls.log
case "$1" in
    -c) echo VERSION ;;
    -m) if [ "$2" = venv ]; then mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo made > .venv/pyvenv.cfg; fi
        if [ "$2" = pip ] && [ -e broken ]; then exit 1; fi ;;
    book/warm.py) shift; exec "$@" ;;
    book/run.py) mkdir -p "$4"; page=$(basename "$2" .py); [ -e broken ] && exit 1
        echo "$*" > "$4/$page.ipynb" ;;
    book/bind.py) mkdir -p "$4/html"; touch "$4/html/index.html"; if [ -e broken ]; then exit 1; fi ;;
esac
"""


class Checkout:
    """A folder with the project's Makefile and two empty pages; `python` is its Python."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "requirements").mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", "requirements/install.sh", "requirements/constraints.txt"):
            shutil.copy(ROOT / name, folder / name)
        for name in (
            "book/13_a.py",
            "book/15_b.py",
            "book/run.py",
            "book/warm.py",
            "book/forked.py",
            "enu_lib/cells.py",
            "enu_lib/zoo/a.safetensors",
            "CITATION.cff",
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        self.programs = folder.with_name("some programs")
        self.programs.mkdir()
        self.python = self.program("python3", "3.12")

    def program(self, name, version):
        """Install a fake Python with the given version and name."""
        path = self.programs / name
        path.write_text(PYTHON.replace("VERSION", version))
        path.chmod(0o755)
        return path

    def make(self, *arguments, **environment):
        """Run make; `called` then has its calls of Python since the last run."""
        (self.folder / "calls.log").unlink(missing_ok=True)
        path = f"{self.programs}:/usr/bin:/bin"
        inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "PROFILE", "SEED", "MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={**inherited, "PATH": path, **environment},
            capture_output=True,
            text=True,
        )
        log = self.folder / "calls.log"
        lines = log.read_text().splitlines() if log.exists() else []
        self.called = [line for line in lines if not line.startswith(("-c", "book/warm.py"))]
        return done

    def pages(self):
        """The pages run by the last call."""
        return sorted(line.split()[1] for line in self.called if line.startswith("book/run.py"))


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "é clone of mine")


BOTH = ["book/13_a.py", "book/15_b.py"]


def newer(path):
    """Give a file a newer time stamp, independently of the file system's resolution."""
    later = time.time() + 5
    os.utime(path, (later, later))


def test_a_page_runs_once_per_seed_and_profile(checkout):
    assert checkout.make("figures").returncode == 0
    assert checkout.pages() == BOTH
    assert "book/gather.py build/notebooks-zoo-0 build/figures-zoo-0 --keep figures" in checkout.called
    checkout.make("figures")
    assert checkout.pages() == []
    for given, name in ((["SEED=7"], "zoo-7"), (["PROFILE=smoke"], "smoke-0"), (["PROFILE=smoke", "SEED=7"], "smoke-7")):
        assert checkout.make("figures", *given).returncode == 0
        assert checkout.pages() == BOTH
        assert f"book/gather.py build/notebooks-{name} build/figures-{name}" in checkout.called, "figures/ is left alone"
        profile, _, seed = name.partition("-")
        said = (checkout.folder / f"build/notebooks-{name}/13_a.ipynb").read_text().split()
        assert said[-6:] == ["-p", "profile", profile, "-p", "seed", seed]


@pytest.mark.parametrize(
    "what", ["enu_lib/cells.py", "enu_lib/zoo/a.safetensors", "book/run.py", "book/warm.py", "requirements/constraints.txt"]
)
def test_all_pages_run_again_after_a_change_of_a_common_source(checkout, what):
    checkout.make("figures")
    newer(checkout.folder / what)
    checkout.make("figures")
    assert checkout.pages() == BOTH


def test_only_a_changed_page_runs_again(checkout):
    checkout.make("figures")
    newer(checkout.folder / "book/15_b.py")
    checkout.make("figures")
    assert checkout.pages() == ["book/15_b.py"]


@pytest.mark.parametrize("wrong", ["PROFILE=zooo", "SEED=x", "SEED=1.5", "SEED=-1", "SEED="])
def test_an_invalid_profile_or_seed_is_an_error_before_anything_runs(checkout, wrong):
    done = checkout.make("figures", wrong)
    assert done.returncode == 2 and wrong in done.stderr and checkout.called == []


def test_a_failed_page_is_not_up_to_date(checkout):
    checkout.make("setup")
    (checkout.folder / "broken").touch()
    assert checkout.make("figures").returncode != 0
    (checkout.folder / "broken").unlink()
    assert checkout.make("figures").returncode == 0
    assert checkout.pages() == BOTH


def test_a_failed_book_is_not_up_to_date(checkout):
    checkout.make("figures")
    (checkout.folder / "broken").touch()
    assert checkout.make("book").returncode != 0
    assert not (checkout.folder / "build/book/html/index.html").exists()
    (checkout.folder / "broken").unlink()
    done = checkout.make("book")
    assert done.returncode == 0 and "build/book/html/index.html" in done.stdout
    assert "book/bind.py build/notebooks-zoo-0 build/figures-zoo-0 build/book" in checkout.called


@pytest.mark.parametrize("version", ["3.10", "3.9", "2.7", "3.15"])
def test_an_unsupported_python_is_an_error_that_names_the_supported_ones(checkout, version):
    checkout.program("python3", version)
    checkout.program("python3.13", "3.13")
    done = checkout.make("setup", PATH=f"{checkout.programs}:/bin")
    assert done.returncode != 0 and not (checkout.folder / ".venv").exists()
    said = done.stderr.splitlines()[0]
    assert "3.11" in said and version in said and "PYTHON=python3.1" in said
    assert checkout.make("setup", "PYTHON=python3.13").returncode == 0


def test_python_may_be_a_path(checkout):
    path = checkout.program("python3.11", "3.11")
    assert checkout.make("setup", f"PYTHON={path}").returncode == 0
    assert (checkout.folder / ".venv/.ready").read_text() == "3.11\n"


def test_a_python_that_does_not_run_is_named(checkout):
    done = checkout.make("setup", "PYTHON=python9")
    assert done.returncode != 0 and "python9" in done.stderr and "3.11" in done.stderr and checkout.called == []


def test_an_incomplete_environment_is_rebuilt(checkout):
    (checkout.folder / "broken").touch()
    assert checkout.make("setup").returncode != 0 and (checkout.folder / ".venv").exists()
    (checkout.folder / "broken").unlink()
    assert checkout.make("setup").returncode == 0
    assert "-m venv --clear .venv" in checkout.called
    checkout.make("setup")
    assert checkout.called == []


def test_another_python_rebuilds_the_environment_and_the_pages(checkout):
    checkout.make("figures")
    checkout.program("python3.13", "3.13")
    checkout.make("figures")
    assert checkout.called == ["book/gather.py build/notebooks-zoo-0 build/figures-zoo-0 --keep figures"]
    checkout.make("figures", "PYTHON=python3.13")
    assert "-m venv --clear .venv" in checkout.called and checkout.pages() == BOTH
    assert (checkout.folder / ".venv/.ready").read_text() == "3.13\n"
    checkout.make("figures", "PYTHON=python3.13")
    assert "-m venv --clear .venv" not in checkout.called and checkout.pages() == []


def test_a_new_lock_is_installed_into_the_existing_environment(checkout):
    checkout.make("setup")
    newer(checkout.folder / "requirements/constraints.txt")
    checkout.make("setup")
    assert [line.split()[1] for line in checkout.called] == ["pip"]


def test_every_target_works_in_a_folder_with_a_space(checkout):
    checkout.make("setup")
    for target, call in (("test", "-m pytest"), ("lint", "-m mypy"), ("lab", "-m jupyterlab"), ("bench", "-m enu_lib bench")):
        done = checkout.make(target)
        assert done.returncode == 0, done.stderr
        assert any(line.startswith(call) for line in checkout.called), target


@pytest.mark.parametrize("home", ["", "/proc/no-such-home"])
def test_without_a_home_programs_write_to_build(checkout, home):
    names = ("MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "XDG_CACHE_HOME")
    checkout.make("setup")
    python = checkout.folder / ".venv/bin/python"
    python.write_text("#!/bin/sh\nenv > seen.txt\n")
    assert checkout.make("test", HOME=home).returncode == 0
    seen = dict(line.split("=", 1) for line in (checkout.folder / "seen.txt").read_text().splitlines() if "=" in line)
    for name in names:
        assert Path(seen[name]).is_relative_to(checkout.folder / "build/home"), name
    given = {name: "mine" for name in names}
    checkout.make("test", HOME=str(checkout.programs), **given)
    seen = dict(line.split("=", 1) for line in (checkout.folder / "seen.txt").read_text().splitlines() if "=" in line)
    assert {name: seen[name] for name in names} == given
