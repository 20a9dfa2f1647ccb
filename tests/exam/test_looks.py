"""What looking early costs and saves: the tables that docs/statistics.md quotes.

pytest tests/exam/test_looks.py -m exam
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from looking import Row, experiments, is_whole, limits, saved_rows, superior
from telling import Tell

from claimbench.statistics.looks import LOOKS, spent
from claimbench.verdict import Effects, Rule, judge

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "statistics.md"
DRAWS = 200_000
MARGIN = 0.5
WORDS = {1: "reproduced", -1: "not reproduced", 0: "inconclusive"}


def markdown(head: Row, rows: Iterable[Row]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def error_rows() -> Iterator[Row]:
    """Yield how a mean is looked at, and how often some look is wrong about it, %."""
    x = np.random.default_rng(20260101).normal(size=(DRAWS, max(LOOKS)))
    for words, sizes, level in (
        ("once, at 40", (40,), 0.95),
        ("at 5, 10, 20 and 40, each at 95%", LOOKS, 0.95),
        ("at 5, 10, 20 and 40, each at 98.75%", LOOKS, spent(0.95)),
    ):
        ends = [limits(x, n, level) for n in sizes]
        either = np.any([(low > 0) | (high < 0) for low, high in ends], axis=0).mean()
        verdict, _ = superior(x, MARGIN, sizes, level)
        refuted, _ = superior(x + MARGIN, MARGIN, sizes, level)
        yield (
            words,
            f"{100 * either:.1f}",
            f"{100 * (verdict == 1).mean():.1f}",
            f"{100 * (refuted == -1).mean():.1f}",
        )


def power_rows() -> Iterator[Row]:
    """Yield the true effect in standard deviations, and what looking early finds and takes."""
    noise = np.random.default_rng(20260102).normal(size=(DRAWS // 4, max(LOOKS)))
    for effect in (-0.5, 0.0, 0.25, 0.5, 1.0, 2.0):
        fixed, _ = superior(noise + effect, MARGIN, (40,), 0.95)
        verdict, taken = superior(noise + effect, MARGIN, LOOKS, spent(0.95))
        yield (
            f"{effect:g}",
            *(
                f"{100 * (found == word).mean():.1f}"
                for found in (fixed, verdict)
                for word in (1, -1)
            ),
            f"{taken.mean():.1f}",
        )


def test_the_simulation_judges_as_the_engine_does() -> None:
    """Vectorised limits and the engine's own give one verdict, at every look of 60 samples."""
    rng = np.random.default_rng(7)
    x = rng.normal(rng.uniform(-1, 2, (60, 1)), 1.0, (60, max(LOOKS)))
    rule = Rule(kind="superiority", margin=MARGIN, looks=len(LOOKS))
    verdict, taken = superior(x, MARGIN, LOOKS, spent(0.95))

    for row, word, n in zip(x, verdict, taken, strict=True):
        for size in LOOKS:
            found = judge(Effects.per_replicate(row[:size], n=size), rule, rng=rng).verdict
            if found != "inconclusive" or size == max(LOOKS):
                break
        assert (found, size) == (WORDS[int(word)], n)


def test_the_accepted_effects_give_the_accepted_verdicts() -> None:
    """What is replayed is what was judged: on all replicates, at 95%, nothing changes."""
    replayed = 0
    for each in experiments(ROOT):
        for claim in each.claims:
            found = each.verdict(claim, each.design.replicates, looks=1)
            if found is not None and is_whole(claim) and not claim.requires:
                replayed += 1
                assert found.verdict == claim.verdict, claim.id
    assert replayed > 50


@pytest.mark.exam
def test_looks_exam(capsys: pytest.CaptureFixture[str], tell: Tell) -> None:
    """Four looks at a quarter of the error err no more than one; the page quotes what they save."""
    errors, power, saved = list(error_rows()), list(power_rows()), list(saved_rows(ROOT))
    tables = [
        markdown(
            (
                "looks",
                "either side wrong, %",
                'false "reproduced" at 0, %',
                'false "not reproduced" at the margin, %',
            ),
            errors,
        ),
        markdown(
            (
                "effect, in sd",
                "40 replicates: reproduced, %",
                "not reproduced, %",
                "looks: reproduced, %",
                "not reproduced, %",
                "replicates taken, mean",
            ),
            power,
        ),
        markdown(
            (
                "paper",
                "experiments",
                "looked at",
                "ended early",
                "replicates registered",
                "taken",
                "saved",
                "verdicts that change",
            ),
            saved,
        ),
    ]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n\n".join(tables) + "\n")
    once, naive, looks = ([float(cell) for cell in row[1:]] for row in errors)  # type: ignore[arg-type]
    tell("wrong about a mean at some of four looks", f"{looks[0]}%", "about 4.2%, at most 5%")
    tell("replicates saved over the suite", str(saved[-1][-2]), "told")

    assert once[0] == pytest.approx(5.0, abs=0.2)
    assert naive[0] == pytest.approx(15.3, abs=0.5)
    assert looks[0] == pytest.approx(4.2, abs=0.2)
    assert max(looks[1:]) <= 2.5
    page = PAGE.read_text(encoding="utf-8")
    assert [table in page for table in tables] == [True] * 3, "the page quotes another table"
