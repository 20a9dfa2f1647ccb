"""``claimbench gate RECORD``: hold a run against the accepted results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from claimbench.checkout import find_root


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "gate",
        help="has a change made a result worse?",
        description="Hold a record against the accepted results of its profile. Exit codes: 0 fine,"
        " 1 regressed, 2 something could not be compared.",
    )
    parser.add_argument("record", metavar="RECORD", type=Path)
    parser.add_argument(
        "--against",
        metavar="FILE",
        type=Path,
        help="default: baselines/accepted/<profile>.json of the checkout",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 on what is inconclusive, too"
    )
    parser.add_argument(
        "--format", choices=("text", "markdown", "json", "junit"), default="text", help="of stdout"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what the gate says and return its exit code."""
    from claimbench.fingerprint import fingerprint_id
    from claimbench.gate import show
    from claimbench.gate.accepted import accepted_file, read_accepted
    from claimbench.gate.gate import gate
    from claimbench.gate.likely import with_likely_files
    from claimbench.gate.rerun import settle
    from claimbench.gate.summary import summarise
    from claimbench.record import read_record

    root = find_root()
    record = read_record(arguments.record)
    accepted = read_accepted(arguments.against or accepted_file(root, record.profile))
    found = settle(
        gate(record, arguments.record, accepted),
        record,
        accepted,
        root=root,
        machine=fingerprint_id(record.device) if record.device == "cpu" else "",
    )
    found = with_likely_files(found, record, accepted, root)
    shown = {
        "text": "\n".join(show.lines(found)) + "\n",
        "markdown": show.markdown(found),
        "json": show.to_json(found),
        "junit": show.junit(found),
    }
    print(shown[arguments.format], end="")
    summarise(found)
    return found.exit_code(strict=arguments.strict)
