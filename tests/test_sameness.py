"""The page on what is the same names a test for each of its lines."""

import ast
from pathlib import Path

import pytest

from enu_lib.study import sameness

TESTS = Path(__file__).parent


@pytest.mark.parametrize("line", sameness.LINES, ids=lambda line: line.what)
def test_the_test_of_each_line_exists(line):
    name, _, function = line.test.partition("::")
    defined = [n.name for n in ast.parse((TESTS / name).read_text()).body if isinstance(n, ast.FunctionDef)]
    assert function in defined


def test_the_table_has_all_lines_and_all_degrees():
    rows = sameness.table()
    assert [row["what"] for row in rows] == [line.what for line in sameness.LINES]
    assert {row["is the same"] for row in rows} == {"bit for bit", "to rounding", "in distribution"}
