"""The first touch: help, the zoo's list and wrong arguments are answered without importing torch or NumPy."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import enu_lib as enu
from enu_lib.base import names

ROOT = Path(__file__).parents[1]
RUNNER = """
import sys
from enu_lib.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(code, *{"torch", "numpy", "tqdm", "filelock"} & set(sys.modules), file=sys.stderr)
"""


def _python(code, *arguments):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=env)


COMMANDS = [path.stem for path in sorted((ROOT / "enu_lib/cli").glob("*.py")) if path.stem not in ("__init__", "arguments")]


@pytest.mark.parametrize("command", ["", *COMMANDS, "zoo list", "zoo show", "zoo verify", "zoo add"])
def test_help_needs_no_torch(command):
    done = _python(RUNNER, *command.split(), "--help")
    assert command in done.stdout and done.stderr == "0\n"


def test_the_zoo_is_listed_without_torch():
    done = _python(RUNNER, "zoo", "list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == enu.zoo.names() and done.stderr == "0\n"


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["fly"], "fly evolve"),
        (["evolve"], "EXPERIMENT"),
        (["evolve", "stdp", "--seed", "3.7"], "3.7 --seed"),
        (["evolve", "stdp", "--time-limit", "soon"], "soon"),
        (["evolve", "walk"], "walk iaf stdp"),
        (["evolve", "stdp", "--model", "rnn"], "rnn enu"),
        (["evolve", "stdp", "--profile", "huge"], "huge laptop"),
        (["evolve", "stdp", "--set", "power"], "--set power PATH=VALUE"),
        (["evolve", "stdp", "--parent", "nobody"], "nobody stdp-enu"),
        (["evaluate"], "--agent RUN|folder"),
        (["evaluate", "nowhere"], "nowhere stdp-enu"),
        (["evaluate", "--agent", "nobody"], "nobody latch"),
        (["evaluate", "stdp-enu", "--n", "0"], "--n 1048576"),
        (["sweep", "--profile", "huge"], "huge laptop"),
        (["sweep", "--experiments", "iaf,walk"], "walk stdp"),
        (["bench", "--processes", "1"], "--processes 2"),
        (["zoo", "show", "nobody"], "nobody stdp-enu"),
        (["zoo", "verify", "nobody"], "nobody stdp-enu"),
        (["zoo", "add", "nowhere", "x"], "nowhere config.json"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_wrong_arguments_are_answered_without_torch(arguments, named):
    done = _python(RUNNER, *arguments)
    line, ended = done.stderr.splitlines()
    assert ended == "2" and not done.stdout
    assert all(any(word in line for word in words.split("|")) for words in named.split()), line


def test_importing_the_library_imports_only_what_is_used():
    code = "import sys, enu_lib; print(*{'torch', 'numpy'} & set(sys.modules)); enu_lib.ENU; print('torch' in sys.modules)"
    assert _python(code).stdout.splitlines() == ["", "True"]


def test_the_public_names_are_those_that_type_checkers_see():
    tree = ast.parse((ROOT / "enu_lib/__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(seen) == set(enu.__all__) <= set(dir(enu))
    for name, module in seen.items():
        found = getattr(enu, name)
        assert getattr(found, "__module__", "enu_lib").startswith(module) or found.__name__ == f"{module}.{name}"


@pytest.mark.parametrize("first", ["import enu_lib.evolve, enu_lib.rollout", "enu_lib.evolve, enu_lib.rollout", ""])
def test_functions_keep_their_names_when_modules_of_the_same_names_are_imported(first):
    code = f"import enu_lib\n{first}\nimport enu_lib.rollout, enu_lib.evolve\n"
    code += "from enu_lib import evolve, rollout\nprint(*map(callable, (evolve, rollout, enu_lib.evolve, enu_lib.rollout)))"
    assert _python(code).stdout.split() == ["True"] * 4


def test_names_of_earlier_versions_name_their_successors():
    for old, new in (("plots", "enu_lib.figures"), ("Lesson", "enu.Stage"), ("claims", "enu_lib.study.claims")):
        with pytest.raises(AttributeError, match=f"{old}.*{new}"):
            getattr(enu, old)
    with pytest.raises(AttributeError, match="nothing_like_that"):
        _ = enu.nothing_like_that


def test_settings_are_read_before_their_classes_are_used():
    code = "from enu_lib.config import from_config; print(from_config({'type': 'Maze', 'arm': 3}).arm)"
    assert _python(code).stdout == "3\n"


def test_every_name_has_its_experiment():
    assert {enu.experiments.get(name).name for name in names.EXPERIMENTS} == set(names.EXPERIMENTS)
