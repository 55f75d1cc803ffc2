"""Mutated genomes, run folders, results, configurations and command lines: clear errors, no crash, nothing unnoticed.

`make torture` tries at least 100,000 of them.
"""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strangers import DOORS, OTHER, REFUSED, SAME, TOLD, Doors

TRIES = 100


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    with Doors(tmp_path_factory.mktemp("strangers")) as doors:
        yield doors


@pytest.mark.parametrize("name", DOORS)
def test_what_strangers_send_is_read_or_refused(name, doors):
    found = Counter()

    @settings(max_examples=TRIES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms())
    def tried(rng):
        found[DOORS[name][0](doors, rng)] += 1

    tried()
    assert set(found) <= {REFUSED, SAME, TOLD, OTHER} and found[REFUSED] > TRIES / 10, found
