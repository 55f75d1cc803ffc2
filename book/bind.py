"""The book from executed notebooks: python book/bind.py NOTEBOOKS FIGURES OUT.

NOTEBOOKS is a folder that `run.py` filled, FIGURES the folder of its figures.  The first digits of a page's name say to which
part of the book it belongs.  Pages for Sphinx go to OUT/source, the book to OUT/html once it is whole; a warning is an error.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import locale
import os
import re
import shutil
import sys
from pathlib import Path

sys.modules["rfc3987_syntax"] = None  # an optional part of jsonschema, not needed here, that takes a second or two to import

import nbformat
import pictures
import provenance
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from sphinx.cmd.build import main as sphinx

import enu_lib
from enu_lib.study.tables import markdown

HERE = Path(__file__).parent
PARTS = {
    "0": "Introduction",
    "1": "The paper",
    "2": "Extended data",
    "3": "Claims ledger",
    "4": "Beyond the paper",
    "5": "Your own task",
    "6": "Appendices",
}
# pages that come earlier in the book than their numbers suggest: the page that each one follows
AFTER = {"27_ed7_setup": "10_enu", "13_single_units": "11_evolution_strategy"}
REFERENCE = ("glossary", "symbols", "api", "provenance", "cite")
API = {
    "units": ("Units and networks", ["contracts", "cells", "cells.enu", "cells.gated", "network", "base.precision"]),
    "tasks": (
        "Tasks",
        ["tasks.iaf", "tasks.stdp", "tasks.maze", "tasks.geometry", "tasks.discrimination", "tasks.altered", "tasks.gym"],
    ),
    "episodes": ("Episodes", ["rollout", "trace", "streams", "kernels", "kernels.door", "kernels.scoring"]),
    "evolution": (
        "Evolution",
        [
            "es", "offspring", "evolve", "diagnosis", "experiments", "parallel.processes", "parallel.liveness", "parallel.hub",
            "parallel.ahead", "parallel.devices", "storage.run", "storage.checkpoint", "storage.log", "storage.folder",
            "storage.seal", "zoo",
        ],
    ),
    "measures": (
        "Measures",
        [
            "analysis", "analysis.units", "analysis.scores", "analysis.measures", "analysis.battery", "analysis.exchange",
            "analysis.learning", "analysis.agents",
            "analysis.phases", "analysis.spiking", "analysis.interventions", "analysis.conditioning", "analysis.generalise",
            "analysis.flow", "analysis.memory", "analysis.readout", "analysis.drive", "analysis.transplant", "analysis.copies",
            "analysis.stats", "analysis.power",
        ],
    ),
    "claims": (
        "Comparisons and claims",
        [
            "study.sweep", "study.design", "study.results", "study.tables", "study.comparisons", "study.evidence",
            "study.rules", "study.claims", "study.ledger", "study.panels", "study.plotted", "study.workers", "study.executors",
            "study.scaling", "study.progress", "study.variants", "study.mazes", "study.abilities", "study.dissection",
            "study.machine", "study.published", "study.sameness", "study.protocol", "study.outcomes", "study.second",
            "study.second_tables", "study.model_name",
        ],
    ),
    "figures": (
        "Figures and explorers",
        [
            "figures.style", "figures.save", "figures.formats", "figures.stack", "figures.data", "figures.units",
            "figures.networks", "figures.mazes", "figures.learning", "figures.abilities", "figures.synapses",
            "storage.places", "widgets", "widgets.life", "live",
        ],
    ),
    "ground": (
        "Settings, signals, progress",
        ["config", "base.kinds", "base.names", "base.interrupt", "base.notices", "base.progress", "base.faults"],
    ),
    "speed": (
        "Speed",
        [
            "bench.cases", "bench.generations", "bench.gpu", "bench.peer_jax", "bench.peer_jax_maze", "bench.peer_compile",
            "bench.sharing", "bench.authors_scheme", "study.speed", "study.gpu_speed", "figures.speed",
        ],
    ),
}  # fmt: skip
PACKAGES = ("cells", "widgets", "live")  # whose names stand in their __init__
FACES = ("analysis",)  # whose names are documented where they are defined
HIDDEN = {"parameters": "remove-cell", "injected-parameters": "hide-input", "explorer": "hide-input"}
CODE_SHOWN = "5"  # the part of the book whose code is not folded: it shows how to write one's own
MATHJAX = (
    "startup.js", "core.js", "input/tex.js", "output/chtml.js", "output/chtml/fonts/tex.js", "a11y/assistive-mml.js",
)  # fmt: skip
WIDGET = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"\d%\|")  # a bar of tqdm
DOWNLOAD = "Download: {{download}}`this page as a notebook <notebooks/{page}.ipynb>`, with its results."
LIVE = """:::{{note}}
A still picture: the controls need a running kernel. `make lab`, open `{page}.py`, and *Run All Cells*.
:::"""


def label(name: str) -> str:
    """What the paper calls a figure, from the name of its file; nothing for figures that only we have."""
    match = re.match(r"(fig|ed)(\d+)_", name)
    return "" if not match else f"**{'Fig.' if match[1] == 'fig' else 'Extended data Fig.'} {match[2]}** "


def figure(entry: dict) -> NotebookNode:
    """A figure of the manifest as a Markdown cell: picture, alternative text, caption, data; its name is a target for links."""
    name, alt = entry["figure"], re.sub(r"[`*$]", "", entry["alt"])
    options = f":name: figure-{name}\n:alt: {alt}\n:target: _images/{name}.svg"
    text = "\n\n".join([f"{label(name)}{entry['caption']}", *data(entry)])
    return new_markdown_cell(f"```{{figure}} figures/{name}.svg\n{options}\n\n{text}\n```")


def table(entry: dict, shown: str) -> NotebookNode:
    """A table of the manifest as a Markdown cell: the summary that its notebook shows, caption, data."""
    summary = linked(shown).partition("\n\n")[0]
    return new_markdown_cell("\n\n".join([summary, " ".join([entry["caption"], *data(entry)])]))


def data(entry: dict) -> list[str]:
    """The CSV files of a figure or table, as one line of links that download them; nothing if it has none."""
    files = [f"{{download}}`{file} <figures/{file}>`" for file in entry["files"] if file.endswith(".csv")]
    return [f"Data: {', '.join(files)}"] if files else []


def presentable(cell: NotebookNode, name: str) -> None:
    """Raise ValueError for output that is not for readers: stderr, and data frames as pandas prints them."""
    code = next(iter(cell.source.strip().splitlines()), "")
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            said = output.text.strip().splitlines() or [""]
            raise ValueError(f"{name}: the cell that begins with {code!r} writes to stderr ({said[0]}): mend what it warns of")
        if 'class="dataframe"' in output.get("data", {}).get("text/html", ""):
            raise ValueError(f"{name}: the cell that begins with {code!r} shows a data frame: use enu_lib.study.tables.numbers")


def linked(text: str) -> str:
    """Links to a page's .py file, which JupyterLab opens, as links to the page that Sphinx makes of it."""
    return re.sub(r"(\]\(\d\w+)\.py([)#])", r"\1.ipynb\2", text)


def page(notebook: NotebookNode, name: str, figures: dict[str, dict]) -> NotebookNode:
    """An executed notebook as a page: figures with captions, Markdown from code as text, explorers as pictures.

    Code is folded, and one switch per page unfolds it (`static/book.js`).  In the part CODE_SHOWN, only some code is folded:
    imports, figures, computed text, explorers, and cells with the tag `hide-input`.

    Raises ValueError where a cell wrote to stderr or shows a data frame, the manifest lacks a figure, or an explorer left no
    picture.
    """
    cells: list[NotebookNode] = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type != "code":
            cell.source = linked(cell.source)
            continue
        presentable(cell, name)
        tags = set(cell.metadata.get("tags", []))
        draws = any(output.get("metadata", {}).get("figure") for output in cell.outputs)
        says = re.search(r"^Markdown\(\s*f?\"", cell.source, re.M)
        plain = draws or says or re.match(r"(from|import) ", cell.source)
        folded = {"hide-input"} if plain or name[0] != CODE_SHOWN else set()
        cell.metadata["tags"] = sorted(tags | folded | {HIDDEN[tag] for tag in tags if tag in HIDDEN})
        kept, after = [], []
        for output in cell.outputs:
            form, about = output.get("data", {}), output.get("metadata", {})
            if shown := about.get("figure") or about.get("table"):
                if shown not in figures:
                    raise ValueError(f"{name} shows {shown}, which manifest.json lacks: run the page again")
                entry = figures[shown]
                after.append(figure(entry) if "figure" in about else table(entry, form["text/markdown"]))
            elif WIDGET in form and PROGRESS.search(form["text/plain"]):
                continue  # of an evolution, in other profiles than the zoo's
            elif WIDGET in form:
                kept.append(still(output, name))
                cell.metadata["mystnb"] = {"image": {"alt": f"The explorer, a still picture. {form['text/plain']}"}}
                after.append(new_markdown_cell(LIVE.format(page=name)))
            elif "text/markdown" in form:
                after.append(new_markdown_cell(linked(form["text/markdown"])))
            else:
                kept.append(output)
        cell.outputs = kept
        cells += after
    notebook.cells = joined(cells)
    return notebook


def joined(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Merge neighbouring cells whose code is folded and that show nothing."""
    found: list[NotebookNode] = []
    for cell in cells:
        before = found[-1] if found else None
        folded = cell.cell_type == "code" and "hide-input" in cell.metadata.get("tags", [])
        if folded and before and before.cell_type == "code" and "hide-input" in before.metadata.tags and not before.outputs:
            cell.source = f"{before.source}\n\n{cell.source}"
            found.pop()
        found.append(cell)
    return found


def still(output: NotebookNode, name: str) -> NotebookNode:
    """An explorer's output with nothing but its picture left."""
    if "image/png" not in output.data:
        raise ValueError(f"{name}: an explorer shows no picture where no kernel runs (image/png is missing)")
    output.data = NotebookNode({"image/png": output.data["image/png"]})
    return output


def reference(source: Path) -> None:
    """The pages of the API reference, a page a part of the library."""
    for name, (title, modules) in API.items():
        parts = [f"# {title}\n"]
        for module in modules:
            options = ":members:\n   :imported-members:" if module in PACKAGES else "" if module in FACES else ":members:"
            parts.append(f"## `enu_lib.{module}`\n\n```{{eval-rst}}\n.. automodule:: enu_lib.{module}\n   {options}\n```\n")
        (source / f"api_{name}.md").write_text("\n".join(parts), encoding="utf-8")
    rows = []
    for name in enu_lib.__all__:
        value = getattr(enu_lib, name)
        target = value.__name__ if inspect.ismodule(value) else f"{value.__module__}.{value.__qualname__}"
        rows.append({"name": f"{{py:obj}}`enu.{name} <{target}>`", "": inspect.getdoc(value).split("\n")[0]})
    toctree = "\n".join(f"api_{name}" for name in API)
    with (source / "api.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{markdown(rows)}\n```{{toctree}}\n:maxdepth: 1\n\n{toctree}\n```\n")


def place(name: str) -> tuple[str, bool]:
    """A page's place in reading order, as a key for sorting: that of its number, or right after the page that AFTER names."""
    return AFTER.get(name, name), name in AFTER


def contents(names: list[str]) -> str:
    """The book's table of contents, part by part, for index.md."""
    parts: dict[str, list[str]] = {text: [] for text in PARTS.values()}
    for name in sorted(names, key=place):
        parts[PARTS[place(name)[0][0]]].append(name)
    parts["Reference"] = list(REFERENCE)
    trees = []
    for text, pages in parts.items():
        if pages:
            trees.append(f"```{{toctree}}\n:caption: {text}\n:maxdepth: 1\n\n" + "\n".join(pages) + "\n```")
    return "\n\n".join(trees)


def prepare(notebooks: Path, figures: Path, source: Path) -> None:
    """Fill `source` with the book's pages."""
    shutil.rmtree(source, ignore_errors=True)
    (source / "figures").mkdir(parents=True)
    for path in (*figures.glob("*.svg"), *figures.glob("*.csv")):
        shutil.copy(path, source / "figures")
    manifest = provenance.manifest(figures)
    done = {path.stem: nbformat.read(path, as_version=4) for path in sorted(notebooks.glob("[0-9]*.ipynb"))}
    done = {name: notebook for name, notebook in done.items() if (HERE / f"{name}.py").exists()}
    (source / "notebooks").mkdir()
    for name, notebook in done.items():
        shutil.copy(notebooks / f"{name}.ipynb", source / "notebooks")
        made = page(notebook, name, manifest)
        made.cells.append(new_markdown_cell(DOWNLOAD.format(page=name)))
        nbformat.write(made, source / f"{name}.ipynb")
    for path in HERE.glob("*.md"):
        (source / path.name).write_text(linked(path.read_text(encoding="utf-8")), encoding="utf-8")
    reference(source)
    index = source / "index.md"
    index.write_text(f"{index.read_text(encoding='utf-8')}\n{contents(list(done))}\n", encoding="utf-8")
    (source / "provenance.md").write_text(provenance.page(done, manifest), encoding="utf-8")
    (source / "cite.md").write_text(provenance.cite(HERE.parent / "CITATION.cff"), encoding="utf-8")


def finish(html: Path) -> None:
    """Add the parts of MathJax that pages use; delete 5 MB that no page needs (source maps, duplicate icons)."""
    mathjax = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static/mathjax"
    for name in MATHJAX:
        target = html / "_static/mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(mathjax / name, target)
    shutil.copytree(mathjax / "output/chtml/fonts/woff-v2", html / "_static/mathjax/output/chtml/fonts/woff-v2")
    for path in (html / "_static").rglob("*.map"):
        path.unlink()
    icons = html / "_static/scripts/fontawesome.js"  # the style sheet draws the same icons from a font
    icons.unlink()
    for path in html.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(rf"<script[^>]*/{icons.name}[^>]*></script>", "", text), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("notebooks", "figures", "out"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    source, html, part = (options.out / name for name in ("source", "html", "html.part"))
    try:
        prepare(options.notebooks, options.figures, source)
    except ValueError as error:
        print(f"bind.py: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(part, ignore_errors=True)
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:  # the environment names a locale that this machine lacks: Sphinx would stop there
        os.environ["LC_ALL"] = "C"
    processes = "auto" if sys.platform == "linux" else "1"  # Sphinx forks, which is unsafe on macOS
    arguments = ["-W", "--keep-going", "-q", "-j", processes, "-b", "html", "-c", str(HERE)]
    if failed := sphinx([*arguments, "-d", str(options.out / "doctrees"), str(source), str(part)]):
        return failed
    finish(part)
    pictures.forms(part, options.figures)
    shutil.rmtree(html, ignore_errors=True)  # only a whole book takes the old one's place: make takes index.html for done
    part.rename(html)
    return 0


if __name__ == "__main__":
    sys.exit(main())
