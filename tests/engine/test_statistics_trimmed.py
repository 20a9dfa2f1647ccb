"""The trimmed mean of rounds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from claimbench.statistics.trimmed import least_visible, rounds_needed, trimmed_interval

ROUNDS = [0.1, 0.12, 0.09, 0.11, 0.1, 0.13, 0.08, 0.1, 0.11, 3.0]


def test_the_mean_is_scipy_s() -> None:
    """A fifth is cut at either end."""
    assert trimmed_interval(ROUNDS, level=0.99).value == pytest.approx(stats.trim_mean(ROUNDS, 0.2))


def test_the_error_is_that_of_the_winsorised_sample() -> None:
    """With the degrees of freedom of what is kept."""
    winsorised = np.asarray(stats.mstats.winsorize(np.array(ROUNDS), limits=0.2))
    error = winsorised.std(ddof=1) / (0.6 * np.sqrt(10))
    found = trimmed_interval(ROUNDS, level=0.99)

    assert found.high - found.value == pytest.approx(special.stdtrit(5, 0.995) * error)


def test_one_disturbed_round_changes_nothing() -> None:
    """However long it took."""
    assert trimmed_interval([*ROUNDS[:-1], 0.2], level=0.9) == trimmed_interval(ROUNDS, level=0.9)


def test_coverage_is_what_is_promised() -> None:
    """Of 2,000 samples of ten normal numbers 99% hold zero, to a point; with disturbed ones too."""
    rng = np.random.default_rng(5)
    clean = rng.normal(size=(2000, 10))
    disturbed = np.where(rng.random((2000, 10)) < 0.05, 8 * clean, clean)
    for samples in (clean, disturbed):
        held = [i.low <= 0 <= i.high for i in (trimmed_interval(x, level=0.99) for x in samples)]
        assert np.mean(held) == pytest.approx(0.99, abs=0.01)


def test_the_least_visible_effect_is_seen_four_times_in_five() -> None:
    """At 20 rounds of known spread."""
    rng = np.random.default_rng(6)
    base = rng.normal(scale=0.02, size=(1000, 20))
    least = np.median([least_visible(x, tolerance=0.05, level=0.99) for x in base])
    seen = [trimmed_interval(x + least, level=0.99).low > 0.05 for x in base]

    assert 0.7 < np.mean(seen) < 0.9


def test_the_rounds_needed_find_the_effect() -> None:
    """As many as ten rounds of known spread ask for, in the median, find it nineteen in twenty."""
    rng = np.random.default_rng(7)
    asked = {"effect": 0.1, "tolerance": 0.05, "level": 0.99, "power": 0.95}
    first = rng.normal(scale=0.06, size=(1000, 10))
    needed = int(np.median([rounds_needed(x, **asked) for x in first]))
    later = rng.normal(loc=0.1, scale=0.06, size=(1000, needed))
    seen = [trimmed_interval(x, level=0.99).low > 0.05 for x in later]

    assert 20 < needed < 60
    assert 0.85 < np.mean(seen) < 1


def test_no_number_of_rounds_finds_what_is_tolerated() -> None:
    """An effect of the tolerance itself is refused."""
    with pytest.raises(ValueError, match=r"0.05 is not above the tolerance 0.05"):
        rounds_needed(ROUNDS, effect=0.05, tolerance=0.05, level=0.99, power=0.95)


@pytest.mark.parametrize("rounds", [[], [1.0], [1.0, np.inf, 2.0]])
def test_too_few_or_infinite_rounds_are_refused(rounds: list[float]) -> None:
    """There is nothing to say of them."""
    with pytest.raises(ValueError, match="finite numbers, of which two are left"):
        trimmed_interval(rounds, level=0.99)
