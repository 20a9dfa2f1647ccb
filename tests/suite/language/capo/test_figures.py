"""Every figure draws a table of evidence and says what it shows."""

import inspect

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.language.capo import bench_capo as bench
from suite.language.capo import figures


def tables(experiment):
    """Return evidence and traces of every contender: two replicates, two rates, three points."""
    names = list(getattr(bench, experiment).contenders)
    rows = pd.DataFrame(
        [
            {"contender": name, "lr": lr, "gamma": 0.9, "replicate": replicate}
            for name in names for lr in (1e-3, 2e-3) for replicate in range(2)
        ]
    )  # fmt: skip
    scalars = dict.fromkeys(("rejected_F", "rejected_upper_H", "rejected_lower_H"), 0.01)
    rows = rows.assign(
        **scalars, start=0.8, final=0.6, rejected=0.02, peak_rejected=0.1,
        rejected_rewarded=0.01, bound=np.where(rows["contender"] == "guarantee", -1.0, 0.5),
        change=0.1,
    )  # fmt: skip
    points = rows.loc[rows.index.repeat(3)].reset_index(drop=True)
    point = np.tile([0, 1, 2], len(rows))
    return rows, points.assign(
        point=point, completions=100.0 * (point + 1), accuracy=0.7, rejection=0.02,
        correlation=0.8, size=0.01, counted=point,
    )  # fmt: skip


@pytest.mark.parametrize(("experiment", "caption", "function"), figures.FIGURES)
def test_figures_draw_and_say_what_they_show(experiment, caption, function):
    """A figure leaves marks with names on the axes, and returns a sentence with numbers."""
    evidence, traces = tables(experiment)
    ax = Figure().subplots()
    exhibits = {("adam_model", "lr=0.002"): {"score": np.array([1e-4, 1e-3]), "kl": np.ones(2)}}
    given = {
        "evidence": evidence, "traces": traces, "exhibits": exhibits, "ax": ax,
        "palette": dict.fromkeys(evidence["contender"].unique(), "#123456"),
    }  # fmt: skip
    told = function(**{name: given[name] for name in inspect.signature(function).parameters})
    assert caption
    assert ax.lines or ax.patches
    assert ax.get_xlabel()
    assert ax.get_legend() is not None
    assert told.endswith(".")
    assert any(character.isdigit() for character in told)


def test_curves_begin_at_the_pretrained_nets_accuracy():
    """All begin at 0 completions and 0.8; the sentence names where they end."""
    evidence, traces = tables("addition")
    ax = Figure().subplots()
    palette = dict.fromkeys(evidence["contender"], "#123456")
    told = figures.learning(evidence, traces, ax, palette)
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 4]
    assert len(drawn) == len(bench.addition.contenders)
    for line in drawn:
        assert line.get_xdata()[0] == 0
        assert line.get_ydata()[0] == pytest.approx(0.8)
    assert "From 0.80" in told
    assert "CAPO, calibrated 0.70" in told


def test_every_contender_has_words():
    """No figure falls silent about a trained contender."""
    for experiment in (bench.addition, bench.variants, bench.carries):
        assert set(experiment.contenders) <= set(figures.WORDS)
