"""Every page of the built book, offline: complete, without errors, small, accessible, and usable on a phone."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import HTML, ROOT

NOTEBOOKS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.py"))
sys.path.insert(0, str(ROOT / "book"))
from bind import API  # noqa: E402

PAGES = [*NOTEBOOKS, *(f"api_{n}" for n in API), "index", "glossary", "symbols", "api", "provenance", "cite", "search"]
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
MEGABYTE = 1_000_000


class Document(HTMLParser):
    """The ids, links, files and images of a page."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.files, self.images = set(), [], [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids |= {a[key] for key in ("id", "name") if a.get(key)}
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        self.files += [a[key] for key in ("src", "data-src", "srcset") if a.get(key)]
        if tag == "link" and a.get("href"):
            self.files.append(a["href"])
        if tag == "img":
            self.images.append(a)


@pytest.fixture(scope="module")
def documents():
    return {path: Document(path) for path in HTML.glob("*.html")}


class Visit:
    """A page opened in an offline browser, with its messages and requests."""

    def __init__(self, browser, name):
        self.name, self.file = name, HTML / f"{name}.html"
        self.context = browser.new_context(offline=True, viewport=DESKTOP, color_scheme="light")
        self.page = self.context.new_page()
        self.said, self.requests, self.failed = [], [], []
        self.page.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("requestfailed", lambda r: self.failed.append(r.url))
        self.page.goto(self.file.as_uri(), timeout=90_000)
        self.page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.fixture(scope="module", params=PAGES)
def visit(chromium, request):
    """Each page, opened once for all its tests."""
    with Visit(chromium, request.param) as visit:
        yield visit


def findings(page, **options):
    """Serious and critical findings of axe-core, as text."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]} ({len(v['nodes'])})" for v in serious]


def test_page_opens_from_disk_without_a_network(visit):
    assert not visit.said, visit.said
    assert not visit.failed, visit.failed
    assert not [url for url in visit.requests if not url.startswith(("file:", "data:", "blob:"))]
    broken = visit.page.evaluate(
        "[...document.images].filter(i => i.checkVisibility() && (!i.complete || !i.naturalWidth)).map(i => i.src)"
    )
    assert not broken, broken


def test_formulas_are_typeset(visit):
    formulas = len(re.findall(r'class="math notranslate', visit.file.read_text()))
    assert visit.page.locator("mjx-container").count() == formulas
    assert visit.page.locator("mjx-merror").count() == 0


def test_page_size_is_limited(visit):
    """Everything that a browser loads for it, including scripts and fonts."""
    files = {urlsplit(url).path for url in visit.requests if url.startswith("file:")}
    weight = sum(Path(unquote(path)).stat().st_size for path in files)
    assert weight < 3 * MEGABYTE, f"{weight / MEGABYTE:.1f} MB are loaded"


def test_page_has_no_serious_accessibility_finding(visit):
    assert not (found := findings(visit.page)), "\n".join(found)
    visit.page.add_style_tag(content="* { transition: none !important; }")
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert not (found := findings(visit.page, runOnly=["color-contrast"])), "\n".join(found)
    visit.page.emulate_media(color_scheme="light")


def test_page_fits_a_phone_screen(visit):
    visit.page.set_viewport_size(PHONE)
    wide = visit.page.evaluate(
        """() => [...document.querySelectorAll("article *")].filter(e => {
             if (e.getBoundingClientRect().right <= innerWidth + 1) return false;
             for (let p = e.parentElement; p.tagName !== "ARTICLE"; p = p.parentElement)
               if (getComputedStyle(p).overflowX !== "visible") return false;  // what scrolls by itself widens no page
             return true; }).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert not wide, wide
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("theme, end", [("light", ""), ("dark", ".dark")])
@pytest.mark.parametrize("screen, form", [(DESKTOP, ""), (PHONE, ".narrow")])
def test_figures_have_a_form_for_the_theme_and_the_screen(chromium, theme, end, screen, form):
    with Visit(chromium, "15_fig4_tmaze") as visit:
        visit.page.set_viewport_size(screen)
        visit.page.emulate_media(color_scheme=theme)
        visit.page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
        (figure,) = [i for i in visit.page.locator("figure picture img").all() if i.is_visible()]
        figure.scroll_into_view_if_needed()
        visit.page.wait_for_function("i => i.complete && i.naturalWidth", arg=figure.element_handle())
        shown, drawn, style = figure.evaluate(
            "i => [i.getBoundingClientRect().width, i.naturalWidth, getComputedStyle(i).filter]"
        )
        assert figure.evaluate("i => i.currentSrc").endswith(f"/fig4_tmaze{form}{end}.svg")
        assert shown > 0.9 * drawn, "its text, 7 pt and larger, is about as large as drawn"
        assert style == "none", "it is dark by itself, and not by a filter"


def test_links_and_anchors_have_targets(documents):
    lost = []
    for path, document in documents.items():
        for link in [*document.links, *document.files]:
            parts = urlsplit(link)
            if parts.scheme or link in ("#", ""):
                continue
            target, anchor = urldefrag(link)
            file = (path.parent / unquote(target.split("?")[0])).resolve() if target.split("?")[0] else path
            if not file.exists() or (anchor and file in documents and unquote(anchor) not in documents[file].ids):
                lost.append(f"{path.name}: {link}")
    assert documents and not lost, lost


def test_nothing_is_fetched_from_other_hosts(documents):
    outside = [f"{path.name}: {file}" for path, d in documents.items() for file in d.files if urlsplit(file).netloc]
    assert not outside, outside


def test_every_picture_has_alternative_text(documents):
    images = [(path.name, image) for path, d in documents.items() for image in d.images]
    without = [f"{name}: {image.get('src', '')[:80]}" for name, image in images if not image.get("alt", "").strip()]
    assert not without, without
    assert len(images) >= len(NOTEBOOKS)


def test_the_size_of_the_book_is_limited():
    weight = sum(path.stat().st_size for path in HTML.rglob("*") if path.is_file())
    assert MEGABYTE < weight < 30 * MEGABYTE


def test_the_theme_can_be_switched(chromium):
    """With the keyboard; the next page keeps the theme."""
    with Visit(chromium, "index") as visit:
        for theme in ("dark", "light"):
            visit.page.locator(".theme-switch-button").press("Enter")
            visit.page.locator(f'.theme-change-button[data-mode="{theme}"]').press("Enter")
            visit.page.goto((HTML / "symbols.html").as_uri())
            assert visit.page.evaluate("document.documentElement.dataset.theme") == theme
