"""``--gate``: hold the run that just ended against the accepted results."""

from __future__ import annotations

from pathlib import Path

from claimbench.fingerprint import fingerprint_id
from claimbench.gate.accepted import accepted_file, read_accepted
from claimbench.gate.gate import Gate, gate
from claimbench.gate.likely import with_likely_files
from claimbench.gate.rerun import settle
from claimbench.gate.show import write
from claimbench.gate.summary import summarise
from claimbench.record import Record


def gated(record: Record, path: Path, root: Path) -> Gate:
    """Return what the gate says, written beside the record and to GitHub's summary if there is one.

    Raises
    ------
    RecordError
        When nothing has been accepted for this profile, or the run was partial.
    """
    accepted = read_accepted(accepted_file(root, record.profile))
    found = settle(
        gate(record, path, accepted),
        record,
        accepted,
        root=root,
        machine=fingerprint_id(record.device),
    )
    found = with_likely_files(found, record, accepted, root)
    write(found, path)
    summarise(found)
    return found
