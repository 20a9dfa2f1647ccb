"""``claimbench new-paper DOMAIN SLUG``: the files of a claim to begin with."""

from __future__ import annotations

import argparse
from typing import Any

from claimbench.checkout import find_root


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "new-paper",
        help="write the files of a new paper's claim: a sketch that runs",
        description="Write claim.toml, problem, method, bench file, an opponent with its pin, a"
        " test and faults that should be noticed: a sketch that runs, and whose verdict is"
        " inconclusive. Nothing is overwritten.",
    )
    parser.add_argument("domain", metavar="DOMAIN", help="a folder of suite/, such as optimization")
    parser.add_argument("slug", metavar="SLUG", help="the paper's name, such as heavy_ball")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the files and say what to do next."""
    from claimbench.authoring.scaffold import scaffold

    root = find_root()
    written = scaffold(arguments.domain, arguments.slug, root)
    for path in written:
        added = " (a table was added)" if path.name == "pins.toml" else ""
        print(f"{path.relative_to(root)}{added}")
    place = f"suite/{arguments.domain}/{arguments.slug}"
    print(f"\nIt runs, and judges nothing yet:\n  pytest {place} --benchmark-only")
    print("docs/write_a_claim.md says how to go on.")
    return 0
