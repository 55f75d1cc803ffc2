"""The compiled kernel under address and undefined-behaviour sanitizers accesses only its own memory.

`make torture` tries more cases, and all sizes of the kernel.
"""

import sanitized_lives
from needs import need


def test_random_episodes_give_no_sanitizer_report(tmp_path):
    """Two deliberate out-of-bounds calls are reported, so that the check can fail."""
    need(sanitized_lives.sanitizer(), "compiler with an address sanitizer")
    assert sanitized_lives.check(cases=10, largest=32, folder=tmp_path) == 80
