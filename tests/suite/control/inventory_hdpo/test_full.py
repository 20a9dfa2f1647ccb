"""The full profile as claim.toml has it, with fewer periods, paths and steps."""

from functools import lru_cache

import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from claimbench.evidence.streams import Streams
from suite.control.inventory_hdpo import architectures, lost_sales

FILES = PaperFiles(find_root(), "control", "inventory_hdpo")
PAPER = bind(FILES, "full")
STANDARD = {name: design.cells for name, design in bind(FILES, "standard").designs.items()}
N = 2
#: What a setting is at most. Training takes 2 steps, on 3 paths of 8 periods at a time.
MOST = {
    "T": 8, "steps": 2, "batch": 3, "traces": 6, "test_paths": 8, "test_periods": 50,
    "discard": 40,
}  # fmt: skip
#: Contenders that simulate nothing before the test.
UNTRAINED = {
    "base_stock", "capped_base_stock", "value_iteration", "detached", "just_in_time",
    "longer_lead", "echelon_base_stock", "echelon_longer_lead",
}  # fmt: skip


def stacks(name):
    """Return the settings of each call of the problem, shrunken; of stacked ones, both ends.

    Of what is as in the standard profile, the first call only.
    """
    design, stack = PAPER.designs[name], PAPER.experiments[name].stack
    found = {}
    for whole in design.cells:
        cell = {key: min(value, MOST.get(key, value)) for key, value in whole.items()}
        found.setdefault(tuple((k, v) for k, v in cell.items() if k not in stack), []).append(cell)
    for rest, cells in [*found.items()][: 1 if design.cells == STANDARD.get(name) else None]:
        ends = {k: tuple(dict.fromkeys((cells[0][k], cells[-1][k]))) for k in stack}
        yield {**dict(rest), **ends}


@pytest.fixture(autouse=True)
def small_grid(monkeypatch):
    """Keep orders and stocks of the exact evaluation small, and look at policies at once."""
    monkeypatch.setattr(lost_sales, "LARGEST_ORDER", 5)
    monkeypatch.setattr(lost_sales, "largest_stock", lambda L: 20)
    monkeypatch.setattr(lost_sales, "optimum", lru_cache(lost_sales.optimum.__wrapped__))
    monkeypatch.setattr(architectures, "SELECT", 1)


@pytest.mark.parametrize("name", PAPER.designs)
def test_every_contender_answers_in_every_cell(name):
    """All columns have one finite number per row; who trains does so for equally many periods.

    On the store's grid nobody is better than value iteration.
    """
    if name == "peer":
        pytest.importorskip("stable_baselines3")
    experiment = PAPER.experiments[name]
    streams = Streams("control/inventory_hdpo", name, 0, range(N))
    for settings in stacks(name):
        for contender in experiment.contenders.values():
            made = experiment.problem(**settings, streams=streams, n=N)
            private = {"streams": streams.private(contender.name)}
            answer = contender.function(made, **(private if contender.wants_streams else {}))
            where = f"{contender.name} at {settings}"
            found = experiment.measure(made, answer)
            for column in found.values():
                assert column.shape == (made.rows,), where
                assert bool(torch.isfinite(torch.as_tensor(column)).all()), where
            if "optimum" in found:
                assert found["gap"].min() > -1e-5, where
                assert found["gap"].max() < 1e-4 or contender.name != "value_iteration", where
            T, steps, batch, traces = made.training
            periods = T * steps * min(batch, traces or batch)
            assert (
                made.calls.tolist() == [0 if contender.name in UNTRAINED else periods] * made.rows
            ), where


def test_the_full_profile_holds_all_that_is_promised():
    """All sixteen instances, four series, three numbers of stores, three training sets."""
    cells = {name: {*map(tuple, map(dict.values, d.cells))} for name, d in PAPER.designs.items()}
    assert len(cells["zipkin"]) == len(cells["optima"]) == len(cells["serial"]) == 16
    assert len(cells["backlog"]) == 24
    assert PAPER.designs["transshipment"].settings["K"] == (3, 5, 10)
    assert PAPER.designs["warehouse"].settings["traces"] == (16, 256, 8192)
    sizes = PAPER.designs["zipkin"].settings
    assert (sizes["T"], sizes["batch"], sizes["traces"]) == ((50,), (8192,), (32768,))
    assert all(d.replicates >= 5 for name, d in PAPER.designs.items() if name != "optima")
