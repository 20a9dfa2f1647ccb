"""Read and validate ``claim.toml`` without importing anything of the paper's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from claimbench.claim import Claim, Control, Paper
from claimbench.errors import ClaimFileError
from claimbench.grid import check_experiment

T = TypeVar("T")

_TOP = ("paper", "experiment", "claim")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WITH_THRESHOLD = ("rate", "bound", "success")
_POSITIVE_MARGIN = ("superiority", "magnitude", "non-inferiority", "equivalence")


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """The content of one ``claim.toml``.

    Attributes
    ----------
    experiments
        Name -> the table as written, validated; `claimbench.grid.design` makes a profile's
        design of it.
    """

    path: Path
    paper: Paper
    experiments: Mapping[str, Mapping[str, Any]]
    claims: tuple[Claim, ...]

    def claim(self, claim_id: str) -> Claim:
        """Return the claim of that id.

        Raises
        ------
        ClaimFileError
            When there is none.
        """
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise ClaimFileError(
            f"{self.path}: no such claim",
            value=claim_id,
            allowed=[claim.id for claim in self.claims],
        )


def read_claim_file(path: Path) -> ClaimFile:
    """Read one ``claim.toml``.

    Raises
    ------
    ClaimFileError
        When it is missing, is no TOML, or says something that no run could follow. The message
        names the file, the key, the value found and what is allowed.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClaimFileError(
            f"{path} can't be read ({error.strerror})",
            cure="write it as docs/write_a_claim.md shows",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClaimFileError(f"{path} is no TOML ({error})") from error
    _known(path, "", data, _TOP)
    paper = _validated(Paper, path, "paper", data.get("paper", {}))
    experiments = data.get("experiment", {})
    if not isinstance(experiments, dict) or not experiments:
        raise ClaimFileError(f"{path}: no [experiment.NAME] table", allowed="one or more")
    for name, table in experiments.items():
        check_experiment(path, name, table)
    tables = data.get("claim", [])
    if not isinstance(tables, list):
        raise ClaimFileError(f"{path}: claim is no list of tables", allowed="[[claim]]")
    claims = tuple(
        _claim(path, f"claim[{index}]", table, experiments) for index, table in enumerate(tables)
    )
    _unique(path, [claim.id for claim in claims])
    _check_requires(path, claims)
    return ClaimFile(path, paper, experiments, claims)


def _claim(path: Path, key: str, table: Any, experiments: Mapping[str, Any]) -> Claim:
    if not isinstance(table, dict):
        raise ClaimFileError(f"{path}: {key} is no table", value=table)
    key = f"{key} ({table['id']})" if isinstance(table.get("id"), str) else key
    control = table.get("control")
    if isinstance(control, str):
        table = {**table, "control": {"contender": control}}
    claim = _validated(Claim, path, key, table)
    if not _NAME.fullmatch(claim.id):
        raise ClaimFileError(
            f"{path}: {key}.id",
            value=claim.id,
            allowed="lower-case words, digits and hyphens, such as no-log-factor",
        )
    if claim.experiment not in experiments:
        raise ClaimFileError(
            f"{path}: {key}.experiment is not defined", value=claim.experiment, allowed=experiments
        )
    _check_rule(path, key, claim)
    _check_control(path, key, claim)
    return claim


def _check_rule(path: Path, key: str, claim: Claim) -> None:
    if claim.kind in _WITH_THRESHOLD:
        if claim.threshold is None:
            raise ClaimFileError(
                f"{path}: {key}.threshold is missing", allowed=f"a number, for kind {claim.kind!r}"
            )
    elif claim.threshold is not None:
        raise ClaimFileError(
            f"{path}: {key}.threshold has no meaning for kind {claim.kind!r}",
            value=claim.threshold,
            allowed=f"a threshold for the kinds {', '.join(_WITH_THRESHOLD)}",
            cure="remove it; subtract it in the estimand if the effect is an excess",
        )
    if claim.margin < 0 or (claim.margin == 0 and claim.kind in _POSITIVE_MARGIN):
        raise ClaimFileError(
            f"{path}: {key}.margin",
            value=claim.margin,
            allowed="a positive number, the smallest effect that matters"
            if claim.kind in _POSITIVE_MARGIN
            else "zero or more",
        )
    if claim.scale != "exact" and not claim.scale_reason:
        raise ClaimFileError(
            f"{path}: {key}.scale_reason is missing",
            allowed=f"why a {claim.scale} scale still tests the claim",
        )
    if claim.kind == "success" and claim.margin:
        raise ClaimFileError(
            f"{path}: {key}.margin has no meaning for kind 'success'",
            value=claim.margin,
            allowed="a threshold alone",
        )


def _check_control(path: Path, key: str, claim: Claim) -> None:
    control: Control = claim.control
    if control.contender is None and not control.where:
        raise ClaimFileError(
            f"{path}: {key}.control names nothing",
            allowed="a contender, or a table with contender, where, or both",
        )
    if claim.method in claim.against:
        raise ClaimFileError(
            f"{path}: {key}.against names the claim's own method",
            value=claim.method,
            allowed="other contenders",
        )
    # At other settings too: it would still be compared with itself there.
    if claim.subject_of_control in claim.against:
        raise ClaimFileError(
            f"{path}: {key}.control is its claim's own opponent, so its effect is zero by"
            " construction",
            value=control.contender,
            allowed="a contender that is not in against",
        )
    if control.contender == claim.method and not control.where:
        raise ClaimFileError(
            f"{path}: {key}.control is the claim's own method",
            value=control.contender,
            allowed="another contender, or the method at other settings (where)",
        )


def _unique(path: Path, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for claim_id in ids:
        if claim_id in seen:
            raise ClaimFileError(
                f"{path}: two claims have one id", value=claim_id, allowed="ids of their own"
            )
        seen.add(claim_id)


def _check_requires(path: Path, claims: Sequence[Claim]) -> None:
    # Chains are refused: a guard rail that hangs on another can't be told from what it guards.
    plain = [claim.id for claim in claims if not claim.requires]
    for index, claim in enumerate(claims):
        for name in claim.requires:
            if name not in plain:
                raise ClaimFileError(
                    f"{path}: claim[{index}] ({claim.id}).requires",
                    value=name,
                    allowed=plain or "claims of this file that require nothing themselves",
                )


def _known(path: Path, key: str, table: Mapping[str, Any], allowed: Iterable[str]) -> None:
    for name in table:
        if name not in allowed:
            raise ClaimFileError(f"{path}: unknown key {key}{name}", value=name, allowed=allowed)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Return the type's validator, whose making takes 8 ms: there are many claims to a type."""
    return TypeAdapter(kind)


def _validated(kind: type[T], path: Path, key: str, table: Any) -> T:
    try:
        # mypy does not know that a class is hashable.
        checked: T = _adapter(kind).validate_python(table)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _translated(path, key, kind, error) from error
    return checked


def _translated(path: Path, key: str, kind: type, error: ValidationError) -> ClaimFileError:
    """Say pydantic's first complaint in our words: file, key, value, what is allowed."""
    first = error.errors(include_url=False)[0]
    where = ".".join((key, *(str(part) for part in first["loc"])))
    fields = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    match first["type"]:
        case "missing":
            return ClaimFileError(f"{path}: {where} is missing")
        case "unexpected_keyword_argument":
            name = str(first["loc"][-1])
            return ClaimFileError(f"{path}: unknown key {where}", value=name, allowed=fields)
        case "literal_error":
            words = first["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            return ClaimFileError(f"{path}: {where}", value=first["input"], allowed=words)
        case _:
            return ClaimFileError(f"{path}: {where}", value=first["input"], allowed=first["msg"])
