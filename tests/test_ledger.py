"""README, page and JSON agree, since they come from the same findings."""

import json
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
    readme = (ROOT / "README.md").read_text()
    assert f"{ledger.BEGIN}\n{table}\n{ledger.END}" in readme, "run: python -m enu_lib claims --write README.md"
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


def test_the_table_is_written_between_the_marks(tmp_path):
    found = claims.judge(Evidence())
    path = tmp_path / "README.md"
    path.write_text(f"before\n{ledger.BEGIN}\nold\n{ledger.END}\nafter\n")
    ledger.write(path, found)
    text = path.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text and "| C11 " in text
    ledger.write(path, found)
    assert path.read_text() == text
    path.write_text("no marks")
    with pytest.raises(ValueError, match="README.md.*claims"):
        ledger.write(path, found)
    with pytest.raises(ValueError, match="none.md"):
        ledger.write(tmp_path / "none.md", found)
    assert main(["claims", "--write", str(path)]) == 2


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
    assert lines == ["- in part: C3", "- not tested: C1, C2, C4, C5, C6, C7, C8, C9, C10, C11"]


def test_verdicts_use_the_given_scores_only():
    """The table has the named claims with all measured parts, and no number of evolutions."""
    keys = ("window correlation with NT", "mean |change - target| with NT, %", "mean |change| without NT, %")
    table = ledger.verdicts({"stdp-enu": dict(zip(keys, (0.5, 1.25, 0.125), strict=True))}, "C3")
    head, _, row = table.splitlines()
    assert "**in part**" in row and "0.5000" in row and "1.25%" in row and "0.12%" in row and "evolution" not in head


def test_the_repeat_table_counts_every_evolution_of_every_model():
    found = evidence.gather()
    rows = {row["claim"]: row for row in ledger.repeat_table(found)}
    shown = {f.claim.key: f.evolutions for f in claims.judge(found)}
    assert set(rows) == {"C1", "C2", "C3", "C4", "C9", "C11"}
    for key, row in rows.items():
        assert shown[key].startswith(row["ENU"]) and row["GRU"].split(" of ")[1] == row["ENU"].split(" of ")[1]
