"""All contenders start from one net and meet the same prompts; both tasks run at any size."""

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.language.capo import contenders as who
from suite.language.capo import evaluate, overhead, realised
from suite.language.capo.method import capo_loss
from suite.language.capo.problem import training
from suite.language.tinylm.policy_gradient import grpo_advantage

TINY = {"width": 8, "layers": 1, "heads": 2, "pretraining": 1, "prompts": 2, "group": 3}


def streams(n, experiment="addition"):
    return Streams("language/capo", experiment, 0, range(n))


def prompts_met(problem):
    met = []

    def loss(batch):
        met.append(batch.operands.clone())
        return capo_loss(grpo_advantage)(batch)

    problem.train(loss, checkpoints=())
    return torch.stack(met)


def test_contenders_and_cells_meet_the_same_prompts(tiny):
    """Problems are equal in all cells and for all contenders, and differ between replicates."""
    one, two = (prompts_met(tiny(lr=(0.01, 0.001), n=2)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(one[:, :2], one[:, 2:])
    assert not torch.equal(one[:, 0], one[:, 1])


def test_rows_are_rate_then_replicate(tiny):
    """Rates and thresholds of a stack are laid out alike, and all nets start equal."""
    problem = tiny(lr=(0.01, 0.001), n=3)
    np.testing.assert_allclose(problem.rates(), [0.01] * 3 + [0.001] * 3)
    flat = problem.nets().flat
    assert flat.shape[0] == problem.rows == 6
    assert (flat == flat[0]).all()
    F = problem.threshold("adam_F").flatten()
    assert torch.equal(F, F[[0, 0, 0, 3, 3, 3]])
    assert F[3] == 2 * F[0]


@pytest.mark.parametrize(("steps", "at"), [(80, (16, 32, 48, 64, 80)), (6, (2, 3, 4, 5, 6))])
def test_checkpoints_divide_the_run_and_hold_its_end(tiny, steps, at):
    """There are five, as even as whole steps allow."""
    assert tiny(steps=steps).checkpoints == at


def test_start_is_one_net_for_all_blocks():
    """The pretrained net, its accuracy and thresholds do not depend on block or contender."""
    arrays = [
        training("addition", (1e-3,), **TINY, steps=2, streams=each, n=len(each.replicates)).arrays
        for each in (streams(2), Streams("language/capo", "addition", 3, range(6, 7)))
    ]
    assert set(arrays[0]) == set(arrays[1])
    for name, values in arrays[0].items():
        np.testing.assert_array_equal(values, arrays[1][name])


def test_the_harder_task_runs_at_tiny_size():
    """Two rates of long answers: every column is finite, five numbers a curve."""
    problem = training("carries", (1e-3, 1e-2), **TINY, steps=5, streams=streams(1), n=1)
    found = evaluate.measure(problem, who.capo(problem))
    assert found["final"].shape == (2,)
    assert found["accuracy"].shape == (2, 5)
    assert all(np.isfinite(column).all() for column in found.values())


def test_problems_of_looking_and_racing_pass_their_settings_on():
    """Both build the same training problem, and the race's moments are of one step."""
    settings = {**TINY, "steps": 2, "streams": streams(1), "n": 1}
    seen = realised.realised("addition", (1e-3,), **settings)
    assert len(seen.steps) == 2
    raced = overhead.steps("addition", (1e-3,), **settings)
    assert raced.moments.t == 1
    assert raced.moments.M.shape == (1, 14, 8)
    assert raced.training.steps == 2
