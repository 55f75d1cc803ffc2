"""Every page of the book runs in the smoke profile; the runner rejects invalid calls."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book"))
from run import defaults, run  # noqa: E402

PAGES = sorted((ROOT / "book").glob("[0-9]*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
@pytest.mark.usefixtures("forked_kernels")
def test_page_runs_in_the_smoke_profile(page, tmp_path):
    known = defaults(jupytext.read(page))
    given = {"profile": "smoke", "seed": 1}
    done = nbformat.read(run(page, tmp_path, {k: v for k, v in given.items() if k in known}), as_version=4)
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    said = [output.text for cell in code for output in cell.outputs if output.get("name") == "stderr"]
    assert not said, "a page must not show warnings"
    assert "explorer" in code[-1].metadata["tags"], "a page ends with something to play with"
    shown = [output.data for output in code[-1].outputs if "data" in output]
    assert any("application/vnd.jupyter.widget-view+json" in data and "image/png" in data for data in shown)
    if "figures_dir" in known:
        made = {path.suffix for path in (tmp_path / f"{page.stem}.figures").iterdir()}
        assert {".svg", ".png", ".json"} <= made


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_pages_have_parameters_and_no_algorithms(page):
    """Pages compute with the library: helpers are short, and only the page on own tasks defines classes."""
    assert {"profile", "seed"} <= set(defaults(jupytext.read(page)))
    nodes = list(ast.walk(ast.parse(page.read_text())))
    assert not [n for n in nodes if isinstance(n, ast.While)]
    assert not [n.name for n in nodes if isinstance(n, ast.FunctionDef) and n.end_lineno - n.lineno >= 15]
    assert page.stem == "50_your_own_task" or not [n.name for n in nodes if isinstance(n, ast.ClassDef)]


def test_an_unknown_parameter_is_named(tmp_path):
    with pytest.raises(ValueError, match="10_enu.py.*speed.*profile, seed"):
        run(ROOT / "book/10_enu.py", tmp_path, {"speed": 3})
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("forked_kernels")
def test_a_failing_page_is_not_marked_as_done(tmp_path):
    page = tmp_path / "99_fails.py"
    page.write_text('# %% tags=["parameters"]\nseed = 0\n\n# %%\nassert seed == 0, f"seed is {seed}"\n')
    assert run(page, tmp_path / "out", {}).name == "99_fails.ipynb"
    (tmp_path / "out/99_fails.ipynb").unlink()
    with pytest.raises(PapermillExecutionError, match="seed is 5"):
        run(page, tmp_path / "out", {"seed": 5})
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["99_fails.failed.ipynb"]
    command = [sys.executable, ROOT / "book/run.py", page, "-o", tmp_path / "out", "-p", "seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "AssertionError: seed is 5" in done.stderr and "99_fails.failed.ipynb" in done.stderr


def test_a_missing_page_is_named():
    done = subprocess.run([sys.executable, ROOT / "book/run.py", "book/none.py"], capture_output=True, text=True)
    assert done.returncode == 2 and "no notebook book/none.py" in done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of book and library in a folder whose name has a space and a non-ASCII letter."""
    folder = tmp_path_factory.mktemp("a") / "é copy"
    for name in ("book", "enu_lib", "figures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


BY_HAND = """
import os, runpy, sys
import enu_lib.widgets, matplotlib.pyplot, pandas  # imported once
page = sys.argv[1]
sys.path[0] = os.path.dirname(page)
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(2, 1)
        os.chdir(line.rstrip("\\n"))
        runpy.run_path(page, run_name="__main__")
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def run_by_hand(checkout):
    """A function that runs a page of the checkout as `python book/27_ed7_setup.py` does in a folder; its exit code.

    Outside the checkout, a new program runs the page, so that modules are imported in that folder, too; inside, a fork does.
    """
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"}
    page = str(checkout / "book/27_ed7_setup.py")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", BY_HAND, page]  # `-c` imports from the folder first
    with subprocess.Popen(command, cwd=checkout, env=environment, **pipes) as running:

        def run_in(folder):
            if not folder.is_relative_to(checkout):
                return subprocess.run([sys.executable, page], cwd=folder, env=environment).returncode
            print(folder, file=running.stdin, flush=True)
            return int(running.stdout.readline())

        yield run_in
        running.stdin.close()


@pytest.mark.parametrize("place", [".", "book", "elsewhere"])
def test_a_page_run_by_hand_writes_to_build_only(checkout, run_by_hand, place, tmp_path):
    before = {p: p.read_bytes() for p in checkout.rglob("*") if p.is_file() and "build" not in p.parts}
    shutil.rmtree(checkout / "build", ignore_errors=True)
    folder = tmp_path if place == "elsewhere" else checkout / place
    assert run_by_hand(folder) == 0
    made = {p for p in checkout.rglob("*") if p.is_file()} - before.keys()
    names = {"ed7_setup.svg", "ed7_setup.narrow.svg", "ed7_setup.png", "ed7_setup_a.csv", "ed7_setup_b.csv",
             "manifest.json", ".lock"}  # fmt: skip
    assert {p.name for p in made} == names and {p.parent for p in made} == {checkout / "build/figures"}
    assert {p: p.read_bytes() for p in before} == before and not list(tmp_path.iterdir())
