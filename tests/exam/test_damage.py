"""Quality damaged by a claim's own margin: does the gate call it regressed?

Every accepted claim that is reproduced, has a margin and an effect per replicate is damaged in
turn: each replicate loses the margin on average, give or take half of it, as a fault does at equal
seeds. In the hardest case effects are drawn anew from the accepted ones, so that pairs have
nothing in common any more. The result is judged anew, by the engine's own rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from reporting import claim
from telling import Tell, of

from claimbench import comparison
from claimbench.gate.accepted import AcceptedClaim, accepted_file, read_accepted
from claimbench.gate.quality import Run, compare
from claimbench.record import ClaimRecord
from claimbench.statistics.rule import Rule
from claimbench.verdict import Effects, judge

ROOT = Path(__file__).parents[2]
#: Of the margin: how much the damage differs from replicate to replicate.
SPREAD = 0.5
RUN = Run(fingerprint="m", seed=0, data="", pins={}, mismatched=(), race=False)


def alone(one: ClaimRecord) -> ClaimRecord:
    """Return the claim as a single part: the weakest, which it shows."""
    return dataclasses.replace(one, against=[], conditions=[])


def fit(one: ClaimRecord) -> bool:
    """Tell whether a claim can be damaged by its margin."""
    return (
        one.verdict == "reproduced"
        and one.margin > 0
        and one.kind != "identity"
        and len(one.replicates) >= 5
        and None not in one.replicates
    )


def damaged(one: ClaimRecord, rng: np.random.Generator, *, paired: bool) -> ClaimRecord:
    """Return the claim after a run whose effects are worse by the margin."""
    old = np.array(one.replicates, dtype=float)
    sign = {"rate": 1, "bound": 1, "equivalence": np.sign(old.mean()) or 1}.get(one.kind, -1)
    if paired:
        x = old + sign * one.margin * (1 + SPREAD * rng.normal(size=old.size))
    else:
        x = rng.choice(old, old.size) + sign * one.margin
    rule = Rule(kind=one.kind, margin=one.margin, threshold=one.threshold)
    found = judge(Effects.from_estimand(x, lambda _: x, n=x.size), rule, rng=rng)
    return dataclasses.replace(
        one,
        verdict=found.verdict,
        effect=comparison.effect(found.interval, ""),
        replicates=[float(value) for value in x],
    )


def found(one: ClaimRecord, draws: int, *, paired: bool = True, seed: int = 0) -> int:
    """Return how many of the damaged runs regress."""
    rng = np.random.default_rng([20260101, seed])
    before = AcceptedClaim(alone(one), "r", "c", "m", seed=0, data="", pins={}, race=False)
    runs = (damaged(alone(one), rng, paired=paired) for _ in range(draws))
    return sum(compare(before, after, RUN).state == "regressed" for after in runs)


def candidates() -> Iterator[ClaimRecord]:
    """Yield the accepted claims that can be damaged; races are judged by their seconds."""
    accepted = read_accepted(accepted_file(ROOT, "standard"))
    yield from (one.claim for one in accepted.claims.values() if not one.race and fit(one.claim))


EFFECTS = [float(x) for x in 1 + 0.2 * np.random.default_rng(2).normal(size=10)]
PLAIN = claim(kind="superiority", margin=0.4, threshold=None, replicates=EFFECTS)


@pytest.mark.parametrize(
    ("one", "least"),
    [
        (PLAIN, 16),
        (dataclasses.replace(PLAIN, kind="bound", threshold=2.0), 16),
        (dataclasses.replace(PLAIN, kind="equivalence", margin=1.0), 16),
    ],
)
def test_damage_of_the_margin_is_found(one: ClaimRecord, least: int) -> None:
    """A small trial of the exam: 16 of 20, whichever direction is the worse."""
    assert found(one, 20) >= least


def test_damage_within_the_noise_is_not_found() -> None:
    """The trial can fail: without pairs, where effects spread by ten margins, nothing is told."""
    wide = [value + 20 for value in EFFECTS]
    one = dataclasses.replace(PLAIN, replicates=wide, margin=0.02)
    assert found(one, 20, paired=False) <= 4


@pytest.mark.exam
@pytest.mark.parametrize("paired", [True, False])
def test_damage_exam(tell: Tell, *, paired: bool) -> None:
    """In at least 80% of all damaged claims; those where it is seen less often are named."""
    draws = 200
    counts = {one.id: found(one, draws, paired=paired) for one in candidates()}
    blind = {name: n / draws for name, n in counts.items() if n < 0.8 * draws}
    words = ", ".join(f"{name} {share:.0%}" for name, share in blind.items()) or "none"
    tell(
        f"damage of the margin that is found, {len(counts)} claims x {draws},"
        f" {'at equal seeds' if paired else 'all pairs lost'}",
        f"{of(sum(counts.values()), draws * len(counts))}; below 80%: {words}",
        "at least 80%" if paired else "(stated)",
    )

    if paired:
        assert sum(counts.values()) >= 0.8 * draws * len(counts), blind
