"""What is followed over commits, as the working tree's ``claim.toml`` files have it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from claimbench.checkout import papers
from claimbench.claim_file import read_claim_file
from claimbench.duet.kernels import primary_kernels
from claimbench.evidence.unit import Unit
from claimbench.words import Profile

#: Kernels are followed where they are smallest: a history of many commits has to be cheap.
PROFILE: Profile = "smoke"


def plan(root: Path) -> dict[str, Any]:
    """Return the kernels' units, without a root, and the primary claims, by name.

    Each commit gets the same list: another cell is another kernel, and asv tells parameters apart
    by their place in the list.
    """
    units = {one.name: asdict(one.unit) for one in primary_kernels(root, profile=PROFILE)}
    for unit in units.values():
        del unit["root"]
        # What a unit has by default may be unknown to an older commit, whose default it is as well.
        for part in fields(Unit):
            if unit.get(part.name, part) == part.default:
                del unit[part.name]
    return {"kernels": units, "claims": list(_primary(root))}


def _primary(root: Path) -> Iterator[str]:
    for files in papers(root):
        for claim in read_claim_file(files.claim_toml).claims:
            if claim.primary:
                yield f"{files.slug}/{claim.id}"
