"""What the intervals promise, measured: the tables that docs/statistics.md quotes.

    pytest tests/engine/test_statistics_coverage.py -m exam

prints the tables. Rows marked "exact" are sums over the binomial distribution, the others are
simulations of 10,000 draws through the routines that judge claims.
"""

from __future__ import annotations

import math
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import exact_rates
import numpy as np
import pytest
from exact_rates import Row, percent
from scipy import stats

from claimbench.statistics.bootstrap import bca_limits
from claimbench.statistics.interval import (
    Interval,
    median_interval,
    median_rank,
    replicate_interval,
    t_interval,
)
from claimbench.statistics.rule import Rule

DRAWS = 10_000
RESAMPLES = 9999
SEED = 20260101
DOCS = Path(__file__).parents[2] / "docs" / "statistics.md"


def stream(*words: object) -> np.random.Generator:
    """Return the generator of one row of the table, independent of the other rows."""
    return np.random.default_rng([SEED, zlib.crc32(repr(words).encode())])


def simulate(
    make: Callable, draw: Callable, truth: float, draws: int, rng: np.random.Generator
) -> float:
    """Return the share of draws whose interval holds the truth."""
    held = 0
    for _ in range(draws):
        interval = make(draw(rng))
        held += interval.low <= truth <= interval.high
    return held / draws


def false_reproduced(rule: Rule, draw: Callable, draws: int, rng: np.random.Generator) -> float:
    """Return the share of draws at the rule's boundary whose interval meets the rule."""
    met = 0
    for _ in range(draws):
        x = draw(rng)
        met += all(
            condition.met(replicate_interval(x, level=condition.level))
            for condition in rule.reproduced
        )
    return met / draws


def bootstrap_misses(
    sample: Callable, statistic: Callable, n: int, truth: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the shares of draws whose bootstrap interval lies below and above the truth.

    `statistic` maps means over replicates, (..., cells), to numbers, (...), so that all resamples
    are one matrix product. A hundred draws share their resamples.
    """
    below = above = 0
    for draw in range(DRAWS):
        if draw % 100 == 0:
            drawn = rng.integers(0, n, size=(RESAMPLES, n)) + n * np.arange(RESAMPLES)[:, None]
            share = np.bincount(drawn.ravel(), minlength=n * RESAMPLES).reshape(RESAMPLES, n) / n
        x = sample(rng, n)
        left_out = statistic((x.sum(axis=0) - x) / (n - 1))
        value = float(statistic(x.mean(axis=0)))
        low, high, _ = bca_limits(value, statistic(share @ x), left_out)
        below += high < truth
        above += low > truth
    return below / DRAWS, above / DRAWS


LN_T = np.log([64.0, 256.0, 1024.0, 4096.0])


def noisy_curves(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw gaps T^(-1/2) with log-normal noise, half of it shared by a replicate's curve."""
    noise = 0.5 * rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, LN_T.size))
    return np.exp(-0.5 * LN_T + noise)


def slope_of_log(mean: np.ndarray) -> np.ndarray:
    """Return the slope of the logarithm of a mean curve over ln T."""
    centred = LN_T - LN_T.mean()
    return np.log(mean) @ centred / (centred @ centred)


@cache
def slope_misses(n: int) -> tuple[float, float]:
    """Return `bootstrap_misses` of the slope of a mean curve, whose truth is -1/2."""
    return bootstrap_misses(noisy_curves, slope_of_log, n, -0.5, stream("slope", n))


def log_normal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw one skewed number per replicate, as a curve of one cell."""
    return rng.lognormal(size=(n, 1))


def mean_of(mean: np.ndarray) -> np.ndarray:
    """Return the mean itself."""
    return mean[..., 0]


def with_infinities(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw normal effects of which one in five is infinite: the median is at quantile 5/8."""
    return np.where(rng.random(n) < 0.2, math.inf, rng.normal(size=n))


def median_exact(n: int) -> float:
    """Return the exact coverage of the median's interval for continuous effects."""
    rank = median_rank(n, 0.95)
    return 1 - 2 * float(stats.binom.cdf(rank - 1, n, 0.5)) if rank else 1.0


def coverage_rows() -> Iterator[Row]:
    """Yield interval, effects, n and coverage of a nominal 95%."""
    for name, make, truth in (
        ("normal", lambda rng, n: rng.normal(size=n), 0.0),
        ("log-normal, judged on the log scale", lambda rng, n: np.log(rng.lognormal(size=n)), 0.0),
        ("exponential, as they are", lambda rng, n: rng.exponential(size=n), 1.0),
        ("log-normal, as they are", lambda rng, n: rng.lognormal(size=n), math.exp(0.5)),
    ):
        for n in (5, 10, 20, 40):
            draw = lambda rng, n=n, make=make: make(rng, n)
            yield (
                "t",
                name,
                n,
                percent(simulate(t_interval, draw, truth, DRAWS, stream("t", name, n))),
            )
    for n in (6, 10, 20, 40):
        draw = lambda rng, n=n: with_infinities(rng, n)
        truth = stats.norm.ppf(0.625)
        found = simulate(median_interval, draw, truth, DRAWS, stream("median", n))
        yield "median", "normal, one in five infinite", n, percent(found)
    for n in (10, 32):
        misses = slope_misses(n)
        yield "bootstrap", "slope of the log of a mean curve", n, percent(1 - sum(misses))
    misses = bootstrap_misses(log_normal, mean_of, 32, math.exp(0.5), stream("mean"))
    yield "bootstrap", "mean of log-normal numbers", 32, percent(1 - sum(misses))
    yield from exact_rates.coverage_rows()


BOUNDARY = {
    "superiority": (Rule(kind="superiority", margin=1.0), 0.0),
    "non-inferiority": (Rule(kind="non-inferiority", margin=1.0), -1.0),
    "equivalence, wide margin": (Rule(kind="equivalence", margin=5.0), 5.0),
    "equivalence, narrow margin": (Rule(kind="equivalence", margin=0.5), -0.5),
    "rate, bound": (Rule(kind="rate", threshold=1.0, margin=0.5), 1.5),
}


def error_rows() -> Iterator[Row]:
    """Yield kind, effects, n and the share of false "reproduced" at the boundary."""
    for name, (rule, mean) in BOUNDARY.items():
        for n in (5, 10, 40):
            draw = lambda rng, n=n, mean=mean: rng.normal(mean, 1.0, n)
            yield (
                name,
                "normal, t",
                n,
                percent(false_reproduced(rule, draw, DRAWS, stream(name, n))),
            )
    shift = stats.norm.ppf(0.625)
    for n in (6, 10, 40):
        draw = lambda rng, n=n: with_infinities(rng, n) - shift
        rule = BOUNDARY["superiority"][0]
        found = false_reproduced(rule, draw, DRAWS, stream("superiority, median", n))
        yield "superiority", "normal, one in five infinite, median", n, percent(found)
    below, _ = slope_misses(32)
    yield "rate", "slope of the log of a mean curve, bootstrap", 32, percent(below)
    yield from exact_rates.error_rows()


def markdown(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def tables() -> tuple[str, str, str]:
    """Return the tables of coverage, of the continuity correction and of false verdicts."""
    false = 'false "reproduced"'
    corrected = (
        "n",
        "least coverage without, %",
        "with, %",
        f"{false}, threshold 0.5 to 1, without, %",
        "with, %",
    )
    return (
        markdown(("interval", "effects", "n", "coverage, %"), coverage_rows()),
        markdown(corrected, exact_rates.correction_rows()),
        markdown(("kind", "effects", "n", f"{false} at the boundary, %"), error_rows()),
    )


def test_t_covers_normal_effects():
    """A small trial of the exam: 1,000 draws of five normal effects."""
    found = simulate(t_interval, lambda rng: rng.normal(3.0, 2.0, 5), 3.0, 1000, stream(5))
    # Four standard errors of a share of 1,000.
    assert found == pytest.approx(0.95, abs=0.028)


def test_the_median_holds_its_level_at_every_n():
    """By counting, the order statistics cover at least 95%, up to a thousand replicates."""
    assert min(median_exact(n) for n in range(6, 1001)) >= 0.95
    assert median_interval(range(5)) == Interval(2.0, -math.inf, math.inf, 0.95, 5, "median")


def test_the_median_holds_its_level_for_tied_effects():
    """Ties and infinities only make the interval of the median more conservative."""
    found = simulate(
        median_interval, lambda rng: rng.integers(0, 3, 12) * 1.0, 1.0, 500, stream(12)
    )
    assert found >= median_exact(12) - 0.03


def test_false_superiority_is_rare():
    """A small trial of the exam: no effect is called superior in 2.5% of 1,000 draws."""
    rule, mean = BOUNDARY["superiority"]
    found = false_reproduced(rule, lambda rng: rng.normal(mean, 1.0, 10), 1000, stream(10))
    assert found == pytest.approx(0.025, abs=0.02)


@pytest.mark.exam
def test_coverage_exam(capsys):
    """Coverage and false verdicts hold what docs/statistics.md says, and it quotes this table."""
    found = tables()
    text = "\n\n".join(found)
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    numbers = {
        (name, effects, int(n)): float(value)
        for name, effects, n, value in (row for row in cells if len(row) == 4 and row[2].isdigit())
        if "exact" not in value
    }
    for n in (5, 10, 20, 40):
        for effects in ("normal", "log-normal, judged on the log scale"):
            assert numbers["t", effects, n] == pytest.approx(95.0, abs=1.0)
    for n in (6, 10, 20, 40):
        # Three standard errors of 10,000 draws; the exact test above has no such allowance.
        assert numbers["median", "normal, one in five infinite", n] >= 95.0 - 0.65
    for (name, effects, _), value in numbers.items():
        if name in BOUNDARY or (name == "superiority" and "median" in effects):
            assert value <= (5.0 if name.startswith("equivalence") else 2.5) + 0.65
    page = DOCS.read_text(encoding="utf-8")
    assert [table in page for table in found] == [True] * 3, "the page quotes another table"
