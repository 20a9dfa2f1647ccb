"""The folder of results: whether it can be written, and the report that goes into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from claimbench.aside import written
from claimbench.errors import StoreError

if TYPE_CHECKING:
    from claimbench.plugin.options import Options


def draw_report(record_path: Path, options: Options, root: Path) -> Path:
    """Draw the report of a record by as many workers as fit here, and return where it is."""
    from claimbench.fingerprint import default_workers
    from claimbench.gate.accepted import accepted_claims
    from claimbench.report import write_report

    profile = record_path.parent.parent.name
    out = options.reports_of(root) / profile / f"{record_path.stem}.html"
    accepted = accepted_claims(root, profile)
    processes = min(options.workers, default_workers("cpu"))
    return write_report(record_path, out, root=root, accepted=accepted, processes=processes)


def probe(results: Path) -> None:
    """Refuse a results folder that can't be written before anything is computed.

    Raises
    ------
    StoreError
        Saying why, and how to choose another folder.
    """
    file = results / "store" / ".writable"
    try:
        with written(file):
            pass
        file.unlink(missing_ok=True)  # another run may probe at the same time
    except OSError as error:
        raise StoreError(
            f"the results folder can't be written ({error.strerror})",
            value=str(results),
            allowed="a folder you may write",
            cure="pytest suite --benchmark-only --results-dir FOLDER",
        ) from error
