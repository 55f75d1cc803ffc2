"""The simulated time of a sweep, against schedules by hand."""

import pytest

from enu_lib.study.design import Job
from enu_lib.study.scaling import chains, makespan, predicted

AFTER = {"double-tmaze": "tmaze"}
FIRST, THEN = Job("tmaze", "enu", 0), Job("double-tmaze", "enu", 0)
SECONDS = {THEN: 7.0, FIRST: 4.0, Job("stdp", "enu", 0): 3.0, Job("iaf", "enu", 0): 7.0}


@pytest.mark.parametrize("workers, each, expected", [(1, 0, 21), (2, 0, 11), (3, 0, 11), (1000, 0, 11), (1, 1, 25), (2, 1, 13)])
def test_a_free_worker_takes_the_next_chain(workers, each, expected):
    """Two workers: the T-maze and then the double T-maze until 11; meanwhile STDP until 3 and IAF until 10."""
    assert makespan(SECONDS, workers, each, AFTER) == expected


def test_jobs_that_start_from_none_run_in_the_given_order():
    """Two workers: the first two until 7 and 4, the third from 4 to 7, the last from 7 to 14."""
    assert makespan(SECONDS, 2) == 14
    assert makespan(dict(sorted(SECONDS.items(), key=lambda job: -job[1])), 2) == 11


def test_a_chain_runs_when_it_is_the_turn_of_its_last_job():
    """Two workers: STDP until 3 and IAF until 7, then the chain from 3 to 14."""
    assert makespan(dict(reversed(SECONDS.items())), 2, after=AFTER) == 14


def test_a_job_does_not_wait_for_one_that_is_not_in_the_list():
    assert makespan({THEN: 7.0}, 1, after=AFTER) == 7
    assert makespan({}, 1) == 0


def test_a_chain_is_a_job_and_those_that_it_starts_from():
    assert chains(SECONDS, AFTER) == {**SECONDS, THEN: 11.0}
    assert chains({**SECONDS, Job("iaf", "enu", 0): 8.0}, {**AFTER, "iaf": "double-tmaze"})[Job("iaf", "enu", 0)] == 19


def test_no_workers_is_an_error():
    with pytest.raises(ValueError, match="workers.* 0"):
        makespan(SECONDS, 0)


def test_predicted_hours_and_speed_up_equal_values_computed_by_hand():
    """Two workers, jobs of 4 and 6 s, 2 s to start: 8 s in all; one worker: 12 s."""
    jobs = {Job("iaf", "enu", 0): 4.0, Job("iaf", "enu", 1): 6.0}
    rows = predicted(jobs, (1, 2), start=2.0, after={})
    assert rows[1] == pytest.approx({"hours": 12 / 3600, "speed-up": 10 / 12, "share of workers busy": 10 / 12})
    assert rows[2] == pytest.approx({"hours": 8 / 3600, "speed-up": 10 / 8, "share of workers busy": 10 / 16})
