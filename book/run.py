"""Run one notebook of the book with parameters: python book/run.py book/13_single_units.py -o build/notebooks -p seed 1.

The notebook is text (py:percent); jupytext reads it and papermill executes it.  Its figures go to OUT/NAME.figures, unless the
parameter figures_dir says otherwise; `gather.py` collects those of all pages.  Success makes OUT/NAME.ipynb, failure
OUT/NAME.failed.ipynb and exit code 1, so that make never takes a failed page for a done one.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import json
import os
import shutil
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

# optional imports of jsonschema and jupytext, which take seconds and are not needed here
sys.modules.update(dict.fromkeys(("rfc3987_syntax", "jupyter_server")))

import jupytext
import nbformat
import papermill
import yaml
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "torch", "matplotlib", "seaborn", "papermill", "jupytext")
# run in the kernel after the page's own cells, and taken out again
MACHINE = "import json\nfrom enu_lib.bench.cases import machine\nprint(json.dumps(machine()))"


def defaults(notebook: nbformat.NotebookNode) -> list[str]:
    """The names that the cell tagged `parameters` defines."""
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if not cells:
        return []
    statements = ast.parse(cells[0].source).body
    return [t.id for s in statements if isinstance(s, ast.Assign) for t in s.targets if isinstance(t, ast.Name)]


def run(source: Path, out: Path, parameters: dict[str, Any], timeout: int = 3600) -> Path:
    """Execute a notebook and return where it was written; what an earlier run left is removed first.

    Raises ValueError for a parameter the notebook does not have, PapermillExecutionError if a cell fails.
    """
    notebook = jupytext.read(source)
    known = defaults(notebook)
    if unknown := set(parameters) - set(known):
        raise ValueError(f"{source.name} has no parameter {', '.join(sorted(unknown))}: it has {', '.join(known) or 'none'}")
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells.append(nbformat.v4.new_code_cell(MACHINE))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # jupytext's are random
    out.mkdir(parents=True, exist_ok=True)
    done, working, figures = (out / f"{source.stem}.{end}" for end in ("ipynb", "failed.ipynb", "figures"))
    done.unlink(missing_ok=True)
    shutil.rmtree(figures, ignore_errors=True)
    if "figures_dir" in known:
        parameters = {"figures_dir": os.path.relpath(figures, ROOT), **parameters}
    os.environ["ENU_NOTEBOOK"], begun = source.stem, time.perf_counter()
    # sockets of its own: TCP ports may clash where several pages run at once, and then both wait for ever
    with tempfile.TemporaryDirectory() as sockets:
        papermill.execute_notebook(
            notebook,
            str(working),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=timeout,
            cwd=str(ROOT),
            config=Config(
                {
                    "KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"},
                    # all results are written: do not wait for the kernel to shut down
                    "NotebookClient": {"shutdown_kernel": "immediate"},
                }
            ),
        )
    executed = nbformat.read(working, as_version=4)
    executed.metadata.pop("widgets", None)
    executed.metadata["papermill"] = {"parameters": parameters}
    executed.metadata["run"] = {
        "seconds": round(time.perf_counter() - begun, 1),
        "date": datetime.date.today().isoformat(),
        "versions": {name: version(name) for name in ("enu_lib", *PACKAGES)},
        **json.loads(executed.cells.pop().outputs[0].text),
    }
    for cell in executed.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    nbformat.write(executed, working)
    return working.rename(done)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=ROOT / "build/notebooks", help="folder (build/notebooks)")
    parser.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    options = parser.parse_args()
    if not options.notebook.is_file():
        parser.error(f"no notebook {options.notebook}")
    parameters = {name: yaml.safe_load(value) for name, value in options.parameter}
    begun = time.perf_counter()
    try:
        known = set(defaults(jupytext.read(options.notebook)))
        shared = {"profile", "seed"} - known  # make passes these to every page; some need not all
        path = run(options.notebook, options.out, {k: v for k, v in parameters.items() if k not in shared})
    except ValueError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    except PapermillExecutionError as error:
        print(f"run.py: {options.notebook} failed: {error.ename}: {error.evalue}", file=sys.stderr)
        print(f"run.py: see {options.out / (options.notebook.stem + '.failed.ipynb')}", file=sys.stderr)
        return 1
    print(f"{path}  {time.perf_counter() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
