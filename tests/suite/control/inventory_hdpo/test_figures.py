"""Every figure draws a table of evidence and says what it shows."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from suite.control.inventory_hdpo import bench_inventory_hdpo as bench
from suite.control.inventory_hdpo import evaluate, figures, lost_sales

CELLS = {
    "zipkin": [{"L": 1, "p": 9}, {"L": 2, "p": 4}, {"L": 4, "p": 9}],
    "optima": [{"L": L, "p": p} for L in (1, 2) for p in (4, 39)],
    "small": [{"L": 2, "p": 4}],
    "warehouse": [{"K": 10, "traces": traces} for traces in (16, 256)],
}


def evidence(experiment):
    """Return a table with every contender, cell and two replicates."""
    rows = [
        {"contender": name, **cell, "replicate": replicate}
        for name in getattr(bench, experiment).contenders
        for cell in CELLS[experiment]
        for replicate in range(2)
    ]
    table = pd.DataFrame(rows)
    orders = {f"order_{x}": max(12.0 - x, 0) for x in range(figures.SHOWN)}
    return table.assign(gap=0.5, cost=4.0, cost_per_store=4.0, **orders)


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
    assert ax.get_legend() is not None
    assert told.endswith(".")
    assert any(character.isdigit() for character in told)


def test_positions_drawn_are_those_that_were_measured():
    """The picture's stocks and its mean demand are the evaluator's."""
    assert figures.SHOWN == evaluate.SHOWN
    assert figures.RATE == lost_sales.RATE


def test_gaps_of_diverged_policies_are_drawn_at_100():
    """A gap of 537% counts as 100% in picture and sentence, as in the claims."""
    table = evidence("small")
    table.loc[table["contender"] == "ppo", "gap"] = 537.0
    told = figures.gaps(table, Figure().subplots(), dict.fromkeys(table["contender"], "#123456"))
    assert "PPO 100.00%" in told
    assert "HDPO 0.50%" in told


def test_orders_are_those_of_the_longest_lead_time():
    """The sentence compares with the optimal orders at L = 4."""
    table = evidence("zipkin")
    here = (table["contender"] == "hdpo") & (table["L"] == 4)
    table.loc[here, "order_0"] += figures.SHOWN
    palette = dict.fromkeys(table["contender"], "#123456")
    told = figures.orders(table, Figure().subplots(), palette)
    assert "At L = 4, p = 9" in told
    assert "HDPO 1.00" in told
