"""``claimbench list``: every claim of the checkout."""

from __future__ import annotations

import argparse
from typing import Any

from claimbench.checkout import find_root, papers
from claimbench.claim_file import read_claim_file
from claimbench.cli.output import add_json, print_json, print_table


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "list", help="every claim of the checkout", description="List every claim of the checkout."
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the claims; reads claim.toml alone and imports no paper."""
    found = [
        (files, claim)
        for files in papers(find_root())
        for claim in read_claim_file(files.claim_toml).claims
    ]
    if arguments.json:
        print_json(
            [
                {
                    "id": f"{files.slug}/{claim.id}",
                    "paper": files.id,
                    "statement": claim.statement,
                    "source": claim.source,
                    "kind": claim.kind,
                    "scale": claim.scale,
                    "primary": claim.primary,
                }
                for files, claim in found
            ]
        )
        return 0
    print_table(
        ("CLAIM", "KIND", "SCALE", "PRIMARY", "STATEMENT"),
        (
            (
                f"{files.slug}/{claim.id}",
                claim.kind,
                claim.scale,
                "yes" if claim.primary else "",
                claim.statement,
            )
            for files, claim in found
        ),
    )
    return 0
