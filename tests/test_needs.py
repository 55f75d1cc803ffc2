"""A test whose requirements are not met is skipped with a reason, or fails in CI on Linux."""

import sys

import pytest
from needs import need


@pytest.mark.parametrize(
    "platform, ci, outcome",
    [
        ("linux", "", pytest.skip.Exception),
        ("linux", "1", pytest.fail.Exception),
        ("linux", "true", pytest.fail.Exception),  # as GitHub sets it
        ("darwin", "true", pytest.skip.Exception),
    ],
)
def test_what_is_missing_is_named_and_ci_on_linux_does_not_skip(platform, ci, outcome, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("CI", ci)
    need("/usr/lib/libasan.so", "sanitizer")
    for missing in (None, ""):
        with pytest.raises(outcome, match="sanitizer"):
            need(missing, "sanitizer")


def test_without_ci_what_is_missing_is_skipped(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="sanitizer"):
        need(None, "sanitizer")
