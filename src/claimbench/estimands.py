"""What estimands are often made of, on arrays of shape (replicate, cell)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def slope(y: ArrayLike, x: ArrayLike) -> NDArray[np.float64]:
    """Return the least-squares slope of `y` over `x` along the last axis.

    Parameters
    ----------
    y
        Shape (..., cell).
    x
        Shape (cell,), or that of `y`.

    Returns
    -------
    ndarray, shape (...)
        In the unit of `y` per unit of `x`; NaN where a value of `y` is not finite.

    Raises
    ------
    ValueError
        When `x` has fewer than two values, or takes one value only.
    """
    y = np.asarray(y, dtype=float)
    x = np.broadcast_to(np.asarray(x, dtype=float), y.shape)
    centred = x - x.mean(axis=-1, keepdims=True)
    squares = (centred**2).sum(axis=-1)
    if x.shape[-1] < 2 or not np.all(squares > 0):
        raise ValueError(f"a slope needs two different values of x, found {x[..., :].tolist()!r}")
    usable = np.isfinite(y).all(axis=-1)
    products = (centred * np.where(np.isfinite(y), y, 0.0)).sum(axis=-1)
    return np.where(usable, products / squares, np.nan)
