"""A made-up comparison of two records, to test its page with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from reporting import claims, effect, record, replace_all, write_run

from claimbench.compare import page
from claimbench.compare.compared import compare


def comparison(folder: Path) -> str:
    """Return the page that compares a run with one whose words, claims and effects are others."""
    judged = claims()
    moved = dataclasses.replace(
        judged[1], effect=effect(1.1, 0.9, 1.3, unit="ln ratio"), replicates=[1.0, 1.1, 1.2] * 3
    )
    hostile = replace_all(record(claims=[judged[0]]), "<script>alert('x')</script>").claims[0]
    other = record(
        claims=[moved, *judged[2:5], dataclasses.replace(hostile, id="sparse_ot/hostile")],
        fingerprint={"cpu": "Another CPU"},
    )
    files = [write_run(folder / name, run, {}) for name, run in (("a", None), ("b", other))]
    return page.html(compare(*files))
