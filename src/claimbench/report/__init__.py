"""The report: one self-contained HTML file made from a record and its evidence.

Nothing heavy is imported here: matplotlib, seaborn, pandas and jinja2 are met by a run that
writes a report, not by a command line that starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from claimbench.record import ClaimRecord

__all__ = ["write_report"]


def write_report(
    record_path: Path,
    out: Path,
    *,
    root: Path | None = None,
    accepted: Mapping[str, ClaimRecord] | None = None,
    processes: int = 1,
) -> Path:
    """Write the report of one record.

    The same record, evidence, figures and history of commits give the same bytes: no date, host or
    path enters. A record of another schema gives a page that says so.

    Parameters
    ----------
    record_path
        A record; its evidence lies in the folder of the same name without ``.json``.
    out
        The HTML file to write; its folder is created.
    root
        The checkout whose ``suite/<domain>/<slug>/figures.py`` draw their papers' figures.
        Without it, or without such a file, experiments show generic curves. The numbers of the last
        commits are those in its ``results/history/``. Figures are kept in its ``build/figures/``,
        and drawn again when anything that they are made from changes.
    accepted
        Claim's id -> the claim as it was accepted; None or empty where nothing was.
    processes
        The most that draw figures at once. With more than one, whoever calls this from a script
        needs ``if __name__ == "__main__":``, as always where processes are started.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    RecordError
        When the record can't be read, or the report can't be written. Missing evidence and
        figures that raise are no errors: the report says so where they would be.
    """
    from claimbench.report.render import write

    return write(record_path, out, root=root, accepted=accepted, processes=processes)
