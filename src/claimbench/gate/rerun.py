"""A second look: the races that look slower run again with fresh seeds, before the gate fails."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from claimbench.checkout import revision
from claimbench.gate.accepted import Accepted
from claimbench.gate.gate import Gate, confirmed, gate, suspicious, unconfirmed
from claimbench.record import Record, fingerprint_of, read_record

#: Added to the root seed: streams of the rerun share nothing with those of the first look.
FRESH = 1_000


def settle(found: Gate, record: Record, accepted: Accepted, *, root: Path, machine: str) -> Gate:
    """Return the gate after the second look, which only the machine that ran can take.

    Parameters
    ----------
    machine
        Fingerprint of this one.
    """
    doubtful = suspicious(found)
    if not doubtful:
        return found
    if fingerprint_of(record) != machine or revision(root)[0] != record.revision:
        return unconfirmed(found)
    for paper, experiment in doubtful:
        with tempfile.TemporaryDirectory() as results:
            again = _run(root, paper, experiment, record, Path(results))
            if again is None:
                return unconfirmed(found)
            second = gate(read_record(again), again, accepted)
            found = confirmed(found, second, (paper, experiment))
    return found


def _run(root: Path, paper: str, experiment: str, record: Record, results: Path) -> Path | None:
    """Run one race again; None when it did not end well."""
    slug = paper.rpartition("/")[2]
    names = [
        c.name
        for c in record.contenders
        if (c.paper, c.experiment) == (paper, experiment) and c.role != "candidate"
    ]
    words: Sequence[str] = (
        # By their ids: -k would also choose an experiment whose name ends with this one's.
        *(f"suite/{paper}/bench_{slug}.py::{experiment}[{name}]" for name in names),
        "--benchmark-only",
        "--profile",
        record.profile,
        "--device",
        record.device,
        "--root-seed",
        str(record.seed + FRESH),
        "--results-dir",
        str(results),
        "-q",
    )
    subprocess.run(  # noqa: S603  our own words, no shell
        [sys.executable, "-m", "pytest", *words], cwd=root, capture_output=True, check=False
    )
    made = sorted(results.glob("*/*/*.json"))
    return made[-1] if made else None
