"""Docstrings for the book's API reference: plain Markdown (as they are written), converted to reStructuredText for Sphinx."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import types
from typing import Annotated, Any, Union, get_args, get_origin

from enu_lib.base.kinds import kinds

LIST = re.compile(r"^\s*(-|\d+\.) ")
CODE = re.compile(r"(`[^`]+`)")


def describe(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Replace a docstring's lines, in place, by reST; of a settings class or named tuple, list the fields too."""
    if what == "class" and (dataclasses.is_dataclass(value) or hasattr(value, "_fields")):
        if lines and lines[0].startswith(f"{value.__name__}("):  # made by dataclass or NamedTuple, says nothing
            lines.clear()
        lines[:] = [*to_rest(lines), "", *fields(value)]
    else:
        lines[:] = to_rest(lines)


def is_field(app: Any, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Leave fields of named tuples out: `describe` lists them."""
    return True if type(value).__name__ == "_tuplegetter" else None


def to_rest(lines: list[str]) -> list[str]:
    """Code in single backticks, indented blocks as code; all else as text."""
    found: list[str] = []
    block = False
    for line in text("\n".join(lines)).split("\n"):
        indented = line.startswith("    ") and not LIST.match(line)
        if indented and not block and (not found or not found[-1].strip() or found[-1].endswith(":")):
            found += ["", ".. code-block:: python", "   :force:", ""]
            block = True
        elif line.strip() and not indented:
            if block:
                found.append("")
            block = False
        found.append(line.replace("\\", "") if block else line)
    return found


def text(prose: str) -> str:
    """Prose with what reST would read as markup escaped; code stays as it is."""
    parts = CODE.split(prose)
    return "".join(p if p.startswith("`") else re.sub(r"([*|]|_(?=\W|$))", r"\\\1", p) for p in parts)


def plain(kind: Any, annotation: ast.expr) -> str:
    """A field's type without the bounds of its kind: float of a positive number."""
    if get_origin(kind) is Annotated:
        return get_args(kind)[0].__name__
    if get_origin(kind) in (Union, types.UnionType) and any(get_origin(part) is Annotated for part in get_args(kind)):
        return " | ".join("None" if part is type(None) else plain(part, annotation) for part in get_args(kind))
    return ast.unparse(annotation)


def fields(value: type) -> list[str]:
    """The fields of a class with type, default and comment, from its source."""
    source = textwrap.dedent(inspect.getsource(value))
    lines, rows = source.split("\n"), []
    for node in ast.parse(source).body[0].body:
        if not isinstance(node, ast.AnnAssign) or "ClassVar" in ast.unparse(node.annotation):
            continue
        default = f" = ``{ast.unparse(node.value)}``" if node.value else ""
        comment = lines[node.lineno - 1].partition("  # ")[2]
        row = f"- ``{node.target.id}``: ``{plain(kinds(value).get(node.target.id), node.annotation)}``{default}"
        rows.append(f"{row}: {text(comment)}" if comment else row)
    return [*rows, ""]
