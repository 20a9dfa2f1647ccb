"""What the interval of a rate promises at every rate, by counting (the exam quotes more)."""

from __future__ import annotations

import exact_rates
import numpy as np
import pytest
from exact_rates import PLAIN, USED

EVERY_N = (*range(5, 101), 128, 200, 500)


def test_wilson_covers_at_every_rate():
    """By counting, the interval of a rate covers 94.8%, next to 0 and 1 too; plain Wilson's 83%."""
    assert min(exact_rates.least_coverage(n)[0] for n in EVERY_N) >= 0.948
    assert 0.83 < exact_rates.least_coverage(10, method=PLAIN)[0] < 0.84


def test_extremes_are_no_better_than_a_grid():
    """No rate of a fine grid is covered less, or called reproduced more often, than they say."""
    grid = exact_rates.GRID
    for n in (5, 12, 40):
        for method in (USED, PLAIN):
            covered = exact_rates.coverage(n, grid, method).min()
            assert covered - 0.001 < exact_rates.least_coverage(n, method=method)[0] <= covered
            false = exact_rates.false_reproduced(n, grid[grid > 0.5], method).max()
            assert false <= exact_rates.most_false(n, 0.5, 1.0, method)[0] < false + 0.001


def test_false_success_is_rare_from_a_threshold_of_one_half():
    """At thresholds from 0.5 a rate equal to it is called above in 2.5% at most, below it 5.2%."""
    assert max(exact_rates.most_false(n, 0.5, 1.0)[0] for n in EVERY_N) <= 0.025
    assert max(exact_rates.most_false(n, 0.0, 0.5)[0] for n in EVERY_N) <= 0.052
    assert exact_rates.most_false(5, 0.5, 1.0, PLAIN)[0] > 0.057


def test_false_refutation_mirrors_false_success():
    """ "Not reproduced" errs at a threshold as often as "reproduced" does at its complement."""
    for n in (5, 10, 40):
        rates = np.linspace(0.003, 0.997, 143)
        mirrored = exact_rates.false_reproduced(n, 1 - rates)
        assert exact_rates.false_refuted(n, rates) == pytest.approx(mirrored, abs=1e-12)


def test_the_figures_of_the_page_are_these():
    """What docs/statistics.md says of thresholds, widths and five of five is found by counting."""
    for n, last in ((5, 0.30), (20, 0.41), (100, 0.47)):
        thresholds = exact_rates.extremes(n)
        above = exact_rates.false_reproduced(n, thresholds) > 0.025
        assert round(thresholds[above].max(), 2) == last
    for threshold, n in ((0.5, 6), (0.8, 21), (0.9, 45)):
        assert exact_rates.limits(n - 1)[0][-1] <= threshold < exact_rates.limits(n)[0][-1]
    for n, plain, used in ((5, 0.65, 0.76), (40, 0.30, 0.32)):
        for method, widest in ((PLAIN, plain), (USED, used)):
            low, high = exact_rates.limits(n, method)
            assert round((high - low).max(), 2) == widest
    assert round(exact_rates.limits(5)[0][5], 2) == 0.46
    assert round(exact_rates.limits(5)[0][1], 2) == 0.01
