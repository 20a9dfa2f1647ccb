"""The record of a run: what was judged, on what, by whom; `docs/record.md` is its schema.

A record is JSON. An unbounded or undefined number is null; NaN and infinity never appear.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from claimbench.aside import written
from claimbench.claim import Look
from claimbench.digest import digest
from claimbench.errors import RecordError
from claimbench.schema import of_schema, plain, strict_json
from claimbench.words import Infinity, IntervalKind, Kind, Profile, Role, Scale, Verdict

SCHEMA = 1

# A record written by a later version may hold more: unknown keys are read over, not refused.
_CONFIG = ConfigDict(extra="ignore")


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect with its interval, in the unit of its estimand; null limits are unbounded.

    Attributes
    ----------
    at_infinity
        ``below`` or ``above`` where effect and whole interval lie at that infinity, which null
        limits alone could not tell from an interval that excludes nothing.
    """

    __pydantic_config__ = _CONFIG

    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    unit: str
    interval: IntervalKind
    at_infinity: Infinity = ""


@dataclass(frozen=True, slots=True)
class ConditionRecord:
    """One named condition of a claim that must meet several, judged on its own."""

    __pydantic_config__ = _CONFIG

    name: str
    verdict: Verdict
    effect: Effect | None
    replicates: list[float | None] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict and effect of one subject (a candidate: with its meetings), or one opponent."""

    __pydantic_config__ = _CONFIG

    contender: str
    verdict: Verdict
    reason: str = ""
    effect: Effect | None = None
    where: dict[str, Any] = field(default_factory=dict)
    conditions: list[ConditionRecord] = field(default_factory=list)
    replicates: list[float | None] = field(default_factory=list)
    against: list[Comparison] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A judged claim: the rule it was judged by, and what came out.

    Attributes
    ----------
    id
        ``<paper's folder>/<claim's id>``, for example ``sparse_ot/hard-cardinality``.
    paper
        ``<domain>/<slug>``.
    holm
        Whether ``reproduced`` survives Holm's correction; true where that does not apply.
    replicates
        The effect of each replicate (empty when the estimand is one number for the sample).
    needed
        Replicates that would settle an inconclusive claim; null when not applicable.
    seconds, peak_memory_bytes
        Spent inside the contenders that the claim needs; the largest of their peaks.
    conditions
        What the estimand named and must hold; of several opponents, those against the weakest.
    requires
        Claims without which this one means nothing, see `claimbench.claim.Claim`.
    look
        The look that the verdict rests on; null for a fixed sample.
    """

    __pydantic_config__ = _CONFIG

    id: str
    paper: str
    kind: Kind
    scale: Scale
    primary: bool
    claim_hash: str
    verdict: Verdict
    reason: str
    effect: Effect | None
    margin: float
    holm: bool
    control: Comparison
    against: list[Comparison]
    candidates: list[Comparison]
    replicates: list[float | None]
    seconds: float
    peak_memory_bytes: int | None
    statement: str
    source: str
    printed: str
    experiment: str
    where: dict[str, Any]
    estimand: str
    method: str
    threshold: float | None
    scale_reason: str
    p_value: float | None
    needed: int | None
    tags: list[str]
    conditions: list[ConditionRecord] = field(default_factory=list)
    requires: list[str] = field(default_factory=list)
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class ContenderRecord:
    """What one contender of one experiment did in the run.

    Attributes
    ----------
    tuned
        Cell -> the hyper-parameters that the engine chose there.
    grid
        Hyper-parameter -> the values among which it chose.
    source
        Of a candidate: its file and object, or its entry point and distribution; and its digest.
    """

    __pydantic_config__ = _CONFIG

    paper: str
    experiment: str
    name: str
    role: Role
    status: str
    reason: str | None
    seconds: float
    peak_memory_bytes: int | None = None
    pin: str | None = None
    blocks: int = 0
    blocks_from_store: int = 0
    tuned: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviationRecord:
    """Where the code departs from the paper, as its file says."""

    __pydantic_config__ = _CONFIG

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """The paper a claim comes from, and the design of its experiments at this profile."""

    __pydantic_config__ = _CONFIG

    id: str
    title: str
    authors: list[str]
    year: int
    arxiv: str
    code: str
    experiments: dict[str, dict[str, Any]]
    deviations: list[DeviationRecord] = field(default_factory=list)


def local() -> dict[str, Any]:
    """Return the `backend` of a run on one machine."""
    return {"kind": "local", "machines": []}


@dataclass(frozen=True, slots=True)
class Record:
    """One run: provenance, claims and contenders.

    Attributes
    ----------
    seconds
        Of the session, contenders, suite and engine: see ``docs/record.md``.
    command
        The words after ``pytest``, to run the same again.
    not_judged
        Claims of the papers above that could not be judged -> why.
    until_decided
        Whether experiments ended as their claims were decided.
    notices
        What went wrong on the way and was mended: evidence found damaged and made again, say.
    backend
        Who made the evidence but for races: ``kind``, and ``machines`` of other fingerprints.
    """

    __pydantic_config__ = _CONFIG

    schema: int
    profile: Profile
    device: str
    revision: str
    dirty: bool
    complete: bool
    created: str
    command: str
    workers: int
    seed: int
    fingerprint: dict[str, Any]
    pins: dict[str, dict[str, Any]]
    data: dict[str, Any]
    seconds: dict[str, float]
    papers: list[PaperRecord]
    claims: list[ClaimRecord]
    contenders: list[ContenderRecord]
    not_judged: dict[str, str] = field(default_factory=dict)
    until_decided: bool = False
    notices: list[str] = field(default_factory=list)
    backend: dict[str, Any] = field(default_factory=local)


_ADAPTER = TypeAdapter(Record)


def fingerprint_of(record: Record) -> str:
    """Return twelve digits that stand for the machine: the name of its folder of records."""
    return digest(record.fingerprint)[:12]


def to_json(record: Record) -> str:
    """Return the record as JSON text with a stable order of keys."""
    return json.dumps(plain(dataclasses.asdict(record)), indent=1, allow_nan=False) + "\n"


def write_record(record: Record, path: Path) -> None:
    """Write the record aside, then rename: a reader never sees half of it.

    Raises
    ------
    RecordError
        When the folder can't be written.
    """
    try:
        with written(path) as file:
            file.write(to_json(record).encode())
    except OSError as error:
        raise RecordError(
            f"the record can't be written ({error.strerror})",
            value=str(path),
            allowed="a folder you may write",
            cure="pytest suite --benchmark-only --results-dir FOLDER",
        ) from error


def read_record(path: Path) -> Record:
    """Read and validate a record.

    Raises
    ------
    RecordError
        When the file is missing, is no JSON, has another schema or a wrong value.
    """
    cure = "pytest suite --benchmark-only   (writes a new record)"
    try:
        data = strict_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(
            f"the record can't be read ({error.strerror})", value=str(path), cure=cure
        ) from error
    except ValueError as error:
        raise RecordError(f"{path} is no JSON ({error})", cure=cure) from error
    return of_schema(_ADAPTER, data, SCHEMA, path, cure)
