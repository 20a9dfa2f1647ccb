"""Where asv put the commit, and what is to be followed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def checkout() -> Path:
    """Return the checkout of the measured commit."""
    return _environment() / "project"


def plan() -> dict[str, Any]:
    """Return what `claimbench.history.plan.plan` says of the working tree."""
    found: dict[str, Any] = json.loads((_environment() / "plan.json").read_text(encoding="utf-8"))
    return found


def _environment() -> Path:
    if os.environ.get("ASV_ENV_TYPE") != "borrowed":
        raise RuntimeError(
            "these benchmarks need the environment of asv.conf.json, for each commit runs its own"
            " code: asv run COMMIT^!, without --python"
        )
    return Path(os.environ["ASV_ENV_DIR"])
