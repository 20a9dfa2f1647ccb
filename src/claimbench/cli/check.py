"""``claimbench check PLACE FILE.py:OBJECT``: whether a method keeps to the interface."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

from claimbench.checkout import find_root
from claimbench.cli.output import add_json, print_json, print_table


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="hold your own method against an experiment's interface, in seconds",
        description="Run your own method on a tiny instance and say what is wrong with it: shapes,"
        " dtypes, changes of its input, global random streams, dependence on other replicates.",
        epilog="Exit codes: 0 nothing is wrong, 2 something is, 4 the method can't be loaded.",
    )
    parser.add_argument(
        "place",
        metavar="PLACE",
        help="a claim as `claimbench list` says, or PAPER[:EXPERIMENT], such as"
        " optimization/sparse_ot:sweep",
    )
    parser.add_argument(
        "method", metavar="METHOD", help="FILE.py:OBJECT, or an installed package's entry point"
    )
    parser.add_argument("--device", default="cpu", help="cpu (the default) or cuda")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the method and print what was found."""
    from claimbench.authoring.checking import check, failed
    from claimbench.authoring.target import find
    from claimbench.candidates.spec import parse_target
    from claimbench.fingerprint import check_device

    here, root = Path.cwd(), find_root()
    check_device(arguments.device)
    target = find(arguments.place, root)
    spec = parse_target(arguments.method, here, paper=target.paper.id, experiment=target.experiment)
    os.chdir(root)  # data sets are found from there
    try:
        findings = check(target, spec, arguments.device)
    finally:
        os.chdir(here)
    bench = target.paper.files.folder.relative_to(root)
    candidate = shlex.quote(f"{target.place}={arguments.method}")
    command = (
        f"pytest {os.path.relpath(root / bench, here)} --benchmark-only --candidate {candidate}"
    )
    if len(target.claims) == 1:
        command += f" -k {target.claims[0].id}"
    if arguments.json:
        print_json(
            {
                "experiment": target.place,
                "interface": target.interface.name,
                "findings": [
                    {"check": one.check, "outcome": one.outcome, "found": one.found}
                    for one in findings
                ],
                "run": command,
            }
        )
        return 2 if failed(findings) else 0
    print(f"{spec.shown} as {target.interface.name} of {target.place}")
    if target.others:
        print(f"(the same interface: {', '.join(target.others)})")
    print()
    print_table(
        ("CHECKED", "OUTCOME", "FOUND"), ((one.check, one.outcome, one.found) for one in findings)
    )
    print()
    wrong = sum(one.outcome == "wrong" for one in findings)
    if wrong:
        print(f"{wrong} of {len(findings)} wrong. The interface: claimbench new-method shows it.")
        return 2
    print(f"Nothing is wrong. To run it:\n  {command}")
    return 0
