"""The output of an estimand, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from claimbench.errors import ContenderError
from claimbench.statistics.bootstrap import Resample, Statistic, resample
from claimbench.statistics.rule import Rule

_ALLOWED = (
    "one effect per replicate of shape (n,), or (n, columns) for a conjunction, "
    "as numbers or booleans, or a dict of such arrays by name, or one float for the sample"
)


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Effects per replicate, or one statistic of the sample.

    Attributes
    ----------
    n
        Replicates.
    values
        float64 or bool of shape (n, columns); None for a statistic of the sample.
    statistic
        Maps replicate indices to a float; None for effects per replicate.
    names
        What the columns are called; empty when the estimand named none.
    draw
        Finds the resamples of the statistic.
    """

    n: int
    values: npt.NDArray[np.float64] | npt.NDArray[np.bool_] | None = None
    statistic: Statistic | None = None
    names: tuple[str, ...] = ()
    draw: Resample = resample

    @classmethod
    def per_replicate(cls, returned: object, *, n: int) -> Effects:
        """Return the effects of an estimand that returns one for each of `n` replicates.

        Raises
        ------
        ContenderError
            When the shape is neither (n,) nor (n, columns), or the entries are no real numbers.
        """
        return cls(n=n, values=_columns(returned, n))

    @classmethod
    def of_conditions(cls, returned: Mapping[object, object], *, n: int) -> Effects:
        """Return the effects of an estimand that names the conditions of a conjunction.

        Parameters
        ----------
        returned
            Condition -> effects of shape (n,), or (n, columns); columns are numbered.

        Raises
        ------
        ContenderError
            When there is no condition, one has no name or the wrong shape, or numbers and
            booleans are mixed.
        """
        if not returned or not all(isinstance(name, str) and name for name in returned):
            raise ContenderError(
                "an estimand returned conditions without names",
                value=list(returned),
                allowed="a dict of one condition or more: name -> effects, shape (n,)",
            )
        columns = {
            str(name): _columns(part, n, f" (condition {name!r})")
            for name, part in returned.items()
        }
        if len({part.dtype.kind for part in columns.values()}) > 1:
            raise ContenderError(
                "an estimand returned numbers for one condition and booleans for another",
                value={name: str(part.dtype) for name, part in columns.items()},
                allowed="conditions of one sort: the claim has one kind",
            )
        names = [
            name if part.shape[1] == 1 else f"{name}, {i} of {part.shape[1]}"
            for name, part in columns.items()
            for i in range(1, part.shape[1] + 1)
        ]
        return cls(n=n, values=np.concatenate(list(columns.values()), axis=1), names=tuple(names))

    @classmethod
    def of_sample(cls, statistic: Statistic, *, n: int, draw: Resample = resample) -> Effects:
        """Return the effects of an estimand that is one number for the sample."""
        return cls(n=n, statistic=statistic, draw=draw)

    @classmethod
    def from_estimand(
        cls,
        returned: object,
        again: Callable[[npt.NDArray[np.int64]], object],
        *,
        n: int,
        draw: Resample = resample,
    ) -> Effects:
        """Return the effects of an estimand of either sort.

        Parameters
        ----------
        returned
            What it returned for all `n` replicates in their order.
        again
            Evaluates it on the replicates of the given indices; called only when `returned` is
            one number.
        draw
            Finds the resamples then.
        """
        if isinstance(returned, Mapping):
            return cls.of_conditions(returned, n=n)
        values = _array(returned)
        if values.ndim > 0:
            return cls.per_replicate(returned, n=n)
        if values.dtype.kind == "b":
            raise ContenderError(
                "an estimand returned one boolean for the sample",
                value=bool(values),
                allowed=_ALLOWED,
                cure="return one boolean per replicate, shape (n,)",
            )

        def statistic(indices: npt.NDArray[np.int64]) -> float:
            # `bootstrap_intervals` refuses anything but one number.
            return again(indices)  # type: ignore[return-value]

        return cls.of_sample(statistic, n=n, draw=draw)


def _columns(
    returned: object, n: int, which: str = ""
) -> npt.NDArray[np.float64] | npt.NDArray[np.bool_]:
    values = _array(returned)
    fits = values.ndim in {1, 2} and values.shape[0] == n and 0 not in values.shape[1:]
    if not fits:
        raise ContenderError(
            f"an estimand returned the wrong shape for {n} replicates{which}",
            value=values.shape,
            allowed=_ALLOWED,
            cure="average over cells, not over replicates: .mean(axis=1)",
        )
    columns = values.reshape(n, -1) if values.size else values.reshape(n, 1)
    if columns.dtype.kind == "b":
        return columns.astype(np.bool_)
    return columns.astype(np.float64)


def _array(returned: object) -> npt.NDArray[np.generic]:
    try:
        values = np.asarray(returned)
    except (TypeError, ValueError) as error:
        raise ContenderError(
            f"an estimand returned no array ({error})",
            value=type(returned).__name__,
            allowed=_ALLOWED,
        ) from error
    if values.dtype.kind not in "biuf":
        raise ContenderError(
            "an estimand returned no real numbers",
            value=f"{type(returned).__name__} of dtype {values.dtype}",
            allowed=_ALLOWED,
        )
    return values


def refuse_statistic(rule: Rule) -> None:
    """Refuse one number for the sample where every replicate or instance is judged.

    Raises
    ------
    ContenderError
        For kind success, identities and exact bounds.
    """
    if rule.kind == "success" or rule.instances:
        every = "every instance" if rule.instances else "every replicate"
        raise ContenderError(
            f"a claim of kind {rule.kind} is judged on {every}, but its estimand returned one "
            "number for the sample",
            allowed="one effect per replicate, shape (n,)",
            cure="return an array over replicates",
        )


def suited(
    column: npt.NDArray[np.float64] | npt.NDArray[np.bool_], rule: Rule
) -> npt.NDArray[np.float64]:
    """Return one column of effects, shape (n,), as float64 if it suits the kind.

    Raises
    ------
    ContenderError
        When a success is no boolean, or another kind is one.
    """
    boolean = column.dtype.kind == "b"
    if rule.kind == "success" and not boolean and not np.all((column == 0) | (column == 1)):
        raise ContenderError(
            "a claim of kind success is judged on booleans",
            value=float(column[(column != 0) & (column != 1)][0]),
            allowed="True or False (1 or 0) for each replicate",
            cure="return a comparison, such as subject['gap'][:, -1] <= 1e-3",
        )
    if rule.kind != "success" and boolean:
        raise ContenderError(
            f"a claim of kind {rule.kind} is judged on numbers, but its estimand returned booleans",
            allowed="booleans for kind success only",
            cure="return the number itself, or change `kind` in claim.toml",
        )
    # 0.0 in place of -0.0: a sort leaves the two in the order of the replicates.
    return column.astype(np.float64) + 0.0
