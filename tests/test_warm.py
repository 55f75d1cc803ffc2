"""Pages as forks of one warm process: the same notebooks as without it, exit statuses, and no process left behind."""

import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PAGE = """# %% tags=["parameters"]
seed = 0

# %%
import os
import sys

begun = "pandas" in sys.modules
import matplotlib.pyplot as plt

print(seed, os.environ["ENU_NOTEBOOK"], plt.get_backend(), os.getcwd(), any("book" in path for path in sys.path))
if seed < 0:
    raise ValueError("as asked")

# %%
plt.plot([1, 2])

# %%
print(begun, os.getpid(), file=sys.stderr)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, every page is a Python of its own")


def warm(*command, **more):
    return subprocess.run([sys.executable, ROOT / "book/warm.py", *command], capture_output=True, text=True, **more)


def outputs(path):
    """What a notebook's cells wrote to stdout and stderr, and the kinds of data that they displayed."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    each = [output for cell in cells for output in cell.outputs]
    streams = {name: "".join(o.text for o in each if o.get("name") == name) for name in ("stdout", "stderr")}
    return streams["stdout"], streams["stderr"].split(), [sorted(o.data) for o in each if "data" in o]


@linux
def test_a_warm_page_gives_the_same_notebook_and_has_its_imports_from_the_start(tmp_path):
    page = tmp_path / "13_page.py"
    page.write_text(PAGE)
    run = [sys.executable, str(ROOT / "book/run.py"), str(page), "-p", "seed", "5", "-o"]
    alone = subprocess.run([*run, str(tmp_path / "alone")], capture_output=True, text=True)
    together = warm(*run, str(tmp_path / "warm"))
    assert alone.returncode == together.returncode == 0, together.stderr
    assert "13_page.ipynb" in together.stdout, "what the page prints goes where its command's output goes"
    found = {name: outputs(tmp_path / name / "13_page.ipynb") for name in ("alone", "warm")}
    assert found["alone"][0] == found["warm"][0] and found["alone"][2] == found["warm"][2]
    assert found["alone"][1][0] == "False" and found["warm"][1][0] == "True"
    assert not alive(Path("/proc", found["warm"][1][1]))


@linux
def test_a_failed_page_fails_its_command_and_others_still_run(tmp_path):
    page = tmp_path / "13_page.py"
    page.write_text(PAGE)
    run = f"'{sys.executable}' '{ROOT}/book/run.py' '{page}' -o '{tmp_path}/out' -p seed"
    done = warm("sh", "-c", f"{run} -1; echo said $?; {run} 3; exit 7")
    assert done.returncode == 7 and "said 1" in done.stdout and "as asked" in done.stderr
    assert (tmp_path / "out/13_page.ipynb").exists()


@linux
def test_a_page_and_its_kernel_end_with_the_command(tmp_path):
    page, said = tmp_path / "13_page.py", tmp_path / "said"
    page.write_text(
        f"# %%\nimport os, time\nopen({str(said)!r}, 'w').write(f'{{os.getppid()}} {{os.getpid()}}.')\ntime.sleep(99)\n"
    )
    command = [sys.executable, ROOT / "book/warm.py", sys.executable, ROOT / "book/run.py", page, "-o", tmp_path / "out"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert within_a_minute(lambda: said.exists() and said.read_text().endswith("."))
    processes = [Path("/proc", number) for number in said.read_text().rstrip(".").split()]
    assert all(process.exists() for process in processes)
    running.terminate()
    assert running.wait(60) != 0
    assert within_a_minute(lambda: not any(alive(process) for process in processes))


def alive(process):
    """Whether a process has not ended; one whose parent has yet to hear of it has."""
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def within_a_minute(true):
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return true()


def test_a_command_without_pages_gives_its_own_exit_status():
    assert warm(sys.executable, "-c", "raise SystemExit(3)").returncode == 3
