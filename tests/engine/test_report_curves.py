"""Which curves are drawn of an experiment, and with which numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reporting import KS, PAPER, race, sweep, traces, write_run
from scipy import stats

from claimbench.report import curves, pictures
from claimbench.report.evidence import Evidence, read_evidence


def evidence(tmp_path, **tables: pd.DataFrame) -> Evidence:
    """Write tables as the engine does and read them as the report does."""
    path = write_run(tmp_path, tables={k.replace("__", "."): v for k, v in tables.items()})
    return read_evidence(path, PAPER, next(iter(tables)))


def panel(found: Evidence, measure: str, **cell: object) -> curves.Panel:
    """Return the panel of one measure and cell."""
    plan = curves.plan(found, race=False, limit=99)
    return next(p for p in plan.panels if p.measure == measure and p.cell == cell)


def test_columns_are_told_apart_by_their_place(tmp_path):
    """Settings stand before the replicate, measures after it; traces have their own."""
    found = evidence(tmp_path, sweep=sweep(), sweep__traces=traces())

    assert found.settings == ("k", "gamma")
    assert found.measures == ("gap", "violation", "evaluations", "columns_exact")
    assert found.traced == ("gap_so_far",)


def test_setting_with_most_levels_is_the_axis(tmp_path):
    """Measures are drawn against k (eight levels) in one panel for each gamma (two)."""
    plan = curves.plan(evidence(tmp_path, sweep=sweep()), race=False, limit=99)

    assert {p.x for p in plan.panels} == {"k"}
    assert [p.cell for p in plan.panels if p.measure == "gap"] == [{"gamma": 1.0}, {"gamma": 10.0}]
    assert plan.constant == {"columns_exact": 1.0}
    assert plan.left_out == 0


def test_mean_and_band_are_the_t_interval(tmp_path):
    """On a linear axis points are scipy's mean and 95% t interval."""
    table = sweep()
    points = panel(evidence(tmp_path, sweep=table), "evaluations", gamma=10.0).points
    at = (table["contender"] == "dual") & (table["k"] == 6) & (table["gamma"] == 10)
    sample = table.loc[at, "evaluations"]
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)

    point = points[(points["contender"] == "dual") & (points["x"] == 6)].iloc[0]

    assert point["mean"] == pytest.approx(sample.mean())
    assert point["low"] == pytest.approx(expected.low)
    assert point["high"] == pytest.approx(expected.high)


def test_decades_are_averaged_on_the_logarithm(tmp_path):
    """A positive measure over decades gets a logarithmic axis and the geometric mean."""
    table = sweep()
    drawn = panel(evidence(tmp_path, sweep=table), "gap", gamma=1.0)
    at = (table["contender"] == "dual") & (table["k"] == 6) & (table["gamma"] == 1)
    expected = stats.gmean(table.loc[at, "gap"])

    points = drawn.points
    point = points[(points["contender"] == "dual") & (points["x"] == 6)].iloc[0]

    assert drawn.y_scale == "log"
    assert drawn.x_log
    assert point["mean"] == pytest.approx(expected)
    assert 0 < point["low"] < point["mean"] < point["high"]


def test_zero_among_decades_keeps_its_place(tmp_path):
    """A measure that reaches zero is drawn on a scale that holds zero."""
    assert panel(evidence(tmp_path, sweep=sweep()), "violation", gamma=1.0).y_scale == "symlog"


def test_lost_replicates_are_counted_not_averaged(tmp_path):
    """A diverged replicate is left out of the mean and counted where it happened."""
    drawn = panel(evidence(tmp_path, sweep=sweep()), "gap", gamma=1.0)
    lost = drawn.points[drawn.points["lost"] > 0]

    assert list(lost["contender"]) == ["pot_dual"]
    assert list(lost["x"]) == [1]
    assert list(lost["n"]) == [9]
    assert np.isfinite(lost["mean"]).all()
    assert "1 value not finite" in curves.finding(drawn)


def test_one_replicate_has_no_band(tmp_path):
    """With a single replicate the band has no height and nothing warns."""
    points = panel(evidence(tmp_path, sweep=sweep(replicates=1)), "evaluations", gamma=1.0).points

    assert (points["low"] == points["mean"]).all()
    assert (points["high"] == points["mean"]).all()


def test_cells_that_claims_name_come_first(tmp_path):
    """When not all panels fit, those of the claims' settings are kept and the rest is counted."""
    found = evidence(tmp_path, sweep=sweep())

    plan = curves.plan(found, [{"gamma": 10}], race=False, limit=4)

    assert [p.cell for p in plan.panels] == [{"gamma": 10.0}] * 4
    assert plan.left_out == 4


def test_seconds_are_drawn_for_a_race_only(tmp_path):
    """Seconds are no measure of an experiment that has others and is no race."""
    found = evidence(tmp_path, sweep=sweep().assign(seconds=np.arange(len(sweep())) + 1.0))
    drawn = {
        race: {p.measure for p in curves.plan(found, race=race, limit=99).panels}
        for race in (False, True)
    }

    assert drawn[True] - drawn[False] == {"seconds"}


def test_without_a_numeric_setting_contenders_are_the_rows(tmp_path):
    """A race over a categorical setting shows single replicates by contender."""
    plan = curves.plan(evidence(tmp_path, race=race()), race=True, limit=99)

    assert [p.cell for p in plan.panels] == [{"ties": "none"}, {"ties": "many"}]
    assert all(p.x == "" and p.rows is not None and len(p.rows) == 48 for p in plan.panels)


def test_traces_are_drawn_against_their_points(tmp_path):
    """A traced measure runs over its points, one panel for each cell."""
    found = evidence(tmp_path, sweep=sweep(), sweep__traces=traces())
    drawn = [p for p in curves.plan(found, race=False, limit=99).panels if p.x == "point"]

    assert [p.cell for p in drawn] == [{"k": KS[0]}, {"k": KS[1]}]
    assert len(drawn[0].points) == 2 * 40


def test_finding_states_where_each_contender_ends(tmp_path):
    """The alternative text orders contenders by their last value and names both ends."""
    text = curves.finding(panel(evidence(tmp_path, sweep=sweep()), "gap", gamma=1.0))

    assert text.startswith("Mean gap at gamma = 1 against k from 1 to 20 (lowest at the end first)")
    assert text.index("semi_dual from") < text.index("quadratic from") < text.index("shuffled_k")


def test_all_infinite_measure_is_no_curve_and_no_error(tmp_path):
    """A measure without a single finite value has a panel that says so."""
    table = sweep()
    table["gap"] = np.where(table["k"] > 1, np.inf, -np.inf)

    drawn = panel(evidence(tmp_path, sweep=table), "gap", gamma=1.0)

    assert curves.finding(drawn) == "gap at gamma = 1: no finite value."


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "There is no evidence file"), (b"no parquet", "can't be read")],
)
def test_missing_or_broken_evidence_is_a_sentence(tmp_path, content, problem):
    """Evidence that isn't there or isn't parquet becomes words, not an error."""
    path = write_run(tmp_path, tables={})
    if content is not None:
        file = path.with_suffix("") / PAPER / "sweep.parquet"
        file.parent.mkdir(parents=True)
        file.write_bytes(content)

    found = read_evidence(path, PAPER, "sweep")

    assert found.table is None
    assert problem in found.problem


def test_evidence_without_its_columns_is_a_sentence(tmp_path):
    """A table that is no evidence is refused with the columns it lacks."""
    found = evidence(tmp_path, sweep=pd.DataFrame({"contender": ["a"]}))

    assert "lacks the columns paper, experiment, role, replicate, status" in found.problem


@pytest.mark.parametrize(("experiments", "panels"), [(1, 9), (6, 6), (100, 3)])
def test_panels_are_shared_among_experiments(experiments, panels):
    """A paper's panels are shared, within a least and a most for each experiment."""
    assert pictures.share(experiments) == panels
