"""The words of the design that take one of a few values, in one place."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "superiority",
    "magnitude",
    "non-inferiority",
    "equivalence",
    "rate",
    "bound",
    "success",
    "identity",
]
Verdict = Literal["reproduced", "not reproduced", "inconclusive", "void"]
Scale = Literal["exact", "reduced", "proxy"]
Role = Literal["method", "baseline", "control", "candidate"]
Status = Literal["ok", "diverged", "censored", "failed", "over budget", "unavailable"]
Profile = Literal["smoke", "standard", "full"]
Infinity = Literal["", "below", "above"]
Ended = Literal["decided", "all looks", "over budget"]
IntervalKind = Literal["t", "wilson", "bootstrap", "median", "exact", "none"]

KINDS: tuple[Kind, ...] = get_args(Kind)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SCALES: tuple[Scale, ...] = get_args(Scale)
ROLES: tuple[Role, ...] = get_args(Role)
STATUSES: tuple[Status, ...] = get_args(Status)
PROFILES: tuple[Profile, ...] = get_args(Profile)
