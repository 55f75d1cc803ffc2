"""The command line: its output, and one-line errors with exit code 2 for invalid input."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import enu_lib as enu
from enu_lib.cli import main
from enu_lib.network import PUBLISHED

ROOT = Path(__file__).parents[1]


def _files(folder):
    return {str(f): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture
def run_folder(tmp_path):
    out = tmp_path / "run"
    enu.evolve("stdp", profile="smoke", out=out, progress=False)
    return out


def test_evolve_prints_how_it_stopped_and_its_folder(tmp_path, capsys):
    out = tmp_path / "r"
    assert main(["evolve", "iaf", "--profile", "smoke", "--out", str(out), "--quiet", "--set", "es.power=3"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("finished after 6 generations") and str(out) in said.out and not said.err
    assert enu.load_run(out).experiment.es.power == 3.0


def test_every_setting_can_be_set_by_its_path(tmp_path, capsys):
    out = tmp_path / "r"
    options = ["--model", "nfenu", "--hidden", "9", "--sigma", "0.05", "--environments", "5", "--generations", "2"]
    paths = ["task.steps=60", "es.sigma_final=0.01", "model.gain=1000", "target=None", "evaluate_environments=8"]
    arguments = ["evolve", "stdp", "--profile", "smoke", "--quiet", "--out", str(out), *options]
    assert main([*arguments, *(x for p in paths for x in ("--set", p))]) == 0
    e = enu.load_run(out).experiment
    assert (e.model.hidden, e.model.feedback, e.model.gain, e.task.steps) == (9, False, 1000.0, 60)
    assert (e.es.sigma, e.es.sigma_final, e.environments, e.generations, e.target) == (0.05, 0.01, 5, 2, None)


def test_a_maze_evolves_from_the_command_line_and_from_a_run_folder(tmp_path):
    settings = ["--set", "task.pairs=[[0,0],[1,2]]", "--set", "task.shuffle=sensors+actions", "--generations", "1"]
    assert main(["evolve", "tmaze", "--profile", "smoke", "--quiet", "--out", str(tmp_path / "m"), *settings]) == 0
    run = enu.load_run(tmp_path / "m")
    assert run.task.pairs == ((0, 0), (1, 2))
    further = ["--set", "task.shuffle=sensors", "--generations", "1", "--parent", str(tmp_path / "m")]
    assert main(["evolve", "tmaze", "--profile", "smoke", "--quiet", "--out", str(tmp_path / "n"), *further]) == 0


def test_a_parent_brings_its_wiring_unless_another_one_is_set(tmp_path):
    small = "--population 4 --generations 1 --environments 2 --set stages=[] --set evaluate_environments=2 --quiet --device cpu"
    begin = ["evolve", "tmaze", *small.split(), "--parent", "tmaze-enu-latch", "--out"]
    other = [list(row) for row in PUBLISHED]
    assert main([*begin, str(tmp_path / "own")]) == 0
    assert main([*begin, str(tmp_path / "set"), "--set", f"model.connections={other}"]) == 0
    wirings = [enu.load_run(tmp_path / name).model.connections for name in ("own", "set")]
    assert wirings == [enu.zoo.load("tmaze-enu-latch").model.connections, PUBLISHED]


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["evolve", "walk"], "walk iaf stdp"),
        (["evolve", "stdp", "--model", "rnn"], "rnn enu"),
        (["evolve", "stdp", "--model", "shared"], "shared"),
        (["evolve", "stdp", "--profile", "huge"], "huge smoke laptop paper"),
        (["evolve", "stdp", "--population", "-4"], "population -4"),
        (["evolve", "stdp", "--population", "33"], "33 34"),
        (["evolve", "stdp", "--sigma", "0"], "sigma 0.0"),
        (["evolve", "stdp", "--generations", "0"], "generations 1 0"),
        (["evolve", "stdp", "--seed", "-1"], "seed 9223372036854775807 -1"),
        (["evolve", "stdp", "--hidden", "0"], "hidden 65536 0"),
        (["evolve", "stdp", "--set", "es.speed=3"], "speed population"),
        (["evolve", "stdp", "--set", "es.power=fast"], "power fast"),
        (["evolve", "stdp", "--set", "es.population=null"], "es.population 4 1048576 None"),
        (["evolve", "stdp", "--set", "power"], "--set PATH=VALUE 'power'"),
        (["evolve", "stdp", "--device", "abacus"], "abacus"),
        (["evolve", "stdp", "--parent", "nobody"], "nobody stdp-enu"),
        (["evolve", "stdp", "--parent", "iaf-enu", "--hidden", "9"], "parent 415 929 hidden"),
        (["evolve", "stdp", "--parent", "tmaze-enu"], "parent"),
        (["evolve", "tmaze", "--model", "one-gru", "--parent", "tmaze-enu"], "parent"),
        (["evaluate", "nowhere"], "nowhere"),
        (["zoo", "show", "nobody"], "nobody stdp-enu"),
        (["zoo", "verify", "nobody"], "nobody stdp-enu"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_invalid_input_is_a_one_line_error_and_writes_nothing(arguments, named, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert all(word in said.err for word in named.split()), said.err
    assert said.err.startswith("enu_lib: ") and said.err.count("\n") == 1 and not said.out
    assert not _files(tmp_path)


def test_unusable_folders_are_one_line_errors(run_folder, tmp_path, capsys):
    smoke = ["evolve", "stdp", "--profile", "smoke", "--quiet", "--out"]
    checkpoint = run_folder / "checkpoint.safetensors"
    file = tmp_path / "file"
    file.write_text("not a folder")
    cases = [
        ([*smoke, str(run_folder), "--sigma", "0.5"], "experiment.es.sigma 0.03 0.5"),
        ([*smoke, str(file)], str(file)),
        ([*smoke, str(file / "sub")], str(file / "sub")),
        ([*smoke, "/proc/enu"], "/proc/enu"),
    ]
    for arguments, named in cases:
        before = _files(tmp_path)
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert all(word in said for word in [*named.split(), "--out"]) and said.count("\n") == 1
        assert _files(tmp_path) == before
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    before = _files(tmp_path)
    for arguments in ([*smoke, str(run_folder), "--generations", "9"], ["evaluate", str(run_folder)]):
        assert main(arguments) == 2
        assert str(checkpoint) in capsys.readouterr().err
        assert _files(tmp_path) == before


@pytest.fixture
def closed_folder():
    """A read-only folder; the superuser, who is not bound by permissions, becomes `nobody` for the test."""
    folder, superuser = Path(tempfile.mkdtemp()), os.geteuid() == 0
    folder.chmod(0o555)
    if superuser:
        os.seteuid(65534)
    yield folder
    if superuser:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_without_write_permission_is_a_one_line_error(run_folder, closed_folder, capsys):
    assert main(["evolve", "stdp", "--profile", "smoke", "--out", str(closed_folder / "r")]) == 2
    said = capsys.readouterr().err
    assert str(closed_folder / "r") in said and "--out" in said
    assert said.count("\n") == 1 and not list(closed_folder.iterdir())


def test_a_tilde_is_expanded_in_every_form(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["evolve", "stdp", "--profile", "smoke", "--quiet", "--out=~/x"]) == 0
    assert main(["evaluate", "~/x", "--n", "4"]) == 0
    assert main(["evolve", "stdp", "--profile", "smoke", "--quiet", "--out=~/y", "--parent=~/x"]) == 0
    run = enu.evolve("stdp", profile="smoke", out="~/z", progress=False)
    assert run.folder == tmp_path / "z" and enu.load_run("~/x").genome.equal(run.genome)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["x", "y", "z"]
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["evolve", "stdp", "--seed", "3.7"], "3.7"),
        (["evolve", "stdp", "--time-limit", "soon"], "soon"),
        (["evolve", "stdp", "--depth", "3"], "--depth"),
        (["evolve"], "EXPERIMENT"),
        (["sweep", "--jobs", "x"], "--jobs"),
        (["fly"], "fly"),
        ([], "COMMAND"),
    ],
)
def test_arguments_that_do_not_parse_are_one_line_errors(arguments, named, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr().err
    assert end.value.code == 2 and said.count("\n") == 1 and named in said and "--help" in said


def test_a_closed_pipe_is_not_an_error(tmp_path):
    code = "import sys; from enu_lib.cli import main; sys.stdin.read(); sys.exit(main(['zoo', 'show', 'stdp-enu']))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = subprocess.Popen([sys.executable, "-c", code], env=env, **pipes)
    process.stdout.close()
    process.stdin.close()  # only now does it write
    assert process.stderr.read() == b"" and process.wait() == 0
    process.stderr.close()


def test_ctrl_c_outside_evolution_prints_one_line(run_folder, monkeypatch, capsys):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(enu.STDP, "sample", lambda *_: signal.raise_signal(signal.SIGINT))
        assert main(["evaluate", str(run_folder)]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    said = capsys.readouterr().err
    assert said.startswith("enu_lib: ") and said.count("\n") == 1


def test_evaluate_prints_measures_and_json(run_folder, capsys):
    assert main(["evaluate", str(run_folder), "--n", "16", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["n"] == 16 and scores["fitness"] < 0 and "output RMSE" in scores
    assert main(["evaluate", str(run_folder), "--n", "0"]) == 2
    assert re.search("--n .*1048576.* 0", capsys.readouterr().err)


def test_help_names_every_experiment_model_and_profile(capsys):
    for arguments in (["--help"], ["zoo", "--help"], ["evaluate", "--help"], ["evolve", "--help"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 0
    text = capsys.readouterr().out
    for word in (*enu.experiments.NAMES, *enu.experiments.MODELS, *enu.experiments.PROFILES):
        assert word in text


def test_the_module_runs_as_a_program():
    command = [sys.executable, "-m", "enu_lib", "zoo", "list"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0 and [line.split()[0] for line in done.stdout.splitlines()] == enu.zoo.names()
