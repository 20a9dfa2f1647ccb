"""Supervised training: the loss is cross-entropy on the answers, the stop is as written."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from suite.language.tinylm.arithmetic import ADDITION, TASKS
from suite.language.tinylm.model import Transformer
from suite.language.tinylm.problem_sets import problems
from suite.language.tinylm.sampling import greedy_accuracy
from suite.language.tinylm.supervised import answer_loss, architecture_of, pretrain
from tests.suite.language.tinylm.nets import stack, streams

TINY = {"width": 8, "layers": 1, "heads": 2, "batch": 4}


@pytest.mark.parametrize("name", TASKS)
def test_the_loss_is_cross_entropy_on_the_answer(name):
    """Prompt and answer are read together; only the tokens of the answer are scored."""
    task = TASKS[name]
    model = stack(0, 1, task=task)
    operands = problems(task, "train")[:6].reshape(2, 3, -1)
    text = torch.cat((task.prompts(operands), task.answers(operands)), dim=-1)
    logits, _ = model(text[..., :-1])
    found = answer_loss(model, task, operands)
    for k in range(2):
        scored = logits[k, :, task.prompt - 1 :].flatten(0, 1)
        expected = cross_entropy(scored, text[k, :, task.prompt :].flatten())
        torch.testing.assert_close(found[k], expected)


def test_training_stops_where_it_is_good_enough():
    """The first check that is passed ends it; none passed, the last step does."""
    early = pretrain(**TINY, enough=0.0, first_check=4, every=3, most=20)
    never = pretrain(**TINY, enough=1.1, first_check=4, every=3, most=12)
    assert int(early["steps"]) == 4
    assert int(never["steps"]) == 12


def test_training_is_the_same_every_time():
    """One seed gives the same bits twice, another seed others; it is kept by the engine."""
    short = {**TINY, "enough": 1.1, "first_check": 2, "most": 5}
    one, again = pretrain(**short), pretrain(**short)
    kept = streams().kept(pretrain, **short)
    other = pretrain(**short, seed=1)
    assert one.keys() == kept.keys()
    for name, array in one.items():
        assert torch.equal(array, again[name])
        assert torch.equal(array, torch.from_numpy(kept[name]))
    assert not torch.equal(one["head"], other["head"])


def test_the_loss_falls_and_the_net_can_be_taken_up():
    """A hundred steps halve the distance to certainty; the arrays make the same net again."""
    arrays = pretrain(width=32, layers=1, heads=2, enough=1.1, first_check=100, most=100)
    architecture = architecture_of(ADDITION, 32, 1, 2)
    model = Transformer(architecture, [arrays] * 2, "cpu")
    test = problems(ADDITION, "test")
    loss = answer_loss(model, ADDITION, test.expand(2, -1, -1)).detach()
    assert float(loss[0]) < 0.6 * torch.log(torch.tensor(14.0))
    assert torch.equal(loss[:1], loss[1:])
    accuracy = greedy_accuracy(model, ADDITION, test)
    assert torch.equal(accuracy, arrays["greedy_accuracy"].expand(2))


@pytest.mark.parametrize(("width", "lr"), [(32, 3e-3), (64, 3e-3), (128, 1.5e-3)])
def test_wide_nets_take_smaller_steps(width, lr):
    """Adam's first step moves every weight that has a gradient by the rate: 3e-3, less if wide."""
    architecture = architecture_of(ADDITION, width, 1, 2)
    start = architecture.initial(torch.Generator().manual_seed(0))
    end = pretrain(width=width, layers=1, heads=2, batch=4, enough=1.1, first_check=9, most=1)
    moved = end["head"] - start["head"]
    assert float(moved.abs().max()) == pytest.approx(lr, rel=1e-3)
