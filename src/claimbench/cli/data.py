"""``claimbench data build|verify|pull``: the data sets pinned by datasets.dvc."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from claimbench.checkout import find_root
from claimbench.cli.output import add_json, print_json


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "data", help="build, verify or pull datasets/", description="Data sets, pinned by content."
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    build = actions.add_parser("build", help="build what is missing or changed")
    build.add_argument("papers", metavar="PAPER", nargs="*", help="<domain>/<paper>; default: all")
    build.add_argument("--update", action="store_true", help="pin what comes out")
    build.set_defaults(run=run_build)
    verify = actions.add_parser("verify", help="compare every file with its pin")
    verify.set_defaults(run=run_verify)
    add_json(verify)
    pull = actions.add_parser("pull", help="fetch what is missing or changed from the DVC remote")
    pull.set_defaults(run=run_pull)


def run_build(arguments: argparse.Namespace) -> int:
    """Build data sets and say which."""
    from claimbench.data import build

    built = build(find_root(), arguments.papers, update=arguments.update)
    print(f"built: {', '.join(built)}" if built else "datasets/ is complete; nothing to build")
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Verify data sets; exit 2 when any differs."""
    from claimbench.data import verify

    problems = [str(problem) for problem in verify(find_root())]
    if arguments.json:
        print_json({"problems": problems})
    elif problems:
        print("\n".join(problems), file=sys.stderr)
    else:
        print("datasets/ is as datasets.dvc pins it")
    return 2 if problems else 0


def run_pull(arguments: argparse.Namespace) -> int:
    """Fetch data sets."""
    from claimbench.data import fetch

    del arguments
    fetch(find_root())
    print("datasets/ is up to date")
    return 0
