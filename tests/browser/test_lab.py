"""JupyterLab as started by `make lab`: a page opens as a notebook, runs, and its explorer responds to a slider."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ROOT

BOOK = ROOT / "book"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """URLs (with token) of pages in a running JupyterLab that does not write to the home folder."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    options = f"--no-browser --allow-root --port={port} --IdentityProvider.token=secret"
    environment = {**os.environ, "HOME": str(home), "OMP_NUM_THREADS": "1"}
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            ["make", "lab", f"LAB={options}"], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until = time.time() + 90
            while "is running at" not in (home / "lab.log").read_text():
                assert server.poll() is None and time.time() < until, (home / "lab.log").read_text()
                time.sleep(0.3)
            # a workspace for each page, or the second one would open beside the first
            yield lambda name: f"http://127.0.0.1:{port}/lab/workspaces/w{name[:2]}/tree/{name}?token=secret"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def choose(page, menu, item):
    page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
    page.locator(".lm-Menu-itemLabel", has_text=item).first.click()


def run_all(page, address):
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.wait_for_selector("text=Python 3 (ipykernel) | Idle", timeout=60_000)
    choose(page, "Run", "Run All Cells")


def ran(page):
    """Wait until every code cell has a number, that is, has run."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].every(p => /\\d/.test(p.textContent))",
        timeout=120_000,
    )


def test_a_page_runs_and_its_slider_changes_the_picture(chromium, lab):
    text = {path: path.read_bytes() for path in Path(BOOK).glob("*.py")}
    files = set(BOOK.rglob("*"))
    page = chromium.new_page(viewport={"width": 1300, "height": 1800})
    outside = []
    page.on(
        "request", lambda r: outside.append(r.url) if not r.url.startswith(("http://127.0.0.1", "data:", "blob:")) else None
    )
    run_all(page, lab("13_single_units.py"))
    explorer = page.locator(".jp-OutputArea .widget-vbox", has=page.locator("input[type=range], .noUi-handle")).last
    explorer.wait_for(timeout=120_000)
    explorer.scroll_into_view_if_needed()
    picture = explorer.locator("img")
    before = picture.get_attribute("src")
    changed = "([e, was]) => e.src !== was"
    handle = explorer.locator(".noUi-handle").first
    handle.hover()
    page.mouse.down()
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.wait_for_function(changed, arg=[picture.element_handle(), before], timeout=20_000)
    before = picture.get_attribute("src")
    handle.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(changed, arg=[picture.element_handle(), before], timeout=20_000)
    assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".jp-Notebook figure img").count() >= 1, "the figure is shown with its caption"
    assert not outside, outside
    assert {p: p.read_bytes() for p in text} == text, "opening and running a page changes no file of the book"
    made = {p for p in set(BOOK.rglob("*")) - files if ".ipynb_checkpoints" not in p.parts and "__pycache__" not in p.parts}
    assert not made, made
    page.close()


def test_restart_and_run_all_works_and_a_synapse_evolves_live(chromium, lab):
    page = chromium.new_page(viewport={"width": 1300, "height": 2400})
    run_all(page, lab("51_evolve_live.py"))
    said = page.locator(".jp-OutputArea .widget-html", has_text="Generation ").last
    said.wait_for(timeout=120_000)
    choose(page, "Kernel", "Restart Kernel and Run All Cells")
    page.locator(".jp-Dialog-button.jp-mod-accept").click()
    page.wait_for_selector(".jp-InputPrompt:has-text('[*]')", timeout=60_000)
    ran(page)
    said = page.locator(".jp-OutputArea .widget-html", has_text="Generation ").last
    said.wait_for(timeout=120_000)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    begun = said.text_content()
    playing = page.locator(".widget-play button").first
    playing.click()
    page.wait_for_function("([e, was]) => e.textContent !== was", arg=[said.element_handle(), begun], timeout=30_000)
    playing.click()
    page.wait_for_timeout(2000)  # what was under way when it was paused is shown
    paused = said.text_content()
    page.wait_for_timeout(2000)
    assert said.text_content() == paused, "paused, it stands still"
    page.close()
