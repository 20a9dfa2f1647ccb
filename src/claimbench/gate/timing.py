"""Seconds: the ratios of a race inside one run, against those of accepted runs on one machine.

A ratio's rounds tell the noise within a run. That between runs (another hour, another layout of
memory) is told by the accepted runs, together with what is known before any of them: 5%.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from claimbench.gate.accepted import Ratio
from claimbench.gate.finding import Finding
from claimbench.gate.movement import Movement
from claimbench.grid import label, select
from claimbench.record import ClaimRecord, Record
from claimbench.statistics.interval import mean_and_sd

TOLERANCE = math.log(1.05)
LEVEL = 0.99
#: The spread between runs before any is known, and how many runs that knowledge is worth.
PRIOR_SPREAD, PRIOR_RUNS = 0.05, 4


def races(record: Record) -> dict[str, set[str]]:
    """Return the race experiments of each paper."""
    return {
        paper.id: {name for name, design in paper.experiments.items() if design.get("race")}
        for paper in record.papers
    }


def crowded(record: Record) -> set[tuple[str, str]]:
    """Return the experiments, (paper, experiment), that a candidate took part in.

    In a race it shares core and caches with the others: their seconds are no longer those that
    were accepted without it.
    """
    return {(c.paper, c.experiment) for c in record.contenders if c.role == "candidate"}


def ratios(record: Record, path: Path, *, alone: bool = False) -> dict[str, Ratio]:
    """Return the log-ratios of seconds that the record's race claims are about.

    Parameters
    ----------
    path
        Of the record, whose evidence lies beside it.
    alone
        Leave out the races that a candidate took part in.
    """
    racing, shared = races(record), crowded(record) if alone else set()
    found: dict[str, Ratio] = {}
    for claim in record.claims:
        if (claim.paper, claim.experiment) in shared:
            continue
        if claim.experiment in racing.get(claim.paper, ()):
            for key, rounds in rounds_of(claim, record, path):
                mean, sd = mean_and_sd(rounds)
                found[key] = Ratio(mean, sd, rounds.size, record.created)
    return found


def rounds_of(
    claim: ClaimRecord, record: Record, path: Path
) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.float64]]]]:
    """Yield key and log-ratios, (rounds,), of each cell and opponent that a race claim is about."""
    import pandas as pd

    file = path.with_suffix("") / claim.paper / f"{claim.experiment}.parquet"
    if not file.is_file():
        return
    table = pd.read_parquet(file)
    table = table[table["status"].isin(["ok", "censored"])]
    [paper] = [paper for paper in record.papers if paper.id == claim.paper]
    settings = list(paper.experiments[claim.experiment]["settings"])
    place = (claim.paper, claim.experiment, "baseline")
    opponents = [part.contender for part in claim.against] or [
        other.name
        for other in record.contenders
        if (other.paper, other.experiment, other.role) == place
    ]
    groups = table.groupby(settings, sort=False) if settings else [((), table)]
    for values, rows in groups:
        cell = dict(zip(settings, values, strict=True))
        if not select([cell], claim.where):
            continue
        seconds = rows.pivot_table(index="replicate", columns="contender", values="seconds")
        for opponent in opponents:
            if {claim.method, opponent} <= set(seconds.columns):
                both = seconds[[claim.method, opponent]].dropna().to_numpy()
                rounds = np.log(both[:, 0] / both[:, 1])
                if rounds.size > 1:
                    where = f" [{label(cell)}]" if cell else ""
                    name = f"{claim.paper}/{claim.experiment}{where}: {claim.method} / {opponent}"
                    yield name, rounds


def compare_ratios(
    before: Mapping[str, Sequence[Ratio]], after: Mapping[str, Ratio]
) -> Iterator[Finding]:
    """Yield a finding for each ratio that was accepted on this machine.

    The level is shared among all ratios of the run, which as a whole keeps it.
    """
    known = {key: ratio for key, ratio in after.items() if before.get(key)}
    level = 1 - (1 - LEVEL) / max(1, len(known))
    for key, ratio in known.items():
        yield _compared(key, before[key], ratio, level)


def _compared(key: str, runs: Sequence[Ratio], now: Ratio, level: float) -> Finding:
    error, freedom = _noise(runs, now)
    critical = float(special.stdtrit(freedom, level))
    accepted = math.fsum(run.mean for run in runs) / len(runs)
    shift = now.mean - accepted
    low, high = shift - critical * error, shift + critical * error
    visible = math.exp(TOLERANCE + (critical + float(special.ndtri(0.8))) * error) - 1
    words = (
        f"seconds over the opponent's are {math.expm1(shift):+.1%} of what was accepted, with 99%"
        f" certainty over all ratios at least {math.expm1(low):+.1%}; 5% may be lost, and"
        f" {visible:.0%} would be seen"
    )
    state: Any = "regressed" if low > TOLERANCE else "improved" if high < -TOLERANCE else "ok"
    paper, _, rest = key.partition(": ")[0].partition(" [")[0].rpartition("/")
    return Finding(
        name=key,
        state=state,
        reason=words,
        before=f"{math.exp(accepted):.3g}",
        after=f"{math.exp(now.mean):.3g}",
        timed=True,
        paper=paper,
        experiment=rest,
        visible=visible,
    )


def _noise(runs: Sequence[Ratio], now: Ratio) -> tuple[float, float]:
    """Return the standard error of now's mean less that of the runs, and its degrees of freedom.

    Rounds have one variance in all runs, pooled. That between runs is what the runs' means differ
    by beyond their rounds, moderated by `PRIOR_SPREAD`: G. K. Smyth, Stat. Appl. Genet. Mol. Biol.
    3 (2004) 3. Degrees of freedom: F. E. Satterthwaite, Biometrics Bull. 2 (1946) 110-114.
    """
    k = len(runs)
    seen = sum(run.n - 1 for run in (*runs, now))
    variance = math.fsum((run.n - 1) * run.sd**2 for run in (*runs, now)) / seen
    parts = [variance / run.n for run in runs]
    within = variance / now.n + math.fsum(parts) / k**2
    apart = float(np.var([run.mean for run in runs], ddof=1)) - math.fsum(parts) / k if k > 1 else 0
    known = PRIOR_RUNS + k - 1
    between = (PRIOR_RUNS * PRIOR_SPREAD**2 + (k - 1) * max(apart, 0.0)) / known * (1 + 1 / k)
    total = within + between
    return math.sqrt(total), total**2 / (within**2 / seen + between**2 / known)


def ratio_shift(before: Ratio, after: Ratio, *, level: float) -> Movement:
    """Return how far a log-ratio of seconds moved between two single runs, positive for faster.

    The noise is the gate's: that of both runs' rounds, and `PRIOR_SPREAD` between runs.
    """
    if (before.mean, before.sd, before.n) == (after.mean, after.sd, after.n):
        return Movement(0.0, 0.0, 0.0, same=True)
    error, freedom = _noise([before], after)
    faster = before.mean - after.mean
    half = float(special.stdtrit(freedom, (1 + level) / 2)) * error
    return Movement(faster, faster - half, faster + half, same=False)
