"""``claimbench new-method PLACE FILE.py``: a method to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from claimbench.checkout import find_root


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "new-method",
        help="write a method of your own to begin with: naive, commented, and it runs",
        description="Write a file with a naive method that runs, and with what it may use and must"
        " return. Nothing is overwritten.",
    )
    parser.add_argument(
        "place",
        metavar="PLACE",
        help="a claim as `claimbench list` says, or PAPER[:EXPERIMENT], such as"
        " optimization/sparse_ot:sweep",
    )
    parser.add_argument("file", metavar="FILE.py", type=Path, help="a file that is not there yet")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file."""
    from claimbench.authoring.starting import OBJECT, check_free, starting_point, write
    from claimbench.authoring.target import find

    root = find_root()
    check_free(arguments.file)
    target = find(arguments.place, root)
    write(arguments.file, starting_point(target, arguments.file))
    print(f"{arguments.file}: a naive {target.interface.name}. To check it:")
    print(f"  claimbench check {arguments.place} {arguments.file}:{OBJECT}")
    return 0
