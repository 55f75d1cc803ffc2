"""A short form of `make torture`: a few faults of each kind, and a few inputs at each door."""

import os
import re
from pathlib import Path

import forks


def test_a_few_faults_and_inputs_are_survived():
    torture, seed = Path(__file__).with_name("torture.py"), os.getpid()  # a different one each time
    done = forks.run([torture, "--kills", "8", "--inputs", "20", "--sanitized", "0", "--seed", seed])
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
    tried = [int(n) for n in re.findall(r": (\d+) tried", done.stdout)]
    assert tried == [2, 2, 2, 2, 1, 1, 6, 5, 3, 5, 1], done.stdout
