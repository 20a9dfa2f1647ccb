"""``claimbench report [RECORD ...]``: render records again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimbench.checkout import find_root
from claimbench.cli.output import add_json, print_json
from claimbench.errors import RecordError, UsageError
from claimbench.record_names import is_record, order

if TYPE_CHECKING:
    from claimbench.record import Record


def add_command(commands: Any) -> None:
    """Declare the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="render records as HTML, Markdown or JSON",
        description="Render records: HTML, each to one file; Markdown that fits a job's summary and"
        " JSON for programs, to stdout or each to one file.",
    )
    parser.add_argument(
        "records",
        metavar="RECORD",
        nargs="*",
        type=Path,
        help="default: the newest below results/",
    )
    parser.add_argument("--format", choices=("html", "md", "json"), default="html")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        help="write files there; default: of html reports/<profile>/ of the checkout, else stdout",
    )
    parser.add_argument(
        "--badge", metavar="FILE", type=Path, help="also write an SVG with the counts of verdicts"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Render, and print what was asked for or where the files are."""
    from claimbench.record import read_record
    from claimbench.report.badge import write_badge

    files = arguments.format == "html" or arguments.out is not None
    if arguments.json and not files:
        raise UsageError(
            "--json lists files, and none is written", cure="add --out FOLDER, or take --json away"
        )
    paths = arguments.records or [_newest(find_root())]
    one = arguments.badge is not None or (arguments.format == "json" and not files)
    if one and len(paths) > 1:
        raise UsageError(
            "a badge, and JSON on stdout, are of one record",
            value=len(paths),
            allowed="one RECORD",
            cure="claimbench report RECORD, once for each",
        )
    written: list[Path | None] = []
    for path in paths:
        if arguments.format == "html":
            written.append(_page(path, arguments))
        else:
            written.append(_render(path, read_record(path), arguments))
    if arguments.badge is not None:
        written.append(write_badge(read_record(paths[0]), arguments.badge))
    if arguments.json:
        print_json([str(path) for path in written])
    elif files:
        print("\n".join(str(path) for path in written))
    return 0


def _page(path: Path, arguments: argparse.Namespace) -> Path:
    """Write the page of one record, and return its file."""
    from claimbench.fingerprint import default_workers
    from claimbench.gate.accepted import accepted_claims
    from claimbench.record import read_record
    from claimbench.report import write_report
    from claimbench.report.foreign import foreign

    root = find_root()
    # A record of another schema has a page that says so, but no profile that could be trusted.
    strange = foreign(path) is not None
    profile = "foreign" if strange else read_record(path).profile
    accepted = {} if strange else accepted_claims(root, profile)
    folder = arguments.out or root / "reports" / profile
    out = folder / f"{path.stem}.html"
    return write_report(path, out, root=root, accepted=accepted, processes=default_workers("cpu"))


def _render(path: Path, record: Record, arguments: argparse.Namespace) -> Path | None:
    """Render one record as text; return its file, or None when it was printed."""
    from claimbench.report.markdown import markdown
    from claimbench.report.summary import to_json
    from claimbench.report.write import write_text

    text = markdown(record) if arguments.format == "md" else to_json(record)
    if arguments.out is None:
        print(text, end="")
        return None
    return write_text(text, arguments.out / f"{path.stem}.{arguments.format}")


def _newest(root: Path) -> Path:
    # Whatever else has such a place (asv's own files, say) has another name.
    found = sorted(filter(is_record, (root / "results").glob("*/*/*.json")), key=order)
    if not found:
        raise RecordError(
            "there is no record",
            value=str(root / "results"),
            cure="pytest suite --benchmark-only",
        )
    return found[-1]
