"""Requirements of tests: if one is missing, the test is skipped on a user's machine, but fails in CI on Linux."""

import os
import sys

import pytest

from enu_lib.kernels import build


def _must_not_skip():
    return sys.platform == "linux" and os.environ.get("CI")


# in CI on Linux the test runs, and fails
NEEDS_COMPILER = pytest.mark.skipif(build.compiler() is None and not _must_not_skip(), reason="no C++ compiler here")
# for tests that run a GPU kernel on emulated threads: they are slow, so `make test` leaves them to `make test-emulated`
EMULATED = (NEEDS_COMPILER, pytest.mark.emulated)


def emulated(test):
    """Decorator for tests that run a GPU kernel on emulated threads."""
    for mark in EMULATED:
        test = mark(test)
    return test


def need(found, what):
    """Skip the calling test unless what it needs was found; in CI on Linux, which must not pass by skipping, fail it."""
    __tracebackhide__ = True
    if not found:
        stop = pytest.fail if _must_not_skip() else pytest.skip
        stop(f"no {what} here")
