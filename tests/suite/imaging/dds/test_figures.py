"""Every figure draws a table of evidence and says what it shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.imaging.dds import bench_dds as bench
from suite.imaging.dds import figures

EVALUATIONS = [0, 5, 10, 20, 50, 100, 1000]
GRIDS = {
    "mri_low": {"evaluations": EVALUATIONS},
    "mri_noisy": {"evaluations": EVALUATIONS},
    "ct": {"evaluations": EVALUATIONS},
    "clock": {"evaluations": EVALUATIONS[1:]},
    "ablation": {"noise": [0.01, 0.05], "evaluations": [50]},
    "volume": {"evaluations": [50, 200]},
}


def evidence(experiment, ratio=None):
    """Return a table with every contender at its own cells and three replicates.

    The ratio is 1 + 20 / evaluations unless `ratio` says (contender, evaluations) -> ratio.
    """
    rows = []
    for name, contender in getattr(bench, experiment).contenders.items():
        names = ["contender", *GRIDS[experiment], "replicate"]
        grid = pd.MultiIndex.from_product([[name], *GRIDS[experiment].values(), range(3)])
        own = grid.set_names(names).to_frame(index=False)
        own = own[own["evaluations"].isin(contender.where.get("evaluations", EVALUATIONS))]
        rows.append(own)
    table = pd.concat(rows, ignore_index=True)
    known = ratio or (lambda contender, evaluations: 1 + 20 / max(evaluations, 1))
    table["ratio"] = [
        known(*row) for row in zip(table["contender"], table["evaluations"], strict=True)
    ]
    table["log_ratio"] = np.log(table["ratio"])
    return table.assign(seconds=0.01 * table["evaluations"], images=8.0)


def exhibits():
    """Return pictures of everyone, the error growing with the name's length."""
    truth = np.linspace(-1, 1, 64).reshape(8, 8)
    return {
        (name, f"evaluations={count}"): {
            "truth": truth,
            "reconstruction": truth + len(name) / 100,
            "error": np.full((8, 8), len(name) / 100),
            "posterior_mean": truth,
        }
        for name, count in (("posterior_mean", 0), ("dds", 10), ("dds", 50), ("dps", 1000))
    }


def drawn(function, table=None, shown=None):
    """Return the figure and the sentence."""
    figure = Figure()
    if function is figures.pictures:
        return figure, function(exhibits() if shown is None else shown, figure)
    palette = dict.fromkeys(table["contender"].unique(), "#123456")
    if function is figures.steps:
        return figure, function(table, figure, palette)
    return figure, function(table, figure.subplots(), palette)


@pytest.mark.parametrize(("experiment", "caption", "function"), figures.FIGURES)
def test_figures_draw_and_say_what_they_show(experiment, caption, function):
    """A figure leaves marks with names on its axes, and returns a sentence with numbers."""
    figure, told = drawn(function, evidence(experiment))
    assert caption
    assert all(ax.lines or ax.images or not ax.axison for ax in figure.axes)
    assert told.endswith(".")
    assert any(character.isdigit() for character in told)
    assert figure.axes[0].get_ylabel() or function is figures.pictures


def test_accuracy_marks_the_evaluations_to_equal_accuracy():
    """DDS is where DPS ends from 20 on and DPS from 100 on: five times fewer."""

    def ratio(contender, evaluations):
        enough = {"dds": 20, "dps": 100}.get(contender, 0)
        return 2.0 if evaluations >= enough else 4.0

    figure, told = drawn(figures.accuracy, evidence("mri_low", ratio))
    assert "20 evaluations of DDS and 100 evaluations of DPS" in told
    assert "DDS 3.0 at 50" in told
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "5 times fewer evaluations" in texts
    assert "perfect posterior sampler" in texts


def test_accuracy_says_so_where_equal_accuracy_is_not_reached():
    """A DDS that ends at three times the least error never gets to the two of DPS."""

    def ratio(contender, _):
        return 3.0 if contender == "dds" else 2.0

    figure, told = drawn(figures.accuracy, evidence("ct", ratio))
    assert "no number of DDS and 50 evaluations of DPS" in told
    assert not any("fewer" in text.get_text() for text in figure.axes[0].texts)


def test_seconds_are_those_of_one_image():
    """A batch of 8 in 0.01 s an evaluation is 1.2 ms an image; 10 times fewer are told."""

    def ratio(contender, evaluations):
        enough = {"dds": 10, "dps": 100}.get(contender, 0)
        return 2.0 if evaluations >= enough else 4.0

    figure, told = drawn(figures.seconds, evidence("clock", ratio))
    assert "DDS 1.2 ms" in told
    assert "takes 1/10 of the seconds of DPS" in told
    assert "10 times fewer seconds" in [text.get_text() for text in figure.axes[0].texts]
    _, told = drawn(
        figures.seconds, evidence("clock", lambda name, _: 3.0 if name == "dds" else 2.0)
    )
    assert "does not come within 5%" in told


def test_steps_name_the_best_number_at_each_noise():
    """Errors that grow with the distance from 3 steps make 3 the best, at both noises."""

    def ratio(contender, _):
        steps = contender.removeprefix("cg_")
        return 1 + abs(int(steps) - 3) if steps.isdigit() else 9.0

    figure, told = drawn(figures.steps, evidence("ablation", ratio))
    assert "at noise 0.01 M = 3 is best (0.00 dB; M = 5 4.77, one gradient step 9.54" in told
    assert "at noise 0.05 M = 3 is best" in told
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2, 3, 5, 7, 10]


def test_pictures_are_of_the_most_evaluations():
    """DDS is shown at 50 and not at 10; who left nothing is left out."""
    figure, told = drawn(figures.pictures)
    titles = [ax.get_title() for ax in figure.axes]
    assert "DDS,\n50" in titles
    assert "DDS,\n10" not in titles
    assert told == (
        "Root mean square errors of the first image: posterior mean 0.140; DDS, 50 0.030;"
        " DPS, 1000 0.030."
    )
    assert len(figure.axes) == 2 * 4


def test_volumes_draw_every_volume():
    """Three volumes of each at 100 times the least are 20 dB."""
    figure, told = drawn(figures.volumes, evidence("volume", lambda *_: 100.0))
    assert "DDS, TV across slices 20.00 at 50" in told
    assert "DiffusionMBIR 20.00 at 200" in told
    assert [len(line.get_xdata()) for line in figure.axes[0].lines[:2]] == [3, 1]
