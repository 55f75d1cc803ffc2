"""Mutations drawn ahead of time on threads: the same numbers, and no thread outlives a run."""

import threading

import pytest
import torch

import enu_lib as enu
from enu_lib import es, experiments
from enu_lib.es import ES
from enu_lib.parallel import ahead
from enu_lib.parallel.processes import ALONE, Alone

CPU = torch.device("cpu")
FADING = ES(population=30, sigma=0.1, sigma_final=0.01, decay_generations=20)


@pytest.fixture
def threaded():
    """A function that makes mutations of 1,001 parameters; at the end, none of their threads must be left."""
    begun, others = [], set(threading.enumerate())

    def make(**settings):
        begun.append(ahead.Threaded(1001, 7, **{"threads": 3, "ahead": 4, **settings}))
        return begun[-1]

    yield make
    for one in begun:
        one.close()
    assert set(threading.enumerate()) <= others


def same(mutations, settings, generation):
    return torch.equal(mutations, es.sample_mutations(settings, 1001, 7, generation))


@pytest.mark.parametrize("threads, many", [(1, 1), (3, 4), (2, 9)])
def test_threads_draw_what_one_process_would(threads, many, threaded):
    mutations, kept = threaded(threads=threads, ahead=many), []
    for g in range(25):
        kept.append(mutations.take(FADING, g))
        mutations.draw(FADING, g)
    assert all(same(drawn, FADING, g) for g, drawn in enumerate(kept))  # none is overwritten later


def test_other_settings_discard_what_was_drawn_ahead(threaded):
    mutations, stages = threaded(), [FADING, ES(population=18, sigma=0.2), ES(population=18, sigma=0.3), FADING]
    for g in range(24):
        stage = stages[g // 6]
        assert same(mutations.take(stage, g), stage, g)
        mutations.draw(stage, g)


def test_any_generation_can_be_taken_at_any_time(threaded):
    mutations = threaded()
    for g in (5, 6, 2, 2, 3, 40, 41, 43, 42, 0):
        assert same(mutations.take(FADING, g), FADING, g)
        mutations.draw(FADING, g)


def test_an_error_on_a_thread_is_raised_when_its_generation_is_taken(threaded, monkeypatch):
    def fails(*_, **__):
        raise MemoryError("no page-locked memory")

    mutations = threaded()
    monkeypatch.setattr(ahead, "normal", fails)
    mutations.draw(FADING, 0)
    with pytest.raises(MemoryError, match="page-locked"):
        mutations.take(FADING, 1)


def threaded_runs(monkeypatch):
    """Let runs draw on threads, also without a GPU."""
    made = []

    def prepare(experiment, seed, *_):
        made.append(ahead.Threaded(experiment.model.n_params, seed, threads=2, ahead=3))
        made[-1].draw(experiment.es, 1000)
        return made[-1]

    monkeypatch.setattr(ahead, "prepare", prepare)
    return made


def drawing():
    return [thread for thread in threading.enumerate() if thread.name.startswith("mutations")]


def test_threads_end_with_a_run_and_with_an_error_in_it(monkeypatch):
    experiment = experiments.get("stdp", profile="smoke", generations=2)
    plain, made = enu.evolve(experiment, progress=False), threaded_runs(monkeypatch)
    assert torch.equal(enu.evolve(experiment, progress=False).parent, plain.parent)

    def fails(run):
        assert drawing()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enu.evolve(experiment, progress=False, each=fails)
    assert len(made) == 2 and not drawing()


def test_only_a_run_on_a_gpu_draws_on_threads(monkeypatch):
    experiment, gpu = experiments.get("tmaze", profile="smoke"), torch.device("cuda")
    assert type(ahead.prepare(experiment, 0, ALONE, CPU)) is ahead.Ahead
    for threads in (1, 2, 64):
        mutations = ahead.prepare(experiment, 0, Alone(), gpu, threads)
        assert type(mutations) is ahead.Threaded
        mutations.close()
    assert not drawing()
