"""Every page of the built book, from disk with the network off: whole, quiet, light, accessible, and fit for a phone."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import HTML, ROOT

NOTEBOOKS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.py"))
PAGES = [*NOTEBOOKS, "index", "symbols", "api", "provenance", "cite", "genindex", "search"]
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
MEGABYTE = 1_000_000


class Document(HTMLParser):
    """What a page names (ids), points to (links, files), and shows (images)."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.files, self.images = set(), [], [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids |= {a[key] for key in ("id", "name") if a.get(key)}
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        self.files += [a[key] for key in ("src", "data-src") if a.get(key)]
        if tag == "link" and a.get("href"):
            self.files.append(a["href"])
        if tag == "img":
            self.images.append(a)


@pytest.fixture(scope="module")
def documents():
    return {path: Document(path) for path in HTML.rglob("*.html")}


class Visit:
    """A page as a browser without a network opens it, and what went on meanwhile."""

    def __init__(self, browser, name, viewport=DESKTOP, scheme="light"):
        self.context = browser.new_context(offline=True, viewport=viewport, color_scheme=scheme)
        self.page = self.context.new_page()
        self.said, self.requests, self.failed = [], [], []
        self.page.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.on("requestfailed", lambda r: self.failed.append(r.url))
        self.page.goto((HTML / f"{name}.html").as_uri())
        self.page.wait_for_load_state("networkidle")
        self.page.evaluate("window.MathJax && MathJax.startup && MathJax.startup.promise")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_from_disk_without_a_network(chromium, name):
    with Visit(chromium, name) as visit:
        assert not visit.said, visit.said
        assert not visit.failed, visit.failed
        assert not [url for url in visit.requests if not url.startswith(("file:", "data:", "blob:"))]
        broken = visit.page.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)")
        assert not broken, broken
        source = (HTML / f"{name}.html").read_text()
        formulas = visit.page.locator("mjx-container").count()
        assert formulas == len(re.findall(r'class="math notranslate', source))
        assert visit.page.locator("mjx-merror").count() == 0
        files = {urlsplit(url).path for url in visit.requests if url.startswith("file:")}
        weight = sum(Path(unquote(path)).stat().st_size for path in files)
        assert weight < 3 * MEGABYTE, f"{weight / MEGABYTE:.1f} MB are loaded"


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone(chromium, name):
    with Visit(chromium, name, PHONE) as visit:
        wide = visit.page.evaluate(
            """() => [...document.querySelectorAll("main *")].filter(e => {
                 if (e.getBoundingClientRect().right <= innerWidth + 1) return false;
                 for (let p = e.parentElement; p; p = p.parentElement)  // what scrolls by itself does not widen the page
                   if (p.tagName !== "MAIN" && getComputedStyle(p).overflowX !== "visible") return false;
                 return true; }).map(e => e.outerHTML.slice(0, 80))"""
        )
        assert not wide, wide
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_serious_accessibility_finding(chromium, name, scheme):
    with Visit(chromium, name, scheme=scheme) as visit:
        assert visit.page.evaluate("document.documentElement.dataset.theme") == scheme
        found = Axe().run(visit.page).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        said = [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]} ({len(v['nodes'])})" for v in serious]
        assert not said, "\n".join(said)


def test_links_and_anchors_lead_somewhere(documents):
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


def test_nothing_is_fetched_from_elsewhere(documents):
    outside = [f"{path.name}: {file}" for path, d in documents.items() for file in d.files if urlsplit(file).netloc]
    assert not outside, outside


def test_every_picture_has_alternative_text(documents):
    without = [
        f"{path.name}: {image.get('src', '')[:80]}"
        for path, d in documents.items()
        for image in d.images
        if not image.get("alt", "").strip()
    ]
    assert not without, without
    assert sum(len(d.images) for d in documents.values()) >= len(NOTEBOOKS)


def test_the_book_is_light():
    weight = sum(path.stat().st_size for path in HTML.rglob("*") if path.is_file())
    assert MEGABYTE < weight < 30 * MEGABYTE


def test_the_theme_can_be_switched(chromium):
    """By the button, with the keyboard; and the page remembers."""
    with Visit(chromium, "index") as visit:
        theme = "document.documentElement.dataset.theme"
        button = visit.page.locator(".theme-switch-button:visible").first
        seen = set()
        for _ in range(3):
            button.focus()
            visit.page.keyboard.press("Enter")
            seen.add(visit.page.evaluate(theme))
        assert seen == {"light", "dark"}
