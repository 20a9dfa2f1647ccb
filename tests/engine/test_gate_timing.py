"""Seconds by the ratios of a race inside one run."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reporting import PAPER, claim, record, write_run
from scipy import stats

from claimbench.gate.accepted import Ratio
from claimbench.gate.timing import TOLERANCE, _noise, compare_ratios, ratios

KEY = "optimization/sparse_ot/race [ties=none]: batched / pot_semi_dual"


def rounds(*, slower: float = 1.0, n: int = 12) -> pd.DataFrame:
    """Return a race of two contenders whose seconds drift together, in two cells."""
    rng = np.random.default_rng(3)
    rows = []
    for ties in ("none", "many"):
        for replicate in range(n):
            drift = 1 + 0.5 * replicate
            for name, seconds in (("batched", 0.1 * slower), ("pot_semi_dual", 1.0)):
                noise = math.exp(0.01 * rng.normal())
                facts = {"contender": name, "ties": ties, "replicate": replicate, "status": "ok"}
                rows.append({**facts, "seconds": seconds * drift * noise})
    return pd.DataFrame(rows)


def race_claim(**changes: object):
    facts = {"experiment": "race", "method": "batched", "where": {"ties": "none"}, "against": []}
    return claim("faster", **(facts | changes))


def found(tmp_path: Path, table: pd.DataFrame, **changes: object) -> dict[str, Ratio]:
    run = record(claims=[race_claim(**changes)])
    [opponent] = [one for one in run.contenders if one.name == "pot_semi_dual"][:1]
    racing = dataclasses.replace(opponent, role="baseline", experiment="race")
    run = dataclasses.replace(run, contenders=[racing])
    path = write_run(tmp_path, run, {})
    file = path.with_suffix("") / PAPER / "race.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(file)
    return ratios(run, path)


def test_a_ratio_is_of_one_round_of_one_cell(tmp_path: Path) -> None:
    """What drifts for both contenders alike cancels; cells that the claim is not about stay out."""
    table = found(tmp_path, rounds())

    assert list(table) == [KEY]
    ratio = table[KEY]
    assert ratio.n == 12
    assert ratio.mean == pytest.approx(math.log(0.1), abs=0.01)
    assert ratio.sd == pytest.approx(0.014, abs=0.01)


def test_rounds_that_one_contender_lost_do_not_count(tmp_path: Path) -> None:
    """A failed round has no seconds."""
    table = rounds()
    table.loc[(table["replicate"] == 0) & (table["contender"] == "batched"), "status"] = "failed"

    assert found(tmp_path, table)[KEY].n == 11


def ratio(mean: float, sd: float = 0.01, n: int = 12) -> Ratio:
    return Ratio(mean, sd, n, "20260101T000000Z")


@pytest.mark.parametrize(
    ("runs", "now", "state"),
    [
        ([0.0], 0.05, "ok"),
        ([0.0], 0.4, "regressed"),
        ([0.0], -0.4, "improved"),
        # Quiet runs, 1% apart, sharpen the sight: the more, the better.
        ([0.0], 0.25, "ok"),
        ([0.0, 0.01, -0.01], 0.25, "regressed"),
        ([0.0, 0.01, -0.01], 0.15, "ok"),
        ([0.0, 0.01, -0.01] * 4, 0.15, "regressed"),
        # Noisy ones blunt it.
        ([0.0, 0.1, -0.1], 0.3, "ok"),
    ],
)
def test_slower_is_said_beyond_noise_and_tolerance(
    runs: list[float], now: float, state: str
) -> None:
    """The lower 99% limit must pass 5%; the noise between runs is what accepted runs show."""
    [finding] = compare_ratios({KEY: [ratio(mean) for mean in runs]}, {KEY: ratio(now)})

    assert finding.state == state
    assert finding.timed
    assert (finding.paper, finding.experiment) == (PAPER, "race")
    assert "would be seen" in finding.reason


@pytest.mark.parametrize("known", [1, 3, 10])
def test_rounds_of_both_sides_and_the_spread_of_runs_are_noise(known: int) -> None:
    """6 rounds of 20% noise, 5% between runs: 0.5% of shifts lie beyond either limit, or fewer."""
    rng = np.random.default_rng(known)
    beyond, number, n = 0, 4000, 6
    for _ in range(number):
        rows = 0.05 * rng.normal(size=(known + 1, 1)) + 0.2 * rng.normal(size=(known + 1, n))
        *runs, now = (ratio(one.mean(), float(one.std(ddof=1)), n) for one in rows)
        error, freedom = _noise(runs, now)
        shift = now.mean - np.mean([one.mean for one in runs])
        beyond += shift > stats.t.ppf(0.995, freedom) * error

    assert beyond <= stats.binom.ppf(0.999, number, 0.006)
    assert beyond >= stats.binom.ppf(0.001, number, 0.001)  # nor is it much wider than it needs


def test_without_rounds_apart_the_noise_is_that_of_welch() -> None:
    """Of one accepted run with as many rounds and the same spread, the prior aside."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=8)
    y = x + 0.3
    a, b = (ratio(one.mean(), float(one.std(ddof=1)), 8) for one in (x, y))
    error, freedom = _noise([a], b)
    pooled = stats.ttest_ind(y, x)
    own = (b.mean - a.mean) / pooled.statistic

    assert error == pytest.approx(math.sqrt(own**2 + 2 * 0.05**2))
    assert freedom == pytest.approx(error**4 / (own**4 / pooled.df + 4 * 0.05**4 / 4))


def test_a_ratio_that_was_never_accepted_is_no_finding() -> None:
    """Nothing to hold it against."""
    assert list(compare_ratios({}, {KEY: ratio(5.0)})) == []


def test_a_a_is_quiet_and_a_slowdown_is_seen() -> None:
    """With 2% noise between runs, under 1% of 1,000 runs of ten ratios alarm, unconfirmed."""
    rng = np.random.default_rng(11)

    def alarms(slower: float, number: int) -> float:
        lost = 0
        for _ in range(number):
            before = {str(k): [ratio(m) for m in 0.02 * rng.normal(size=8)] for k in range(10)}
            after = {str(k): ratio(slower + 0.02 * rng.normal()) for k in range(10)}
            found = compare_ratios(before, after)
            lost += any(one.state == "regressed" for one in found)
        return lost / number

    assert alarms(0.0, 1000) <= 0.01
    assert alarms(0.3, 50) >= 0.8
    assert math.log(1.05) == TOLERANCE
