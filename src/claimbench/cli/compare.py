"""``claimbench compare A B``: two records side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from claimbench.checkout import find_root

_ENDINGS = {"text": "txt", "html": "html", "md": "md", "json": "json"}


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compare",
        help="two records side by side: what moved, by how much",
        description="Compare two records: two commits, two machines, with and without a candidate."
        " It is no gate: exit code 0 whatever moved, 2 when a record can't be read.",
    )
    parser.add_argument("a", metavar="A", type=Path, help="a record")
    parser.add_argument("b", metavar="B", type=Path, help="the record that is compared with it")
    parser.add_argument("--format", choices=tuple(_ENDINGS), default="text")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        help="write a file there; default: stdout, of html reports/compare/ of the checkout",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison, or write it and print where it is."""
    from claimbench.compare import page, show
    from claimbench.compare.compared import compare
    from claimbench.report.write import write_text

    found = compare(arguments.a, arguments.b)
    shown = {
        "text": show.text,
        "html": page.html,
        "md": show.markdown,
        "json": show.to_json,
    }
    text = shown[arguments.format](found)
    folder = arguments.out
    if folder is None and arguments.format == "html":
        folder = find_root() / "reports" / "compare"
    if folder is None:
        print(text, end="")
    else:
        name = f"{arguments.a.stem}..{arguments.b.stem}.{_ENDINGS[arguments.format]}"
        print(write_text(text, folder / name))
    return 0
