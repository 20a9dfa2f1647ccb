"""What a worker makes of a measure: columns, status, shares of seconds, or a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from claimbench.errors import ContenderError
from claimbench.evidence.clock import Timed
from claimbench.evidence.store import Rows
from claimbench.evidence.unit import Unit
from claimbench.evidence.worker import _reason, _rows

UNIT = Unit(
    root="/r", domain="toy", slug="line", experiment="line", contender="steep", role="method",
    cells=({"T": 1},), block=0, replicates=(0, 3), device="cpu", seed=0,
)  # fmt: skip
TIMED = Timed(answer=None, seconds=6.0, peak_memory_bytes=10)


def rows(calls: Any = None, **measured: Any) -> Rows:
    return _rows(UNIT, measured, calls, TIMED)


def test_columns_are_float64_whatever_they_came_as() -> None:
    """Lists, booleans, integers, tensors with gradients."""
    found = rows(
        a=[1, 2, 3], b=np.array([True, False, True]), c=torch.ones(3, requires_grad=True)
    ).columns

    assert all(found[name].dtype == np.float64 for name in "abc")
    assert list(found["b"]) == [1, 0, 1]


def test_a_block_s_seconds_are_shared_equally() -> None:
    """Three replicates of six seconds took two each."""
    assert list(rows(gap=np.ones(3)).columns["seconds"]) == [2, 2, 2]


def test_divergence_is_evidence() -> None:
    """NaN counts as the worst there is; both are marked, also inside a trace."""
    found = rows(gap=[1.0, np.nan, -np.inf], trace=[[0, 1], [0, 1], [0, 1]])
    trace = rows(trace=[[0, 1], [np.nan, 1], [0, 1]])

    assert list(found.columns["gap"]) == [1, np.inf, -np.inf]
    assert list(found.status) == ["ok", "diverged", "diverged"]
    assert list(trace.status) == ["ok", "diverged", "ok"]
    assert trace.columns["trace"][1, 0] == np.inf


def test_a_censored_replicate_is_marked_and_its_column_taken() -> None:
    """It ran out of its budget; divergence comes first."""
    found = rows(gap=[1.0, 2.0, np.inf], censored=[False, True, True])

    assert list(found.status) == ["ok", "censored", "diverged"]
    assert "censored" not in found.columns


def test_the_oracle_s_calls_are_a_column() -> None:
    """Counted by the problem, not told by the contender."""
    assert list(rows(calls=torch.tensor([4, 5, 6]), gap=np.ones(3)).columns["calls"]) == [4, 5, 6]
    assert "calls" not in rows(gap=np.ones(3)).columns


WRONG: dict[str, tuple[Any, str]] = {
    "no mapping": ([1, 2, 3], "returned no columns: 'list'"),
    "nothing": (None, "returned no columns"),
    "no column": ({}, "returned no columns"),
    "a number": (
        {"gap": 1.0},
        r"'gap' has the wrong shape: \(\); allowed: \(3,\), or \(3, points\)",
    ),
    "too short": ({"gap": np.ones(2)}, r"wrong shape: \(2,\)"),
    "too deep": ({"gap": np.ones((3, 2, 2))}, r"wrong shape: \(3, 2, 2\)"),
    "words": ({"gap": ["a", "b", "c"]}, "'gap' holds no real numbers: 'list'"),
    "complex": ({"gap": np.ones(3) * 1j}, "'gap' holds no real numbers: 'ndarray'"),
    "ragged": ({"gap": [[1], [1, 2], [1]]}, "'gap' holds no real numbers"),
    "objects": ({"gap": [None] * 3}, "'gap' holds no real numbers"),
    "a trace of censoring": (
        {"gap": np.ones(3), "censored": np.ones((3, 2))},
        "'censored' has the",
    ),
    "the clock's": ({"seconds": np.ones(3)}, "one that the engine writes: 'seconds'"),
    "the engine's": ({"status": np.ones(3)}, "one that the engine writes: 'status'"),
    "a setting's": ({"T": np.ones(3)}, "one that the engine writes: 'T'"),
}


@pytest.mark.parametrize(("measured", "message"), WRONG.values(), ids=WRONG)
def test_a_measure_of_the_wrong_shape_is_refused(measured: Any, message: str) -> None:
    """The message has the column, what came, and the shapes allowed."""
    with pytest.raises(ContenderError, match=message):
        _rows(UNIT, measured, None, TIMED)


def test_calls_have_the_shape_of_the_replicates() -> None:
    """One number for each, and nobody else's column of that name."""
    with pytest.raises(ContenderError, match=r"calls has the wrong shape: \(3, 1\)"):
        rows(calls=np.ones((3, 1)), gap=np.ones(3))
    with pytest.raises(ContenderError, match="one that the engine writes: 'calls'"):
        _rows(UNIT, {"calls": np.ones(3)}, np.ones(3), TIMED)


def test_a_reason_has_the_error_s_type_and_words() -> None:
    """Errors of claimbench speak for themselves."""
    assert _reason(ValueError("too steep")) == "ValueError: too steep"
    assert _reason(ValueError()) == "ValueError: no message"
    assert _reason(ContenderError("wrong", value=1)) == "wrong: 1"
