"""Requirements of tests: if one is missing, the test is skipped on a user's machine, but fails in CI on Linux."""

import os
import sys

import pytest


def need(found, what):
    """Skip the calling test unless what it needs was found; in CI on Linux, which must not pass by skipping, fail it."""
    __tracebackhide__ = True
    if not found:
        stop = pytest.fail if sys.platform == "linux" and os.environ.get("CI") else pytest.skip
        stop(f"no {what} here")
