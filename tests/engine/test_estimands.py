"""The least-squares slope, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimbench import slope

X = np.array([1.0, 2.0, 4.0, 8.0])


def test_the_slope_is_that_of_numpy() -> None:
    """Row by row it is the slope of a polynomial fit of degree one."""
    y = np.random.default_rng(0).normal(size=(5, 4))

    assert np.allclose(slope(y, X), [np.polyfit(X, row, 1)[0] for row in y], rtol=1e-12)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_a_line_has_its_own_slope(rise: float, start: float) -> None:
    """A straight line's slope is found whatever its height."""
    assert slope(start + rise * X, X) == pytest.approx(rise, rel=1e-9, abs=1e-9)


def test_a_replicate_that_diverged_has_no_slope() -> None:
    """One infinite value makes that replicate's slope undefined, and no other's."""
    y = np.vstack([X, X])
    y[0, 2] = np.inf

    found = slope(y, X)

    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1)


@pytest.mark.parametrize("x", [[2.0], [3.0, 3.0]])
def test_one_value_of_x_has_no_slope(x: list[float]) -> None:
    """A slope over a single value of x is an error, not NaN."""
    with pytest.raises(ValueError, match="two different values"):
        slope(np.ones((2, len(x))), x)
