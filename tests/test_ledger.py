"""README, page and JSON agree, since they come from the same findings."""

import json
import re
from pathlib import Path

import jupytext
import pytest

from enu_lib.cli import main
from enu_lib.study import claims, evidence, ledger
from enu_lib.study.claims import CLAIMS, Part
from enu_lib.study.evidence import Evidence

ROOT = Path(__file__).parents[1]


def test_readme_page_and_json_agree(capsys):
    assert main(["claims", "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)
    assert main(["claims", "--markdown"]) == 0
    table = capsys.readouterr().out.strip()
    lines = table.splitlines()[2:]
    assert len(lines) == len(stored) == 11
    for line, entry in zip(lines, stored, strict=True):
        first, *others = (text.strip() for text in line.strip("|").split("|"))
        assert first == f"{entry['claim']} {entry['statement']}"
        assert others == [f"**{entry['verdict']}**", entry["number"], entry["evolutions"]]
    page = jupytext.read(ROOT / "book/30_claims.py")
    assert any("ledger.as_markdown(findings)" in cell.source for cell in page.cells)
    findings = claims.judge(evidence.gather())
    assert ledger.as_markdown(findings) == table
    readme = (ROOT / "README.md").read_text()
    for part, words in ledger.PARTS.items():
        begin, end = ledger.marks(part)
        assert f"{begin}\n{words(findings)}\n{end}" in readme, "run: python -m enu_lib claims --write README.md"
    sentence = ledger.as_sentence(findings)
    assert findings[0].number in sentence and findings[2].number in sentence
    counts = [int(n) for n in re.findall(r"(\d+) (?:reproduced|not|undecided)", sentence)]
    assert sum(counts) == 11 and counts[0] == sum(f.verdict == "reproduced" for f in findings)
    details = ledger.as_details(findings)
    assert all(part["measured"] in details and part["name"] in details for entry in stored for part in entry["parts"])


def test_changed_rules_are_shown_with_date_and_reason():
    findings = claims.judge(Evidence())
    details = {f.claim.key: ledger.as_details([f]) for f in findings}
    changed = {f.claim.key for f in findings if f.claim.history}
    assert {"C5", "C6", "C7"} <= changed
    for f in findings:
        for change in f.claim.history:
            assert change.date in details[f.claim.key] and change.rule in details[f.claim.key]
            assert change.reason in details[f.claim.key] and change.rule != f.claim.rule
        assert f.claim.history or "Changed on" not in details[f.claim.key]


def test_each_part_is_written_between_its_marks(tmp_path):
    found = claims.judge(Evidence())
    path = tmp_path / "README.md"
    blocks = ["\n".join([ledger.marks(part)[0], "old", ledger.marks(part)[1]]) for part in ledger.PARTS]
    path.write_text("\n".join(["before", *blocks, "after"]))
    ledger.write(path, found)
    text = path.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter") and "old" not in text
    assert all(words(found) in text for words in ledger.PARTS.values())
    ledger.write(path, found)
    assert path.read_text() == text
    for block, words in zip(blocks, ledger.PARTS.values(), strict=True):  # a file may want one of them only
        path.write_text(block)
        ledger.write(path, found)
        assert path.read_text().splitlines()[1:-1] == words(found).splitlines()
    assert main(["claims", "--write", str(tmp_path / "none.md")]) == 2


@pytest.mark.parametrize("text", ["no marks", *(ledger.marks(part)[0] for part in ledger.PARTS)])
def test_a_file_without_marks_or_with_half_of_them_is_left_as_it_is(text, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(ValueError, match="README.md.*<!-- end of"):
        ledger.write(path, claims.judge(Evidence()))
    assert path.read_text() == text
    with pytest.raises(ValueError, match="none.md"):
        ledger.write(tmp_path / "none.md", [])


def test_parts_that_do_not_hold_are_marked():
    parts = (Part("a", "holds", "x"), Part("b", "fails", "y"), Part("c", "not judged", "z", "w"), Part("d", "undecided", "v"))
    finding = claims.Finding(CLAIMS[0], "in part", parts, "1 of 2")
    assert ledger.measured(finding) == "x; *fails:* y; w: z; *undecided:* v"
    for part in parts:
        assert f"{part.name}: **{part.outcome}** ({part.measured})" in ledger.as_details([finding])
    assert set(ledger.MARK) == {part.outcome for part in parts}


def test_the_summary_names_every_claim_once_under_its_verdict():
    keys = ("window correlation with NT", "mean |change - target| with NT, %", "mean |change| without NT, %")
    found = Evidence(zoo={"stdp-enu": dict(zip(keys, (0.9995, 3.0, 0.1), strict=True))})
    lines = ledger.as_summary(claims.judge(found)).splitlines()
    assert [line for line in lines if line.startswith("- ")] == ["- **reproduced in part**", "- **not tested**"]
    claimed = [line.strip("- ").split(" ", 1) for line in lines if line.startswith("  - ")]
    assert [key for key, _ in claimed] == ["C3", "C1", "C2", *(f"C{k}" for k in range(4, 12))]
    assert lines.index("- **not tested**") == 2
    assert dict(claimed) == {claim.key: claim.statement for claim in CLAIMS}


def test_verdicts_use_the_given_scores_only():
    """The table has the named claims with all measured parts, and no number of evolutions."""
    keys = ("window correlation with NT", "mean |change - target| with NT, %", "mean |change| without NT, %")
    table = ledger.verdicts({"stdp-enu": dict(zip(keys, (0.5, 1.25, 0.125), strict=True))}, "C3")
    head, _, row = table.splitlines()
    assert "**in part**" in row and "0.5000" in row and "1.25%" in row and "0.12%" in row and "evolution" not in head


def test_the_repeat_table_counts_every_evolution_of_every_model():
    found = evidence.gather()
    rows = {row["claim"].split()[0]: row for row in ledger.repeat_table(found)}
    shown = {f.claim.key: f.evolutions for f in claims.judge(found)}
    assert set(rows) == {"C1", "C2", "C3", "C4", "C11"}
    for key, row in rows.items():
        assert shown[key].startswith(row["ENU"]) and row["GRU"].split(" of ")[1] == row["ENU"].split(" of ")[1]
