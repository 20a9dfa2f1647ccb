"""``claimbench report [RECORD ...]``: render records again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from claimbench.checkout import find_root
from claimbench.cli.output import add_json, print_json
from claimbench.errors import RecordError


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="render records as HTML",
        description="Render records as HTML, each to one file.",
    )
    parser.add_argument(
        "records",
        metavar="RECORD",
        nargs="*",
        type=Path,
        help="default: the newest below results/",
    )
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, help="default: reports/<profile>/ of the checkout"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Render and print where the files are."""
    from claimbench.record import read_record
    from claimbench.report import write_report

    root = find_root()
    written = []
    for path in arguments.records or [_newest(root)]:
        profile = read_record(path).profile
        folder = arguments.out or root / "reports" / profile
        written.append(write_report(path, folder / f"{path.stem}.html", root=root))
    if arguments.json:
        print_json([str(path) for path in written])
    else:
        print("\n".join(str(path) for path in written))
    return 0


def _newest(root: Path) -> Path:
    # A record is named by its time in UTC, so the greatest name is the newest.
    found = sorted((root / "results").glob("*/*/*.json"), key=lambda path: path.name)
    if not found:
        raise RecordError(
            "there is no record",
            value=str(root / "results"),
            cure="pytest suite --benchmark-only",
        )
    return found[-1]
