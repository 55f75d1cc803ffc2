"""The design of the sweep: order and number of jobs, and equal conditions for all models."""

import dataclasses

import pytest

from enu_lib import experiments
from enu_lib.study import design, results
from enu_lib.study.design import MAIN
from enu_lib.study.model_name import ModelName, without_variant


def test_jobs_are_ordered_by_seed_and_jobs_for_the_claims_come_first():
    jobs = design.jobs("laptop")
    assert len(jobs) == len(set(jobs))
    compared = [j for j in jobs if j.model in MAIN[j.experiment]]
    assert jobs[: len(compared)] == compared
    assert [j.seed for j in compared] == sorted(j.seed for j in compared)
    for seed in range(5):
        pairs = {(j.experiment, j.model) for j in compared if j.seed == seed}
        assert pairs == {(e, m) for e, models in MAIN.items() for m in models}
    counted = {e: len([j for j in compared if j.experiment == e]) / len(MAIN[e]) for e in MAIN}
    assert counted == {"iaf": 10, "stdp": 10, "complex-stdp": 10, "tmaze": 5, "double-tmaze": 5}


@pytest.mark.parametrize("profile", experiments.PROFILES)
@pytest.mark.parametrize("name", design.SWEPT)
def test_all_models_of_an_experiment_have_the_same_conditions(name, profile):
    first = design.build(name, "enu", profile)
    for model in (*MAIN[name], *design.GROUPS["checks"].models.get(name, ())):
        e = design.build(name, model, profile)
        same = dataclasses.replace(e, model=first.model, model_name="enu")
        assert same == first, model
        if not ModelName.parse(model).matched:
            assert e.model.hidden == first.model.hidden


def test_matched_models_have_the_closest_possible_parameter_count():
    seen = 0
    for name in design.GROUPS["checks"].models:
        wanted = design.build(name, "enu", "laptop").model.n_params
        for model in design.GROUPS["checks"].models[name]:
            if ModelName.parse(model).matched:
                matched = design.build(name, model, "laptop").model
                for hidden in (matched.hidden - 1, matched.hidden + 1):
                    other = dataclasses.replace(matched, hidden=hidden)
                    assert abs(other.n_params - wanted) >= abs(matched.n_params - wanted)
                seen += 1
    assert seen >= 3
    for name in design.UNITS:  # so that no matched GRU is needed
        assert design.build(name, "gru", "laptop").model.n_params == design.build(name, "enu", "laptop").model.n_params


def test_strategies_stop_at_the_level_and_have_equal_budgets_except_the_published_one():
    seen = set()
    for name in design.SWEPT:
        for model in design.strategies(name):
            own, e = design.build(name, without_variant(model), "laptop"), design.build(name, model, "laptop")
            assert e.model == own.model and e.task == own.task and e.target == results.references().level[name]
            lives, as_many = (x.generations * x.es.population * x.environments for x in (e, own))
            assert lives / as_many == (4 if model == "enu@published" else 1)
            seen.add((name, model))
    assert len(seen) == 14


def test_each_undone_choice_changes_one_setting_only():
    own = design.build("iaf", "enu", "laptop")
    undone = {model: design.build("iaf", model, "laptop") for model in design.GROUPS["choices"].models["iaf"]}
    assert undone["enu@unscaled"].task == dataclasses.replace(own.task, input_scale=1.0)
    assert undone["enu@unrested"].task == dataclasses.replace(own.task, before=0)
    assert undone["enu@large"].model == dataclasses.replace(own.model, hidden=32)
    assert undone["enu@constant"].es == dataclasses.replace(own.es, sigma_final=None)
    for e in undone.values():
        assert dataclasses.replace(e, task=own.task, model=own.model, es=own.es) == own and e.target is None


def test_the_paper_profile_has_no_variants():
    assert not any(ModelName.parse(job.model).variant for job in design.jobs("paper"))
    assert any(ModelName.parse(job.model).variant for job in design.jobs("laptop"))
