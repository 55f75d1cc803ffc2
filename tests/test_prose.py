"""Results in the book's text are computed, not typed in."""

from pathlib import Path

import pytest
from prose import prose, settings, typed_in

PAGES = sorted(
    path for path in (Path(__file__).parents[1] / "book").iterdir() if path.suffix == ".md" or path.name[0].isdigit()
)
KNOWN = settings()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_no_result_is_typed_in(page):
    found = [sentence for text in prose(page) for sentence in typed_in(text, KNOWN)]
    assert not found, "written by hand, where a run should write it:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "The unit meets 96.1% of the spikes.",
        "Here the correlation is 0.9999 with the rule.",
        "On average it eats 38 foods in an episode.",
        "After evolution 97 % of them coincide.",
        "| C1 | 0.871 | reproduced |",
        "The error of 0.0023 is small.",
        "It needs 412 generations, and is faster than the GRU.",
        "Fitness rises to 31.5 in the T-maze.",
    ],
)
def test_a_typed_in_result_is_detected(text):
    assert len(typed_in(text, KNOWN)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Gaussian noise of s.d. 0.01 is added to each output.",
        "A move is made every 4 network steps; energy is 18, and a network step costs 0.25.",
        "The loss is $0.5\\,e^{-|D|/10}$, and the correlation `r = 0.3`.",
        "[Fig. 3](13_single_units.py) of *Nature Machine Intelligence* 2, 791-799, 2020 shows the loss.",
        "Better after 3,000 generations than after 1,000 (C4).",
        "All 512 offspring meet the same environments, the best is better by rank.",
    ],
)
def test_constants_of_the_method_are_allowed(text):
    assert typed_in(text, KNOWN) == []


def test_literal_strings_are_checked_and_computed_text_is_not(tmp_path):
    page = tmp_path / "1.py"
    computed, typed = 'f"the correlation is {r:.2f} today"', '"the correlation with the rule is 0.987 on this page"'
    page.write_text(f"# %%\nr = 0.5\nprint({computed})\nprint({typed})\n")
    assert [typed_in(text, KNOWN) != [] for text in prose(page)].count(True) == 1
