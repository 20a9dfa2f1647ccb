"""Choose among the trials of a grid."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from claimbench.errors import ClaimFileError
from claimbench.evidence.store import read_rows
from claimbench.evidence.unit import Outcome, Unit


def best(trials: Iterable[tuple[Unit, Outcome]], criterion: str) -> dict[str, dict[str, Any]]:
    """Return, for each group of cells, the parameters with the least mean criterion.

    The group is told by its representation. Of equal trials the first of the grid is chosen.

    Raises
    ------
    ClaimFileError
        When the criterion is no measure.
    """
    least: dict[str, float] = {}
    chosen: dict[str, dict[str, Any]] = {}
    for unit, outcome in trials:
        score, cells = _score(unit, outcome, criterion), repr(unit.cells)
        if cells not in least or score < least[cells]:
            least[cells], chosen[cells] = score, unit.parameters
    return chosen


def _score(unit: Unit, outcome: Outcome, name: str) -> float:
    """Return a trial's score; a trial that failed or diverged is the worst there is."""
    if outcome.status != "ok":
        return np.inf
    if outcome.from_store:
        columns = {key: float(np.mean(v)) for key, v in read_rows(Path(unit.file)).columns.items()}
    else:
        columns = outcome.criterion
    if name not in columns:
        raise ClaimFileError(
            f"[experiment.{unit.experiment}.tuning].criterion of {unit.domain}/{unit.slug} is no"
            " measure",
            value=name,
            allowed=columns,
        )
    return np.inf if np.isnan(columns[name]) else columns[name]
