"""Every figure draws a table of evidence and says what it shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.optimization.sparse_ot import bench_sparse_ot as bench
from suite.optimization.sparse_ot import figures

RACE = {"size": [20, 64], "batch": [128], "k": [16]}
GRIDS = {
    "sweep": {"gamma": [1.0, 10.0], "k": [1, 2, 4, 20]},
    "uniform": {"gamma": [1.0, 10.0], "k": [1, 2, 4, 20]},
    "pictures": {"pair": ["x-y"], "k": [1, 8]},
    "router": {"k": [8, 16]},
    "race": RACE,
}


def evidence(experiment, **columns):
    """Return a table with every contender, cell and three replicates."""
    grid = {
        "contender": list(getattr(bench, experiment).contenders),
        **GRIDS[experiment],
        "replicate": range(3),
    }
    rows = pd.MultiIndex.from_product(grid.values(), names=grid).to_frame(index=False)
    defaults = {
        "dual_value": 1.0 + 0.1 / rows["k"],
        "relaxed_cost": 1.0 + 0.1 / rows["k"] + 1e-9,
        "row_violation": 10.0 ** -rows["k"],
        "calls": 1000 / rows["k"],
        "share_over": 0.5 * (rows["contender"] == "token_choice"),
        "problems": np.where(rows["contender"] == "interior", 96.0, 3.0),
        "audited": 3.0,
        "seconds": np.where(rows["contender"] == "interior", 2.0, 1.0),
        **{f"value_{i}": 1.0 for i in range(3)},
    }
    return rows.assign(**defaults).assign(**columns)


@pytest.mark.parametrize(("experiment", "caption", "function"), figures.FIGURES)
def test_figures_draw_and_say_what_they_show(experiment, caption, function):
    """A figure leaves marks with names on the axes, and returns a sentence with numbers."""
    table = evidence(experiment)
    ax = Figure().subplots()
    palette = dict.fromkeys(table["contender"].unique(), "#123456")
    told = function(table, ax, palette)
    assert caption
    assert ax.lines
    assert ax.get_xlabel()
    assert told.endswith(".")
    assert any(character.isdigit() for character in told)


def test_ratios_are_those_of_the_estimand():
    """96 problems in 2 s against 3 in 1 s is 16, and a missed one of three makes it 10.67."""
    rates = figures._rates(evidence("race"))
    assert {round(float(np.exp(mean)), 9) for mean, _, _ in rates.values()} == {16.0}
    table = evidence("race")
    table.loc[table["contender"] == "interior", "value_2"] = 1 - 1e-8
    rates = figures._rates(table)
    assert {round(float(np.exp(mean)), 9) for mean, _, _ in rates.values()} == {round(32 / 3, 9)}


def test_exact_plans_are_named_by_their_k():
    """The sentence lists the k at which all plans are exact, not those between."""
    table = evidence("uniform", row_violation=0.0)
    table.loc[table["k"] == 2, "row_violation"] = 1.0
    palette = dict.fromkeys(table["contender"].unique(), "#123456")
    told = figures.exact_plans(table, Figure().subplots(), palette)
    assert "at k = 1, 4, 20 for gamma = 1 " in told
