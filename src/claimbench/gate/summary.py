"""The gate on the page that GitHub shows for a job."""

from __future__ import annotations

import os
from pathlib import Path

from claimbench.gate.gate import Gate
from claimbench.gate.show import markdown


def summarise(found: Gate) -> None:
    """Append the gate to ``$GITHUB_STEP_SUMMARY``, where it is set."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(markdown(found))
