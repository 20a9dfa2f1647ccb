"""``claimbench accept RECORD --why "..."``: make a run the one that later ones are held against."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from claimbench.checkout import find_root
from claimbench.errors import UsageError


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "accept",
        help="make a run the accepted one",
        description="Make a record the one that later runs are held against: show what changes,"
        " write baselines/accepted/<profile>.json and its log, and renew"
        " reports/<profile>.html.",
    )
    parser.add_argument("record", metavar="RECORD", type=Path)
    parser.add_argument("--why", required=True, help="for the log: why the change is right")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Accept, and print what changed."""
    from claimbench.cli.output import print_table
    from claimbench.fingerprint import default_workers
    from claimbench.gate.accepted import accepted_file, read_accepted, write_accepted
    from claimbench.gate.accepting import accept, log_entry
    from claimbench.record import fingerprint_of, read_record
    from claimbench.report import write_report

    if not arguments.why.strip():
        raise UsageError("--why is empty", allowed="a reason that a reader of the log can judge")
    root = find_root()
    record = read_record(arguments.record)
    path = accepted_file(root, record.profile)
    previous = read_accepted(path) if path.is_file() else None
    accepted, changes = accept(record, arguments.record, previous)
    report = write_report(
        arguments.record,
        root / "reports" / f"{record.profile}.html",
        root=root,
        processes=default_workers("cpu"),
    )
    place = root / "results" / "accepted" / record.profile / fingerprint_of(record)
    place.mkdir(parents=True, exist_ok=True)
    kept = place / arguments.record.name
    if kept.resolve() != arguments.record.resolve():
        shutil.copyfile(arguments.record, kept)
    write_accepted(accepted, path)
    with path.with_name("log.jsonl").open("a", encoding="utf-8") as log:
        log.write(log_entry(record, changes, arguments.why.strip()) + "\n")
    if changes:
        print_table(("claim", "accepted", "now"), [(c.name, c.before, c.after) for c in changes])
    print(f"{len(record.claims)} claims accepted, {len(changes)} of them changed")
    for file in (path, path.with_name("log.jsonl"), kept, report):
        print(f"wrote {file.relative_to(root)}")
    return 0
