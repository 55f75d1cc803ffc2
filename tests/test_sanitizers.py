"""The compiled kernel under address and undefined-behaviour sanitizers accesses only its own memory."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from enu_lib.kernels import build

HERE = Path(__file__).parent
FLAGS = "-O0 -g -fsanitize=address,undefined"  # -O0 compiles fastest and keeps every read
CASES = 40


@cache
def _sanitizer():
    """The libraries to preload for the address sanitizer, or None if the compiler has none.

    The C++ library is needed too, since the sanitizer looks for C++ exceptions at start, before Python has loaded it.
    """
    if build.compiler() is None:
        return None
    ask = [[*build.compiler(), f"-print-file-name={name}"] for name in ("libasan.so", "libstdc++.so.6")]
    told = [subprocess.run(command, capture_output=True, text=True).stdout.strip() for command in ask]
    return " ".join(told) if all(Path(path).is_file() for path in told) else None


@pytest.mark.skipif(_sanitizer() is None, reason="no compiler with an address sanitizer here")
def test_random_episodes_give_no_sanitizer_report(tmp_path):
    """Two deliberate out-of-bounds calls are reported, so that the check can fail."""
    env = {**os.environ, "LD_PRELOAD": _sanitizer(), "ASAN_OPTIONS": "detect_leaks=0", "ENU_CXXFLAGS": FLAGS}
    env |= {"ENU_CACHE": str(tmp_path), "ENU_KERNEL": "cpp", "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}"}
    env["CXX"] = shlex.join(["env", "-u", "LD_PRELOAD", *build.compiler()])  # do not preload the sanitizer into the compiler
    command = [sys.executable, str(HERE / "sanitized_lives.py"), str(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    lived = re.fullmatch(r"lived (\d+), refused (\d+)\s*", done.stdout)
    before, marker, after = done.stderr.partition("NOW WHAT IS WRONG")
    assert lived and marker, done.stderr[-3000:]
    assert "runtime error" not in before and "Sanitizer" not in before, before[-3000:]
    counts = [int(n) for n in lived.groups()]
    assert sum(counts) == 6 * CASES and min(counts) > CASES
    assert "runtime error: load of misaligned address" in after
    assert done.returncode and "ERROR: AddressSanitizer: heap-" in after, after[-3000:]
