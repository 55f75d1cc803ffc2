"""python -m enu_lib claims: check which claims of the paper are reproduced."""

from __future__ import annotations

import argparse
import json

from enu_lib.cli.arguments import Commands, path


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    claims = commands.add_parser("claims", help="check which claims of the paper are reproduced, from stored results")
    claims.add_argument("--json", action="store_true", help="print JSON, including rules and all parts")
    claims.add_argument("--markdown", action="store_true", help="print the README's table")
    claims.add_argument("--write", type=path, metavar="README", help="update the result and table in this file")
    claims.add_argument(
        "--measure", action="store_true", help="first simulate reference agents, abilities and spiking again (ten minutes)"
    )
    claims.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from enu_lib.study import claims, evidence, ledger

    if options.measure:
        evidence.measure()
    findings = claims.judge(evidence.gather())
    if options.write:
        ledger.write(options.write, findings)
    elif options.json:
        print(json.dumps(ledger.as_json(findings), indent=1))
    elif options.markdown:
        print(ledger.as_markdown(findings))
    else:
        for finding in findings:
            print(f"{finding.claim.key:4}{finding.verdict:12}{finding.claim.statement}")
            for part in finding.parts:
                print(f"    {ledger.MARK[part.outcome]} {part.name}: {part.measured}")
