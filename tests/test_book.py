"""What makes pages of executed notebooks: figures with captions, explorers as pictures, provenance, citation, docstrings."""

import base64
import importlib.util
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import enu_lib as enu
from enu_lib.study.tables import NO_CASE

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book"))
import bind  # noqa: E402
import provenance  # noqa: E402
from docstrings import describe, to_rest  # noqa: E402
from run import run  # noqa: E402

PNG = base64.b64encode(b"picture").decode()
FILES = dict.fromkeys(("fig3_waves.svg", "fig3_waves.png", "fig3_waves_a.csv", "fig3_waves_b.csv"), "")
WAVES = {"figure": "fig3_waves", "caption": "Two waves, **n** = 1.", "alt": "Two `waves`", "files": FILES}
TABLE = {"figure": "table", "caption": "All numbers.", "files": {"table.csv": "", "table.md": ""}}


def shown(data, **metadata):
    return new_output("display_data", data, metadata=metadata)


def as_page(*cells, name="13_waves"):
    return bind.page(new_notebook(cells=list(cells)), name, {"fig3_waves": WAVES, "table": TABLE}).cells


def test_a_figure_gets_its_caption_its_alternative_text_and_its_name():
    output = shown({"text/html": "<figure>"}, figure="fig3_waves")
    code, figure = as_page(new_code_cell("draw()", outputs=[output]))
    assert not code.outputs and "hide-input" in code.metadata.tags
    assert figure.source.startswith("```{figure} figures/fig3_waves.svg")
    for line in (":name: figure-fig3_waves", ":alt: Two waves", "**Fig. 3** Two waves, **n** = 1."):
        assert line in figure.source.splitlines(), line


def test_the_data_of_a_figure_are_linked_below_it():
    _, figure = as_page(new_code_cell("draw()", outputs=[shown({"text/html": "<figure>"}, figure="fig3_waves")]))
    (line,) = [line for line in figure.source.splitlines() if "download" in line]
    assert re.findall(r"<(.+?)>", line) == ["figures/fig3_waves_a.csv", "figures/fig3_waves_b.csv"]
    drawing = {**WAVES, "files": {"fig3_waves.svg": ""}}
    assert "download" not in bind.figure(drawing).source


def test_a_table_is_a_summary_with_its_caption_and_its_data():
    said = shown({"text/markdown": "| a |\n|---|\n| [1](10_enu.py) |\n\n\nAll numbers. Files: table.csv."}, table="table")
    _, made = as_page(new_code_cell("save()", outputs=[said]))
    assert made.source.startswith("| a |\n|---|\n| [1](10_enu.ipynb) |\n\nAll numbers.")
    assert re.findall(r"<(.+?)>", made.source) == ["figures/table.csv"]


@pytest.mark.parametrize("text", ["Pandas4Warning: downcasting\n  return x\n", "\n"])
def test_a_cell_that_writes_to_stderr_stops_the_book(text):
    cell = new_code_cell("measure(n)\nmore()", outputs=[new_output("stream", name="stderr", text=text)])
    with pytest.raises(ValueError, match=r"13_waves.*measure\(n\)") as error:
        as_page(cell)
    assert text.strip().splitlines()[:1] == [] or "Pandas4Warning" in str(error.value)
    as_page(new_code_cell("print(1)", outputs=[new_output("stream", name="stdout", text="1")]))


def test_a_data_frame_as_pandas_prints_it_stops_the_book():
    frame = shown({"text/html": '<table border="1" class="dataframe"><td>2048.000</td></table>', "text/plain": "2048.000"})
    with pytest.raises(ValueError, match=r"13_waves.*table\.T.*tables\.numbers"):
        as_page(new_code_cell("table.T", outputs=[frame]))


@pytest.mark.parametrize(
    "name, source, folded",
    [
        ("50_own_task", 'Markdown(\n    f"""n = {n}"""\n)', True),
        ("50_own_task", "Markdown(markdown(rows))", False),
        ("13_waves", "Markdown(markdown(rows))", True),
    ],
)
def test_code_is_folded_except_where_it_is_what_the_page_shows(name, source, folded):
    code = as_page(new_code_cell(source, outputs=[shown({"text/markdown": "n = 3"})]), name=name)[0]
    assert ("hide-input" in code.metadata.tags) == folded


def test_a_figure_that_no_manifest_knows_stops_the_book():
    with pytest.raises(ValueError, match="13_waves shows fig9, which manifest.json lacks"):
        as_page(new_code_cell("draw()", outputs=[shown({"text/html": "<figure>"}, figure="fig9")]))


def test_an_explorer_is_a_picture_and_a_sentence_never_a_dead_control():
    data = {bind.WIDGET: {"model_id": "1"}, "image/png": PNG, "text/plain": "Moves."}
    cell = new_code_cell("explorer()", outputs=[shown(data)], metadata={"tags": ["explorer"]})
    code, note = as_page(cell)
    assert list(code.outputs[0].data) == ["image/png"] and "hide-input" in code.metadata.tags
    assert code.metadata.mystnb["image"]["alt"].endswith("Moves.")
    assert "make lab" in note.source and "13_waves.py" in note.source
    with pytest.raises(ValueError, match="13_waves: an explorer shows no picture"):
        as_page(new_code_cell("explorer()", outputs=[shown({bind.WIDGET: {}, "text/plain": "VBox()"})]))


def test_the_progress_of_an_evolution_is_not_shown():
    bar = shown({bind.WIDGET: {"model_id": "1"}, "text/plain": "iaf-enu:  50%|#####     | 3/6 [00:00<?, ? generations/s]"})
    (code,) = as_page(new_code_cell("evolve()", outputs=[bar]))
    assert not code.outputs


def test_markdown_that_code_made_is_text_of_the_page_and_links_lead_to_pages():
    said = shown({"text/markdown": "r = 0.99, see [the unit](10_enu.py)", "text/plain": "<Markdown>"})
    text, code, made = as_page(
        new_markdown_cell("[evolve](11_evolution_strategy.py#a)"), new_code_cell("say()", outputs=[said])
    )
    assert text.source == "[evolve](11_evolution_strategy.ipynb#a)"
    assert made.cell_type == "markdown" and made.source == "r = 0.99, see [the unit](10_enu.ipynb)" and not code.outputs


def test_folded_code_that_shows_nothing_is_one_fold():
    folded = [new_code_cell(s, metadata={"tags": ["hide-input"]}) for s in ("a = 1", "b = 2")]
    one, other = as_page(*folded, new_code_cell("c = 3"), name="50_own_task")
    assert one.source == "a = 1\n\nb = 2" and other.source == "c = 3"


def test_a_new_page_needs_no_table_of_contents():
    text = bind.contents(["00_a", "13_b", "15_c", "30_d", "40_e"])
    assert (
        text.index("The paper")
        < text.index("13_b\n15_c")
        < text.index("30_d")
        < text.index("Beyond the paper")
        < text.index("40_e")
    )
    assert "Extended data" not in text, "a part without pages is left out"


@pytest.mark.parametrize("file", sorted([*(ROOT / "book").glob("*.py"), *(ROOT / "book").glob("*.md")]), ids=lambda p: p.name)
def test_every_file_that_the_book_names_exists(file):
    for path in re.findall(r"`((?:enu_lib|book|tests|figures)/[\w./-]*)`", file.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


def links(text):
    return re.findall(r"\]\((\d\w+)\.py", text)


def test_the_tasks_come_before_the_units_and_the_introduction_follows_the_contents():
    pages = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.py"))
    assert bind.AFTER.keys() | set(bind.AFTER.values()) <= set(pages)
    order = re.findall(r"^\d\w+$", bind.contents(pages), re.M)
    assert sorted(order) == pages
    assert order.index("27_ed7_setup") < order.index("11_evolution_strategy") < order.index("13_single_units")
    (steps,) = [c.source for c in jupytext.read(ROOT / "book/00_introduction.py").cells if "## Approach" in c.source]
    numbered = [name for step in re.findall(r"^\d\. .+(?:\n   .+)*", steps, re.M) for name in links(step)]
    assert len(numbered) >= 7 and numbered == sorted(numbered, key=order.index)


def test_the_glossary_is_sorted_and_each_word_stands_on_the_page_that_it_links_to():
    rows = [line.strip("| ").split(" | ") for line in (ROOT / "book/glossary.md").read_text().splitlines() if "| [" in line]
    words = [word for word, _, _ in rows]
    assert len(words) >= 30 and words == sorted(words, key=str.lower)
    for word, _, where in rows:
        (target,) = links(where)
        assert word.lower() in (ROOT / f"book/{target}.py").read_text().lower(), (word, target)


def test_every_page_can_be_downloaded_as_the_notebook_that_was_run(tmp_path):
    notebooks, figures = tmp_path / "notebooks", tmp_path / "figures"
    notebooks.mkdir()
    figures.mkdir()
    (figures / "manifest.json").write_text("[]")
    run_of = {"seconds": 1.0, "python": "3", "versions": {}, "kernel": "", "processor": "", "date": ""}
    done = new_notebook(cells=[new_code_cell("1 + 1", execution_count=1)])
    done.metadata.update(papermill={"parameters": {}}, run=run_of)
    nbformat.write(done, notebooks / "10_enu.ipynb")
    bind.prepare(notebooks, figures, tmp_path / "source")
    last = nbformat.read(tmp_path / "source/10_enu.ipynb", as_version=4).cells[-1]
    (file,) = re.findall(r"<(.+?)>", last.source)
    assert (tmp_path / "source" / file).read_bytes() == (notebooks / "10_enu.ipynb").read_bytes()


@pytest.mark.usefixtures("forked_kernels")
def test_provenance_has_run_processor_versions_settings_and_checksums(tmp_path):
    page = tmp_path / "13_page.py"
    page.write_text('# %% tags=["parameters"]\nseed = 0\n\n# %%\nimport enu_lib\n')
    done = nbformat.read(run(page, tmp_path, {"seed": 7}), as_version=4)
    entry = {"figure": "waves", "notebook": "13_page", "zoo": ["stdp-enu"], "files": {"waves.svg": "0123456789abcdef" * 4}}
    text = provenance.page({"13_page": done}, {"waves": entry})
    found = done.metadata["run"]
    assert 0 < found["seconds"] < 300 and found["processor"] in text and f"torch {found['versions']['torch']}" in text
    assert "seed 7" in text and "`0123456789abcdef`" in text and len(done.cells) == 3, "the recording cell is taken out"
    for name in enu.zoo.names():
        p = enu.zoo.load(name).provenance
        section = text.split(f"### {name}\n")[1].split("### ")[0]
        assert p["sha256"][:32] in section and f"population {p['experiment']['es']['population']}" in section
        assert f"{p['scores']['fitness']:.5g}" in section
        assert "nan" not in section and (NO_CASE in section) == any(math.isnan(v) for v in p["scores"].values())


def test_the_citation_is_that_of_the_file():
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    text = provenance.cite(ROOT / "CITATION.cff")
    paper = cff["references"][0]
    for value in (cff["title"], cff["version"], paper["title"], paper["doi"], f"{paper['start']}--{paper['end']}"):
        assert str(value) in text, value
    assert cff["version"] == enu.__version__


def test_the_reference_has_every_module_and_every_public_name():
    """Modules of `bind.PACKAGES` stand under their package's name, and those of the kernels behind `kernels`."""
    modules = {name for _, names in bind.API.values() for name in names}
    library = ROOT / "enu_lib"
    files = {p.relative_to(library).with_suffix("") for p in library.rglob("*.py") if p.name[:2] != "__"}
    there = {".".join(p.parts) for p in files if p.parts[0] not in (*bind.PACKAGES, "kernels", "cli")}
    assert there <= modules, f"not in the reference: {there - modules}"
    assert all(importlib.util.find_spec(f"enu_lib.{name}") for name in modules)
    for name in enu.__all__:
        value = getattr(enu, name)
        assert getattr(value, "__module__", value.__name__).removeprefix("enu_lib.") in modules, name


SECTIONS = ["Question", "Approach", "Figure", "What we measured", "Reconstruction", "Verdict", "Try it"]


FIGURE, MEASURED, RECONSTRUCTION, VERDICT = SECTIONS[2:6]
ABSENT = {
    "00_introduction": {RECONSTRUCTION},  # each page has its own
    "26_ed6_computation_flow": {MEASURED, RECONSTRUCTION, VERDICT},  # shows how a step is computed
    "27_ed7_setup": {MEASURED, RECONSTRUCTION, VERDICT},  # shows the paper's tasks
    "30_claims": {FIGURE},  # tables only
    "31_second_study": {FIGURE},  # tables only
    "50_your_own_task": {RECONSTRUCTION, VERDICT},  # an example, not of the paper
    "51_evolve_live": {FIGURE, MEASURED, RECONSTRUCTION, VERDICT},  # an explorer
    "52_laptop_to_cluster": {FIGURE},  # tables only
    "54_what_is_the_same": {FIGURE},  # tables only
    "60_wirings_and_shuffles": {FIGURE},  # tables only
    "62_what_was_tried_in_the_double_tmaze": {FIGURE},  # tables only
    "63_earlier_networks": {FIGURE},  # tables only
    "64_networks_that_reverse": {FIGURE},  # tables only
}


def test_the_pages_that_lack_sections_exist():
    assert set(ABSENT) <= {page.stem for page in (ROOT / "book").glob("[0-9]*.py")}


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("[0-9]*.py")), ids=lambda p: p.stem)
def test_every_page_has_the_same_sections_in_the_same_order(page):
    """A new page has all of them, or stands in `ABSENT` with its reason."""
    text = "\n".join(cell.source for cell in jupytext.read(page).cells if cell.cell_type == "markdown")
    found = re.findall(r"^## (.+)$", text, re.M)
    assert found == [section for section in SECTIONS if section not in ABSENT.get(page.stem, ())]


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("[0-9]*.py")), ids=lambda p: p.stem)
def test_every_page_belongs_to_a_part_of_the_book(page):
    assert page.stem in bind.contents([page.stem])


def test_docstrings_are_written_for_sphinx_without_being_changed():
    lines = ["Change |w| of `a_b`, by *factor_ .", "", "    run(x_, *y)", "", "- first, `one", "  two`"]
    assert to_rest(lines) == [
        "Change \\|w\\| of `a_b`, by \\*factor\\_ .", "", "", ".. code-block:: python", "   :force:", "",
        "    run(x_, *y)", "", "", "- first, `one", "  two`",
    ]  # fmt: skip


def test_fields_of_settings_are_listed_with_defaults_and_comments():
    lines = ["Settings."]
    describe(None, "class", "ES", enu.ES, None, lines)
    assert "- ``sigma``: ``float`` = ``0.01``: s.d. of mutations" in lines


def test_a_book_that_fails_late_leaves_no_first_page_that_make_would_take_for_it(tmp_path, monkeypatch):
    def build(arguments):
        Path(arguments[-1]).mkdir(parents=True)
        (Path(arguments[-1]) / "index.html").write_text("new")
        return 0

    def stop(_):
        raise OSError("no space left on device")

    monkeypatch.setattr(sys, "argv", ["bind.py", "notebooks", "figures", str(tmp_path)])
    monkeypatch.setattr(bind, "prepare", lambda *_: None)
    monkeypatch.setattr(bind, "sphinx", build)
    first = tmp_path / "html/index.html"
    with monkeypatch.context() as late:
        late.setattr(bind, "finish", stop)
        with pytest.raises(OSError, match="no space"):
            bind.main()
        assert not first.exists()
    monkeypatch.setattr(bind, "finish", lambda _: None)
    assert bind.main() == 0 and first.read_text() == "new"
    monkeypatch.setattr(bind, "sphinx", lambda arguments: build(arguments) or 1)
    first.write_text("old")
    assert bind.main() == 1 and first.read_text() == "old"


def test_a_locale_that_this_machine_lacks_does_not_stop_the_book(tmp_path):
    """Sphinx itself would end in locale.Error."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/index.md").write_text("# Caf\u00e9\n", encoding="utf-8")
    code = (
        "import locale, sys, bind\n"
        "try:\n    locale.setlocale(locale.LC_ALL, '')\n    sys.exit('the locale is there')\nexcept locale.Error:\n    pass\n"
        "bind.prepare = bind.finish = lambda *_: None\nsys.exit(bind.main())"
    )
    environment = {**os.environ, "LC_ALL": "xx_XX.UTF-8", "PYTHONPATH": f"{ROOT / 'book'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", code, "notebooks", "figures", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Caf\u00e9" in (tmp_path / "html/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("[0-9]*.py")), ids=lambda p: p.stem)
def test_a_page_opens_with_the_right_kernel_in_jupyterlab(page):
    header = yaml.safe_load("\n".join(line[2:] for line in page.read_text().split("# ---")[1].splitlines()))
    assert header["jupyter"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("page", sorted((ROOT / "book").glob("[0-9]*.py")), ids=lambda p: p.stem)
def test_saving_a_page_that_has_run_changes_nothing(page):
    """What JupyterLab saves: outputs, and what it notes about kernel, language and times."""
    notebook = jupytext.read(page)
    notebook.metadata.kernelspec = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata.language_info = {"name": "python", "version": "3.11.2", "file_extension": ".py"}
    for k, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count, cell.outputs = k, [new_output("stream", name="stdout", text="1")]
        cell.metadata["execution"] = {"iopub.status.idle": "2026-01-01T00:00:00Z"}
    text = jupytext.writes(notebook, fmt="py:percent")
    assert text == page.read_text(encoding="utf-8"), "copy the header of another page, and save once in JupyterLab"
