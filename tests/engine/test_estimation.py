"""Estimands on evidence: what a bootstrap found is kept by all that makes it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import BENCH, bound, context, edited, evidence, make

from claimbench import estimation
from claimbench.errors import BenchFileError
from claimbench.estimation import Estimation
from claimbench.evidence.source import Sources
from claimbench.evidence.table import Subject
from claimbench.judging import judge_claims
from claimbench.statistics.bootstrap import Resamples, resample
from claimbench.verdict import Rule, judge

WHOLE = """

def _centre(x):
    return x.mean()

def whole(subject):
    return float(_centre(subject["x"]))

def other(subject):
    return float(_centre(subject["x"]))

def versus(subject, opponent):
    return float(subject["x"].mean() - opponent["x"].mean())

def odd(subject):
    if len(set(subject["x"][:, 0])) < 8:
        raise ValueError("a replicate twice")
    return float(subject["x"].mean())
"""
N, RESAMPLES = 8, 60
X = np.random.default_rng(0).normal(size=(N, 2))


def side(x: Any = X, *, name: str = "steep", T: tuple[Any, ...] = (1, 2)) -> Subject:
    return Subject(name, {"x": x, "y": 2 * X}, {"T": np.asarray(T)})


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return what grows by one with each drawing."""
    seen: list[int] = []

    def counted(statistic: Any, n: int, rng: Any, resamples: int) -> Resamples:
        seen.append(n)
        return resample(statistic, n, rng, resamples)

    monkeypatch.setattr(estimation, "resample", counted)
    return seen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path, bench_line__py=BENCH + WHOLE)


def found(
    root: Path, *sides: Subject, estimand: str = "whole", seed: int = 0, paper: str = "toy/line",
    n: int = N, resamples: int = RESAMPLES, **parts: Any,
) -> Resamples:  # fmt: skip
    function = getattr(bound(root).module, estimand)
    own = Estimation(paper, Sources(root), context(root, **parts))
    effects = own.effects(function, sides or [side()], n=n)
    assert effects.statistic is not None
    return effects.draw(effects.statistic, n, np.random.default_rng(seed), resamples)


def same(one: Resamples, other: Resamples) -> bool:
    return (
        np.array_equal(one.value, other.value, equal_nan=True)
        and np.array_equal(one.distribution, other.distribution, equal_nan=True)
        and np.array_equal(one.left_out, other.left_out, equal_nan=True)
    )


def test_what_is_kept_is_what_was_drawn(root: Path, draws: list[int]) -> None:
    """Bit for bit, infinite and undefined numbers too."""
    x = X.copy()
    x[0], x[1] = np.inf, np.nan
    plainly = resample(lambda i: float(x[i].mean()), N, np.random.default_rng(0), RESAMPLES)

    first, again = found(root, side(x)), found(root, side(x))

    assert len(draws) == 1
    assert same(first, again)
    assert same(first, plainly)
    assert again.distribution.dtype == np.float64


CHANGES: dict[str, Callable[[Path], Resamples]] = {
    "a number": lambda root: found(root, side(X + np.eye(N, 2) * 1e-15)),
    "a measure's layout": lambda root: found(root, side(np.asfortranarray(X))),
    "another measure": lambda root: found(
        root, Subject("steep", {"x": X, "y": 3 * X}, {"T": np.array([1, 2])})
    ),
    "a setting": lambda root: found(root, side(T=(1, 3))),
    "a setting's type": lambda root: found(root, side(T=("1", "2"))),
    "the contender": lambda root: found(root, side(name="flat")),
    "the estimand": lambda root: found(root, estimand="other"),
    "the generator": lambda root: found(root, seed=1),
    "the resamples": lambda root: found(root, resamples=RESAMPLES + 1),
    "the machine": lambda root: found(root, fingerprint={"cpu": "another"}),
    "the data": lambda root: found(root, data=lambda paper: "some data"),
    "--fresh": lambda root: found(root, fresh=True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_makes_the_resamples_draws_them_again(
    root: Path, draws: list[int], change: Callable[[Path], Resamples]
) -> None:
    """Each part of the key in its turn, and what was drawn first is still there."""
    found(root)

    change(root)
    found(root)

    assert len(draws) == 2


def test_an_edited_estimand_draws_again(root: Path, draws: list[int]) -> None:
    """What it reaches counts, a comment does not."""
    found(root)

    make(root, bench_line__py=BENCH + WHOLE + "# a comment\n")
    found(root)
    make(root, bench_line__py=BENCH + edited(WHOLE, ("x.mean()\n\ndef w", "x.sum()\n\ndef w")))
    moved = found(root)

    assert len(draws) == 2
    assert moved.value == pytest.approx(X.sum())


def test_another_engine_draws_again(
    root: Path, draws: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code that draws is a part of the key, each of its files."""
    found(root)
    for name in estimation._MAKERS:
        assert (Path(estimation.__file__).parent / name).is_file()

    monkeypatch.setattr(estimation, "_engine_digest", lambda: "another")
    found(root)

    assert len(draws) == 2


def test_the_opponent_counts(root: Path, draws: list[int]) -> None:
    """Both sides of a comparison, in their order."""
    pair = side(), side(X**2, name="flat")

    for sides in (pair, pair, pair[::-1], (pair[0], side(X**3, name="flat"))):
        found(root, *sides, estimand="versus")

    assert len(draws) == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file, other: file.write_bytes(file.read_bytes()[:-8]),
        lambda file, other: file.write_bytes(b""),
        lambda file, other: file.write_bytes(file.read_bytes()[:-1] + b"\x7f"),
        lambda file, other: file.write_bytes(other.read_bytes()),
    ],
    ids=["cut", "empty", "a byte", "another's"],
)
def test_no_damage_is_taken_for_resamples(
    root: Path, draws: list[int], spoil: Callable[[Path, Path], object]
) -> None:
    """What is not as it was written is drawn and kept again."""
    whole = found(root)
    (file,) = (root / "results" / "store" / "resamples").iterdir()
    found(root, seed=1)
    (other,) = {*file.parent.iterdir()} - {file}

    spoil(file, other)

    assert same(found(root), whole)
    assert same(found(root), whole)
    assert len(draws) == 3


def test_a_store_that_takes_nothing_costs_no_verdict(root: Path, draws: list[int]) -> None:
    """Resamples are then drawn each time."""
    store = root / "results" / "store"
    store.mkdir(parents=True)
    (store / "resamples").write_text("no folder")

    assert same(found(root), found(root))
    assert len(draws) == 2


def test_an_estimand_that_raises_leaves_nothing_behind(root: Path) -> None:
    """Neither the first value nor a resample of it."""
    with pytest.raises(BenchFileError, match="estimand odd raised ValueError: a replicate twice"):
        found(root, estimand="odd")

    assert not (root / "results" / "store" / "resamples").exists()


def test_a_moved_margin_is_judged_on_the_same_resamples(root: Path, draws: list[int]) -> None:
    """Limits are found anew from what is kept."""
    own = Estimation("toy/line", Sources(root), context(root))
    effects = own.effects(bound(root).module.whole, [side()], n=N)

    rules = [Rule(kind="superiority", margin=margin) for margin in (0.0, 5.0)]
    kept = [judge(effects, rule, rng=np.random.default_rng(2)) for rule in rules]

    assert len(draws) == 1
    assert [one.verdict for one in kept] == ["inconclusive", "not reproduced"]
    assert kept[0].interval == kept[1].interval


def test_a_run_keeps_resamples_in_its_store(tmp_path: Path) -> None:
    """Of the method and of the control; the verdicts are those of resamples drawn anew."""
    root = make(tmp_path, bench_line__py=edited(BENCH, (".mean(axis=1)\n", ".mean()\n")))
    paper, run = bound(root), context(root)
    found = {paper.id: evidence(root, paper)}

    drawn, kept, again = (judge_claims([paper], found, which) for which in (None, run, run))

    assert drawn == kept == again
    assert len(list((run.store / "resamples").iterdir())) == 2
    assert [claim.effect.interval for claim in again.claims if claim.effect] == ["t", "bootstrap"]
