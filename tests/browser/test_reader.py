"""What a reader of the book does in a browser: follow the order, show code, copy a citation, print, download; and its size."""

import json

import pytest
from conftest import HTML
from test_pages import DESKTOP, NOTEBOOKS, PHONE, Visit

WIDE = {"width": 1440, "height": 900}
HIGHEST, LEDGER = 6000, "30_claims"
CODE = "all => all.filter(e => e.checkVisibility()).length"


def code(page):
    """The number of cells whose code is visible."""
    return page.locator("article .cell_input").evaluate_all(CODE)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_page_is_not_too_long_and_its_tables_fit(chromium, name):
    with Visit(chromium, name) as visit:
        visit.page.set_viewport_size(WIDE)
        height = visit.page.evaluate("document.querySelector('article').scrollHeight")
        assert height <= HIGHEST or name == LEDGER, f"{height} px"
        wide = visit.page.locator("article table").evaluate_all(
            """all => all.filter(t => t.parentElement.scrollWidth > t.parentElement.clientWidth + 1)
                 .map(t => `${t.scrollWidth} px: ${t.innerText.slice(0, 80)}`)"""
        )
        assert not wide, wide
        cells = visit.page.locator("article td").all_text_contents()
        assert not [cell for cell in cells if cell.strip().lower() == "nan"]


def test_contents_and_next_links_lead_from_the_tasks_to_the_units_that_evolve(chromium):
    with Visit(chromium, "10_enu") as visit:
        listed = visit.page.locator(".bd-links__title ~ * a, nav.bd-links a").evaluate_all("all => all.map(a => a.pathname)")
        order = [next(i for i, path in enumerate(listed) if name in path) for name in ("27_", "11_", "13_", "12_")]
        assert order == sorted(order)
        visit.page.locator(".prev-next-footer a.right-next, a.right-next").first.click()
        visit.page.wait_for_url("**/27_ed7_setup.html")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_one_switch_shows_all_code_and_is_remembered(chromium, viewport):
    with Visit(chromium, "13_single_units") as visit:
        page = visit.page
        page.set_viewport_size(viewport)
        switch = page.locator(".enu-button")
        assert switch.count() == 1 and code(page) == 0
        assert page.locator("article details summary").evaluate_all(CODE) == 0, "no other switches"
        switch.focus()
        page.keyboard.press("Enter")
        assert code(page) == page.locator("article .cell_input").count() > 3
        for _ in range(100):  # a busy browser may load the next page before it has stored the choice
            page.goto((HTML / "22_ed2_frequency.html").as_uri())
            if code(page):
                break
            page.wait_for_timeout(100)
        assert code(page) > 0 and page.locator(".enu-button").inner_text().startswith("Hide")
        page.locator(".enu-button").click()
        assert code(page) == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"] and not visit.said


def test_a_page_about_code_shows_it(chromium):
    with Visit(chromium, "50_your_own_task") as visit:
        assert 0 < code(visit.page) < visit.page.locator("article .cell_input").count()


def test_without_scripts_each_cell_has_a_fold_of_its_own(chromium):
    context = chromium.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((HTML / "13_single_units.html").as_uri())
    fold = page.locator("article .cell > details").first
    assert fold.locator("summary").is_visible() and page.locator(".enu-button").count() == 0
    fold.locator("summary").click()
    assert fold.locator(".cell_input, pre").first.is_visible()
    context.close()


def test_the_citation_is_copied(chromium):
    with Visit(chromium, "cite") as visit:
        visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit.page.locator(".enu-button", has_text="Copy").click()
        visit.page.locator("[role=status]", has_text="opied").wait_for()
        copied = visit.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("@article{") and "@software{" in copied and copied.count("{") == copied.count("}")


def test_without_permission_the_citation_is_selected(chromium):
    with Visit(chromium, "cite") as visit:
        visit.page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
        visit.page.locator(".enu-button", has_text="Copy").click()
        visit.page.locator("[role=status]", has_text="elected").wait_for()
        assert visit.page.evaluate("String(getSelection())").startswith("@article{")


def test_a_page_prints_in_light_colours_without_controls(chromium):
    with Visit(chromium, "13_single_units") as visit:
        page = visit.page
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        page.emulate_media(media="print")
        for part in (".bd-sidebar-primary", ".bd-header-article", ".enu-controls", ".enu-button", ".prev-next-footer"):
            assert page.locator(part).evaluate_all(CODE) == 0, part
        shown = [image for image in page.locator("article figure img").all() if image.is_visible()]
        assert shown and not any(".dark" in image.evaluate("i => i.currentSrc") for image in shown)
        assert page.pdf(format="A4").startswith(b"%PDF")
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_notebook_of_a_page_is_downloaded_with_its_results(chromium):
    with Visit(chromium, "13_single_units") as visit:
        link = visit.page.locator("article a.download", has_text="notebook")
        file = HTML / link.get_attribute("href")
        assert file.name == "13_single_units.ipynb"
        cells = json.loads(file.read_text())["cells"]
        assert any(cell.get("outputs") for cell in cells)
