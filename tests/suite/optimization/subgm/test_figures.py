"""Every figure draws a table of evidence and says what it shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.optimization.subgm import bench_subgm as bench
from suite.optimization.subgm import figures

GRIDS = {
    "overparameterisation": {"search_rank": [2, 30], "m": [400, 600], "alpha": [1e-8, 1.0]},
    "initialisation": {"m": [600, 3000], "alpha": [1e-1, 1e-2, 1e-3]},
    "outliers": {"p": [0.0, 0.5], "magnitude": [10.0, 100.0]},
    "gaussian": {"sigma": [0.1, 0.5], "m": [400, 1600]},
    "rate": {"rho": [0.985]},
    "convex": {"m": [40, 80]},
}


def evidence(experiment, **columns):
    """Return a table with every contender, cell and three replicates."""
    grid = {
        "contender": list(getattr(bench, experiment).contenders),
        **GRIDS[experiment],
        "replicate": range(3),
    }
    rows = pd.MultiIndex.from_product(grid.values(), names=grid).to_frame(index=False)
    large = rows["contender"].str.startswith("large")
    defaults = {
        "error": np.where(large, 0.2, 0.001),
        "loss": np.where(large, 0.9, 0.98),
        "loss_at_truth": 1.0,
        **{f"error_{t}": 0.9 ** (t / 10) for t in range(0, 601, 50)},
    }
    return rows.assign(**defaults).assign(**columns)


def drawn(function, table):
    """Return the axes and the sentence of a figure."""
    ax = Figure().subplots()
    return ax, function(table, ax, dict.fromkeys(table["contender"].unique(), "#123456"))


@pytest.mark.parametrize(("experiment", "caption", "function"), figures.FIGURES)
def test_figures_draw_and_say_what_they_show(experiment, caption, function):
    """A figure leaves marks with names on the axes, and returns a sentence with numbers."""
    ax, told = drawn(function, evidence(experiment))
    assert caption
    assert ax.lines or ax.patches
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert told.endswith(".")
    assert any(character.isdigit() for character in told)


def test_phase_shades_and_names_the_share_that_recovers():
    """One of three replicates below 0.01 is told as 33%, and shaded between none and all."""
    table = evidence("overparameterisation")
    last = (table["alpha"] == 1) & (table["m"] == 600) & (table["search_rank"] == 30)
    table.loc[last, "error"] = [0.001, 0.5, 0.5]
    ax, told = drawn(figures.phase, table)
    assert "At m = 600 and r' = 30 it is 100% at alpha = 1e-8, 33% at alpha = 1." in told
    shades = {round(patch.get_alpha(), 3) for patch in ax.patches}
    assert shades == {0.5, round(0.06 + 0.44 / 3, 3)}
    assert "0.5" in {text.get_text() for text in ax.texts}  # the median of the three


def test_start_names_the_slope_and_draws_the_limit():
    """Errors of alpha^1.5 have the slope 1.50, and the guide is alpha^2 from 0.01 down."""
    table = evidence("initialisation")
    ax, told = drawn(figures.start, table.assign(error=table["alpha"] ** 1.5))
    assert "1.50 at m = 600, 1.50 at m = 3000" in told
    guide = next(line for line in ax.lines if line.get_label() == "slope 2")
    x, y = guide.get_xdata(), guide.get_ydata()
    np.testing.assert_allclose(y, 1e-2**1.5 * (x / 1e-2) ** 2)


def test_overfit_compares_losses_with_the_truth_and_errors_with_each_other():
    """Losses of 0.9 and 0.98 lie 10% and 2% below 1, and an error of 0.2 is 200 times 0.001."""
    _, told = drawn(figures.overfit, evidence("gaussian"))
    assert "10.0% to 10.0% below the truth's from a large start and 2.0% to 2.0%" in told
    assert "2e+02 to 2e+02 times" in told


def test_path_draws_the_decay_of_the_steps_from_the_errors_at_150():
    """The guide is the error at t = 150 times rho^(t - 150)."""
    ax, told = drawn(figures.path, evidence("rate"))
    guide = next(line for line in ax.lines if line.get_label().endswith("the steps"))
    t, y = guide.get_xdata(), guide.get_ydata()
    np.testing.assert_allclose(y, 0.9**15 * 0.985 ** (np.array(t) - 150.0))
    assert "SubGM, small start 0.0087" in told  # 0.9^45


def test_samples_name_the_least_m_at_which_half_recover():
    """Who recovers at 80 only is told with 80, who never does with more than 80."""
    table = evidence("convex")
    table.loc[(table["contender"] == "convex") & (table["m"] == 40), "error"] = 1.0
    _, told = drawn(figures.samples, table)
    assert "nuclear norm + l1 80" in told
    assert "SubGM 40" in told
    assert "SubGM, large start more than 80" in told
