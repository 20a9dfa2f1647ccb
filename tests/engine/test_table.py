"""Evidence as estimands see it, and as people keep it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy import BENCH, CLAIM_TOML, PROBLEM, bound, edited, evidence, make

from claimbench.errors import BenchFileError
from claimbench.evidence.table import Subject, frame, subject

#: A trace of T points, a censored last replicate, a NaN, a picture, a contender that fails.
MEASURE = """
    lost = (problem.replicate == 4) & (problem.T == 2)
    return {
        "gap": where(lost, nan, x),
        "trace": problem.replicate[:, None] + arange(problem.T) / 10,
        "censored": problem.replicate == 5,
    }


def picture(problem, x):
    return {"x": x[:1], "T": problem.T}
"""
TRACED = edited(
    BENCH,
    ('\n    return {"gap": x}\n', MEASURE),
    ("Experiment(line, measure)", "Experiment(line, measure, exhibit=picture)"),
    ("from numpy import exp, log, ones", "from numpy import arange, log, nan, where"),
    (
        "@line.control",
        '@line.baseline\ndef fails(problem):\n    raise ValueError("no")\n\n@line.control',
    ),
)
NUMBERED = edited(
    PROBLEM,
    ("def line(T,", "def line(T, kind,"),
    ("    calls: ndarray", "    calls: ndarray\n    replicate: ndarray"),
    (
        "return Line(T, noise, 0 * noise)",
        "return Line(T, noise, 0 * noise, array(streams.replicates))",
    ),
    ("from numpy import ndarray", "from numpy import array, ndarray"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = make(
        tmp_path_factory.mktemp("checkout"),
        bench_line__py=TRACED,
        problem__py=NUMBERED,
        claim__toml=edited(CLAIM_TOML, ("budget = 20", 'kind = "normal"\nbudget = 20')),
    )
    paper = bound(root)
    found = evidence(root, paper)
    again = evidence(root, paper)
    rows, traces = frame(list(found.values()))
    return {
        "paper": paper, "found": found, "rows": rows, "traces": traces,
        "subject": subject(found["line", "steep"], paper.designs["line"]),
        "served": frame(list(again.values()))[0],
    }  # fmt: skip


def test_a_subject_holds_measures_and_settings(run: dict[str, Any]) -> None:
    """Measures are (replicate, cell), settings (cell,), both in the order of the grid."""
    found = run["subject"]

    assert found["gap"].shape == (6, 3)
    assert list(found["T"]) == [1, 2, 4]
    assert list(found["kind"]) == ["normal"] * 3
    assert set(found) == {"gap", "trace", "calls", "censored", "T", "kind"}
    assert len(found) == 6
    assert np.allclose(found["gap"][0, [0, 2]], np.exp([-1, -4]), rtol=0.1)
    assert np.array_equal(found["calls"], np.tile([1, 2, 4], (6, 1)))


def test_cells_and_replicates_are_not_mixed_up(run: dict[str, Any]) -> None:
    """A trace says where it came from: its replicate and its point."""
    trace = run["subject"]["trace"]

    assert trace.shape == (6, 3, 4)
    assert np.array_equal(trace[:, 2, 0], np.arange(6))
    assert np.allclose(trace[3, 2], [3, 3.1, 3.2, 3.3])


def test_shorter_traces_are_filled_with_nothing(run: dict[str, Any]) -> None:
    """A cell with fewer points than others ends in NaN."""
    trace = run["subject"]["trace"]

    assert np.isnan(trace[:, 0, 1:]).all()
    assert np.isnan(trace[:, 1, 2:]).all()
    assert np.isfinite(trace[:, 1, :2]).all()


def test_divergence_and_censoring_are_seen(run: dict[str, Any]) -> None:
    """NaN has become infinite, and a censored replicate is marked."""
    found = run["subject"]

    assert found["gap"][4, 1] == np.inf
    assert np.isfinite(np.delete(found["gap"].ravel(), 13)).all()
    assert np.array_equal(found["censored"], np.repeat([0, 0, 0, 0, 0, 1], 3).reshape(6, 3))


def test_a_subject_at_some_cells_and_replicates(run: dict[str, Any]) -> None:
    """`where` takes cells from measures and settings alike, a bootstrap takes replicates."""
    some = run["subject"].at([2, 0])
    again = some.take(np.array([5, 5, 1]))

    assert list(some["T"]) == [4, 1]
    assert some["trace"].shape == (6, 2, 4)
    assert np.array_equal(some["gap"], run["subject"]["gap"][:, [2, 0]])
    assert np.array_equal(again["gap"][0], again["gap"][1])
    assert list(again["T"]) == [4, 1]


def test_an_unknown_column_is_answered_with_those_that_exist(run: dict[str, Any]) -> None:
    """An estimand's typing error is told in its words."""
    with pytest.raises(
        BenchFileError, match=r"evidence of steep has no such column: 'gpa'.*did you mean 'gap'"
    ):
        run["subject"]["gpa"]


def test_an_empty_subject_is_no_error() -> None:
    """A contender that never answered has settings and no measures."""
    assert list(Subject("x", {}, {"T": np.array([1])})) == ["T"]


def test_the_rows_are_one_for_each_contender_cell_and_replicate(run: dict[str, Any]) -> None:
    """With the columns that the design fixes."""
    rows = run["rows"]

    assert list(rows.columns) == [
        "paper", "experiment", "contender", "role", "T", "kind", "replicate", "gap", "calls",
        "seconds", "status", "peak_memory_bytes", "reason",
    ]  # fmt: skip
    assert len(rows) == 4 * 3 * 6
    assert not rows.duplicated(["contender", "T", "replicate"]).any()
    assert set(rows["role"]) == {"method", "baseline", "control"}
    steep = rows[(rows.contender == "steep") & (rows["T"] == 4)].sort_values("replicate")
    assert np.array_equal(steep["gap"], run["subject"]["gap"][:, 2])


def test_each_row_has_its_status(run: dict[str, Any]) -> None:
    """Diverged, censored, or failed with the reason."""
    rows = run["rows"].set_index(["contender", "T", "replicate"]).sort_index()

    assert rows.loc[("steep", 2, 4), "status"] == "diverged"
    assert rows.loc[("steep", 1, 5), "status"] == "censored"
    assert rows.loc[("steep", 1, 0), "status"] == "ok"
    assert set(rows.loc["fails", "status"]) == {"failed"}
    assert set(rows.loc["fails", "reason"]) == {"ValueError: no"}
    assert rows.loc["fails", "gap"].isna().all()


def test_seconds_are_never_another_run_s(run: dict[str, Any]) -> None:
    """Rows from the store have no seconds; all else is the same."""
    fresh, served = run["rows"], run["served"]
    ran = fresh.contender != "fails"

    assert fresh.loc[ran, "seconds"].gt(0).all()
    assert served["seconds"].isna().all()
    pd.testing.assert_frame_equal(
        fresh.drop(columns="seconds"), served.drop(columns="seconds"), check_dtype=False
    )


def test_traces_are_a_table_of_points(run: dict[str, Any]) -> None:
    """One row for each point; shorter cells have no more rows than points."""
    traces = run["traces"]
    one = traces[(traces.contender == "steep") & (traces["T"] == 4) & (traces.replicate == 3)]

    assert list(one["point"]) == [0, 1, 2, 3]
    assert np.allclose(one["trace"], [3, 3.1, 3.2, 3.3])
    assert len(traces) == 3 * 6 * (1 + 2 + 4)
    assert "fails" not in set(traces.contender)


def test_an_exhibit_is_kept_of_the_first_block_of_each_cell(run: dict[str, Any]) -> None:
    """For pictures: replicate 0's arrays, beside the unit."""
    units = run["found"]["line", "steep"].units
    kept = [unit for unit in units if Path(unit.file).with_suffix(".npz").is_file()]

    assert [(unit.block, unit.cells[0]["T"]) for unit in kept] == [(0, 1), (0, 2), (0, 4)]
    with np.load(Path(kept[2].file).with_suffix(".npz")) as arrays:
        assert arrays["T"] == 4
        assert arrays["x"] == run["subject"]["gap"][0, 2]
