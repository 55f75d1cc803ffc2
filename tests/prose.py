"""Find typed-in results: numbers in prose that should be computed.  Constants of the method are allowed.

A number counts as a result if it is a percentage or a decimal, or stands beside a word for a measured quantity.  It is
allowed in mathematics or code, as a setting of the library (default of a field, or published profile), and if it is a small
integer.  Text computed at run time (the braces of an f-string) is not checked.
"""

import ast
import dataclasses
import re

import jupytext

import enu_lib as enu
from enu_lib import es
from enu_lib.analysis import power, spiking, stats
from enu_lib.network import Network
from enu_lib.study import claims, comparisons, evidence, protocol, sweep, tables
from enu_lib.tasks import iaf, maze, stdp

MEASURED = re.compile(
    r"\b(correlation|deviation|deviates?|error|accura\w+|fitness|loss|score[sd]?|coincide\w*|match\w*|foods?|poisons?|earns?|"
    r"eats?|reache[sd]|succeed\w*|reproduc\w+|spikes met|frequency|faster|slower|better|worse|median|on average|at most|"
    r"p =|n =|times as)\b",
    re.I,
)
NUMBER = re.compile(r"(?<![\w.,/#-])(\d[\d,]*(?:\.\d+)?)(\s?%)?(?![\w/]|\.\w)")
CODE = re.compile(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)|https?://\S+", re.S)
NAMES = re.compile(  # numbers that are names or belong to a method
    r"95%\s+(?:(?:bootstrap|confidence|\(Wilson\))\s+)?intervals?|30 trial\s+runs|C\d+|"
    r"\b(Figs?\.|Table|C|ED|Machine Intelligence\*?|claims?|page)\s*\d[\d, -]*(\(\d+\)|, \d{4})?"
)
SMALL = 12  # "four quarters", "8 moves": counts belonging to the method


def settings() -> set[float]:
    """All numbers among the library's settings, defaults and published sizes."""
    values: set[float] = {1000, 3000, 10_000, 30_000, 100_000}  # numbers of generations named in the paper
    examples = [enu.experiments.get(name, profile="paper") for name in enu.experiments.NAMES]

    def gather(value):
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                gather(getattr(value, field.name))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            values.add(float(value))

    for module in (claims, comparisons, tables, es, evidence, spiking, power, stats, protocol, sweep, iaf, maze, stdp):
        for name, value in vars(module).items():
            gather(value if name.isupper() else None)
    for value in (*examples, enu.ES(), enu.IAF(), enu.STDP(), enu.Maze(), enu.Maze("double-t"), Network()):
        gather(value)
    values |= {maze.Maze(layout).full for layout in ("t", "double-t")}
    return values


def typed_in(text: str, known: set[float]) -> list[str]:
    """Sentences of a Markdown text with a typed-in result."""
    text = NAMES.sub(" ", CODE.sub(" ", text))
    found = []
    for sentence in re.split(r"(?<=[.:;?!])\s+(?=[^a-z]|$)|\n\s*\n|\n- ", text):
        for digits, percent in NUMBER.findall(sentence):
            value = float(digits.replace(",", ""))
            whole = value.is_integer() and "." not in digits
            result = bool(percent) or not whole or bool(MEASURED.search(sentence))
            if result and (percent or value not in known) and not (whole and value <= SMALL and not percent):
                found.append(" ".join(sentence.split()))
                break
    return found


def prose(path) -> list[str]:
    """The Markdown of a page and the literal parts of long strings in its code (captions, sentences)."""
    if path.suffix == ".md":
        return [path.read_text()]
    texts = []
    for cell in jupytext.read(path).cells:
        if cell.cell_type == "markdown":
            texts.append(cell.source)
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else " {} " for p in node.values]
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 40:
                texts.append(node.value)
    return texts
