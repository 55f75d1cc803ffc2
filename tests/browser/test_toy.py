"""The toy in Chromium: by mouse, touch and keyboard, on a desktop and a phone, in light and dark, and in the book."""

import pytest
from conftest import HTML
from test_pages import DESKTOP, PHONE, Visit, findings

import enu_lib as enu
from enu_lib import live
from enu_lib.network import PUBLISHED, Network

MAZE = enu.Maze(corridor=1, arm=1, energy=100.0, change=0.0)  # three moves by hand lead to food or poison
PAGES = ("00_introduction", "15_fig4_tmaze", "16_fig5_behaviour", "24_ed4_double_tmaze", "40_what_was_learnt")
TOY = '[data-enu-live="toy"]'


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """A page with two toys, one of a network that has not evolved, and nothing else."""
    network = Network(PUBLISHED, channels=3, hidden=6, noise=0.05)
    first = live.toy(network, network.init(enu.stream(0, "genome")), MAZE)
    evolved = enu.zoo.load("double-tmaze-enu")
    second = live.toy(evolved.model, evolved.genome, evolved.task)
    path = tmp_path_factory.mktemp("toy") / "toy.html"
    path.write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Toy</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main><h1>Toy</h1>{first._repr_html_()}{second._repr_html_()}<p style='height:2000px'></p></main></body>",
        encoding="utf-8",
    )
    return path


class Toy:
    """An open page with the first toy on it, and what the browser says."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(offline=True, **{"viewport": DESKTOP, **options})
        self.page = self.context.new_page()
        self.wrong = []
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda r: self.wrong.append(r.url) if r.url != address else None)
        self.page.goto(address)
        self.root = self.page.locator(TOY).first

    def do(self, name):
        return self.root.locator(f'[data-do="{name}"]')

    def set(self, name):
        return self.root.locator(f'[data-set="{name}"]')

    def part(self, name):
        return self.root.locator(f'[data-part="{name}"]')

    def text(self, name):
        return self.part(name).text_content()

    def goes_on(self):
        """Wait until the clock has changed."""
        self.page.wait_for_function(
            "([e, was]) => e.textContent !== was", arg=[self.part("clock").element_handle(), self.text("clock")]
        )

    def fetch(self, what, act):
        """Walk to the food or the poison from the start, by `act(action)`."""
        up = self.part(what).bounding_box()["y"] < self.part("agent").bounding_box()["y"]
        for action in ("forward", "left" if up else "right", "forward"):
            act(action)


@pytest.fixture
def open_toy(chromium, document):
    """Open the page; at the end, nothing must have gone wrong on it."""
    opened = []

    def open_(**options):
        opened.append(Toy(chromium, document.as_uri(), **options))
        return opened[-1]

    yield open_
    for toy in opened:
        toy.context.close()
        assert not toy.wrong, toy.wrong


def test_an_episode_begins_at_its_beginning_runs_pauses_and_steps(open_toy):
    toy = open_toy()
    assert "move 0 " in toy.text("clock") and toy.do("run").get_attribute("aria-pressed") == "false"
    toy.do("step").click()
    assert "step 1." in toy.text("clock")
    toy.do("move").click()
    assert "move 1 " in toy.text("clock") and "step 4." in toy.text("clock")
    toy.do("run").click()
    toy.goes_on()
    toy.do("run").click()
    at = toy.text("clock")
    toy.page.wait_for_timeout(600)
    assert toy.text("clock") == at and toy.do("run").get_attribute("aria-pressed") == "false"
    columns = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v)"
    assert toy.part("raster").evaluate(columns), "the outputs are drawn"
    assert toy.page.locator(TOY).nth(1).locator('[data-part="clock"]').text_content().count("move 0 "), "the other one stands"


@pytest.mark.parametrize("by", ["keys", "mouse", "touch"])
def test_walking_by_hand_eats_counts_and_says_what_would_follow(open_toy, by):
    toy = open_toy(**({"viewport": PHONE, "has_touch": True, "is_mobile": True} if by == "touch" else {}))
    keys = {"forward": "ArrowUp", "left": "ArrowLeft", "right": "ArrowRight"}
    toy.part("stage").focus()
    scrolled = toy.page.evaluate("scrollY")
    act = {
        "keys": lambda action: toy.page.keyboard.press(keys[action]),
        "mouse": lambda action: toy.do(action).click(),
        "touch": lambda action: toy.do(action).tap(),
    }[by]
    toy.fetch("food", act)
    assert toy.text("foods") == "1" and "food" in toy.text("said") and "move 3 " in toy.text("clock")
    toy.fetch("poison", act)
    assert toy.text("poisons") == "1" and "kill" in toy.text("said") and toy.part("agent").get_attribute("data-alive") == "1"
    assert by != "keys" or toy.page.evaluate("scrollY") == scrolled, "arrow keys walk and do not scroll"
    toy.fetch("poison", act)
    assert toy.text("poisons") == "2" and toy.part("agent").get_attribute("data-alive") == "0"
    act("forward")
    assert "New episode" in toy.text("said")
    toy.do("again").click()
    assert (toy.text("foods"), toy.text("poisons")) == ("0", "0") and toy.part("agent").get_attribute("data-alive") == "1"


def test_the_space_bar_runs_and_walking_pauses(open_toy):
    toy = open_toy()
    toy.part("stage").focus()
    toy.page.keyboard.press("Space")
    toy.goes_on()
    assert toy.do("run").get_attribute("aria-pressed") == "true"
    toy.page.keyboard.press("ArrowLeft")
    assert toy.do("run").get_attribute("aria-pressed") == "false" and "left" in toy.text("said")


def test_tricks_are_announced_and_seen(open_toy):
    toy = open_toy()
    said = toy.part("said")
    assert said.get_attribute("aria-live") == "polite" and said.get_attribute("role") == "status"
    places = {name: toy.part(name).get_attribute("transform") for name in ("food", "poison")}
    toy.do("swap").click()
    assert toy.part("food").get_attribute("transform") == places["poison"]
    assert toy.part("poison").get_attribute("transform") == places["food"] and "swapped" in said.text_content()
    meanings, sentence = [toy.text(f"meaning {k}") for k in (1, 2, 3)], toy.text("meaning")
    toy.do("shuffle").click()
    after = [toy.text(f"meaning {k}") for k in (1, 2, 3)]
    assert all(a != b for a, b in zip(meanings, after, strict=True)) and sorted(after) == sorted(meanings)
    assert toy.text("meaning") != sentence and after[0] in toy.text("meaning").split(",")[0]
    toy.set("harmless").check()
    for _ in range(3):
        toy.fetch("poison", lambda action: toy.do(action).click())
    assert toy.text("poisons") == "3" and toy.part("agent").get_attribute("data-alive") == "1"


def test_a_new_episode_resets_what_was_damaged(open_toy):
    toy = open_toy()
    unchanged, noise = toy.text("changes"), toy.set("noise").input_value()
    toy.set("silence").select_option(label="output 2")
    toy.set("freeze").focus()
    toy.page.keyboard.press("Space")
    toy.set("harmless").check()
    toy.set("noise").focus()
    toy.page.keyboard.press("End")
    for word in ("output 2", "frozen", "harmless", "noise 1 "):
        assert word in toy.text("changes")
    assert toy.text("noise") == "1" and "1" in toy.set("noise").get_attribute("aria-valuetext")
    squares = toy.root.locator("[data-synapse]")
    colours = "all => all.map(s => s.style.fill + s.style.fillOpacity)"
    toy.do("move").click()
    frozen = squares.evaluate_all(colours)
    toy.do("move").click()
    assert squares.evaluate_all(colours) == frozen
    toy.set("freeze").uncheck()
    toy.do("move").click()
    assert squares.evaluate_all(colours) != frozen
    toy.do("again").click()
    assert toy.text("changes") == unchanged and "Episode 2, move 0 " in toy.text("clock")
    assert toy.set("silence").input_value() == "-1" and toy.set("noise").input_value() == noise
    assert not toy.set("freeze").is_checked() and not toy.set("harmless").is_checked()


def test_every_control_explains_itself_to_mouse_and_keyboard(open_toy):
    toy = open_toy()
    explained = set()
    for control in toy.root.locator("[data-do], [data-set]").all():
        title = control.evaluate("e => e.closest('[title]')?.title")
        assert title, control.evaluate("e => e.outerHTML")
        control.hover()
        assert toy.text("hint") == title
        toy.part("stage").focus()
        control.focus()
        assert toy.text("hint") == title
        explained.add(title)
    assert len(explained) == 14


def test_the_speed_changes_how_fast_it_runs(open_toy):
    toy, gone = open_toy(), {}
    toy.page.clock.install(time=0)
    toy.page.clock.pause_at(1000)
    for speed in ("1", "16"):
        toy.do("again").click()
        toy.do("speed").select_option(speed)
        toy.do("run").click()
        toy.page.clock.run_for(1500)
        toy.do("run").click()
        gone[speed] = int(toy.text("clock").split("network step ")[1].rstrip("."))
    assert gone["16"] > 2 * gone["1"] > 0


def test_it_is_legible_on_a_phone(open_toy):
    toy = open_toy(viewport=PHONE, has_touch=True, is_mobile=True)
    assert toy.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for control in toy.root.locator("button, select, input").all():
        box = control.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
        small = control.get_attribute("type") == "checkbox"  # its label is as good to tap
        assert box["height"] >= 24 and (small or box["width"] >= 44)
    sizes = (
        "all => all.filter(e => e.textContent.trim() && !e.closest('svg')).map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(toy.root.locator("p, span, b, button, label, select").evaluate_all(sizes)) >= 11
    maze, run = toy.root.locator("svg.enu-maze").bounding_box(), toy.do("run").bounding_box()
    assert run["y"] + run["height"] - maze["y"] < PHONE["height"], "maze and Run are on the screen together"


def test_light_and_dark_are_accessible_and_the_drawing_follows_the_theme(open_toy):
    toy = open_toy()
    toy.fetch("food", lambda action: toy.do(action).click())
    pixels = "c => c.toDataURL()"
    light = toy.part("raster").evaluate(pixels)
    assert not (found := findings(toy.page)), "\n".join(found)
    toy.page.evaluate("document.documentElement.dataset.theme = 'dark'; document.body.style.background = '#171b20'")
    toy.page.evaluate("document.querySelector('h1').style.color = 'white'")
    toy.page.wait_for_function("([c, was]) => c.toDataURL() !== was", arg=[toy.part("raster").element_handle(), light])
    assert not (found := findings(toy.page, runOnly=["color-contrast"])), "\n".join(found)


@pytest.mark.parametrize("name", PAGES)
def test_the_books_toys_live(chromium, name):
    with Visit(chromium, name) as visit:
        root = visit.page.locator(TOY)
        assert root.count() == 1
        root.scroll_into_view_if_needed()
        for _ in range(12):
            root.locator('[data-do="move"]').click()
        assert "move 12 " in root.locator('[data-part="clock"]').text_content()
        assert not visit.said, visit.said


def test_the_book_opens_with_the_toy(chromium):
    with Visit(chromium, PAGES[0]) as visit:
        first = visit.page.evaluate(
            "document.querySelector('article [data-enu-live], article h2, article img').dataset.enuLive"
        )
        assert first == "toy", "before any section or picture"
    assert (HTML / f"{PAGES[0]}.html").stat().st_size < 3_000_000
