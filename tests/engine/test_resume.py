"""The same bits whatever the workers, the interruptions and the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import (
    BENCH,
    CLAIM_TOML,
    bound,
    context,
    edit,
    edited,
    evidence,
    jobs_of,
    judged,
    make,
)

from claimbench.errors import BenchFileError, StoreError
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.run import Run
from claimbench.evidence.store import read_rows
from claimbench.evidence.table import frame, subject

#: Private randomness, a trace, and linear algebra whose last bits depend on threads.
RANDOM = """
@line.baseline
def random(problem, *, streams):
    a = streams.numpy().standard_normal((len(problem.noise), 40, 40))
    return abs(a @ a.transpose(0, 2, 1)).sum(axis=(1, 2)) + problem.noise

@line.control"""
BITS = edited(
    BENCH,
    ("\n@line.control", RANDOM),
    ('{"gap": x}', '{"gap": x, "trace": x[:, None] * [[1, 2]]}'),
)
Bits = dict[tuple[str, str, int, str], bytes]


def bits(found: dict[tuple[str, str], ContenderEvidence]) -> Bits:
    """Return every column of every unit but for the seconds, as bytes."""
    return {
        (contender, repr(unit.cells), unit.block, name): values.tobytes()
        for (_, contender), one in found.items()
        for unit in one.units
        for name, values in read_rows(Path(unit.file)).columns.items()
        if name != "seconds"
    }


def served(found: dict[tuple[str, str], ContenderEvidence]) -> tuple[int, int]:
    """Return how many units came from the store, and how many there are."""
    outcomes = [outcome for one in found.values() for outcome in one.outcomes]
    return sum(outcome.from_store for outcome in outcomes), len(outcomes)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run with one worker and one with two, each with an empty store, and the first again."""
    root = make(tmp_path_factory.mktemp("checkout"), bench_line__py=BITS)
    paper = bound(root)
    one = evidence(root, paper, workers=1, store=root / "one")
    two = evidence(root, paper, workers=2, store=root / "two")
    again = evidence(root, paper, store=root / "one")
    return {"root": root, "paper": paper, "one": one, "two": two, "again": again}


def test_one_worker_and_two_give_the_same_bits(runs: dict[str, Any]) -> None:
    """Evidence and effects, to the last bit."""
    one, two = (bits(runs[name]) for name in ("one", "two"))

    assert len(one) == 4 * 3 * 2 * 3
    assert one == two
    for name in ("line/falls", "line/beats-flat"):
        first, second = (judged(runs["paper"], runs[run])[name] for run in ("one", "two"))
        assert first.replicates == second.replicates
        assert first.effect == second.effect


def test_an_unchanged_run_computes_nothing(runs: dict[str, Any]) -> None:
    """It is served from the store, with the same verdicts, and spends no second in contenders."""
    assert served(runs["one"]) == (0, 24)
    assert served(runs["again"]) == (24, 24)
    assert sum(one.seconds for one in runs["again"].values()) == 0
    for name, claim in judged(runs["paper"], runs["one"]).items():
        again = judged(runs["paper"], runs["again"])[name]
        assert (again.verdict, again.replicates, again.claim_hash) == (
            claim.verdict,
            claim.replicates,
            claim.claim_hash,
        )


def test_a_private_stream_is_the_contender_s_own(runs: dict[str, Any]) -> None:
    """Contenders share the problem's noise, and one's own randomness is the same in every cell."""
    found = bits(runs["one"])
    random = [
        np.frombuffer(value)
        for (contender, _, block, name), value in found.items()
        if (contender, block, name) == ("random", 0, "gap")
    ]

    assert len(random) == 3
    assert np.array_equal(random[0], random[1])


def test_fresh_computes_all(runs: dict[str, Any]) -> None:
    """Whatever the store holds."""
    found = evidence(runs["root"], runs["paper"], store=runs["root"] / "one", fresh=True)

    assert served(found) == (0, 24)
    assert bits(found) == bits(runs["one"])


def test_a_run_killed_in_the_middle_goes_on_where_it_ended(runs: dict[str, Any]) -> None:
    """The finished blocks are taken, the rest computed; together they are an uninterrupted run."""
    root, paper = runs["root"], runs["paper"]
    engine = Run(context(root, store=root / "killed"), workers=1)
    jobs = jobs_of(paper)
    engine.schedule(jobs[:2])
    engine.finish(jobs[0])
    engine.close()  # while the second contender is at work
    kept = len(list((root / "killed").rglob("*.parquet")))

    found = evidence(root, paper, store=root / "killed")

    assert 6 <= kept <= 12
    assert served(found) == (kept, 24)
    assert bits(found) == bits(runs["one"])


def test_more_replicates_compute_only_what_is_new(runs: dict[str, Any]) -> None:
    """The blocks that exist are the blocks of the larger run."""
    root = runs["root"]

    found = evidence(root, bound(root, replicates=9), store=root / "two")

    assert served(found) == (24, 36)


def test_a_file_damaged_before_it_was_judged_is_named(tmp_path: Path) -> None:
    """It is not taken for evidence, nor passed over."""
    root = make(tmp_path)
    paper = bound(root)
    found = evidence(root, paper)
    unit = found["line", "steep"].units[0]
    Path(unit.file).write_bytes(b"damaged")

    with pytest.raises(StoreError, match=f"rm {unit.file}"):
        read_rows(Path(unit.file))
    assert "can't be read" in judged(paper, found)["line/falls"].reason


def test_a_damaged_file_is_computed_again_and_told(runs: dict[str, Any], tmp_path: Path) -> None:
    """One bad file costs its own block, not the run; the bits are those of before."""
    root = make(tmp_path, bench_line__py=BITS)
    paper = bound(root)
    before = evidence(root, paper)
    unit = before["line", "flat"].units[1]
    Path(unit.file).write_bytes(Path(unit.file).read_bytes()[:-9])
    engine = Run(context(root), workers=1)
    jobs = jobs_of(paper)
    engine.schedule(jobs)
    found = {(job.experiment, job.contender): engine.finish(job) for job in jobs}
    engine.close()

    assert served(found) == (23, 24)
    assert bits(found) == bits(runs["one"])
    (notice,) = engine.notices
    assert notice.startswith("toy/line line[flat]: computed again, as a file of the evidence store")
    assert Path(unit.file).name in notice
    assert str(tmp_path) not in notice
    assert served(evidence(root, paper)) == (24, 24)


def test_evidence_is_read_again_where_memory_is_short(
    runs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a large store are not all held; the results are the same."""
    monkeypatch.setattr("claimbench.evidence.run._ROOM", 0)

    found = evidence(runs["root"], runs["paper"], store=runs["root"] / "one")

    assert {outcome.rows for one in found.values() for outcome in one.outcomes} == {None}
    assert judged(runs["paper"], found)["line/falls"].replicates == (
        judged(runs["paper"], runs["one"])["line/falls"].replicates
    )


def test_seconds_are_no_evidence_outside_of_a_race(runs: dict[str, Any]) -> None:
    """An estimand would see another run's, or none, by what the store happens to hold."""
    design = runs["paper"].designs["line"]

    for name in ("one", "again"):
        with pytest.raises(BenchFileError, match="no such column: 'seconds'"):
            subject(runs[name]["line", "steep"], design)["seconds"]


def test_seconds_of_a_block_are_this_run_s(runs: dict[str, Any], tmp_path: Path) -> None:
    """Though another run replaced its file meanwhile; from the store there are none."""
    root = make(tmp_path, bench_line__py=BITS)
    found = evidence(root)
    spent = frame([found["line", "steep"]])[0]["seconds"].sum()
    evidence(root, fresh=True)

    assert frame([found["line", "steep"]])[0]["seconds"].sum() == spent > 0
    assert frame([runs["again"]["line", "steep"]])[0]["seconds"].isna().all()


REJUDGED = {
    "margin": ("claim.toml", ("threshold = -0.8\nmargin = 0.1", "threshold = -0.8\nmargin = 0.2")),
    "estimand": ("bench_line.py", ("return slope(log(subject", "return 2 * slope(log(subject")),
}
RECOMPUTED = {
    "method": ("method.py", ("exp(-rate", "exp(-1.0 * rate")),
    "problem": ("problem.py", ("0.01 *", "0.02 *")),
    "measure": ("bench_line.py", ('"gap": x,', '"gap": 1.0 * x,')),
}


@pytest.mark.parametrize("change", REJUDGED)
def test_a_goalpost_is_moved_without_computing(
    runs: dict[str, Any], tmp_path: Path, change: str
) -> None:
    """An edited margin or estimand is judged from the store, and shows in the claim's hash."""
    file, edits = REJUDGED[change]
    root = make(tmp_path, bench_line__py=BITS)
    edit(root / "suite/toy/line" / file, edits)
    paper = bound(root)

    found = evidence(root, paper, store=runs["root"] / "one")
    before, after = (
        judged(runs["paper"], runs["one"])["line/falls"],
        judged(paper, found)["line/falls"],
    )

    assert served(found) == (24, 24)
    assert before.claim_hash != after.claim_hash
    assert judged(paper, found)["line/beats-flat"].claim_hash == (
        judged(runs["paper"], runs["one"])["line/beats-flat"].claim_hash
    )


@pytest.mark.parametrize("change", RECOMPUTED)
def test_an_edit_of_what_makes_evidence_is_computed_again(
    runs: dict[str, Any], tmp_path: Path, change: str
) -> None:
    """An edited method, problem or measure finds nothing of its own in the store."""
    file, edits = RECOMPUTED[change]
    root = make(tmp_path, bench_line__py=BITS)
    edit(root / "suite/toy/line" / file, edits)

    found = evidence(root, bound(root, profile="smoke"), store=runs["root"] / "one")

    from_store, units = served(found)
    # `random` is defined in the bench file alone: an edit of method.py leaves it as it is.
    assert from_store == (2 if change == "method" else 0)
    assert units == 8


def test_a_comment_costs_nothing(runs: dict[str, Any], tmp_path: Path) -> None:
    """Nor does a docstring."""
    root = make(tmp_path, bench_line__py=BITS)
    start = "def descend(problem, rate):\n"
    documented = f'{start}    """Descend."""  # down\n'
    edit(root / "suite/toy/line/method.py", (start, documented))

    assert served(evidence(root, bound(root), store=runs["root"] / "one")) == (24, 24)


def test_claims_do_not_make_evidence(runs: dict[str, Any], tmp_path: Path) -> None:
    """Another claim on the same experiment meets the same evidence."""
    root = make(
        tmp_path,
        bench_line__py=BITS,
        claim__toml=edited(CLAIM_TOML, ('id = "falls"', 'id = "falls-too"')),
    )

    assert served(evidence(root, bound(root), store=runs["root"] / "one")) == (24, 24)
