"""Every figure draws a table of evidence and says what it shows."""

import inspect

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.robotics.dcreg import bench_dcreg as bench
from suite.robotics.dcreg import figures

SCENES = ["corridor_0", "corridor_0.01", "corridor_0.1", "box"]
GRIDS = {
    "corridors": {"scene": SCENES},
    "cylinder": {},
    "detection": {"scene": ["plane", "corridor_0"], "frame": ["in the scene", "5 m above"]},
    "marginals": {"scene": ["box"], "frame": ["in the scene", "5 m above"]},
    "solving": {"scene": ["corridor_0.01"], "frame": ["in the scene", "far"], "kappa": [1.0, 10.0]},
    "steps": {"batch": [100, 10000]},
    "frames": {"batch": [5]},
}
EXHIBIT = {
    "target": np.random.default_rng(0).normal(size=(4, 50, 3)),
    "source": np.random.default_rng(1).normal(size=(4, 20, 3)),
    "start": np.full((4, 3), 0.3),
    "end": np.array([[0.3, 0.4, 0.0]] * 4),
    "values": np.ones((4, 2, 3)),
    "directions": np.tile(np.eye(3), (4, 2, 1, 1)),
    "weak": np.array([[0, 0, 0, 1, 0, 0]] * 2 + [[0] * 6] * 2, dtype=bool),
}


def evidence(experiment, **columns):
    """Return a table with every contender, cell and three replicates."""
    names = list(getattr(bench, experiment).contenders)
    grid = {"contender": names, **GRIDS[experiment], "replicate": range(3)}
    rows = pd.MultiIndex.from_product(grid.values(), names=grid).to_frame(index=False)
    defaults = {
        "error": 0.01,
        "iterations": 10.0,
        "pcg_steps": 6.0,
        "seconds": 0.5,
        "answered": 100,
        "right": 1.0,
        **{f"weak_{axis}": float(axis == "x") for axis in figures.AXES},
        **{f"ln_ratio_{axis}": 0.0 for axis in figures.AXES},
    }
    return rows.assign(**defaults).assign(**columns)


def drawn(function, table):
    """Return the figure and the sentence."""
    figure = Figure()
    offered = {
        "evidence": table,
        "exhibits": {("clamped", "scene=box"): {}, ("dcreg", "scene=corridor_0-M=600"): EXHIBIT},
        "palette": dict.fromkeys(table["contender"].unique(), "#123456"),
        "figure": figure,
    }
    wanted = inspect.signature(function).parameters
    if "ax" in wanted:
        offered["ax"] = figure.subplots()
    return figure, function(**{name: offered[name] for name in wanted})


@pytest.mark.parametrize(("experiment", "caption", "function"), figures.FIGURES)
def test_figures_draw_and_say_what_they_show(experiment, caption, function):
    """A figure leaves marks on its axes, and returns a sentence with numbers."""
    figure, told = drawn(function, evidence(experiment))
    assert caption
    assert figure.axes
    assert all(ax.lines or ax.collections for ax in figure.axes)
    assert told.endswith(".")
    assert any(character.isdigit() for character in told)


def test_scenes_tell_weak_directions_and_distances():
    """Only translations are drawn as arrows: x in the corridors; nothing in a box."""
    figure, told = drawn(figures.scenes, evidence("corridors"))
    assert "corridor, f = 0 x (ends 50.0 cm off)" in told
    assert "box none" in told
    arrows = [[text for text in ax.texts if text.arrow_patch] for ax in figure.axes]
    assert [len(each) for each in arrows] == [1, 1, 0]


def test_fractions_draw_medians_in_the_order_of_the_wall():
    """Of 0.01, 0.02 and 0.9 the median is 0.02; shares are places, so that f = 0 can be shown."""
    table = evidence("corridors")
    table["error"] = table["replicate"].map({0: 0.01, 1: 0.02, 2: 0.9})
    figure, told = drawn(figures.fractions, table)
    assert "at a share of 0.01" in told
    assert "DCReg 0.0200" in told
    line = next(line for line in figure.axes[0].lines if line.get_label() == "DCReg")
    assert line.get_xdata().tolist() == [0, 1, 2]


def test_labels_write_what_is_weak_and_count_what_is_right():
    """Wrong over a plane at every frame: half of the scenes are right; x is written everywhere."""
    table = evidence("detection")
    table.loc[table["scene"] == "plane", "right"] = 0.0
    figure, told = drawn(figures.labels, table)
    assert "Schur complements 0.50, 0.50" in told
    assert {text.get_text() for ax in figure.axes for text in ax.texts} == {"x"}
    colours = [patch.get_facecolor()[0].tolist() for patch in figure.axes[0].collections]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_deviations_are_factors():
    """ln ratios of ln 2 on one axis are told as 2.00."""
    table = evidence("marginals")
    table.loc[table["contender"] == "diagonal_marginals", "ln_ratio_yaw"] = np.log(2)
    _, told = drawn(figures.deviations, table)
    assert "diagonal blocks 1.00 to 2.00, Schur complements 1.00 to 1.00" in told


def test_rates_are_answers_over_seconds():
    """100 answers in 0.5 s are 200 per second; one by one they are drawn at a batch of one."""
    figure, told = drawn(figures.rates, evidence("steps"))
    assert "DCReg 200" in told
    single = next(line for line in figure.axes[0].lines if line.get_label() == "DCReg, numpy")
    assert single.get_xdata()[0] == 1


def test_clones_stand_beside_the_printed_errors():
    """1 cm is told as 1.00, and Table 3's three errors are marked."""
    figure, told = drawn(figures.clones, evidence("cylinder"))
    assert "ME-SR 1.00" in told
    printed = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_marker() == "_"]
    assert sorted(printed) == [2.71, 2.91, 96.19]


def test_registrations_are_timed_one_by_one():
    """0.5 s for five registrations are 100 ms each."""
    _, told = drawn(figures.registrations, evidence("frames"))
    assert "DCReg 100.0 ms in 10.0" in told
