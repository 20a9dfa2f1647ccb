"""The same revision against itself: how often the gate cries wolf.

Runs are drawn from what real repeats of the races differ by (`noise.json`, made by `noise.py`).
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from noise import read
from simulate import Simulator, accepted, look
from telling import Tell, of

RACES = read()
#: So many accepted runs may be known of a machine: one, enough to know their spread, all kept.
KNOWN = (1, 3, 10)


def alarms(known: int, draws: int, *, slower: float = 0.0, seed: int = 0) -> Counter[str]:
    """Return how many of the drawn runs regress at first, and after the rerun, and by whom."""
    simulator = Simulator(RACES, np.random.default_rng([20260101, known, seed]))
    found: Counter[str] = Counter()
    for _ in range(draws):
        earlier = [simulator.run(judged=False) for _ in range(known - 1)]
        held = accepted([*earlier, simulator.run()])
        first, last = look(simulator, held, slower=slower)
        found["first"] += first.state in {"regressed", "error"}
        found["last"] += last.state in {"regressed", "error"}
        found.update(one.name for one in last.findings if one.state in {"regressed", "error"})
    return found


def test_a_drawn_run_is_judged_as_a_real_one() -> None:
    """Each race claim has a verdict and effects, and its ratios have keys the gate knows."""
    run = Simulator(RACES, np.random.default_rng(0)).run()
    claims = {name for race in RACES.values() for name in race["claims"]}

    assert {claim.id for claim in run.record.claims} == claims
    assert set(run.ratios) == {key for race in RACES.values() for key in race["ratios"]}
    assert {claim.verdict for claim in run.record.claims} <= {
        "reproduced",
        "not reproduced",
        "inconclusive",
        "void",
    }


def test_drawn_runs_spread_as_the_repeats_do() -> None:
    """The mean ratio of a race has the mean and the variance that its repeats have."""
    race = next(iter(RACES.values()))
    key, series = next(iter(race["ratios"].items()))
    simulator = Simulator({"a/b/c": race | {"claims": {}}}, np.random.default_rng(1))
    runs = (simulator.run(fresh=i % 2 == 1) for i in range(2000))
    drawn = np.array([run.ratios[key].mean for run in runs])
    real = np.array(series)
    means, rounds = real.mean(axis=1), real.shape[1]
    noise = np.mean([one.var(ddof=1) for one in real]) / rounds

    error = drawn.std() / math.sqrt(len(drawn))
    assert drawn.mean() == pytest.approx(means.mean(), abs=5 * error)
    assert drawn.var() == pytest.approx(means.var(ddof=1) + noise, rel=0.15)


def test_the_same_revision_hardly_ever_alarms() -> None:
    """A small trial of the exam: none of ten drawn runs."""
    assert alarms(3, 10)["last"] == 0


def test_a_slowdown_alarms() -> None:
    """The drawn runs can fail: methods that take twice as long are seen in some race."""
    assert alarms(3, 5, slower=math.log(2.0))["last"] >= 4


@pytest.mark.exam
@pytest.mark.parametrize("known", KNOWN)
def test_false_alarms_exam(known: int, tell: Tell) -> None:
    """Over all claims and ratios together at most 1% of whole runs regress, after the rerun."""
    draws = 1000
    found = alarms(known, draws, seed=1)
    whom = {name: n for name, n in found.items() if name not in {"first", "last"}}
    tell(
        f"simulated runs of one revision that regress, {known} accepted",
        f"{of(found['last'], draws)}; before the rerun {found['first']}",
        "at most 1%",
    )

    assert found["last"] <= 0.01 * draws, whom


@pytest.mark.exam
@pytest.mark.parametrize("percent", [10, 20, 50, 100])
def test_slowdowns_by_stored_ratios_exam(percent: int, tell: Tell) -> None:
    """What the ratios of one run see of a slowdown of every method, three runs accepted."""
    draws = 100
    found = alarms(3, draws, slower=math.log1p(percent / 100), seed=2)
    tell(f"simulated runs, all methods {percent}% slower", of(found["last"], draws), "(stated)")
