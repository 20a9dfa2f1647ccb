"""Every figure draws a table of evidence and says what it shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.optimization.last_iterate import bench_last_iterate as bench
from suite.optimization.last_iterate import figures

GRIDS = {
    "hard": {"instance": ["inverse_sqrt", "constant", "progress"], "octave": [0, 2]},
    "sweep": {"instance": ["inverse_sqrt", "constant"], "T": [64, 256]},
    "inequality": {
        "instance": ["sharp 1", "simplex"],
        "noise_factor": [1, 30],
        "T": [64],
        "schedule": ["linear_decay", "inverse_sqrt", "constant"],
    },
    "tails": {"noise": ["gaussian", "t"], "T": [64, 256], "delta": [0.3, 0.1, 0.01, 0.001]},
    "strong": {"instance": ["parabola", "hard"], "octave": [0, 2]},
    "simplex": {"T": [1024], "d": [4, 16], "k": [1.0, 2.0]},
    "heavy": {"T": [64, 512], "k": [1.0, 4.0]},
}


def evidence(experiment):
    """Return a table with every contender, cell and three replicates."""
    grid = {
        "contender": list(getattr(bench, experiment).contenders),
        **GRIDS[experiment],
        "replicate": range(3),
    }
    rows = pd.MultiIndex.from_product(grid.values(), names=grid).to_frame(index=False)
    horizon = 2.0 ** (6 + rows["octave"] + rows["replicate"] / 8) if "octave" in rows else 1024.0
    rate = 1 / np.sqrt(horizon)
    return rows.assign(horizon=horizon, gap=rate, bound=10 * rate, rho=1.5, standard_error=0.0)


def drawn(experiment, function, table=None):
    """Return the axes and the sentence of a figure."""
    table = evidence(experiment) if table is None else table
    ax = Figure().subplots()
    names = table["contender"].unique()
    palette = {name: f"#1234{index:02d}" for index, name in enumerate([*names, "x", "y"])}
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


def test_growth_is_told_as_measured():
    """A gap of (1 + 0.05 ln T) / sqrt(T) is told as +0.0500 per ln T, and its naive line drawn."""
    table = evidence("hard")
    T = table["horizon"]
    table["gap"] = np.where(
        table["contender"] == "inverse_sqrt", 1 + 0.05 * np.log(T), 1
    ) / np.sqrt(T)
    ax, told = drawn("hard", figures.growth, table)
    assert "η/√t +0.0500" in told
    assert "linear decay +0.0000" in told or "linear decay -0.0000" in told
    proven = next(line for line in ax.lines if "proven" in line.get_label())
    np.testing.assert_allclose(proven.get_ydata(), np.log(proven.get_xdata()) / 32)


def test_room_is_the_least_factor_of_honest_noise():
    """Noise that the bound is not told of does not count as room."""
    table = evidence("inequality")
    table.loc[table["noise_factor"] == 30, "gap"] *= 1000
    table.loc[(table["replicate"] == 1) & (table["instance"] == "simplex"), "gap"] *= 2
    _, told = drawn("inequality", figures.room, table)
    assert "sharp 1 10, simplex 5; under noise that it is not told of, 0.005" in told


def test_progress_names_who_is_beyond_the_bound():
    """Only a gap above the bound on linear decay is named as beyond it."""
    table = evidence("hard")
    table.loc[table["contender"] == "ascent", "gap"] *= 20
    _, told = drawn("hard", figures.progress, table)
    assert told.endswith("the bound on linear decay: ascent.")


def test_quantiles_tell_the_exponent_at_the_three_smallest_delta():
    """For rho = log(1/delta)^0.4 the exponent told is 0.40."""
    table = evidence("tails")
    table["rho"] = np.log(1 / table["delta"]) ** 0.4
    _, told = drawn("tails", figures.quantiles, table)
    assert told.count("exponent 0.40") == 4


def test_limits_are_the_bench_files():
    """What the figures draw as let through is what the claims let through."""
    assert (figures.LEAST, figures.MOST) == (bench.LEAST, bench.MOST)
    assert (figures.RATIO, figures.EXPONENT) == (bench.RATIO, bench.EXPONENT)
    assert (figures.LEVEL, figures.P) == (bench.LEVEL, bench.P)
