"""From evidence to verdicts: controls, opponents, failures, and what exempts from replicates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import bound, context, edited, jobs_of, make
from toy import judged as judged_in

from claimbench.binding import Paper
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.plan import Plan
from claimbench.evidence.store import Rows, write_rows
from claimbench.evidence.unit import Outcome
from claimbench.judging import Judged, judge_claims
from claimbench.record import ClaimRecord

CLAIMS = """
[paper]
title = "Effects"
authors = ["A. Author"]
year = 2020

[experiment.line]
T = [1, 2]
replicates = 8
smoke = { replicates = 2 }

[[claim]]
id = "c"
statement = "The effect is there."
source = "Table 1"
kind = "superiority"
experiment = "line"
estimand = "effect"
unit = "nats"
method = "m"
margin = 0.5
control = "k"
primary = true
"""
BENCH = """
from claimbench import Experiment


def problem(T, *, streams, n):
    return T


def measure(problem, x):
    return {"x": x}


line = Experiment(problem, measure)


@line.method
def m(problem): ...
@line.baseline
def a(problem): ...
@line.baseline
def b(problem): ...
@line.control
def k(problem): ...


def effect(subject):
    return subject["x"].mean(axis=1)

def columns(subject):
    return subject["x"]

def difference(subject, opponent):
    return (subject["x"] - opponent["x"]).mean(axis=1)

def named(subject):
    return {"at T = 1": subject["x"][:, 0], "at T = 2": subject["x"][:, 1]}

def whole(subject):
    return float(subject["x"].mean())

def solved(subject):
    return subject["x"][:, 0] > 0

def alone(subject):
    if len(subject["T"]) != 1:
        raise ValueError("more than one cell")
    return subject["x"][:, 0]

def fragile(subject):
    x = subject["x"][:, 0]
    if len(set(x)) < 8:
        raise ValueError("a replicate twice")
    return float(x.mean())

def misnamed(subject):
    return subject["y"]
"""
SPREAD = np.array([-3, -2, -1, 0, 0, 1, 2, 3]) * 0.05
#: Effects whose interval is above 0, around 0, and below the margin of 0.5.
GOOD, UNSURE, BAD = 1 + SPREAD, 0.3 + 10 * SPREAD, 0.0 + 0.1 * SPREAD


def paper_at(root: Path, *changes: tuple[str, str], profile: Any = "standard") -> Paper:
    make(root, claim__toml=edited(CLAIMS, *changes), bench_line__py=BENCH)
    return bound(root, profile=profile)


def evidence(paper: Paper, **values: Any) -> dict[tuple[str, str], ContenderEvidence]:
    """Return evidence as workers leave it: x of shape (n,) or (n, cells), or a failure."""
    found = {}
    plan = Plan(context(paper.files.root))
    for job in jobs_of(paper):
        one = found[job.experiment, job.contender] = ContenderEvidence(job)
        given = values.get(job.contender, BAD)
        for index, unit in enumerate(plan.units(job)):
            one.units.append(unit)
            if isinstance(given, Outcome):
                one.outcomes.append(given)
                continue
            x = np.asarray(given, dtype=float)[: unit.n]
            x = x if x.ndim == 1 else x[:, index]
            rows = Rows({"x": x, "seconds": 0 * x}, np.full(unit.n, "ok"), 10 * len(job.contender))
            write_rows(Path(unit.file), unit, rows)
            one.outcomes.append(Outcome("ok", seconds=0.5, peak_memory_bytes=7))
    return found


def judged(paper: Paper, **values: Any) -> ClaimRecord:
    return judged_in(paper, evidence(paper, **values))["line/c"]


def all_judged(paper: Paper, **values: Any) -> Judged:
    return judge_claims([paper], {paper.id: evidence(paper, **values)})


@pytest.mark.parametrize(
    ("method", "control", "verdict"),
    [
        (GOOD, BAD, "reproduced"),
        (GOOD, UNSURE, "inconclusive"),
        (GOOD, GOOD, "void"),
        (UNSURE, BAD, "inconclusive"),
        (UNSURE, GOOD, "void"),
        (BAD, BAD, "not reproduced"),
        (BAD, UNSURE, "not reproduced"),
        (BAD, GOOD, "void"),
    ],
)
def test_the_control_is_judged_by_the_claim_s_own_rule(
    tmp_path: Path, method: Any, control: Any, verdict: str
) -> None:
    """A verdict stands, is lowered, or is void, by whether the control fails as it must."""
    expected = {id(GOOD): "reproduced", id(UNSURE): "inconclusive", id(BAD): "not reproduced"}

    found = judged(paper_at(tmp_path), m=method, k=control)

    assert found.verdict == verdict
    assert (found.control.contender, found.control.verdict) == ("k", expected[id(control)])


def test_a_record_of_a_claim_tells_its_rule_and_its_numbers(tmp_path: Path) -> None:
    """Effect with interval, the effect of each replicate, cost, and what the claim says."""
    found = judged(paper_at(tmp_path), m=GOOD)

    assert (found.kind, found.margin, found.estimand) == ("superiority", 0.5, "effect")
    assert found.effect is not None
    assert (found.effect.n, found.effect.interval, found.effect.unit) == (8, "t", "nats")
    assert found.effect.value == pytest.approx(1)
    assert found.replicates == pytest.approx(list(GOOD))
    assert found.seconds == 2.0  # two contenders, two units each
    assert found.peak_memory_bytes == 7
    assert len(found.claim_hash) == 64


def test_the_control_may_be_the_method_elsewhere(tmp_path: Path) -> None:
    """At settings of its own; the claim keeps to its cells."""
    paper = paper_at(
        tmp_path, ('control = "k"', "control = { where = { T = 2 } }\nwhere = { T = 1 }")
    )

    found = judged(paper, m=np.stack([GOOD, BAD], axis=1))

    assert found.verdict == "reproduced"
    assert (found.control.contender, found.control.verdict) == ("m", "not reproduced")
    assert (found.where, found.control.where) == ({"T": 1}, {"T": 2})


COMPARISON = (
    ('estimand = "effect"', 'estimand = "difference"'),
    ('method = "m"', 'method = "m"\nagainst = ["a", "b"]'),
)


def test_all_opponents_must_be_beaten_and_the_weakest_shows(tmp_path: Path) -> None:
    """Each has its own verdict; the claim's effect is the one against the hardest opponent."""
    paper = paper_at(tmp_path, *COMPARISON)

    beaten = judged(paper, m=3 + GOOD, a=0 * GOOD, b=2 * np.ones(8), k=0 * GOOD)
    unbeaten = judged(paper, m=GOOD, a=0 * GOOD, b=GOOD, k=0 * GOOD)

    assert beaten.verdict == "reproduced"
    assert [(one.contender, one.verdict) for one in beaten.against] == [
        ("a", "reproduced"), ("b", "reproduced"),
    ]  # fmt: skip
    assert beaten.effect is not None
    assert beaten.effect.value == pytest.approx(2)
    assert unbeaten.verdict == "not reproduced"
    assert [one.verdict for one in unbeaten.against] == ["reproduced", "not reproduced"]
    assert "Weakest of 2 (b)" in unbeaten.reason


def test_columns_are_a_conjunction(tmp_path: Path) -> None:
    """An order holds when each of its steps does."""
    paper = paper_at(tmp_path, ('estimand = "effect"', 'estimand = "columns"'))

    assert judged(paper, m=np.stack([GOOD, 2 * GOOD], axis=1)).verdict == "reproduced"
    assert judged(paper, m=np.stack([GOOD, BAD], axis=1)).verdict == "not reproduced"


def test_named_conditions_are_recorded_of_subject_and_control(tmp_path: Path) -> None:
    """The record tells each condition's verdict and effect, of the method and of the control."""
    paper = paper_at(tmp_path, ('estimand = "effect"', 'estimand = "named"'))
    claim = judged(paper, m=np.stack([GOOD, UNSURE], axis=1), k=np.stack([GOOD, BAD], axis=1))

    assert claim.verdict == "inconclusive"
    assert claim.reason.startswith("Weakest of 2 (at T = 2): ")
    assert [(c.name, c.verdict) for c in claim.conditions] == [
        ("at T = 1", "reproduced"),
        ("at T = 2", "inconclusive"),
    ]
    first = claim.conditions[0].effect
    assert first is not None
    assert (first.value, first.unit) == (pytest.approx(1), "nats")
    assert [c.verdict for c in claim.control.conditions] == ["reproduced", "not reproduced"]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome("failed", "ValueError: no"), "contender m is failed: ValueError: no"),
        (Outcome("over budget", "ended"), "contender m is over budget: ended"),
        (Outcome("unavailable", "not installed"), "contender m is unavailable: not installed"),
    ],
)
def test_a_method_without_evidence_is_inconclusive(
    tmp_path: Path, outcome: Outcome, words: str
) -> None:
    """With the reason, no effect, and a control that says nothing."""
    found = judged(paper_at(tmp_path), m=outcome)

    assert (found.verdict, found.effect, found.replicates) == ("inconclusive", None, [])
    assert words in found.reason
    assert found.control.verdict == "inconclusive"


def test_a_control_without_evidence_lowers_the_verdict(tmp_path: Path) -> None:
    """A verdict that can't be seen to fail is none."""
    paper = paper_at(tmp_path)
    failed = Outcome("failed", "no")

    assert judged(paper, m=GOOD, k=failed).verdict == "inconclusive"
    assert judged(paper, m=BAD, k=failed).verdict == "not reproduced"


def test_one_number_for_the_sample_has_a_bootstrap_interval(tmp_path: Path) -> None:
    """The same one each time: its resamples are seeded by paper and claim."""
    paper = paper_at(tmp_path, ('estimand = "effect"', 'estimand = "whole"'))

    found, again = judged(paper, m=GOOD), judged(paper, m=GOOD)

    assert found.effect is not None
    assert found.effect.interval == "bootstrap"
    assert found.effect.value == pytest.approx(1)
    assert found.replicates == []
    assert found.verdict == "reproduced"
    assert found.effect == again.effect


def test_booleans_are_a_rate_of_success(tmp_path: Path) -> None:
    """By Wilson's interval against the threshold."""
    paper = paper_at(
        tmp_path,
        ('kind = "superiority"', 'kind = "success"\nthreshold = 0.5'),
        ('estimand = "effect"', 'estimand = "solved"'),
        ("margin = 0.5\n", ""),
    )

    found = judged(paper, m=np.ones(8), k=-np.ones(8))

    assert found.effect is not None
    assert (found.effect.interval, found.effect.value) == ("wilson", 1)
    assert (found.verdict, found.control.verdict) == ("reproduced", "not reproduced")


FEW = ("replicates = 8", "replicates = 3")
EXACT = ("replicates = 8", "replicates = 3\ndeterministic = true")
BOUND = ('kind = "superiority"', 'kind = "bound"\nthreshold = 0.0')


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ([FEW], "inconclusive"),
        ([FEW, BOUND], "inconclusive"),
        ([EXACT, BOUND], "reproduced"),
        ([FEW, ('kind = "superiority"', 'kind = "identity"')], "reproduced"),
    ],
)
def test_five_replicates_are_needed_but_where_all_instances_are_seen(
    tmp_path: Path, changes: list[tuple[str, str]], verdict: str
) -> None:
    """Identities, and bounds on deterministic problems, are exact."""
    found = judged(paper_at(tmp_path, *changes), m=[0.1, 0.2, 0.3], k=[9, 8, 7])
    if changes == [FEW]:
        found = judged(paper_at(tmp_path, *changes), m=[1.0, 1.1, 1.2], k=[0, 0.1, -0.1])

    assert found.verdict == verdict
    assert found.effect is not None
    assert found.effect.n == 3


def claim_of(method: str) -> str:
    """Return the claim again, about another contender."""
    claim = CLAIMS.partition("[[claim]]")[2]
    return "[[claim]]" + edited(claim, ('id = "c"', f'id = "{method}"'), ('"m"', f'"{method}"'))


def test_holm_marks_what_many_claims_could_be_by_chance(tmp_path: Path) -> None:
    """Over the primary claims of the run; the verdict stands and is marked."""
    x = np.random.default_rng(3).normal(size=8)
    x = (x - x.mean()) / x.std(ddof=1)
    weak = 2.6 / np.sqrt(8) + x  # t = 2.6: p = 0.018 one sided
    claims = CLAIMS + claim_of("a") + edited(claim_of("b"), ("primary = true\n", ""))
    make(tmp_path, claim__toml=claims, bench_line__py=BENCH)
    paper = bound(tmp_path)

    found = judged_in(paper, evidence(paper, m=weak, a=weak, b=weak))
    strong = judged_in(paper, evidence(paper, m=GOOD, a=weak, b=weak))

    assert {claim.verdict for claim in found.values()} == {"reproduced"}
    assert [claim.holm for claim in found.values()] == [
        claim.p_value is not None and 2 * claim.p_value <= 0.05 if claim.primary else True
        for claim in found.values()
    ]
    assert strong["line/c"].holm
    assert found["line/b"].holm


def test_an_estimand_that_raises_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    """Also when it raises on a resample only; the other claims are judged."""
    for name, words in {
        "fragile": "the estimand fragile raised ValueError: a replicate twice",
        "misnamed": "the evidence of m has no such column: 'y'; allowed: x,",
    }.items():
        paper = paper_at(tmp_path, ('estimand = "effect"', f'estimand = "{name}"'))
        found = all_judged(paper, m=GOOD)

        assert [claim.verdict for claim in found.claims] == ["inconclusive"]
        assert len(found.errors) == 1
        assert words in found.errors[0]
        assert words in found.claims[0].reason


def test_a_deselected_contender_leaves_the_claim_unjudged(tmp_path: Path) -> None:
    """It is named, with the contender that is not there."""
    paper = paper_at(tmp_path)
    found = evidence(paper, m=GOOD)
    del found["line", "k"]

    judgement = judge_claims([paper], {paper.id: found})

    assert judgement.claims == ()
    assert judgement.not_judged == {"line/c": "no evidence of k"}


def test_smoke_rehearses_on_the_claim_s_own_cells(tmp_path: Path) -> None:
    """Where smoke runs them; else on what it runs. Nothing is judged."""
    where = ('control = "k"', 'control = "k"\nwhere = { T = 2 }')
    alone = ('estimand = "effect"', 'estimand = "alone"')

    found = all_judged(paper_at(tmp_path, where, alone, profile="smoke"), m=GOOD)
    without = all_judged(paper_at(tmp_path, alone, profile="smoke"), m=GOOD)

    assert (found.claims, found.errors) == ((), ())
    assert found.not_judged == {"line/c": "the smoke profile judges nothing"}
    assert len(without.errors) == 1
    assert "more than one cell" in without.errors[0]
