"""How far an effect moved: paired, apart, or told by intervals alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting import effect
from scipy import stats

from claimbench.gate.movement import Movement, movement

OLD = [0.1, 0.4, 0.2, 0.5, 0.3]
NEW = [0.2, 0.6, 0.1, 0.7, 0.5]


def moved(old: Any, new: Any, kind: Any = "superiority", **more: Any) -> Movement:
    facts = {"paired": True, "level": 0.99} | more
    sides = [(side, effect(float(np.mean(side)), -1.0, 1.0)) for side in (old, new)]
    return movement(kind, *sides, **facts)


def test_pairs_have_the_t_interval_of_their_differences() -> None:
    """At equal seeds the noise that both runs share is gone."""
    found = moved(OLD, NEW)
    own = stats.ttest_rel(NEW, OLD).confidence_interval(0.99)

    assert found.value == pytest.approx(np.mean(NEW) - np.mean(OLD))
    assert (found.low, found.high) == pytest.approx((own.low, own.high))
    assert not found.same


def test_at_other_seeds_welch_s_interval_holds() -> None:
    """Unequal spreads and numbers of replicates are allowed."""
    found = moved([*OLD, 0.9], NEW, paired=False)
    own = stats.ttest_ind(NEW, [*OLD, 0.9], equal_var=False).confidence_interval(0.99)

    assert (found.low, found.high) == pytest.approx((own.low, own.high))


def test_a_statistic_of_the_sample_is_told_by_its_intervals() -> None:
    """Without effects per replicate the half widths of both intervals tell the spread."""
    old, new = effect(1.0, 0.8, 1.2), effect(1.5, 1.1, 1.9)
    found = movement("superiority", ([], old), ([], new), paired=True, level=0.95)

    assert found.value == pytest.approx(0.5)
    assert found.high - found.value == pytest.approx(math.hypot(0.2, 0.4))


@pytest.mark.parametrize(
    ("kind", "old", "new", "sign"),
    [
        ("superiority", 1, 2, 1),
        ("non-inferiority", 1, 2, 1),
        ("success", 1, 2, 1),
        ("rate", 1, 2, -1),
        ("bound", 1, 2, -1),
        ("equivalence", 1, 2, -1),
        ("equivalence", -1, -2, -1),
        ("equivalence", -2, 1, 1),
        ("identity", 0, -0.5, -1),
    ],
)
def test_better_is_what_the_kind_calls_better(kind: str, old: float, new: float, sign: int) -> None:
    """Greater for a comparison, less for a bound, nearer to zero for an equivalence."""
    found = moved(old + np.array([0, 0.1, -0.1]), new + np.array([0, 0.1, -0.1]), kind)

    assert math.copysign(1, found.value) == sign
    assert abs(found.value) == pytest.approx(abs(abs(new) - abs(old)))


def test_equal_bits_have_not_moved() -> None:
    """And nothing is estimated."""
    assert moved(OLD, list(OLD)) == Movement(0.0, 0.0, 0.0, same=True)


def test_one_bit_is_a_movement() -> None:
    """However small."""
    found = moved(OLD, [np.nextafter(OLD[0], 1), *OLD[1:]])

    assert not found.same
    assert 0 < found.value < 1e-15


def test_infinite_effects_are_unknown() -> None:
    """A null stands for either infinity, so no shift can be told."""
    found = movement(
        "rate", (OLD, effect(1, 0, 2)), ([None, *OLD[1:]], None), paired=True, level=0.9
    )

    assert not found.known
    assert (found.low, found.high) == (-math.inf, math.inf)


floats = st.floats(-100, 100)


@given(st.lists(st.tuples(floats, floats), min_size=2, max_size=8), st.booleans())
def test_swapping_the_runs_swaps_the_sign(pairs: list[tuple[float, float]], paired: bool) -> None:  # noqa: FBT001  drawn
    """What one run gained the other lost."""
    old, new = ([float(one[side]) for one in pairs] for side in (0, 1))
    forth, back = moved(old, new, paired=paired), moved(new, old, paired=paired)

    assert forth.value == pytest.approx(-back.value, abs=1e-9)
    assert forth.low == pytest.approx(-back.high, abs=1e-6)
