"""JupyterLab as started by `make lab`: the introduction opens; pages run and are saved unchanged; explorers respond."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ROOT

BOOK = ROOT / "book"
PAGES = sorted(path.name for path in BOOK.glob("[0-9]*.py"))
AUTOSAVE_SECONDS = 3
HANG = 240_000  # milliseconds after which a test is taken to hang, even on a slow machine


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """URLs (with token) of pages in a running JupyterLab that does not write to the home folder; of no page, where it opens."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    options = f"--no-browser --allow-root --port={port} --IdentityProvider.token=secret"
    saving = home / "settings/@jupyterlab/docmanager-extension/plugin.jupyterlab-settings"
    saving.parent.mkdir(parents=True)
    saving.write_text(json.dumps({"autosaveInterval": AUTOSAVE_SECONDS}))
    environment = {**os.environ, "HOME": str(home), "JUPYTERLAB_SETTINGS_DIR": str(home / "settings")}
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            ["make", "lab", f"LAB={options}"], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until = time.time() + HANG / 1000
            while "is running at" not in (home / "lab.log").read_text():
                assert server.poll() is None and time.time() < until, (home / "lab.log").read_text()
                time.sleep(0.3)
            # a workspace for each page, or the second one would open beside the first
            yield lambda name: f"http://127.0.0.1:{port}/{name and f'lab/workspaces/w{name[:2]}/tree/{name}'}?token=secret"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def choose(page, menu, item):
    page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
    page.locator(".lm-Menu-itemLabel", has_text=item).first.click()


@pytest.fixture
def page(chromium):
    page = chromium.new_page(viewport={"width": 1300, "height": 1800})
    page.set_default_timeout(HANG)
    yield page
    page.close()


def run_all(page, address, selector, **options):
    """Run all cells of a notebook, and return the last element that matches (see `page.locator`) once it is shown."""
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=HANG)
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=HANG)
    choose(page, "Run", "Run All Cells")
    return last(page, selector, **options)


def last(page, selector, **options):
    found = page.locator(selector, **options).last
    found.wait_for(timeout=HANG)
    return found


def ran(page):
    """Wait until every code cell has a number, that is, has run."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].every(p => /\\d/.test(p.textContent))",
        timeout=HANG,
    )


def restart(page):
    choose(page, "Kernel", "Restart Kernel\u2026")
    page.locator(".jp-Dialog-button.jp-mod-accept").click()


def test_it_opens_on_the_introduction_and_lists_pages_only(page, lab):
    page.goto(lab(""))
    page.wait_for_selector(".jp-Notebook .jp-MarkdownCell h1", timeout=HANG)
    assert page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel").all_text_contents() == [PAGES[0]]
    assert page.locator(".jp-Launcher").count() == 0
    page.wait_for_selector(f".jp-DirListing-itemText:has-text('{PAGES[-1]}')")
    assert sorted(page.locator(".jp-DirListing-itemText").all_text_contents()) == PAGES


def test_after_a_restart_explorers_say_that_the_cell_is_to_be_run_again(page, lab):
    explorer = run_all(page, lab("27_ed7_setup.py"), ".jp-OutputArea .enu-explorer")
    above = "e => getComputedStyle(e, '::before').content"
    assert explorer.evaluate(above) == "none"
    restart(page)
    page.wait_for_function(f"e => ({above})(e).includes('run')", arg=explorer.element_handle(), timeout=HANG)


def test_the_arrow_keys_walk_against_the_agent(page, lab):
    pad = run_all(page, lab("16_fig5_behaviour.py"), ".enu-explorer .enu-pad")
    ran(page)
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=HANG)
    pad.click()
    cell = page.locator(".jp-Cell.jp-mod-selected").first.element_handle()
    explorer = page.locator(".enu-explorer", has=page.locator(".enu-pad")).last
    for moves, key in enumerate(("ArrowUp", "ArrowLeft", "ArrowRight", "ArrowUp"), 1):
        page.keyboard.press(key)
        explorer.locator("p", has_text=f"You, move {moves}:").wait_for(timeout=HANG)
    assert cell.evaluate("e => e.classList.contains('jp-mod-selected')"), "JupyterLab does not go to another cell"


def test_a_page_runs_and_its_slider_changes_the_picture(page, lab):
    text = {path: path.read_bytes() for path in Path(BOOK).glob("*.py")}
    files = set(BOOK.rglob("*"))
    outside = []
    page.on(
        "request", lambda r: outside.append(r.url) if not r.url.startswith(("http://127.0.0.1", "data:", "blob:")) else None
    )
    slider = page.locator("input[type=range], .noUi-handle")
    explorer = run_all(page, lab("13_single_units.py"), ".jp-OutputArea .widget-vbox", has=slider)
    explorer.scroll_into_view_if_needed()
    said, line = explorer.locator(".widget-html", has_text="the unit changes by"), explorer.locator('[data-line="y"]')
    assert explorer.locator('[data-line="unit1"]').count() == 1, "the window is shown"
    shown = lambda: [explorer.element_handle(), said.text_content(), line.get_attribute("d")]
    before = shown()
    changed = """([e, said, d]) => {
        const line = (name) => e.querySelector(`[data-line="${name}"]`).getAttribute("d");
        const spike = e.querySelector(".widget-readout").textContent.trim();
        return line("pre").startsWith(`M${spike} `) && line("y") !== d && !e.textContent.includes(said);
    }"""
    handle = explorer.locator(".noUi-handle").first
    handle.hover()
    page.mouse.down()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.wait_for_function(changed, arg=before, timeout=HANG)
    before = shown()
    handle.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(changed, arg=before, timeout=HANG)
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".jp-Notebook figure img").count() >= 1, "the figure is shown with its caption"
    assert not outside, outside
    ran(page)
    with page.expect_response(lambda r: r.request.method == "PUT" and "13_single_units.py" in r.url, timeout=HANG) as saved:
        choose(page, "Run", "Do not Advance")  # the notebook has changed, and is saved within AUTOSAVE_SECONDS
    assert saved.value.ok
    assert {p: p.read_bytes() for p in text} == text, "opening and running a page changes no file of the book"
    made = {p for p in set(BOOK.rglob("*")) - files if ".ipynb_checkpoints" not in p.parts and "__pycache__" not in p.parts}
    assert not made, made


def test_restart_and_run_all_works_and_a_synapse_evolves_live(page, lab):
    page.set_viewport_size({"width": 1300, "height": 2400})
    generation = {"selector": ".jp-OutputArea .widget-html", "has_text": "Generation "}
    run_all(page, lab("51_evolve_live.py"), **generation)
    choose(page, "Kernel", "Restart Kernel and Run All Cells")
    page.locator(".jp-Dialog-button.jp-mod-accept").click()
    page.wait_for_selector(".jp-InputPrompt:has-text('[*]')", timeout=HANG)
    ran(page)
    said = last(page, **generation)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    begun = said.text_content()
    playing = page.locator(".widget-play button").first
    playing.click()
    page.wait_for_function("([e, was]) => e.textContent !== was", arg=[said.element_handle(), begun], timeout=HANG)
    playing.click()
    for _ in range(50):  # what was under way when it was paused is shown, however long that takes
        paused = said.text_content()
        page.wait_for_timeout(2000)
        if said.text_content() == paused:
            break
    else:
        raise AssertionError("paused, it goes on")
