"""Numbers as the report prints them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reporting import effect

from claimbench.report import numerals

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def parsed(text: str) -> float:
    """Read a printed number back, independently of how it was written."""
    mantissa, _, exponent = text.replace(",", "").partition("×10")
    power = 10.0 ** int(exponent.translate(SUPERSCRIPTS)) if exponent else 1.0
    return float(mantissa.translate(SUPERSCRIPTS)) * power


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.5, "−0.5"),
        (12.0, "12"),
        (1234.5, "1,234"),
        (0.00012345, "1.23×10⁻⁴"),
        (2e9, "2×10⁹"),
        (9.9996, "10"),
        (None, "undefined"),
        (math.nan, "undefined"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_number_is_short_and_typographic(value, text):
    """A number has three significant digits, a real minus sign and powers of ten."""
    assert numerals.number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_number_reads_back_to_three_digits(value):
    """What is printed differs from the value by at most half a unit of its third digit."""
    assert parsed(numerals.number(value)) == pytest.approx(value, rel=5.01e-3, abs=1e-300)


@given(
    st.floats(-1e4, 1e4),
    st.floats(1e-9, 1e4),
    st.floats(1e-9, 1e4),
)
def test_interval_keeps_what_its_width_earns(value, below, above):
    """Value and limits read back to within a tenth of the half width."""
    shown = effect(value, value - below, value + above)
    width = (below + above) / 2

    texts = numerals.interval(shown)

    for text, number in zip(texts, (value, value - below, value + above), strict=True):
        assert abs(parsed(text) - number) <= max(0.1 * width, 5.01e-3 * abs(number))


def test_limit_that_decides_is_not_rounded_to_zero():
    """A lower limit just above zero is printed as such, not as 0.00."""
    value, low, high = numerals.interval(effect(0.5, 0.0004, 1.0))

    assert (value, low, high) == ("0.5", "4×10⁻⁴", "1.0")


def test_unbounded_limits_are_infinities():
    """A null limit is printed as an infinity of its side."""
    assert numerals.interval(effect(1.5, None, None)) == ("1.5", "−∞", "∞")


def test_whole_numbers_stay_whole():
    """Counts are printed without decimals."""
    assert numerals.interval(effect(0.0, -3.0, 0.0)) == ("0", "−3", "0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (2.5e-6, "2.5 µs"),
        (0.12, "120 ms"),
        (3.456, "3.46 s"),
        (84.2, "84.2 s"),
        (125.0, "2 min 5 s"),
        (7260.0, "2 h 1 min"),
    ],
)
def test_durations_have_the_unit_people_use(value, text):
    """Durations go from microseconds to hours."""
    assert numerals.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (3 * 2**10, "3 KiB"), (2**20, "1 MiB"), (3 * 2**30, "3.0 GiB")]
)
def test_memory_has_binary_units(value, text):
    """Memory is printed in the unit that keeps it short."""
    assert numerals.memory(value) == text
