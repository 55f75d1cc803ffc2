"""Interactive pictures without a kernel: play, step, stop and sliders, by mouse and by keyboard."""

import pytest
from conftest import HTML
from test_pages import Visit

KINDS = ("maze", "window", "evolution", "toy")


def pages_with(kind):
    return [path.stem for path in sorted(HTML.glob("[0-9]*.html")) if f'data-enu-live="{kind}"' in path.read_text()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_book_has_every_kind_of_interactive_picture(kind):
    assert pages_with(kind), f"no page has a piece of the kind {kind}"


def piece(visit, kind):
    root = visit.page.locator(f'[data-enu-live="{kind}"]').first
    root.scroll_into_view_if_needed()
    return root


@pytest.mark.parametrize("kind", ["maze", "evolution"])
def test_a_recording_plays_pauses_and_steps(chromium, kind):
    for name in pages_with(kind):
        with Visit(chromium, name) as visit:
            root = piece(visit, kind)
            play, seek, said = (root.locator(s) for s in ('[data-do="play"]', '[data-do="seek"]', '[data-part="said"]'))
            seek.fill("0")
            start = said.inner_text()
            play.focus()
            visit.page.keyboard.press("Enter")
            visit.page.wait_for_function("([e, was]) => e.textContent !== was", arg=[said.element_handle(), start])
            visit.page.keyboard.press("Enter")
            at = seek.input_value()
            assert int(at) > 0 and play.get_attribute("aria-pressed") == "false"
            visit.page.wait_for_timeout(600)
            assert seek.input_value() == at, "a paused recording stands still"
            root.locator('[data-do="forward"]').click()
            assert int(seek.input_value()) > int(at)
            root.locator('[data-do="back"]').click()
            root.locator('[data-do="back"]').click()
            assert int(seek.input_value()) < int(at) + 1
            seek.focus()
            visit.page.keyboard.press("Home")
            assert seek.input_value() == "0" and said.inner_text() == start
            assert not visit.said, visit.said


def test_speed_changes_how_fast_it_plays(chromium):
    with Visit(chromium, pages_with("maze")[0]) as visit:
        root, clock = piece(visit, "maze"), visit.page.clock
        clock.install(time=0)
        clock.pause_at(1000)
        options = root.locator('[data-do="speed"] option').evaluate_all("all => all.map(o => +o.value)")
        gone = {}
        for speed in (min(options), max(options)):
            root.locator('[data-do="speed"]').select_option(f"{speed:g}")
            root.locator('[data-do="seek"]').fill("0")
            root.locator('[data-do="play"]').click()
            clock.run_for(1500)
            root.locator('[data-do="play"]').click()
            gone[speed] = int(root.locator('[data-do="seek"]').input_value())
        assert gone[max(options)] > 2 * gone[min(options)]


def test_the_plasticity_window_responds_to_a_slider(chromium):
    for name in pages_with("window"):
        with Visit(chromium, name) as visit:
            root = piece(visit, "window")
            said, line = root.locator('[data-part="said"]'), root.locator('[data-line="y"]')
            post = root.locator('[data-set="post"]')
            before = said.inner_text(), line.get_attribute("d")
            post.focus()
            for _ in range(5):
                visit.page.keyboard.press("ArrowRight")
            after = said.inner_text(), line.get_attribute("d")
            assert before[0] != after[0] and before[1] != after[1]
            root.locator('[data-set="modulator"]').focus()
            visit.page.keyboard.press("Space")
            assert said.inner_text() != after[0]
            assert not visit.said, visit.said


@pytest.mark.parametrize("kind", KINDS)
def test_without_scripts_a_static_picture_and_a_sentence_are_shown(chromium, kind):
    context = chromium.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((HTML / f"{pages_with(kind)[0]}.html").as_uri())
    root = page.locator(f'[data-enu-live="{kind}"]').first
    assert root.locator("svg").first.is_visible() and root.locator(".enu-still").is_visible()
    assert not any(control.is_visible() for control in root.locator("button, input, select").all()), "no dead control"
    context.close()
