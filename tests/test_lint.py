"""The code passes the linter and formatter as configured in pyproject.toml; `make lint` runs the type checker too."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check ."])
def test_the_code_passes_the_linter_and_the_formatter(command):
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-m", *command.split()], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
