"""A short form of `make torture`: a few faults of each kind, and a few inputs at each door."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_few_faults_and_inputs_are_survived():
    command = [sys.executable, ROOT / "tests/torture.py", "--kills", "8", "--inputs", "100", "--seed", str(os.getpid())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tried = [int(n) for n in re.findall(r": (\d+) tried", done.stdout)]
    assert tried == [2, 2, 2, 2, 1, 1, 30, 25, 15, 25, 5], done.stdout
