"""Accepted results: what a later run is held against, in ``baselines/accepted/<profile>.json``.

Each claim is kept as its record has it, with all that made it; time ratios are kept by machine.
Only ``claimbench accept`` writes the file.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from claimbench.errors import RecordError
from claimbench.record import ClaimRecord
from claimbench.schema import of_schema, plain, strict_json
from claimbench.words import Profile

SCHEMA = 1
_CONFIG = ConfigDict(extra="ignore")


@dataclass(frozen=True, slots=True)
class Ratio:
    """A race's log-ratio of seconds in one run: method over opponent, round by round.

    Attributes
    ----------
    mean, sd
        Over the rounds, natural logarithm.
    n
        Rounds.
    """

    __pydantic_config__ = _CONFIG

    mean: float
    sd: float
    n: int
    created: str


@dataclass(frozen=True, slots=True)
class AcceptedClaim:
    """A claim as it was judged, and what it was judged on.

    Attributes
    ----------
    data
        Content hash of what the paper may read of ``datasets/``.
    pins
        Pin -> package -> version, of the contenders that the claim needs.
    """

    __pydantic_config__ = _CONFIG

    claim: ClaimRecord
    revision: str
    created: str
    fingerprint: str
    seed: int
    data: str
    pins: dict[str, dict[str, str | None]]
    race: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """The accepted results of one profile.

    Attributes
    ----------
    claims
        Claim's id -> what was accepted.
    ratios
        Fingerprint -> ``<paper>/<experiment> [<cell>]: <method> / <opponent>`` -> one ratio for
        each accepted run on that machine, oldest first.
    """

    __pydantic_config__ = _CONFIG

    schema: int
    profile: Profile
    claims: dict[str, AcceptedClaim] = field(default_factory=dict)
    ratios: dict[str, dict[str, list[Ratio]]] = field(default_factory=dict)


_ADAPTER = TypeAdapter(Accepted)


def accepted_file(root: Path, profile: str) -> Path:
    """Return where the accepted results of a profile are."""
    return root / "baselines" / "accepted" / f"{profile}.json"


def accepted_claims(root: Path, profile: str) -> dict[str, ClaimRecord]:
    """Return the claims of a profile as they were accepted; none where nothing was.

    Raises
    ------
    RecordError
        When the file is no JSON, of another schema, or holds a wrong value.
    """
    path = accepted_file(root, profile)
    if not path.is_file():
        return {}
    return {name: one.claim for name, one in read_accepted(path).claims.items()}


def write_accepted(accepted: Accepted, path: Path) -> None:
    """Write the file aside, then rename it; a line for each claim, so that a diff can be read.

    Raises
    ------
    RecordError
        When the folder can't be written.
    """
    whole = plain(dataclasses.asdict(accepted))
    assert isinstance(whole, Mapping)
    claims = ",\n".join(_line(name, claim) for name, claim in sorted(whole["claims"].items()))
    ratios = ",\n".join(_line(name, runs) for name, runs in sorted(whole["ratios"].items()))
    head = json.dumps({"schema": accepted.schema, "profile": accepted.profile})[1:-1]
    text = f'{{{head},\n"claims": {{\n{claims}\n}},\n"ratios": {{\n{ratios}\n}}}}\n'
    aside = path.with_suffix(".json.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise RecordError(
            f"the accepted results can't be written ({error.strerror})",
            value=str(path),
            allowed="a folder you may write",
        ) from error


def _line(name: str, value: Any) -> str:
    return f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}"


def read_accepted(path: Path) -> Accepted:
    """Read and validate accepted results.

    Raises
    ------
    RecordError
        When there are none, or the file is no JSON, of another schema, or holds a wrong value.
    """
    try:
        data = strict_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecordError(
            "there are no accepted results to hold the run against",
            value=str(path),
            cure='claimbench accept RECORD --why "the first"',
        ) from error
    except (OSError, ValueError) as error:
        raise RecordError(
            f"the accepted results can't be read ({error})",
            value=str(path),
            cure=f"git checkout {path.name}, or claimbench accept RECORD --why ...",
        ) from error
    return of_schema(_ADAPTER, data, SCHEMA, path, f"git checkout -- {path}")
