"""The effects of primary claims, as the record made at the commit has them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from .place import plan
from .shortfall import claim_at, tracked


class Claims:
    """The primary claims."""

    params: ClassVar = plan()["claims"]
    param_names = ("claim",)
    version = "1"
    unit = "shortfall"

    claim: dict[str, Any]

    def setup(self, name: str) -> None:
        """Find the claim; asv shows one without such a record as n/a."""
        results = Path(os.environ["ASV_CONF_DIR"]) / "results"
        found = claim_at(name, os.environ["ASV_COMMIT"], results)
        if found is None:
            raise NotImplementedError("no record of the standard profile was made at the commit")
        self.claim = found

    def track_shortfall(self, _name: str) -> float:
        """Return how far the claim is from what it says; less is better, 1 is just there."""
        return tracked(self.claim)
