"""The layers of the package: imports go to lower levels only, and private names are not imported across modules."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "enu_lib"
# Lowest level first.  A module imports from its own package or from lower levels only.
LEVELS = (
    ("base",),
    ("streams", "config", "contracts"),
    ("cells", "offspring", "es", "network"),
    ("tasks", "experiments"),
    ("kernels",),
    ("trace", "rollout", "diagnosis", "parallel"),
    ("storage", "evolve", "analysis", "bench"),
    ("zoo", "figures"),
    ("study", "live"),
    ("__init__", "__main__", "widgets", "cli"),
)
# Allowed imports within a level: the second of a pair may import the first.
WITHIN = (
    ("streams", "contracts"),
    ("cells", "network"),
    ("offspring", "es"),
    ("tasks", "experiments"),
    ("trace", "rollout"),
    ("trace", "diagnosis"),
    ("rollout", "diagnosis"),
    ("storage", "bench"),
    ("storage", "evolve"),
    ("widgets", "cli"),
    ("cli", "__main__"),
)
# The one import of a higher level: reading settings registers the library's classes on first need, so that whoever reads
# settings need not import `experiments` (tests/test_first_touch.py).
UPWARDS = ("config", "experiments")


@cache
def modules():
    return sorted(PACKAGE.rglob("*.py"))


@cache
def known():
    """Names of all modules and packages."""
    return {name_of(p) for p in modules()} | {name_of(p.parent / "__init__.py") for p in modules()}


@cache
def nodes(path):
    """Imports, attributes and calls of a file."""
    kinds = ast.Import, ast.ImportFrom, ast.Attribute, ast.Call
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)]


def room(name):
    """The first part of a module's name below enu_lib."""
    return name.split(".")[0]


def level(name):
    return next(i for i, rooms in enumerate(LEVELS) if room(name) in rooms)


def name_of(path):
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@cache
def imports(path):
    """(module below enu_lib, name taken from it) of every import, those inside functions and `import_module` calls too."""
    return list(_imports(path))


def _imports(path):
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "enu_lib":
            inner = node.module.removeprefix("enu_lib").removeprefix(".")
            for alias in node.names:
                whole = f"{inner}.{alias.name}".strip(".")
                yield (whole, "") if whole in known() else (inner or "__init__", alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "enu_lib":
                    yield alias.name.removeprefix("enu_lib").removeprefix(".") or "__init__", ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "import_module":
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else ""
            yield from [(name.removeprefix("enu_lib."), "")] if name.startswith("enu_lib.") else []


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_to_lower_levels_only(path):
    mine = name_of(path)
    for other, _ in imports(path):
        if room(other) == room(mine) or (mine, other) == UPWARDS:
            continue
        ordered = any((room(other), room(mine)) == pair for pair in WITHIN)
        assert ordered or level(other) < level(mine), f"{mine} may not import {other}"


def private(name):
    return name.startswith("_") and not name.startswith("__")


def attributes(path):
    """(module below enu_lib, attribute of it) wherever a file writes MODULE.NAME or setattr(MODULE, "NAME", ..)."""
    whole = {other.rpartition(".")[2]: other for other, name in imports(path) if not name}
    whole |= {a.asname: whole[a.name] for n in nodes(path) if isinstance(n, ast.ImportFrom) for a in n.names
              if a.asname and a.name in whole}  # fmt: skip
    for node in nodes(path):
        owner, name = None, None
        if isinstance(node, ast.Attribute):
            owner, name = node.value, node.attr
        elif isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            owner, name = node.args[0], node.args[1].value
        if isinstance(owner, ast.Name) and owner.id in whole and isinstance(name, str):
            yield whole[owner.id], name


@pytest.mark.parametrize("path", [*modules(), *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "book").glob("*.py"))])
def test_private_names_stay_in_their_module(path):
    for other, name in [*imports(path), *attributes(path)]:
        assert not private(name), f"{path.name} uses {name} of {other}"


def test_private_names_are_found_in_every_form(tmp_path):
    file = tmp_path / "test_x.py"
    file.write_text("""from enu_lib.kernels import cuda as gpu, cpu
from enu_lib.es import _rank
gpu._kernel()
monkeypatch.setattr(cpu, "_lives", None)
""")
    found = {(other, name) for other, name in [*imports(file), *attributes(file)] if private(name)}
    assert found == {("es", "_rank"), ("kernels.cuda", "_kernel"), ("kernels.cpu", "_lives")}


def test_every_module_has_its_level_and_no_level_is_empty():
    found = {room(name_of(path)) for path in modules()}
    assert found >= {r for rooms in LEVELS for r in rooms}
    assert all(level(name_of(path)) is not None for path in modules())


def test_no_import_cycle_within_a_package():
    graph = {name_of(p): {o for o, _ in imports(p) if (name_of(p), o) != UPWARDS} for p in modules()}
    for name, others in graph.items():  # a package's face takes from its modules, and they may name one another through it
        others -= {name.rpartition(".")[0], name}
    order, path = set(), []

    def visit(name):
        assert name not in path, f"circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name not in order and name in graph:
            path.append(name)
            for other in graph[name]:
                visit(other)
            path.pop()
            order.add(name)

    for name in graph:
        visit(name)


def test_a_source_file_has_at_most_350_lines():
    folders = PACKAGE, ROOT / "book", ROOT / "tests"
    sources = [path for folder in folders for end in ("py", "cpp", "h", "cu", "js") for path in folder.rglob(f"*.{end}")]
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert len(lengths) > 200 and not {path: n for path, n in lengths.items() if n > 350}
