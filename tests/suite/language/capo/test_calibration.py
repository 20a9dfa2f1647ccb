"""Thresholds are quantiles of plain GRPO's tokens, on seeds of their own, with the schedule out."""

import numpy as np
import pytest
import torch

from suite.language.capo import calibration
from suite.language.capo.calibration import FIRST, LAST, RUNS, STEPS, Pool, Seeds
from suite.language.capo.method import Shifts, Tokens
from suite.language.capo.problem import QUANTILES
from suite.language.tinylm.training import Recipe


def test_pool_takes_the_schedule_out_and_counts_tokens_with_an_advantage():
    """With m_F = factor^2 x and m_H = -factor x, the quantiles are those of x in steps 3 to 8."""
    recipe = Recipe(steps=STEPS)
    pool, n = Pool(recipe), 20
    x = torch.arange(1.0, n + 1).repeat(2 * RUNS, 1)
    x[RUNS:] *= 10
    A = torch.ones_like(x)
    A[:, 15:] = 0
    mask = torch.ones_like(x)
    mask[:, :5] = 0
    for step in range(STEPS):
        factor = recipe.factor(step) if FIRST <= step <= LAST else 1e9
        tokens = Tokens(torch.empty(0), torch.empty(0), torch.empty(0), A)
        pool(tokens, Shifts(-factor * x, factor**2 * x), mask, mask)
    found = pool.thresholds("adam", (0.5, 1.0), 2)
    for symbol in "FH":
        np.testing.assert_allclose(found[f"adam_{symbol}"], [[10.5, 15], [105, 150]], rtol=1e-6)


def test_without_any_advantage_nothing_bounds():
    """An empty pool gives infinite thresholds."""
    pool = Pool(Recipe(steps=STEPS))
    tokens = Tokens(torch.empty(0), torch.empty(0), torch.empty(0), torch.zeros(RUNS, 4))
    for _ in range(STEPS):
        pool(tokens, Shifts(torch.ones(RUNS, 4), torch.ones(RUNS, 4)), torch.ones(RUNS, 4), None)
    assert pool.thresholds("sgd", (0.5,), 1)["sgd_F"].tolist() == [[np.inf]]


def test_seeds_differ_by_run_and_purpose():
    """Runs and purposes have generators of their own, the same at each call."""
    first = [one.random() for p in ("prompts", "samples") for one in Seeds("cpu").each(p)]
    again = [one.random() for p in ("prompts", "samples") for one in Seeds("cpu").each(p)]
    assert first == again
    assert len(set(first)) == 2 * RUNS


@pytest.fixture
def easy(tiny, monkeypatch):
    """Let the start be an untrained net on the easy task."""
    problem = tiny()
    monkeypatch.setattr(calibration, "TASKS", {"easy": problem.task})
    net = dict(problem.arrays)
    monkeypatch.setattr(calibration, "pretrain", lambda *_args, **_settings: net)


def start(lr=(0.01, 0.001)):
    return calibration.start(
        task="easy", width=8, layers=1, heads=2, pretraining=1, lr=lr, prompts=3, group=4,
        quantiles=QUANTILES, device="cpu",
    )  # fmt: skip


@pytest.mark.usefixtures("easy")
def test_start_has_thresholds_for_each_rate_and_quantile():
    """They rise with quantile and rate, of m_F as the square, and are the same when made again."""
    found, again = start(), start()
    for model in ("adam", "sgd"):
        for symbol in "FH":
            values = found[f"{model}_{symbol}"]
            assert values.shape == (2, 4)
            assert (values.diff(dim=1) > 0).all()
            assert (values[0] > values[1]).all()
            assert torch.equal(values, again[f"{model}_{symbol}"])
    assert found["adam_F"][0, 1] / found["adam_F"][1, 1] > 10
    assert "head" in found


@pytest.mark.usefixtures("easy")
def test_a_rate_is_calibrated_by_itself():
    """Its thresholds do not depend on the others of the stack."""
    torch.testing.assert_close(start()["adam_F"][0], start((0.01,))["adam_F"][0], rtol=1e-3, atol=0)
