"""The geometry of forest plots."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting import effect

from claimbench.report import forest
from claimbench.report.rules import Region

ABOVE_ZERO = Region(0.0, None, 0.0, (), "above 0")
numbers = st.floats(-1e6, 1e6)


@given(numbers, st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_everything_lies_inside_the_row_in_its_order(value, below, above):
    """Limits surround the value, and all stay between 0 and 100 per cent."""
    shown = effect(value, value - below, value + above)
    frame = forest.frame(ABOVE_ZERO, [shown])

    bar = forest.bar(frame, shown)

    assert bar.value is not None
    assert 0 <= bar.low <= bar.value <= bar.high <= 100
    assert 0 <= frame.reference <= 100
    assert not bar.open_low
    assert not bar.open_high


@given(numbers, st.floats(1e-3, 1e6))
def test_side_of_the_reference_is_kept(value, half):
    """An interval crosses the drawn reference exactly when it holds the reference's value."""
    shown = effect(value, value - half, value + half)
    frame = forest.frame(ABOVE_ZERO, [shown])

    bar = forest.bar(frame, shown)

    if value - half > 0:
        assert bar.low >= frame.reference
    if value + half < 0:
        assert bar.high <= frame.reference


@pytest.mark.parametrize(
    ("low", "high", "open_low", "open_high"),
    [(None, 1.0, True, False), (-1.0, None, False, True), (None, None, True, True)],
)
def test_unbounded_limits_are_open_ends(low, high, open_low, open_high):
    """A null limit reaches the row's end and is marked as open there."""
    shown = effect(0.5, low, high)
    bar = forest.bar(forest.frame(ABOVE_ZERO, [shown]), shown)

    assert (bar.open_low, bar.open_high) == (open_low, open_high)
    assert (bar.low == 0) == open_low
    assert (bar.high == 100) == open_high


def test_far_control_does_not_flatten_the_claim():
    """A control a thousand times away is drawn as lying beyond the scale, with its number told."""
    own, control = effect(0.5, 0.4, 0.6), effect(-700.0, -800.0, -600.0)
    frame = forest.frame(ABOVE_ZERO, [own], [control])

    bar = forest.bar(frame, own)
    far = forest.bar(frame, control)

    assert bar.high - bar.low > 20
    assert far.beyond == -1
    assert far.value is None
    assert "−700" in far.label


def test_near_control_widens_the_scale():
    """A control within reach is drawn in full."""
    own, control = effect(0.5, 0.4, 0.6), effect(-0.2, -0.4, 0.0)
    far = forest.bar(forest.frame(ABOVE_ZERO, [own], [control]), control)

    assert far.beyond == 0
    assert far.value is not None


def test_exact_effect_without_limits_is_a_point():
    """A single number without an interval gets no arrows."""
    shown = effect(0.3, None, None, interval="none")
    bar = forest.bar(forest.frame(ABOVE_ZERO, [shown]), shown)

    assert bar.low == bar.value == bar.high
    assert not bar.open_low
    assert not bar.open_high


def test_constant_sample_at_the_reference_has_a_scale():
    """When nothing differs from zero the reference still has a place inside the row."""
    frame = forest.frame(ABOVE_ZERO, [effect(0.0, 0.0, 0.0)])

    assert frame.reference == 50.0
    assert len(frame.scale.ticks) >= 3


@given(st.lists(numbers, min_size=1, max_size=60))
def test_every_replicate_has_a_dot(replicates):
    """Dots are as many as finite replicates, none outside of the row."""
    shown = effect(0.0, -1.0, 1.0)
    frame = forest.frame(ABOVE_ZERO, [shown], replicates=replicates)

    dots = forest.bar(frame, shown, [*replicates, None]).dots

    assert len(dots) == len(replicates)
    assert all(0 <= at <= 100 for at, _ in dots)


@given(numbers, st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_evenly_spaced(low, width):
    """Two to seven ticks lie on the row at equal distances."""
    ticks = [at for at, _ in forest.Scale(low, low + width).ticks]
    gaps = [b - a for a, b in pairwise(ticks)]

    assert 2 <= len(ticks) <= 7
    assert max(gaps) - min(gaps) <= 0.05 + 1e-4 * abs(low) / width


def test_long_tick_texts_leave_room_for_each_other():
    """Where texts are long, as powers of ten are, every second value is named."""
    short = forest.Scale(-1.0, 1.0).ticks
    long = forest.Scale(-1e-4, 1e-4).ticks

    assert [text for _, text in short] == ["−1", "−0.5", "0", "0.5", "1"]
    assert [text for _, text in long] == ["−1×10⁻⁴", "0", "1×10⁻⁴"]


def test_label_says_all_numbers():
    """The words for those who don't see the picture hold effect, interval, level, n and rule."""
    shown = effect(0.5, 0.4, 0.6, unit="nats")
    label = forest.bar(forest.frame(ABOVE_ZERO, [shown]), shown).label

    assert label == (
        "effect 0.5 nats, 95% t interval from 0.4 to 0.6, n = 10; the claim holds above 0"
    )
