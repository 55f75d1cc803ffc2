"""The built book in Chromium (Debian package); `make test-browser` installs it, builds the book and runs these tests."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
HTML = ROOT / "build/book/html"


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "no chromium found: make test-browser installs it, or set CHROMIUM to the program"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
