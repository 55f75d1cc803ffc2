"""The second study, from its protocol through runs and stored results to verdicts on the claims."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from enu_lib import experiments
from enu_lib.analysis import stats
from enu_lib.cli import main
from enu_lib.config import to_config
from enu_lib.storage.folder import RunFolderError
from enu_lib.storage.run import fingerprint
from enu_lib.study import claims, design, evidence, outcomes, protocol, results, second, second_tables
from enu_lib.study.design import Job
from enu_lib.study.evidence import Evidence
from enu_lib.study.outcomes import verdict
from enu_lib.study.protocol import PLANNED
from enu_lib.study.results import Record, write_evaluation

BY_KEY = {planned.key: planned for planned in PLANNED}
E2, E3 = BY_KEY["E2"], BY_KEY["E3"]
BEST = {
    "enu": "low-fast", "nfenu": "low-slow", "gru": "high-slow", "lstm": "high-fast", "gru-gain": "low-slow",
    "enu-plain": "low-slow",
}  # fmt: skip


def _record(job, fitness, held_out=None, ratio=1.0, evaluations=3000):
    """The record of a hypothetical evolution of three generations of a thousand lives."""
    return Record(
        job.experiment, job.model, job.seed, 16, 1, 3, evaluations, 1.0, "cpu", "0", "2026-01-01", "0" * 64, [1, 2, 3],
        held_out or [-1.0, -1.0, fitness], [fitness] * 3, {"spikes, unit / target": ratio},
    )  # fmt: skip


def _loss(model, rank):
    """Hypothetical losses that separate the models: the ENU is best, then GRU with gain, ENU without gain, the others."""
    order = ("enu", "gru-gain", "enu-plain", "nfenu", "gru", "lstm")
    return 1e-4 * (1 + order.index(model)) * (1 + rank / 1000)


def _searched(planned):
    """Records of a search in which the strategies of BEST are best."""
    return {
        job: _record(job, -0.01 if BEST[job.model.partition("@")[0]] == job.model.partition("@")[2] else -0.02)
        for job in protocol.tuning(planned)
    }


def _complete(planned, of):
    """Records of a complete experiment; of(model, number): the record's values."""
    found = _searched(planned)
    for job in protocol.compared(planned, BEST):
        found[job] = _record(job, **of(job.model.partition("@")[0], job.seed - protocol.FIRST_SEED))
    return found


def _separate(model, k):
    """The ENU is ahead of all others in loss and in speed."""
    soon = {"enu": 0, "gru": 1}.get(model, 2)
    return {"fitness": -_loss(model, k), "held_out": [-1.0 if g < soon else -1e-5 for g in range(3)]}


def test_seeds_are_new_and_models_have_equal_conditions():
    known = {run.seed for run in results.load("laptop").runs} | {100, 101, 102, 103}
    for planned in PLANNED:
        search, compared = protocol.tuning(planned), protocol.compared(planned, dict.fromkeys(planned.models, "low-fast"))
        seeds = {job.seed for job in compared}
        assert seeds == set(range(1000, 1000 + planned.seeds)) and not seeds & known
        assert not {job.seed for job in search} & (seeds | known)
        assert len({*search, *compared}) == len(search) + len(compared)
        assert {m for c in planned.comparisons for m in (c.first, c.second)} <= set(planned.models)
        if planned.start == "later":
            continue
        first = protocol.build(planned.experiment, compared[0].model)
        for job in compared:
            e = protocol.build(planned.experiment, job.model)
            assert replace(e, model=first.model, model_name="") == replace(first, model_name=""), job
        for strategy in protocol.strategies() if planned.tuned else ():
            each = [protocol.build(planned.experiment, f"{m}@{strategy}") for m in planned.models]
            assert len({(e.es, e.total_episodes, e.evaluate_every) for e in each}) == 1


def test_the_search_is_the_same_for_all_models_and_covers_both_known_strategies():
    jobs = protocol.tuning(E2)
    assert len(jobs) == len(E2.models) * len(protocol.STRATEGIES) * len(protocol.TUNING_SEEDS)
    sigmas = [protocol.build("complex-stdp", f"gru@{name}").es for name in protocol.STRATEGIES]
    assert {(es.sigma, es.decay_generations) for es in sigmas} == {(a, b) for a in (0.02, 0.04) for b in (1000, 3000)}


def test_the_t_maze_follows_the_curriculum_and_the_matched_model_has_as_many_parameters():
    own, matched = (protocol.build("tmaze", model) for model in ("enu", "shared-matched"))
    *before, avoid = experiments.get("tmaze").stages[:3]
    assert [*own.stages] == [*matched.stages] == before
    assert all(getattr(own, field) == getattr(avoid, field) for field in ("task", "target", "es"))
    assert abs(matched.model.n_params - own.model.n_params) < 0.1 * own.model.n_params


@pytest.mark.parametrize(
    "first, second_, alike, expected",
    [
        (range(10, 20), range(10), False, "supported"),
        (range(10), range(10, 20), False, "contradicted"),
        (range(0, 10, 2), range(1, 11, 2), False, "undecided"),
        (range(10, 20), range(10), True, "contradicted"),
        (range(0, 10, 2), range(1, 11, 2), True, "undecided"),
        (range(0, 80, 2), [v + (-1) ** v for v in range(0, 80, 2)], False, "contradicted"),
        (range(0, 80, 2), [v + (-1) ** v for v in range(0, 80, 2)], True, "supported"),
    ],
)
def test_the_verdict_on_two_samples(first, second_, alike, expected):
    found = stats.compare(list(first), list(second_))
    assert verdict(found, alike) == expected
    if expected == ("supported" if alike else "contradicted") and found.p > 0.05:
        assert verdict(found, alike, likeness=False) == "undecided"


def test_values_of_evolutions_equal_hand_computations():
    run = _record(Job("iaf", "enu", 1), -0.01, [-1.0, -0.5, -0.01], ratio=0.5)
    assert outcomes.value(run, "loss", 0) == pytest.approx(math.log(100))
    assert outcomes.value(run, "ratio", 0) == pytest.approx(-math.log(2))
    assert outcomes.value(run._replace(scores={"spikes, unit / target": 2.0}), "ratio", 0) == pytest.approx(-math.log(2))
    assert outcomes.value(run, "time", -0.5) == 2000 and outcomes.value(run, "time", 0.0) == math.inf
    assert outcomes.value(run, "reached", -0.5) == 1 and outcomes.value(run, "reached", 0.0) == 0
    worst = run._replace(trials=[None, -1.0], scores={"spikes, unit / target": 0.0, "food": None})
    assert [outcomes.value(worst, m, 0) for m in ("loss", "ratio", "food")] == [-math.inf] * 3


def test_the_strategy_is_the_one_with_the_best_median_and_needs_the_whole_search():
    known = _searched(E2)
    assert outcomes.chosen(E2, known) == BEST
    outlier = Job("complex-stdp", "enu@high-slow", protocol.TUNING_SEEDS[0])
    known[outlier] = _record(outlier, -1e-9)  # one of three
    assert outcomes.chosen(E2, known) == BEST
    del known[outlier]
    assert outcomes.chosen(E2, known) is None
    assert {j.verdict for j in outcomes.judged(E2, known, {})} == {"not tested"}


def test_nothing_is_judged_before_the_last_evolution_is_there():
    known = _complete(E2, _separate)
    missing = known.pop(Job("complex-stdp", "lstm@high-fast", 1029))
    judged = outcomes.judged(E2, known, {"complex-stdp": -1e-4})
    assert {j.verdict for j in judged} == {"not tested"} and all("1 of 180 " in j.text for j in judged)
    judged = outcomes.judged(E2, known | {Job("complex-stdp", "lstm@high-fast", 1029): missing}, {"complex-stdp": -1e-4})
    assert len(judged) == len(E2.comparisons) and {j.verdict for j in judged} == {"supported"}


def test_all_planned_comparisons_count_in_the_correction():
    """Without an evolution at the level, the three comparisons of speed are not tested, but the family has nine."""
    judged = outcomes.judged(E2, _complete(E2, _separate), {"complex-stdp": 0.0})
    assert [j.verdict for j in judged if j.compared.measure == "time"] == ["not tested"] * 3
    tested = [j for j in judged if j.compared.measure == "loss"]
    assert len(tested) == 6 and {j.verdict for j in tested} == {"supported"}
    assert all(j.comparison.p_holm == pytest.approx(9 * j.comparison.p) for j in tested)


def test_few_evolutions_at_the_level_do_not_show_that_models_are_equally_fast():
    def rarely(model, k):
        there = model in ("enu", "gru") and k < 3
        return {"fitness": -_loss(model, k), "held_out": [-1.0, -1.0, -1e-5 if there else -1.0]}

    judged = outcomes.judged(E2, _complete(E2, rarely), {"complex-stdp": -1e-4})
    first = next(j for j in judged if (j.compared.measure, j.compared.second) == ("time", "gru"))
    assert first.comparison.alike and first.verdict == "undecided" and "0." in first.text.partition(";")[2]


def test_in_a_maze_an_evolution_must_reach_the_target_of_the_curriculum():
    target = protocol.build("tmaze", "enu").target
    there = lambda model, k: {"fitness": 1.0, "held_out": [0.0, 0.0, target - (model != "enu") / 100]}
    judged = outcomes.judged(BY_KEY["E1"], _complete(BY_KEY["E1"], there), {"tmaze": 0.0})
    found = {j.compared.second: j.verdict for j in judged if j.compared.measure == "reached"}
    assert found == {"nfenu": "supported", "shared": "supported", "shared-matched": "supported"}


def _store(folder, records):
    """Write records into run folders, and collect them."""
    for job, record in records.items():
        where = folder / "runs" / job.name
        where.mkdir(parents=True)
        config = {"experiment": to_config(protocol.build(job.experiment, job.model)), "seed": job.seed}
        (where / "config.json").write_text(json.dumps(config))
        write_evaluation(where, record)
    results.collect("second", folder / "runs", folder)


def test_the_ledger_follows_the_second_study_once_an_experiment_is_complete(tmp_path):
    shutil.copy(results.FOLDER / results.REFERENCES, tmp_path)
    shutil.copy(results.path("laptop"), tmp_path)
    before = {f.claim.key: f for f in claims.judge(evidence.gather(folder=tmp_path))}

    def ratio(model, k):
        return {"fitness": -5.0, "ratio": 1 + (0.01 if model == "enu" else 0.4) + k / 1000}

    records = _complete(E3, ratio)
    last = Job("iaf", "nfenu@low-slow", 1019)
    _store(tmp_path, {job: record for job, record in records.items() if job != last})
    waiting = {f.claim.key: f for f in claims.judge(evidence.gather(folder=tmp_path))}
    assert {key: f.parts for key, f in waiting.items()} == {key: f.parts for key, f in before.items()}
    shutil.rmtree(tmp_path / "runs")
    _store(tmp_path, {last: records[last]})
    after = {f.claim.key: f for f in claims.judge(evidence.gather(folder=tmp_path))}
    changed = ("C5", "C6", "C7", "C8")
    assert {key: f.parts for key, f in after.items() if key not in changed} == {
        key: f.parts for key, f in before.items() if key not in changed
    }
    assert {key: after[key].verdict for key in changed} == {
        "C5": "not tested", "C6": "not tested", "C7": "in part", "C8": "not tested"
    }  # fmt: skip
    holds = [part for part in after["C7"].parts if part.outcome == "holds"]
    assert len(after["C7"].parts) == 5 and len(holds) == 1 and holds[0].of == "IAF"
    assert "20" in after["C7"].evolutions and after["C5"].evolutions == "none compared yet"
    judged, every = evidence.gather(folder=tmp_path).judged, sum(len(p.comparisons) for p in PLANNED)
    shown = second_tables.verdict_table(judged)
    assert sum("supported" in row["verdict"] for row in shown) == 1 and len(shown) == every
    some = second_tables.verdict_table(judged, "C7")
    assert 0 < len(some) < every and {row["claims"] for row in some} == {"C7"}, "a page names the claims that it has explained"
    assert "C7 (in brief)" in second_tables.after_the_first(judged, {"C7": "in brief"})
    text = second_tables.verdicts(judged)
    assert text.count("**") == 2 and f"{every - 1} of {every}" in text and f"{every} of {every}" in second_tables.verdicts([])


def test_a_claim_that_the_second_study_contradicts_is_refuted():
    turned = {"enu": "lstm", "lstm": "enu"}
    records = _complete(E2, lambda model, k: _separate(turned.get(model, model), k))
    level = {"complex-stdp": -1e-4}
    found = {f.claim.key: f for f in claims.judge(Evidence(judged=outcomes.judged(E2, records, level)))}
    assert found["C5"].verdict == "not" and {part.outcome for part in found["C5"].parts} == {"fails"}
    assert [part.outcome for part in found["C6"].parts] == ["fails", "fails", "fails"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with the runs of a whole second study in the smoke profile, and its stored results."""
    folder = tmp_path_factory.mktemp("second")
    out, first = folder / "runs", [E3, E2]
    assert second.run(first, out, "smoke", jobs=1, time_limit=0, progress=False) == []
    assert not list(out.glob("*/evaluation.json"))
    command = ["sweep", "--study", "second", "--profile", "smoke", "--jobs", "1", "--quiet", "--out", str(out)]
    assert main([*command, "--results", str(folder)]) == 0
    assert main([*command, "--results", str(folder), "--collect"]) == 0
    return folder


def test_one_command_leads_from_jobs_to_verdicts(study, capsys):
    done = {path.parent.name for path in study.glob("runs/*/evaluation.json")}
    many = len([job for planned in (E3, E2) for job in protocol.tuning(planned, "smoke")])
    assert len(done) == many + 2 * len(E3.models) + 2 * len(E2.models)
    judged = second.judge(results.references().level, "smoke", study)
    tested = {j.planned.key for j in judged if j.verdict != "not tested"}
    assert len(judged) == sum(len(p.comparisons) for p in PLANNED) and tested == {"E3", "E2"}
    assert {j.comparison.n for j in judged if j.comparison} == {(2, 2)}
    found = {f.claim.key: f for f in claims.judge(Evidence(judged=judged))}
    assert found["C8"].verdict == "not tested" and found["C7"].verdict in claims.VERDICTS
    assert [p.of for p in found["C7"].parts] == [design.LABEL[p.experiment] for p in PLANNED]


def test_the_study_resumes_after_its_results_are_stored(study, tmp_path, capsys):
    command = ["sweep", "--study", "second", "--profile", "smoke", "--jobs", "1", "--quiet", "--out", str(tmp_path / "new")]
    assert main([*command, "--results", str(study)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 runs left") and not (tmp_path / "new").exists()


def test_evolved_genomes_are_kept_and_are_those_that_were_judged(study, tmp_path):
    kept, runs = second.genomes("smoke", study), results.load(second.name("smoke"), study).runs
    compared = [r for r in runs if r.seed >= protocol.FIRST_SEED]
    assert set(kept) == {f"{r.experiment}-{r.model}-{r.seed}" for r in compared} and len(kept) == 16
    assert all(fingerprint(kept[f"{r.experiment}-{r.model}-{r.seed}"]) == r.genome for r in compared)
    assert sum(path.stat().st_size for path in study.iterdir() if path.is_file()) < 20e6 / 4
    copy = shutil.copytree(study / "runs", tmp_path / "runs")
    one, other = (f"{r.experiment}-{r.model}-{r.seed}" for r in compared[:2])
    shutil.copy(copy / one / "genome.safetensors", copy / other / "genome.safetensors")
    with pytest.raises(RunFolderError, match=f"{other}.*again"):
        second.collect("smoke", copy, tmp_path)


def test_the_hours_follow_from_the_first_sweep():
    job = Job("complex-stdp", "gru-gain@low-fast", 1000)
    own = [r.seconds for r in results.load("laptop").runs if (r.experiment, r.model) == ("complex-stdp", "gru")]
    assert second.seconds(job) == pytest.approx(np.mean(own))
    assert second_tables.first_hours() < 8
    rows = {(row["experiment"], row["part"]): row["evolutions done"] for row in second_tables.cost_table()}
    assert set(rows) == {("E3", "search"), ("E3", "compared"), ("E2", "search"), ("E2", "compared"), ("E6", "search"),
                         ("E6", "compared"), ("E1", "compared")}  # fmt: skip


def test_a_metronome_fires_as_often_as_the_target_but_misses_many_of_its_spikes():
    every, outcome, met = second_tables.metronome(256)
    assert every > 3 and -0.05 < outcome <= 0 and met < 0.7
    near = _record(Job("iaf", "enu", 1), -1.0, ratio=math.exp(outcome))
    assert outcomes.value(near, "ratio", 0) == pytest.approx(outcome)


def test_the_share_of_spikes_that_follow_another_equals_a_count_by_hand():
    spikes = torch.tensor([[0, 1, 1, 0, 0], [1, 0, 1, 1, 1]]).bool()
    assert second_tables.following(spikes) == 3 / 6


def test_the_table_of_spikes_agrees_with_the_stored_scores_and_includes_a_metronome():
    rows = {row["unit"]: row for row in second_tables.spikes_table(128)}
    assert list(rows) == ["ENU", "NFENU", "metronome"] and rows["metronome"]["directly after another"] == "0.00"
    compared = [r for r in results.load("second").runs if r.experiment == "iaf" and r.seed >= protocol.FIRST_SEED]
    for model, unit in (("enu", "ENU"), ("nfenu", "NFENU")):
        runs = [r for r in compared if r.model.startswith(f"{model}@")]
        stored = np.median([r.scores["spikes, unit / target"] for r in runs])
        assert rows[unit]["n"] == len(runs) == 20
        assert float(rows[unit]["spikes, unit / target"].split()[0]) == pytest.approx(stored, rel=0.05)


def test_trivial_units_and_agents_are_scored_by_every_outcome():
    rows = second_tables.trivial_table()
    assert {row["task"] for row in rows} == {design.LABEL[p.experiment] for p in PLANNED}
    eaten = {row["unit or agent"]: row for row in rows if row["task"] == "T-maze"}
    assert [eaten[f"the agent {agent}"]["score"] for agent in ("fixed-arm", "latch", "once-bitten")] == ["no", "no", "yes"]
    levels = {row["task"]: row for row in rows if row["task"] in ("STDP", "complex STDP")}
    for task, row in levels.items():
        name = next(key for key, label in design.LABEL.items() if label == task)
        assert float(row["for comparison"].split()[-1]) == pytest.approx(-math.log(-results.references().level[name]), abs=0.01)


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--seeds", "3"], "--seeds"),
        (["--models", "enu"], "--models"),
        (["--no-checks"], "--no-checks"),
        (["--again"], "--again"),
        (["--experiments", "E9"], "E9 E2"),
        (["--experiments", "E4"], "E4 curriculum"),
        (["--profile", "paper"], "paper laptop"),
    ],
)
def test_options_that_would_change_the_plan_are_errors(arguments, named, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "--study", "second", *arguments]) == 2
    error = capsys.readouterr().err
    assert all(word in error for word in named.split()) and error.count("\n") == 1 and not list(tmp_path.iterdir())


def test_runs_with_other_settings_are_not_taken_for_those_of_the_study(study, tmp_path, capsys):
    """The runs of the smoke profile have names of the laptop's; without stored results, all of these are needed."""
    folder = shutil.copytree(study / "runs", tmp_path / "runs")
    nothing = str(tmp_path / "stored")
    assert main(["sweep", "--study", "second", "--dry-run", "--out", str(folder), "--results", nothing]) == 2
    assert "--out" in capsys.readouterr().err
