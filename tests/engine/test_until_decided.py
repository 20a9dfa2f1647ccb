"""``--until-decided``: an experiment ends at the look at which its claims are decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from test_resume import bits
from toy import BENCH, CLAIM_TOML, METHOD, bound, context, edited, jobs_of, make

from claimbench.evidence.deadline import Deadline
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.load import Key
from claimbench.evidence.run import Run
from claimbench.judging import judge_claims
from claimbench.plugin.looking import Looking
from claimbench.record import ClaimRecord

#: Forty replicates in blocks of five: looks at 5, 10, 20 and 40.
FORTY = ("replicates = 6\nblock = 3", "replicates = 40\nblock = 5")
#: Noise of each contender's own, so that the comparison of two is uncertain.
NOISY = edited(
    BENCH,
    ("flat(problem):\n    return descend(problem, 0.0)", "flat(problem, *, streams):\n    FLAT"),
    ("FLAT", "noise = streams.numpy().standard_normal(len(problem.noise))\n    FLAT"),
    ("FLAT", "return descend(problem, 0.9) * exp(NOISE * noise)"),
)
UNRULY = """
@line.control
def unruly(problem, *, streams):
    return exp(40 * streams.numpy().standard_normal(len(problem.noise)))


def growth"""


@dataclass
class Looked:
    """What a run until decided came to."""

    paper: Any
    looking: Looking
    evidence: dict[Key, ContenderEvidence]
    claims: dict[str, ClaimRecord]


def looked(root: Path, *, workers: int = 1, **changes: Any) -> Looked:
    paper = bound(root)
    jobs = jobs_of(paper)
    looking = Looking(jobs)
    found: dict[Key, ContenderEvidence] = {}
    engine = Run(context(root, **changes), workers=workers)
    try:
        engine.schedule([looking.first(job) for job in jobs])
        looking.run(engine, found)
        for job in jobs:
            if job.key not in found and not job.is_race:
                found[job.key] = engine.finish(job)
    finally:
        engine.close()
    by_name = {(experiment, name): one for (_, experiment, name), one in found.items()}
    claims = judge_claims(looking.judged([paper]), {paper.id: by_name}).claims
    return Looked(paper, looking, found, {claim.id: claim for claim in claims})


def noisy(noise: float) -> str:
    return NOISY.replace("NOISE", str(noise))


def blocks(found: Looked) -> dict[str, int]:
    """Return how many replicates each contender has at each T."""
    return {
        name: sum(unit.n for unit in one.units) // len(one.job.cells)
        for (_, _, name), one in found.evidence.items()
    }


def test_an_experiment_ends_when_its_claims_are_decided(tmp_path: Path) -> None:
    """The toy's two claims are plain to see in five of their forty replicates."""
    root = make(tmp_path, claim__toml=edited(CLAIM_TOML, FORTY))
    found = looked(root)

    assert blocks(found) == {"steep": 5, "flat": 5, "flatter": 5}
    for claim in found.claims.values():
        assert claim.verdict == "reproduced"
        assert claim.effect is not None
        assert (claim.effect.n, claim.effect.level) == (5, pytest.approx(0.9875))
        assert claim.look is not None
        assert (claim.look.number, claim.look.sizes) == (1, (5, 10, 20, 40))
        assert claim.look.ended == "decided"
        assert claim.reason.endswith(" Look 1 of 4, at 5 of 40 replicates.")


@pytest.fixture(scope="module")
def unclear(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Looked]:
    """An advantage of 0.3 nats under noise of 0.55: not plain in five, nor in ten."""
    root = make(
        tmp_path_factory.mktemp("checkout"),
        claim__toml=edited(CLAIM_TOML, FORTY),
        bench_line__py=noisy(0.55),
    )
    return root, looked(root)


def test_it_goes_on_until_they_are(unclear: tuple[Path, Looked]) -> None:
    """It ends at the first look whose interval, by scipy, excludes one side or the other."""
    root, found = unclear
    (whole,) = (one for one in looked_at_all(root).values() if one.id == "line/beats-flat")
    x = np.array(whole.replicates, dtype=float)
    first = None
    for n in (5, 10, 20, 40):
        low, high = stats.t.interval(0.9875, n - 1, x[:n].mean(), stats.sem(x[:n]))
        if first is None and (low > 0 or high < 0.1):
            first = n
            verdict = "reproduced" if low > 0 else "not reproduced"
            limits = (low, high)
    claim = found.claims["line/beats-flat"]

    assert first in {10, 20, 40}, "the toy's noise must leave the first look open"
    assert claim.look is not None
    assert claim.look.replicates == first
    assert claim.verdict == verdict
    assert claim.effect is not None
    assert (claim.effect.low, claim.effect.high) == pytest.approx(limits)
    assert claim.replicates == whole.replicates[:first]


def looked_at_all(root: Path) -> dict[str, ClaimRecord]:
    """Return the claims of a run of all replicates, with what it shares from the store."""
    from toy import evidence, judged

    paper = bound(root)
    return judged(paper, evidence(root, paper))


def test_the_bits_are_those_of_a_whole_run(unclear: tuple[Path, Looked], tmp_path: Path) -> None:
    """Its blocks are the first ones of the fixed sample, in one worker or two."""
    root, found = unclear
    two = looked(root, workers=2, store=tmp_path / "two")
    one, other = (
        bits({(e, n): evidence for (_, e, n), evidence in run.evidence.items()})
        for run in (found, two)
    )

    assert one == other
    assert found.claims == {
        name: replace(claim, seconds=found.claims[name].seconds,
                      peak_memory_bytes=found.claims[name].peak_memory_bytes)
        for name, claim in two.claims.items()
    }  # fmt: skip


def test_units_stand_in_the_order_of_a_whole_run(unclear: tuple[Path, Looked]) -> None:
    """Cell by cell and in each block by block, whatever the order they were computed in."""
    _, found = unclear
    for one in found.evidence.values():
        places = [(unit.cells[0]["T"], unit.block) for unit in one.units]
        assert places == sorted(places)


def test_a_full_store_changes_nothing(unclear: tuple[Path, Looked]) -> None:
    """Replicates that happen to be there are not looked at: the result is of the code alone."""
    root, found = unclear
    looked_at_all(root)
    again = looked(root)

    assert again.looking.looks == found.looking.looks
    assert {name: claim.effect for name, claim in again.claims.items()} == {
        name: claim.effect for name, claim in found.claims.items()
    }
    assert all(one.seconds == 0 for one in again.evidence.values())


def test_the_last_look_leaves_open_what_is_open(tmp_path: Path) -> None:
    """Inconclusive, at the spent level, with all replicates taken."""
    root = make(
        tmp_path,
        claim__toml=edited(CLAIM_TOML, ("replicates = 6\nblock = 3", "replicates = 12\nblock = 6")),
        bench_line__py=noisy(40.0),
    )
    found = looked(root)
    claim = found.claims["line/beats-flat"]

    assert claim.verdict == "inconclusive"
    assert claim.look is not None
    assert (claim.look.number, claim.look.sizes, claim.look.ended) == (2, (6, 12), "all looks")
    assert claim.needed is not None
    assert claim.needed > 12
    assert set(blocks(found).values()) == {12}


ALONE = {
    "one block": "replicates = 10\nblock = 10",
    "no more than five": "replicates = 5\nblock = 1",
    "a fixed set": "replicates = 40\nblock = 5\ndeterministic = true",
}


@pytest.mark.parametrize("why", ALONE)
def test_what_has_one_look_is_judged_as_ever(tmp_path: Path, why: str) -> None:
    """All its replicates, at 95%, with no word of looks."""
    root = make(tmp_path, claim__toml=edited(CLAIM_TOML, (FORTY[0], ALONE[why])))
    found = looked(root)

    assert found.looking.looks == {}
    assert [claim.look for claim in found.claims.values()] == [None, None]
    plain = looked_at_all(root)
    assert {name: (one.verdict, one.reason, one.effect) for name, one in found.claims.items()} == {
        name: (one.verdict, one.reason, one.effect) for name, one in plain.items()
    }


IDENTITY = """
[[claim]]
id = "even"
statement = "The first five are even, so to speak."
source = "nowhere"
kind = "identity"
experiment = "line"
estimand = "late"
unit = ""
method = "steep"
margin = 0.5
control = "flat"
"""
LATE = """
def late(subject):
    # Meets the margin for the first replicates and never for the control.
    n, flat = len(subject["gap"]), subject["gap"].mean() > 0.9
    return ones(n) if flat else (arange(n) >= FROM) * 1.0
"""


@pytest.mark.parametrize(("start", "replicates"), [(99, 40), (7, 10), (3, 5)])
def test_an_identity_waits_for_all_its_instances_or_a_counterexample(
    tmp_path: Path, start: int, replicates: int
) -> None:
    """What has held for five may fail for the sixth, and once it failed no other mends it."""
    root = make(
        tmp_path,
        claim__toml=edited(CLAIM_TOML, FORTY) + IDENTITY,
        bench_line__py=BENCH.replace("import exp, log, ones", "import arange, exp, log, ones")
        + LATE.replace("FROM", str(start)),
    )
    found = looked(root)
    claim = found.claims["line/even"]

    assert claim.verdict == ("reproduced" if start > 40 else "not reproduced")
    assert set(blocks(found).values()) == {replicates}
    assert claim.effect is not None
    assert claim.effect.level == 1.0


def test_a_control_that_is_open_keeps_the_claim_open(tmp_path: Path) -> None:
    """It is judged by the same rule, at the same look: here it never is decided."""
    root = make(
        tmp_path,
        claim__toml=edited(
            CLAIM_TOML,
            ("replicates = 6\nblock = 3", "replicates = 10\nblock = 5"),
            ('control = "flatter"', 'control = "unruly"'),
        ),
        bench_line__py=edited(BENCH, ("\ndef growth", UNRULY)),
    )
    claim = looked(root).claims["line/beats-flat"]

    assert claim.verdict == "inconclusive"
    assert "but the control is inconclusive" in claim.reason
    assert claim.look is not None
    assert claim.look.ended == "all looks"
    assert claim.control.effect is not None
    assert claim.control.effect.level == pytest.approx(0.9875)


def test_a_contender_that_is_lost_is_not_waited_for(tmp_path: Path) -> None:
    """No number of replicates would judge its claims; it is not run again either."""
    root = make(
        tmp_path,
        claim__toml=edited(CLAIM_TOML, FORTY),
        bench_line__py=edited(
            BENCH,
            ("def flatter(problem):\n", 'def flatter(problem):\n    raise ValueError("lost")\n'),
        ),
    )
    found = looked(root)

    assert found.claims["line/falls"].verdict == "reproduced"
    assert "contender flatter is failed" in found.claims["line/beats-flat"].reason
    assert blocks(found)["flatter"] == 5


@dataclass(frozen=True)
class AfterBlocks(Deadline):
    """A deadline that passes when so many blocks are in the store."""

    store: Path = Path()
    blocks: int = 0

    @property
    def passed(self) -> bool:
        return len(list(self.store.rglob("*.parquet"))) >= self.blocks


def test_a_budget_ends_a_run_between_looks(tmp_path: Path) -> None:
    """The look before is judged, whatever came of the next, and what is open says why."""
    root = make(
        tmp_path,
        claim__toml=edited(CLAIM_TOML, FORTY),
        bench_line__py=noisy(40.0),
        method__py=METHOD.replace(
            "    problem.calls", "    sleep(0.05)\n    problem.calls"
        ).replace("from numpy", "from time import sleep\n\nfrom numpy"),
    )
    store = root / "results" / "store"
    # Three contenders and three cells: the first look is 9 blocks, the second ends with 18.
    found = looked(root, deadline=AfterBlocks(1800, 0.0, store, 20))
    claim, other = found.claims["line/beats-flat"], found.claims["line/falls"]

    assert len(list(store.rglob("*.parquet"))) < 36
    assert claim.look is not None
    assert (claim.look.number, claim.look.ended) == (2, "over budget")
    assert claim.verdict == "inconclusive"
    assert claim.reason.endswith(
        "Look 2 of 4, at 10 of 40 replicates; the run's 30 min were spent before the look at 20."
    )
    assert other.verdict == "void", "decided already at the first look: its control is not flat"
    assert set(blocks(found).values()) == {10}
    assert {one.status for one in found.evidence.values()} == {"ok"}
