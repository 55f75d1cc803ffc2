"""The ledger of claims as text: JSON, and the README's table; both from the same findings (`claims.judge`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from enu_lib.claims import VERDICTS, Evidence, Finding, judge

MARK = {True: "+", False: "-", None: "?"}
BEGIN = "<!-- claims: written by the command `claims --write` -->"
END = "<!-- end of claims -->"


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Everything: statement, measure, rule, source, verdict, and every part."""
    return [
        {
            "claim": f.claim.key,
            "statement": f.claim.statement,
            "where": f.claim.where,
            "measure": f.claim.measure,
            "rule": f.claim.rule,
            "source": f.claim.source,
            "verdict": f.verdict,
            "parts": [part._asdict() for part in f.parts],
        }
        for f in findings
    ]


def as_markdown(findings: Sequence[Finding]) -> str:
    """The README's table: a line a claim."""
    rows = [f"| {f.claim.key} {f.claim.statement} | **{f.verdict}** | {measured(f)} |" for f in findings]
    return "\n".join(["| claim of the paper | verdict | measured |", "|---|---|---|", *rows])


def as_summary(findings: Sequence[Finding]) -> str:
    """Which claims have which verdict: a line each, in Markdown."""
    kinds = {v: [f.claim.key for f in findings if f.verdict == v] for v in VERDICTS}
    return "\n".join(f"- {verdict}: {', '.join(keys)}" for verdict, keys in kinds.items() if keys)


def measured(finding: Finding) -> str:
    """What was measured of a claim, part after part; parts that do not hold are marked, and what is alike is said once."""
    texts: dict[str, list[str]] = {}
    for part in finding.parts:
        if part.holds is None:
            texts.setdefault(part.measured, []).append(part.of)
        else:
            texts.setdefault(("" if part.holds else "*fails:* ") + part.measured, []).append("")
    said = []
    for text, of in texts.items():
        names = ", ".join(dict.fromkeys(name for name in of if name))
        said.append(f"{names}: {text}" if names else text)
    return "; ".join(said)


def write(path: str | Path, findings: Sequence[Finding]) -> None:
    """Put the table between the marks of a file.  Raises ValueError if it has none."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror})") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no place for the table: it needs the lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{as_markdown(findings)}\n{END}{after}", encoding="utf-8")


def as_details(findings: Sequence[Finding]) -> str:
    """Measure, rule and parts of every claim, as Markdown."""
    words = {True: "holds", False: "does not hold", None: "cannot be judged"}
    texts = []
    for f in findings:
        c = f.claim
        parts = [f"- {part.name}: **{words[part.holds]}** ({part.measured})" for part in f.parts]
        head = [f"### {c.key}: {f.verdict}", "", f"{c.statement} ({c.where})", ""]
        texts.append("\n".join([*head, f"*Measure.* {c.measure} *Rule.* {c.rule} *From* {c.source}.", "", *parts]))
    return "\n\n".join(texts)


def verdicts(scores: Mapping[str, Mapping[str, float]], *keys: str) -> str:
    """The table's lines of some claims, judged by scores {zoo entry: {measure: value}} alone: for the page that measured."""
    return as_markdown([f for f in judge(Evidence(zoo=scores)) if f.claim.key in keys])
