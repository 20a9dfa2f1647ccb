"""Every figure draws a table of evidence and says what it shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.control.fisher_pg import bench_fisher_pg as bench
from suite.control.fisher_pg import figures

CHECKPOINTS = {"instance": ["B"], "N": [2**k for k in range(8, 16)]}
GRIDS = {
    "instance_b": CHECKPOINTS,
    "instance_a": CHECKPOINTS,
    "tasks": {
        "environment": ["CartPole-v1", "Pendulum-v1"],
        "policy": ["linear"],
        "N": [100, 200],
    },
    "reacher": {"environment": ["Reacher-v5"], "policy": ["mlp64"], "N": [100, 200]},
    "race": {"policy": ["linear"], "skill": ["untrained", "balancing"], "episodes": [320]},
}


def evidence(experiment):
    """Return a table with every contender, cell and three replicates."""
    grid = {
        "contender": list(getattr(bench, experiment).contenders),
        **GRIDS[experiment],
        "replicate": range(3),
    }
    rows = pd.MultiIndex.from_product(grid.values(), names=grid).to_frame(index=False)
    if experiment in {"tasks", "reacher", "race"}:
        return rows.assign(
            shortfall=100.0,
            live_steps=np.where(rows["contender"] == "twin", 6000.0, 100.0),
            seconds=1.0,
        )
    power = np.where(rows["contender"] == "n_pg_igt", -0.4, -0.3)
    wobble = 1 + 0.1 * (rows["replicate"] - 1)
    return rows.assign(error=rows["N"] ** power * wobble, gap=3 * rows["N"] ** power * wobble)


def drawn(experiment, function):
    table = evidence(experiment)
    ax = Figure().subplots()
    palette = dict.fromkeys(table["contender"].unique(), "#123456")
    return ax, function(table, ax, palette)


@pytest.mark.parametrize(("experiment", "caption", "function"), figures.FIGURES)
def test_figures_draw_and_say_what_they_show(experiment, caption, function):
    """A figure leaves marks with names on the axes, and returns a sentence with numbers."""
    ax, told = drawn(experiment, function)
    assert caption
    assert ax.lines
    assert ax.get_xlabel()
    assert told.endswith(".")
    assert any(character.isdigit() for character in told)


def test_exponents_are_those_of_the_estimand():
    """The sentence quotes the slope of the last six checkpoints, and what it leaves at the end."""
    _, told = drawn("instance_b", figures.errors)
    assert figures.WINDOW == bench.WINDOW
    assert "N-PG-IGT falls like N to -0.40 and N-PG-IGT without transport to -0.30" in told
    assert f"{(2.0**15) ** 0.1:.1f} times as large" in told


def test_figures_do_without_contenders_that_were_not_run():
    """A run of some contenders, or one that lost a replicate, is drawn as far as it goes."""
    table = evidence("instance_b")
    table = table[table["contender"].isin(["n_pg_igt", "igt_untransported", "storm_pg"])]
    table.loc[(table["contender"] == "storm_pg") & (table["replicate"] == 0), "gap"] = np.inf
    palette = dict.fromkeys(table["contender"].unique(), "#123456")
    for function in (figures.errors, figures.gaps, figures.exponents):
        ax = Figure().subplots()
        assert "nan" not in function(table, ax, palette)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["N-PG-IGT", "N-PG-IGT without transport", "STORM-PG, 1 lost"]


def test_theorys_lines_have_theorys_slope():
    """A dashed line runs through the last mean with the exponent of the method's bound."""
    ax, _ = drawn("instance_b", figures.gaps)
    dashed = [line for line in ax.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    slopes = {
        round(np.log(y[-1] / y[0]) / np.log(x[-1] / x[0]), 6)
        for x, y in (line.get_data() for line in dashed)
    }
    assert slopes == {-0.4, -0.5, round(-1 / 3, 6)}


def test_speeds_are_ratios_of_live_steps_per_second():
    """6,000 steps a second against 100 are 60 times."""
    _, told = drawn("race", figures.speeds)
    assert "60 times gymnasium loop" in told
