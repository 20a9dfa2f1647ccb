"""Whole runs, drawn from what repeats of the races differ by, and what the gate says of them.

Only races have noise: everything else has the same bits on one machine. A drawn run takes, for each
race, one of its repeats and resamples its rounds, for all ratios and claims of the race alike. The
spread of the repeats is widened by sqrt(R / (R - 1)) and that of the rounds by sqrt(n / (n - 1)),
since R repeats spread less around their own mean than around that of all repeats there could be.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from noise import SEEDS, Race
from reporting import claim as claim_record
from reporting import record as run_record

from claimbench import comparison
from claimbench.gate.accepted import SCHEMA, Accepted, AcceptedClaim, Ratio
from claimbench.gate.gate import Gate, confirmed, hold, suspicious
from claimbench.judging import _required
from claimbench.record import ClaimRecord, PaperRecord, Record, fingerprint_of
from claimbench.schema import finite
from claimbench.statistics.interval import mean_and_sd
from claimbench.statistics.rule import Rule
from claimbench.verdict import Effects, judge, with_control

Series = list[list[float | None]]


@dataclass(frozen=True)
class Run:
    """A drawn run: its record, and the ratios of seconds that its evidence would tell."""

    record: Record
    ratios: dict[str, Ratio]


class Simulator:
    """Draws runs."""

    def __init__(self, races: Mapping[str, Race], rng: np.random.Generator) -> None:
        self._races, self._rng = races, rng
        self._papers: dict[str, dict[str, Any]] = {}
        for name in races:
            paper, _, experiment = name.rpartition("/")
            self._papers.setdefault(paper, {})[experiment] = {"race": True}

    def run(self, *, fresh: bool = False, slower: float = 0.0, judged: bool = True) -> Run:
        """Return a run at the seeds of every run, or at those of the gate's rerun.

        Parameters
        ----------
        slower
            Added to the logarithm of every method's seconds: ln 1.2 for a slowdown of 20%.
        judged
            Whether its claims are wanted, too.
        """
        claims: list[ClaimRecord] = []
        ratios: dict[str, Ratio] = {}
        for race in self._races.values():
            drawn = self._draw(race, fresh=fresh, slower=slower)
            for key, series in race["ratios"].items():
                mean, sd = mean_and_sd(drawn(series))
                ratios[key] = Ratio(mean, sd, _shape(race)[1], "20260101T000000Z")
            if judged:
                claims += [self._claim(name, one, drawn) for name, one in race["claims"].items()]
        claims = [_required(claim, [*claims, *_outside(claim, claims)]) for claim in claims]
        papers = [_paper(name, experiments) for name, experiments in self._papers.items()]
        record = run_record(claims=claims, papers=papers, contenders=[], pins={}, data={})
        return Run(record, ratios)

    def _draw(self, race: Race, *, fresh: bool, slower: float) -> Any:
        """Return what draws a series: one repeat and one order of rounds for all of them."""
        repeats, rounds = _shape(race)
        seeds = np.arange(repeats) % len(SEEDS) == int(fresh)
        pick = int(self._rng.choice(np.flatnonzero(seeds) if seeds.any() else repeats))
        order = self._rng.integers(0, rounds, rounds)

        def drawn(series: Series, sign: int = 1) -> np.ndarray:
            return _drawn(series, pick, order) + sign * slower

        return drawn

    def _claim(self, name: str, facts: dict[str, Any], drawn: Any) -> ClaimRecord:
        rule = facts["rule"]
        # A slower method is worse: less for comparisons, more for bounds and rates.
        sign = 1 if rule["kind"] in {"bound", "rate"} else -1

        def judged(part: Mapping[str, Series], by: int) -> Any:
            columns = {key: drawn(one, by) for key, one in part.items()}
            # A record says null of an effect that is infinitely bad.
            columns = {key: np.where(np.isnan(x), sign * math.inf, x) for key, x in columns.items()}
            n = len(next(iter(columns.values())))
            whole = columns.get("", columns)
            effects = Effects.from_estimand(whole, lambda _: whole, n=n)
            own = Rule(kind=rule["kind"], margin=rule["margin"], threshold=rule["threshold"])
            return judge(effects, own, rng=self._rng)

        parts = {key: judged(part, sign) for key, part in facts["parts"].items()}
        control = judged(facts["control"], 0)
        whole = with_control(comparison.joined(parts), control)
        return claim_record(
            id=name,
            paper=rule["paper"],
            experiment=rule["experiment"],
            kind=rule["kind"],
            margin=rule["margin"],
            threshold=rule["threshold"],
            method=rule["method"],
            primary=rule["primary"],
            requires=rule["requires"],
            verdict=whole.verdict,
            reason=whole.reason,
            effect=comparison.effect(whole.interval, ""),
            control=comparison.comparison("control", control, "", {}),
            against=[
                comparison.comparison(key, part, "", {}) for key, part in parts.items() if key
            ],
            replicates=[finite(value) for value in whole.replicates],
            conditions=comparison.conditions(whole, ""),
        )


def _paper(name: str, experiments: dict[str, Any]) -> PaperRecord:
    return dataclasses.replace(run_record().papers[0], id=name, experiments=experiments)


def _outside(claim: ClaimRecord, claims: list[ClaimRecord]) -> list[ClaimRecord]:
    """Return what a claim requires of claims that are no races, and so never change."""
    known = {one.id for one in claims}
    away = [name for name in claim.requires if name not in known]
    return [claim_record(id=name, verdict="reproduced") for name in away]


def _shape(race: Race) -> tuple[int, int]:
    """Return repeats and rounds of a race."""
    series: Series = next(iter(race["ratios"].values()))
    return len(series), len(series[0])


def _drawn(series: Series, pick: int, order: np.ndarray) -> np.ndarray:
    x = np.array([[math.nan if v is None else v for v in one] for one in series], dtype=float)
    repeats, rounds = x.shape
    if not np.isfinite(x).all() or repeats < 2:
        return x[pick][order]
    means = x.mean(axis=1)
    between = math.sqrt(repeats / (repeats - 1)) * (means[pick] - means.mean())
    within = math.sqrt(rounds / (rounds - 1)) * (x[pick] - means[pick])
    return means.mean() + between + within[order]


def accepted(runs: list[Run]) -> Accepted:
    """Return what is accepted after these runs, the last of which is held to."""
    last = runs[-1].record
    machine = fingerprint_of(last)
    claims = {
        claim.id: AcceptedClaim(
            claim, last.revision, last.created, machine, last.seed, data="", pins={}, race=True
        )
        for claim in last.claims
    }
    ratios = {key: [run.ratios[key] for run in runs] for key in runs[-1].ratios}
    return Accepted(SCHEMA, last.profile, claims, {machine: ratios})


def look(simulator: Simulator, held: Accepted, *, slower: float = 0.0) -> tuple[Gate, Gate]:
    """Return what the gate says of a new run at first, and after the rerun of suspicious races."""
    new = simulator.run(slower=slower)
    first = last = hold(new.record, new.ratios, held)
    for race in suspicious(first):
        again = simulator.run(fresh=True, slower=slower)
        last = confirmed(last, hold(again.record, again.ratios, held), race)
    return first, last
