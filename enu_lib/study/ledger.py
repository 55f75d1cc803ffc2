"""The verdicts on the claims as JSON, in the README and on the ledger page, from one source (`claims.judge`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from enu_lib.base.kinds import Json
from enu_lib.study.claims import CLAIMS, VERDICTS, Finding, judge, passes
from enu_lib.study.design import LABEL, MAIN
from enu_lib.study.evidence import Evidence
from enu_lib.study.rules import Outcome
from enu_lib.study.tables import Row, markdown, name

MARK: dict[Outcome, str] = {"holds": "+", "fails": "-", "undecided": "~", "not judged": "?"}
VERDICT_WORDS = {"in part": "reproduced in part", "not": "not reproduced"}  # for verdicts that need more words in a sentence


def as_json(findings: Sequence[Finding]) -> list[Json]:
    """All findings for JSON: statement, measure, rule with its history, source, verdict and parts."""
    return [
        {
            "claim": f.claim.key,
            "statement": f.claim.statement,
            "where": f.claim.where,
            "measure": f.claim.measure,
            "rule": f.claim.rule,
            "history": [change._asdict() for change in f.claim.history],
            "source": f.claim.source,
            "verdict": f.verdict,
            "number": f.number,
            "evolutions": f.evolutions,
            "parts": [part._asdict() for part in f.parts],
        }
        for f in findings
    ]


def as_markdown(findings: Sequence[Finding]) -> str:
    """The README's table: for each claim its verdict, one number, and how many independent evolutions pass."""
    return markdown(
        [
            {
                "claim of the paper": f"{f.claim.key} {f.claim.statement}",
                "verdict": f"**{f.verdict}**",
                "one number": f.number,
                "independent evolutions that pass": f.evolutions,
            }
            for f in findings
        ]
    ).rstrip()


def as_sentence(findings: Sequence[Finding]) -> str:
    """The README's result in one sentence: what the two single units do, and the number of claims with each verdict."""
    number = {f.claim.key: f.number for f in findings}
    counts = {v: sum(f.verdict == v for f in findings) for v in VERDICTS}
    verdicts = ", ".join(f"{n} {VERDICT_WORDS.get(verdict, verdict)}" for verdict, n in counts.items() if n)
    return (
        f"Evolution on a CPU turned one kind of small recurrent unit into a spiking neuron ({number['C1']}) and into a plastic "
        f"synapse ({number['C3']}); verdicts on the paper's {len(findings)} claims: {verdicts}."
    )


def as_summary(findings: Sequence[Finding]) -> str:
    """The claims in full, grouped by verdict, as a Markdown list of lists."""
    kinds = {v: [f"{f.claim.key} {f.claim.statement}" for f in findings if f.verdict == v] for v in VERDICTS}
    lines = [[f"- **{VERDICT_WORDS.get(v, v)}**", *(f"  - {text}" for text in texts)] for v, texts in kinds.items() if texts]
    return "\n".join(line for group in lines for line in group)


def measured(finding: Finding) -> str:
    """The measures of all parts as text; parts that do not hold are marked, and shared reasons are given once."""
    texts: dict[str, list[str]] = {}
    for part in finding.parts:
        if part.outcome == "not judged":
            texts.setdefault(part.measured, []).append(part.of)
        else:
            texts.setdefault(("" if part.outcome == "holds" else f"*{part.outcome}:* ") + part.measured, []).append("")
    said = []
    for text, of in texts.items():
        names = ", ".join(dict.fromkeys(name for name in of if name))
        said.append(f"{names}: {text}" if names else text)
    return "; ".join(said)


PARTS: dict[str, Callable[[Sequence[Finding]], str]] = {"result": as_sentence, "claims": as_markdown}


def marks(part: str) -> tuple[str, str]:
    """The lines above and below a generated part of the README."""
    return f"<!-- {part}: written by the command `claims --write` -->", f"<!-- end of {part} -->"


def write(path: str | Path, findings: Sequence[Finding]) -> None:
    """Replace the generated parts between their marks in a file.

    Raises ValueError for an unreadable file, one without marks, or a part without its end mark.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a UTF-8 text file ({error})") from None
    if not any(marks(part)[0] in text for part in PARTS):
        raise ValueError(f"{path} has no place for the claims: add the lines {' and '.join(marks('claims'))}")
    for part, words in PARTS.items():
        begin, end = marks(part)
        before, begun, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if begun and not ended:
            raise ValueError(f"{path} does not end its part {part!r}: add the line {end} below {begin}")
        if begun:
            text = f"{before}{begin}\n{words(findings)}\n{end}{after}"
    path.write_text(text, encoding="utf-8")


def as_details(findings: Sequence[Finding]) -> str:
    """Measure, rule with its history, and parts of every claim, as Markdown."""
    return "\n\n".join(_details(f) for f in findings)


def _details(f: Finding) -> str:
    c = f.claim
    lines = [
        f"### {c.key}: {f.verdict}", "", f"{c.statement} ({c.where})", "",
        f"*Measure.* {c.measure} *Rule.* {c.rule} *Source:* {c.source}. *Independent evolutions:* {f.evolutions}.", "",
    ]  # fmt: skip
    lines += [f"- {part.name}: **{part.outcome}** ({part.measured})" for part in f.parts]
    for change in c.history:
        lines += ["", f'*Changed on {change.date}.* Until then: "{change.rule}" {change.reason}']
    return "\n".join(lines)


def verdicts(scores: Mapping[str, Mapping[str, float]], *keys: str) -> str:
    """A Markdown table of the given claims, judged by scores {zoo entry: {measure: value}} that a page has measured."""
    return markdown(
        [
            {
                "claim of the paper": f"{f.claim.key} {f.claim.statement}",
                "verdict": f"**{f.verdict}**",
                "measured here (a different draw from the ledger's)": measured(f),
            }
            for f in judge(Evidence(zoo=scores), *keys)
        ]
    )


def repeat_table(known: Evidence) -> list[Row]:
    """The number of evolutions of each model that pass the rules for single units and networks; one row per claim."""
    rows: list[Row] = []
    for claim in CLAIMS:
        if claim.repeats is None or not (task := claim.repeats.experiment):
            continue
        row: Row = {"claim": f"{claim.key} {claim.statement}", "on": LABEL[task]}
        for model in MAIN[task]:
            passing, many = passes(claim, [e for each in claim.repeats.evidence(known, model).values() for e in each])
            row[name(model)] = f"{passing} of {many}"
        rows.append(row)
    return rows
