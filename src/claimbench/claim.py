"""A paper's claims and the design of its experiments, as read from ``claim.toml``.

Frozen data without behaviour: nothing here imports a paper's code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ConfigDict

from claimbench.words import Ended, Kind, Profile, Scale

Scalar = bool | int | float | str
#: A point of the grid: the value of every setting.
Cell = dict[str, Scalar]

_CONFIG = ConfigDict(extra="forbid", strict=False)


@dataclass(frozen=True, slots=True)
class Paper:
    """Whose claims they are."""

    __pydantic_config__ = _CONFIG

    title: str
    authors: tuple[str, ...]
    year: int
    arxiv: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the engine tunes every contender of an experiment that declares a grid.

    Attributes
    ----------
    trials
        Combinations tried for each contender, the same number for all.
    replicates
        Replicates of each trial, on streams of their own.
    criterion
        The measure whose mean over replicates and cells is minimised.
    """

    __pydantic_config__ = _CONFIG

    trials: int
    replicates: int
    criterion: str


@dataclass(frozen=True, slots=True)
class Look:
    """The look with which an experiment that is run until decided came to its end.

    Attributes
    ----------
    number
        From 1.
    sizes
        Replicates at each look that was planned.
    ended
        ``decided``: no claim of the experiment asks for more; ``all looks``; or ``over budget``.
    reason
        Why it is over budget; else empty.
    """

    __pydantic_config__ = ConfigDict(extra="ignore")

    number: int
    sizes: tuple[int, ...]
    ended: Ended
    reason: str = ""

    @property
    def replicates(self) -> int:
        """Those that the claims were judged on."""
        return self.sizes[self.number - 1]

    @property
    def sentence(self) -> str:
        """What is told of the look after a verdict's own sentence."""
        told = (
            f"Look {self.number} of {len(self.sizes)}, at {self.replicates:,} of"
            f" {self.sizes[-1]:,} replicates"
        )
        if self.ended == "over budget":
            told += f"; {self.reason} before the look at {self.sizes[self.number]:,}"
        return f"{told}."


@dataclass(frozen=True, slots=True)
class Design:
    """What one experiment runs at one profile.

    Attributes
    ----------
    settings
        The problem's parameters: setting -> values.
    cells
        The points of the grid, in the order of the arrays that estimands see.
    replicates, block
        Independent repetitions, and how many of them are computed together.
    deterministic
        The instances are the whole population: bounds are judged on each of them, without
        inference, and five replicates are not required.
    budget
        Seconds that one block of one contender may take.
    look
        Where `replicates` are those of a look, of which there may be several: which one it is.
    """

    name: str
    profile: Profile
    settings: dict[str, tuple[Scalar, ...]]
    cells: tuple[Cell, ...]
    replicates: int
    block: int
    deterministic: bool
    budget: float
    tuning: Tuning | None
    look: Look | None = None

    @property
    def blocks(self) -> tuple[range, ...]:
        """The replicates of each block."""
        return tuple(
            range(first, first + self.block) for first in range(0, self.replicates, self.block)
        )


@dataclass(frozen=True, slots=True)
class Control:
    """The subject that must fail the claim: a contender, the method at other settings, or both."""

    __pydantic_config__ = _CONFIG

    contender: str | None = None
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of the paper, and the rule by which it is judged.

    Attributes
    ----------
    where
        Setting -> value or list of values: the cells that the estimand sees.
    threshold
        For the kinds rate, bound and success.
    margin
        The smallest effect that matters, in the estimand's unit.
    requires
        Claims of the same paper without which this one means nothing, such as "the problem is not
        trivial": unless all are reproduced, it is inconclusive.
    """

    __pydantic_config__ = _CONFIG

    id: str
    statement: str
    source: str
    kind: Kind
    experiment: str
    estimand: str
    unit: str
    method: str
    control: Control
    margin: float = 0.0
    threshold: float | None = None
    against: tuple[str, ...] = ()
    where: dict[str, Any] = field(default_factory=dict)
    printed: str = ""
    scale: Scale = "exact"
    scale_reason: str = ""
    primary: bool = False
    requires: tuple[str, ...] = ()

    @property
    def subject_of_control(self) -> str:
        """The contender that plays the control."""
        return self.control.contender or self.method

    @property
    def contenders(self) -> tuple[str, ...]:
        """Every contender that the verdict needs, once each."""
        return tuple(dict.fromkeys((self.method, *self.against, self.subject_of_control)))


#: What ``[experiment.X]`` may say besides the problem's parameters.
DesignKey = Literal[
    "replicates",
    "block",
    "cells",
    "deterministic",
    "budget",
    "tuning",
    "profiles",
    "smoke",
    "full",
]
