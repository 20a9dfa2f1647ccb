"""What is fixed before a run: each claim's rule, and the digest that shows when it moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from claimbench.binding import Paper
from claimbench.claim import Claim, Design
from claimbench.digest import digest
from claimbench.errors import ClaimbenchError, ClaimFileError
from claimbench.evidence.source import Sources
from claimbench.statistics.looks import LOOKS
from claimbench.verdict import Rule, parse_printed


def rules(paper: Paper) -> dict[str, Rule]:
    """Return each claim's rule, so that an impossible one is refused before the run.

    Raises
    ------
    ClaimFileError
        When a threshold or margin does not suit the kind, or a magnitude has no printed number.
    """
    made = {}
    for claim in paper.claims:
        try:
            made[claim.id] = _rule(claim, paper.designs[claim.experiment])
        except ClaimbenchError as error:
            raise ClaimFileError(f"{paper.file.path}: claim {claim.id}: {error}") from error
    return made


def claim_hash(paper: Paper, claim: Claim, sources: Sources) -> str:
    """Return the digest of the goalposts: claim, experiment, and the code that draws them.

    It covers the claim's and the experiment's tables as read, and the sources of problem, measure
    and estimand with all that they use of the project.
    """
    experiment = paper.experiments[claim.experiment]
    return digest(
        {
            "claim": {one.name: _plain(getattr(claim, one.name)) for one in fields(claim)},
            "experiment": _plain(paper.file.experiments[claim.experiment]),
            "source": sources.digest(
                experiment.problem, experiment.measure, paper.estimands[claim.id]
            ),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value


def _rule(claim: Claim, design: Design) -> Rule:
    printed = parse_printed(claim.printed) if claim.kind == "magnitude" else None
    if claim.kind == "magnitude" and printed is None:
        raise ClaimFileError(
            "a magnitude needs the printed number",
            value=claim.printed,
            allowed='a number in the unit of the estimand, such as "4.38" or "80 ± 3 (n = 5)"',
        )
    return Rule(
        kind=claim.kind,
        margin=claim.margin,
        threshold=claim.threshold,
        exact=design.deterministic,
        unit=claim.unit,
        printed=printed,
        looks=1 if design.look is None else len(LOOKS),
    )
